package com.example.flow;

import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

import io.pgconductor.ConductorClient;
import io.pgconductor.InvokeOptions;
import io.pgconductor.OnDuplicate;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

@Component
class Appointments {

	private final ConductorClient conductor;

	private final Mail mail;

	Appointments(ConductorClient conductor, Mail mail) {
		this.conductor = conductor;
		this.mail = mail;
	}

	UUID changed(Appointment appointment) {
		return this.conductor.invoke("remind", appointment,
				InvokeOptions.defaults()
					.dedupeKey("appointment-" + appointment.id())
					.onDuplicate(OnDuplicate.REPLACE)
					.runAt(appointment.begin().minus(Duration.ofHours(1))));
	}

	@Task(name = "remind")
	void remind(Appointment appointment) {
		this.mail.send(appointment.customer(), "See you at " + appointment.begin());
	}

	record Appointment(long id, String customer, Instant begin) {
	}

}
