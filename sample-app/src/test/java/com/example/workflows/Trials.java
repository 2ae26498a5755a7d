package com.example.workflows;

import java.time.Duration;
import java.time.Instant;

import io.pgconductor.TaskContext;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Trials {

	private final Mail mail;

	Trials(Mail mail) {
		this.mail = mail;
	}

	@Task(name = "trial")
	void accompany(Trial trial, TaskContext context) {
		context.step("welcome", () -> this.mail.send(trial.customer(), "Welcome!"));
		context.sleep("first-week", Duration.ofDays(7));
		context.step("ask", () -> this.mail.send(trial.customer(), "How do you like it?"));
		context.sleepUntil("end", trial.endsAt());
		context.step("goodbye", () -> this.mail.send(trial.customer(), "Your trial is over."));
	}

	record Trial(String customer, Instant endsAt) {
	}

}
