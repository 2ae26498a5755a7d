package com.example.triggers;

import java.time.Instant;

import io.pgconductor.ScheduleTick;
import org.junit.jupiter.api.Test;

import static org.mockito.BDDMockito.then;
import static org.mockito.Mockito.mock;

class ReportsTests {

	private final Mail mail = mock(Mail.class);

	private final Reports reports = new Reports(this.mail);

	@Test
	void writesTheDailyReport() {
		Instant six = Instant.parse("2027-01-01T05:00:00Z");

		this.reports.makeReport(new ScheduleTick<>("daily", six, null));

		then(this.mail).should().send("boss@example.com", "The daily report of " + six);
	}

}
