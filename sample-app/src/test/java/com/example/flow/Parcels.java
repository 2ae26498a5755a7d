package com.example.flow;

import com.example.flow.Carriers.Answer;
import io.pgconductor.TaskContext;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Parcels {

	private final Carriers carriers;

	Parcels(Carriers carriers) {
		this.carriers = carriers;
	}

	@Task(name = "announce-parcel", rateLimit = "100/1m", rateLimitKey = "carrier")
	void announce(Parcel parcel, TaskContext context) {
		Answer answer = this.carriers.announce(parcel.carrier(), parcel.number());
		if (answer.status() == 429) {
			context.rateLimited(answer.retryAfter());
		}
	}

	record Parcel(String carrier, String number) {
	}

}
