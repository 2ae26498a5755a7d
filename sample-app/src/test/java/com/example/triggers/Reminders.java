package com.example.triggers;

import java.time.LocalTime;
import java.time.ZoneId;

import io.pgconductor.ConductorClient;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

@Service
class Reminders {

	private final ConductorClient conductor;

	private final Mail mail;

	Reminders(ConductorClient conductor, Mail mail) {
		this.conductor = conductor;
		this.mail = mail;
	}

	@Transactional
	void remindDaily(String customer, LocalTime time, ZoneId zone) {
		String cron = "%d %d * * *".formatted(time.getMinute(), time.getHour());
		this.conductor.schedule("remind", customer, cron, new Reminder(customer, "Time for a break"), zone);
	}

	@Transactional
	boolean stopReminding(String customer) {
		return this.conductor.unschedule("remind", customer);
	}

	boolean goOnHoliday(String customer) {
		return this.conductor.pauseSchedule("remind", customer);
	}

	boolean comeBack(String customer) {
		return this.conductor.resumeSchedule("remind", customer);
	}

	@Task(name = "remind")
	void remind(Reminder reminder) {
		this.mail.send(reminder.customer(), reminder.text());
	}

	record Reminder(String customer, String text) {
	}

}
