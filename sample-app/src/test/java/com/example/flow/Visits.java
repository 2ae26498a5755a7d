package com.example.flow;

import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Visits {

	private final Statistics statistics;

	Visits(Statistics statistics) {
		this.statistics = statistics;
	}

	@Task(name = "count-visit", removeOnComplete = "0", removeOnFail = "3d")
	void count(Visit visit) {
		this.statistics.count(visit.page());
	}

	record Visit(String page) {
	}

}
