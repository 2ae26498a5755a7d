package io.pgconductor.task;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests for {@link TaskWindow}.
 */
class TaskWindowTests {

	private static final ZoneId VIENNA = ZoneId.of("Europe/Vienna");

	@Test
	void anOpenTimeIsItsOwnNextOpening() {
		TaskWindow window = TaskWindow.parse("22:00-06:00", VIENNA);
		Instant open = Instant.parse("2026-07-01T20:00:00.000000001Z");

		assertThat(window.isOpen(open)).isTrue();
		assertThat(window.nextOpening(open)).isEqualTo(open);
	}

	@ParameterizedTest
	@CsvSource({
			// the same day, the next day, the last moment
			"08:00-17:00,UTC,2026-07-01T07:59:59.999Z,2026-07-01T08:00:00Z",
			"08:00-17:00,UTC,2026-07-01T17:00:00Z,2026-07-02T08:00:00Z",
			"22:00-06:00,UTC,2026-07-01T06:00:00Z,2026-07-01T22:00:00Z",
			"22:00-24:00,UTC,2026-12-31T00:00:00Z,2026-12-31T22:00:00Z",
			// by the clocks of the place
			"22:00-06:00,Europe/Vienna,2026-07-01T06:00:00Z,2026-07-01T20:00:00Z",
			"22:00-06:00,Europe/Vienna,2026-12-01T06:00:00Z,2026-12-01T21:00:00Z",
			"01:00-02:00,Asia/Tokyo,2026-07-01T12:00:00Z,2026-07-01T16:00:00Z",
			"20:00-21:00,America/Los_Angeles,2026-07-01T04:00:00Z,2026-07-02T03:00:00Z",
			"09:00-10:00,+05:45,2026-07-01T04:15:00Z,2026-07-02T03:15:00Z" })
	void opensNext(String hours, ZoneId zone, Instant closed, Instant opening) {
		TaskWindow window = TaskWindow.parse(hours, zone);

		assertThat(window.isOpen(closed)).isFalse();
		assertThat(window.nextOpening(closed)).isEqualTo(opening);
	}

	/**
	 * Vienna's clocks go from 02:00 to 03:00 on 2026-03-29 at 01:00Z.
	 */
	@ParameterizedTest
	@CsvSource({
			// its beginning is skipped: at the shift
			"02:30-05:00,2026-03-29T00:00:00Z,2026-03-29T01:00:00Z",
			// all of it is skipped: on the next day
			"02:10-02:50,2026-03-29T00:00:00Z,2026-03-30T00:10:00Z",
			"02:00-03:00,2026-03-29T00:59:59Z,2026-03-30T00:00:00Z",
			"03:00-04:00,2026-03-29T00:00:00Z,2026-03-29T01:00:00Z",
			"04:00-05:00,2026-03-29T00:00:00Z,2026-03-29T02:00:00Z" })
	void opensAroundASkippedHour(String hours, Instant closed, Instant opening) {
		TaskWindow window = TaskWindow.parse(hours, VIENNA);

		assertThat(window.isOpen(closed)).isFalse();
		assertThat(window.nextOpening(closed)).isEqualTo(opening);
	}

	/**
	 * Vienna's clocks go from 03:00 back to 02:00 on 2026-10-25 at 01:00Z.
	 */
	@ParameterizedTest
	@CsvSource({
			// closed at half past, open again when it is 02:00 again
			"01:00-02:30,2026-10-25T00:30:00Z,2026-10-25T01:00:00Z",
			"22:00-02:30,2026-10-25T00:45:00Z,2026-10-25T01:00:00Z",
			// both times
			"02:10-02:20,2026-10-25T00:00:00Z,2026-10-25T00:10:00Z",
			"02:10-02:20,2026-10-25T00:20:00Z,2026-10-25T01:10:00Z",
			"02:10-02:20,2026-10-25T01:20:00Z,2026-10-26T01:10:00Z",
			"03:00-04:00,2026-10-25T00:59:59Z,2026-10-25T02:00:00Z" })
	void opensInBothOfADoubledHour(String hours, Instant closed, Instant opening) {
		TaskWindow window = TaskWindow.parse(hours, VIENNA);

		assertThat(window.isOpen(closed)).isFalse();
		assertThat(window.nextOpening(closed)).isEqualTo(opening);
	}

	@Test
	void opensAfterADayThatIsSkipped() {
		// Samoa had no 30 December 2011
		TaskWindow window = TaskWindow.parse("12:00-13:00", ZoneId.of("Pacific/Apia"));

		assertThat(window.nextOpening(Instant.parse("2011-12-29T23:00:00Z")))
			.isEqualTo(Instant.parse("2011-12-30T22:00:00Z"));
	}

	@Test
	void aWholeDayIsAlwaysOpen() {
		TaskWindow window = TaskWindow.parse("00:00-24:00", VIENNA);

		for (Instant time = Instant.parse("2026-03-28T00:00:00Z"); time
			.isBefore(Instant.parse("2026-03-31T00:00:00Z")); time = time.plus(Duration.ofMinutes(1))) {
			assertThat(window.nextOpening(time)).isEqualTo(time);
		}
	}

	@ParameterizedTest
	@CsvSource({ "22:00-06:00,Europe/Vienna", "02:10-02:50,Europe/Vienna", "01:00-02:30,Europe/Vienna",
			"02:30-03:30,America/New_York", "00:00-00:30,Asia/Beirut", "01:45-02:15,Australia/Lord_Howe" })
	void opensAtTheFirstOpenMinuteOfAYear(String hours, ZoneId zone) {
		TaskWindow window = TaskWindow.parse(hours, zone);
		Instant end = Instant.parse("2027-01-03T00:00:00Z");
		Instant firstOpen = end;

		for (Instant minute = end; minute
			.isAfter(Instant.parse("2026-01-01T00:00:00Z")); minute = minute.minus(Duration.ofMinutes(1))) {
			if (window.isOpen(minute)) {
				firstOpen = minute;
			}
			if (firstOpen != end && minute.getEpochSecond() % Duration.ofMinutes(15).toSeconds() == 0) {
				assertThat(window.nextOpening(minute)).as("next opening from %s", minute).isEqualTo(firstOpen);
			}
		}
	}

}
