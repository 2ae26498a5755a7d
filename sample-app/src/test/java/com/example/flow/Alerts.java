package com.example.flow;

import java.time.Duration;
import java.util.UUID;

import io.pgconductor.ConductorClient;
import io.pgconductor.InvokeOptions;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Alerts {

	private final ConductorClient conductor;

	private final Mail mail;

	Alerts(ConductorClient conductor, Mail mail) {
		this.conductor = conductor;
		this.mail = mail;
	}

	UUID failed(Outage outage) {
		return this.conductor.invoke("alert", outage,
				InvokeOptions.defaults().dedupeKey(outage.service()).throttle(Duration.ofMinutes(15)));
	}

	@Task(name = "alert")
	void alert(Outage outage) {
		this.mail.send("admin@example.com", outage.service() + ": " + outage.message());
	}

	record Outage(String service, String message) {
	}

}
