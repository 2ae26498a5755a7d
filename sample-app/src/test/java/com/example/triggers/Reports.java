package com.example.triggers;

import io.pgconductor.EmittedEvent;
import io.pgconductor.ScheduleTick;
import io.pgconductor.TaskEvent;
import io.pgconductor.annotation.Cron;
import io.pgconductor.annotation.OnEvent;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Reports {

	private final Mail mail;

	Reports(Mail mail) {
		this.mail = mail;
	}

	@Task(name = "make-report", queue = "reports", maxAttempts = 5)
	@Cron(value = "0 6 * * *", name = "daily", zone = "Europe/Vienna")
	@Cron(value = "0 6 1 * *", name = "monthly", zone = "Europe/Vienna")
	@OnEvent("report.requested")
	void makeReport(TaskEvent<?> event) {
		if (event instanceof ScheduleTick<?> tick) {
			this.mail.send("boss@example.com", "The " + tick.name() + " report of " + tick.scheduledAt());
		}
		else if (event instanceof EmittedEvent<?> emitted) {
			ReportRequest request = emitted.payload(ReportRequest.class);
			this.mail.send(request.recipient(), "The report that you have requested");
		}
		else {
			this.mail.send("boss@example.com", "A report in between");
		}
	}

	record ReportRequest(String recipient) {
	}

}
