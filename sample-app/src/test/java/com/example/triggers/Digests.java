package com.example.triggers;

import io.pgconductor.ScheduleTick;
import io.pgconductor.annotation.Cron;
import org.springframework.stereotype.Component;

@Component
class Digests {

	private final Mail mail;

	Digests(Mail mail) {
		this.mail = mail;
	}

	@Cron(value = "0 9 * * MON-FRI", zone = "Europe/Vienna")
	void sendDigest(ScheduleTick<?> tick) {
		this.mail.send("readers@example.com", "The news until " + tick.scheduledAt());
	}

}
