package com.example.triggers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

import io.pgconductor.task.CronTimes;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class CronDocumentationTests {

	private static final ZoneId VIENNA = ZoneId.of("Europe/Vienna");

	private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm z", Locale.ENGLISH);

	@Test
	void showsExpressionsWithTheirTimes() throws IOException {
		List<List<String>> rows = table("| expression | next times |");

		assertThat(rows).isNotEmpty().allSatisfy((row) -> {
			List<String> times = new ArrayList<>();
			CronTimes cron = CronTimes.parse(row.get(0), ZoneId.of("UTC"));
			Instant time = Instant.parse("2027-01-01T00:00:00Z");
			for (int i = 0; i < row.get(1).split(", ").length; i++) {
				time = cron.next(time);
				assertThat(time).isNotNull();
				times.add(DateTimeFormatter
					.ofPattern("EEE d MMM HH:mm" + (row.get(1).matches(".*:\\d\\d:.*") ? ":ss" : ""), Locale.ENGLISH)
					.format(time.atZone(ZoneId.of("UTC"))));
			}
			assertThat(String.join(", ", times)).isEqualTo(row.get(1));
		});
	}

	@Test
	void showsWhatBecomesOfTimesWhenClocksAreChanged() throws IOException {
		List<List<String>> rows = table("| expression | 28 March 2027, forward | 31 October 2027, back |");

		assertThat(rows).isNotEmpty().allSatisfy((row) -> {
			assertThat(ticks(row.get(0), ZonedDateTime.of(2027, 3, 28, 1, 0, 0, 0, VIENNA))).isEqualTo(row.get(1));
			assertThat(ticks(row.get(0), ZonedDateTime.of(2027, 10, 31, 1, 0, 0, 0, VIENNA))).isEqualTo(row.get(2));
		});
	}

	/**
	 * The times between one and four by the clocks.
	 */
	private static String ticks(String expression, ZonedDateTime from) {
		CronTimes cron = CronTimes.parse(expression, VIENNA);
		Instant end = from.withHour(4).toInstant();
		List<String> ticks = new ArrayList<>();
		Instant tick = cron.next(from.toInstant().minusSeconds(1));
		while (tick != null && tick.isBefore(end)) {
			ticks.add(CLOCK.format(tick.atZone(VIENNA)));
			tick = cron.next(tick);
		}
		return String.join(", ", ticks);
	}

	private static List<List<String>> table(String header) throws IOException {
		return Files.readString(Path.of("../docs/cron.md"))
			.lines()
			.dropWhile((line) -> !line.equals(header))
			.skip(2)
			.takeWhile((line) -> line.startsWith("|"))
			.map((line) -> Arrays.stream(line.substring(2, line.length() - 2).split(" \\| "))
				.map((cell) -> cell.replace("`", ""))
				.toList())
			.toList();
	}

}
