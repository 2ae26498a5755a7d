package io.pgconductor.task;

import java.time.LocalTime;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/**
 * Tests for {@link DailyHours}.
 */
class DailyHoursTests {

	@ParameterizedTest
	@CsvSource({ "22:00-06:00,22:00-06:00", "08:15-17:30,08:15-17:30", "8:15-9:00,08:15-09:00",
			"' 22:00 - 24:00 ',22:00-24:00", "22:00-00:00,22:00-24:00", "00:00-06:00,00:00-06:00",
			"00:00-24:00,00:00-24:00", "23:59-00:01,23:59-00:01" })
	void readsItsText(String text, String read) {
		assertThat(DailyHours.parse(text)).hasToString(read);
	}

	@ParameterizedTest
	@ValueSource(strings = { "", "22:00", "22-06", "22:00-06:00-07:00", "24:00-06:00", "25:00-06:00", "22:60-06:00",
			"22:00-24:01", "22:00/06:00", "10pm-6am", "22:00-06:00 Europe/Vienna", "${night}" })
	void refusesOtherText(String text) {
		assertThatIllegalArgumentException().isThrownBy(() -> DailyHours.parse(text))
			.withMessageContainingAll("HH:mm-HH:mm", "22:00-06:00");
	}

	@ParameterizedTest
	@ValueSource(strings = { "08:00-08:00", "8:00-08:00", "00:00-00:00" })
	void refusesToBeginAndEndAtTheSameTime(String text) {
		assertThatIllegalArgumentException().isThrownBy(() -> DailyHours.parse(text))
			.withMessageContainingAll("same time", "leave the window out");
	}

	@Test
	void refusesEqualTimesAlsoFromCode() {
		LocalTime noon = LocalTime.NOON;

		assertThatIllegalArgumentException().isThrownBy(() -> new DailyHours(noon, noon))
			.withMessageContainingAll("12:00", "leave the window out");
	}

	@ParameterizedTest
	@CsvSource({ "08:00-17:00,07:59:59.999999999,false", "08:00-17:00,08:00,true",
			"08:00-17:00,16:59:59.999999999,true", "08:00-17:00,17:00,false", "22:00-06:00,21:59:59,false",
			"22:00-06:00,22:00,true", "22:00-06:00,00:00,true", "22:00-06:00,05:59:59,true", "22:00-06:00,06:00,false",
			"22:00-24:00,23:59:59.999999999,true", "22:00-24:00,00:00,false", "22:00-24:00,21:59,false",
			"00:00-06:00,00:00,true", "00:00-06:00,06:00,false", "00:00-24:00,00:00,true", "00:00-24:00,12:00,true",
			"00:00-24:00,23:59:59.999999999,true" })
	void beginsInclusivelyAndEndsExclusively(String hours, LocalTime time, boolean contained) {
		assertThat(DailyHours.parse(hours).contains(time)).isEqualTo(contained);
	}

}
