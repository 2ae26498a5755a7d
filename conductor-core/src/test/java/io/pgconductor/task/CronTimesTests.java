package io.pgconductor.task;

import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.NavigableSet;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import org.springframework.scheduling.support.CronExpression;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/**
 * Tests for {@link CronTimes}.
 */
class CronTimesTests {

	private static final ZoneId UTC = ZoneId.of("UTC");

	private static final ZoneId VIENNA = ZoneId.of("Europe/Vienna");

	private static @Nullable Instant next(String expression, ZoneId zone, Instant after) {
		return CronTimes.parse(expression, zone).next(after);
	}

	private static List<Instant> times(CronTimes cron, Instant from, Instant to) {
		List<Instant> times = new ArrayList<>();
		Instant last = from.minusNanos(1);
		for (Instant time = cron.next(last); time != null && time.isBefore(to); time = cron.next(last)) {
			assertThat(time).as("after %s", last).isAfter(last);
			times.add(time);
			last = time;
		}
		return times;
	}

	@Nested
	class Fields {

		/**
		 * 2026-07-01 is a Wednesday.
		 */
		@ParameterizedTest
		@CsvSource(delimiter = '|', textBlock = """
				* * * * *          | 2026-07-01T00:00:00Z           | 2026-07-01T00:01:00Z
				* * * * *          | 2026-07-01T00:00:59.999999999Z | 2026-07-01T00:01:00Z
				* * * * *          | 2026-06-30T23:59:59.999999999Z | 2026-07-01T00:00:00Z
				5 4 * * *          | 2026-07-01T04:05:00Z           | 2026-07-02T04:05:00Z
				5 4 * * *          | 2026-07-01T04:04:59.5Z         | 2026-07-01T04:05:00Z
				05 04 * * *        | 2026-07-01T00:00:00Z           | 2026-07-01T04:05:00Z
				*/20 * * * *       | 2026-07-01T00:20:00Z           | 2026-07-01T00:40:00Z
				*/45 * * * *       | 2026-07-01T00:45:00Z           | 2026-07-01T01:00:00Z
				*/60 * * * *       | 2026-07-01T00:00:00Z           | 2026-07-01T01:00:00Z
				10/20 * * * *      | 2026-07-01T00:50:00Z           | 2026-07-01T01:10:00Z
				1-10/4 * * * *     | 2026-07-01T00:05:00Z           | 2026-07-01T00:09:00Z
				1-10/4 * * * *     | 2026-07-01T00:09:00Z           | 2026-07-01T01:01:00Z
				1,3,50-52 * * * *  | 2026-07-01T00:03:00Z           | 2026-07-01T00:50:00Z
				0 9-17 * * *       | 2026-07-01T17:00:00Z           | 2026-07-02T09:00:00Z
				0 0 31 * *         | 2026-08-31T00:00:00Z           | 2026-10-31T00:00:00Z
				0 0 29 2 *         | 2096-02-29T00:00:00Z           | 2104-02-29T00:00:00Z
				0 0 1 feb *        | 2026-07-01T00:00:00Z           | 2027-02-01T00:00:00Z
				0 0 1 Nov-DEC *    | 2026-07-01T00:00:00Z           | 2026-11-01T00:00:00Z
				0 0 1 JAN-DEC/5 *  | 2026-07-01T00:00:00Z           | 2026-11-01T00:00:00Z
				  0   0  1 *  *    | 2026-07-01T00:00:00Z           | 2026-08-01T00:00:00Z
				""")
		void ofUnixCron(String expression, Instant after, Instant next) {
			assertThat(next(expression, UTC, after)).isEqualTo(next);
		}

		@ParameterizedTest
		@CsvSource(delimiter = '|', textBlock = """
				0 0 * * 0          | 2026-07-01T00:00:00Z | 2026-07-05T00:00:00Z
				0 0 * * 7          | 2026-07-01T00:00:00Z | 2026-07-05T00:00:00Z
				0 0 * * sun        | 2026-07-01T00:00:00Z | 2026-07-05T00:00:00Z
				0 0 * * 1-5        | 2026-07-03T00:00:00Z | 2026-07-06T00:00:00Z
				0 0 * * Mon-FRI    | 2026-07-03T00:00:00Z | 2026-07-06T00:00:00Z
				0 0 * * SUN-TUE    | 2026-07-07T00:00:00Z | 2026-07-12T00:00:00Z
				0 0 * * 7-2        | 2026-07-07T00:00:00Z | 2026-07-12T00:00:00Z
				0 0 * * SAT-SUN    | 2026-07-05T00:00:00Z | 2026-07-11T00:00:00Z
				0 0 * * 6-7        | 2026-07-04T00:00:00Z | 2026-07-05T00:00:00Z
				0 0 * * 6-0        | 2026-07-04T00:00:00Z | 2026-07-05T00:00:00Z
				0 0 * * SUN-SUN    | 2026-07-01T00:00:00Z | 2026-07-05T00:00:00Z
				0 0 * * 7-7        | 2026-07-01T00:00:00Z | 2026-07-05T00:00:00Z
				0 0 * * 0-7        | 2026-07-01T00:00:00Z | 2026-07-02T00:00:00Z
				0 0 * * TUE,sat    | 2026-07-01T00:00:00Z | 2026-07-04T00:00:00Z
				# from Sunday on: Sunday, Tuesday, Thursday, Saturday
				0 0 * * */2        | 2026-07-01T00:00:00Z | 2026-07-02T00:00:00Z
				0 0 * * */2        | 2026-07-02T00:00:00Z | 2026-07-04T00:00:00Z
				0 0 * * */2        | 2026-07-04T00:00:00Z | 2026-07-05T00:00:00Z
				0 0 * * */2        | 2026-07-05T00:00:00Z | 2026-07-07T00:00:00Z
				0 0 * * */7        | 2026-07-01T00:00:00Z | 2026-07-05T00:00:00Z
				0 0 * * SUN/3      | 2026-07-01T00:00:00Z | 2026-07-04T00:00:00Z
				""")
		void haveSundayTwice(String expression, Instant after, Instant next) {
			assertThat(next(expression, UTC, after)).isEqualTo(next);
		}

		@ParameterizedTest
		@CsvSource(delimiter = '|', textBlock = """
				# both restricted: either
				0 0 13 * 5         | 2026-07-01T00:00:00Z | 2026-07-03T00:00:00Z
				0 0 13 * 5         | 2026-07-10T00:00:00Z | 2026-07-13T00:00:00Z
				0 0 13 * 5         | 2026-07-13T00:00:00Z | 2026-07-17T00:00:00Z
				0 0 13 9 5         | 2026-07-01T00:00:00Z | 2026-09-04T00:00:00Z
				0 0 1,* * 5        | 2026-07-01T00:00:00Z | 2026-07-02T00:00:00Z
				0 0 1-31 * 5       | 2026-07-01T00:00:00Z | 2026-07-02T00:00:00Z
				0 0 L * MON#1      | 2026-07-01T00:00:00Z | 2026-07-06T00:00:00Z
				0 0 L * MON#1      | 2026-07-06T00:00:00Z | 2026-07-31T00:00:00Z
				# one of them is never
				0 0 31 2 MON       | 2026-07-01T00:00:00Z | 2027-02-01T00:00:00Z
				# one has a star: both
				0 0 13 * *         | 2026-07-01T00:00:00Z | 2026-07-13T00:00:00Z
				0 0 * * 5          | 2026-07-01T00:00:00Z | 2026-07-03T00:00:00Z
				0 0 ? * 5          | 2026-07-01T00:00:00Z | 2026-07-03T00:00:00Z
				0 0 13 * ?         | 2026-07-01T00:00:00Z | 2026-07-13T00:00:00Z
				0 0 ? * ?          | 2026-07-01T00:00:00Z | 2026-07-02T00:00:00Z
				0 0 */2 * FRI      | 2026-07-03T00:00:00Z | 2026-07-17T00:00:00Z
				0 0 13 * */5       | 2026-07-01T00:00:00Z | 2026-09-13T00:00:00Z
				0 0 *,1 * 5        | 2026-07-01T00:00:00Z | 2026-07-03T00:00:00Z
				""")
		void ofDaysAreAlternativesIfBothAreRestricted(String expression, Instant after, Instant next) {
			assertThat(next(expression, UTC, after)).isEqualTo(next);
		}

		@ParameterizedTest
		@CsvSource(delimiter = '|', textBlock = """
				* * * * * *        | 2026-07-01T00:00:00.1Z | 2026-07-01T00:00:01Z
				*/10 * * * * *     | 2026-07-01T00:00:50Z   | 2026-07-01T00:01:00Z
				30 5 4 * * *       | 2026-07-01T04:05:29Z   | 2026-07-01T04:05:30Z
				# a day must match both
				0 0 0 13 * FRI     | 2026-07-01T00:00:00Z   | 2026-11-13T00:00:00Z
				0 0 0 13 * 5       | 2026-11-13T00:00:00Z   | 2027-08-13T00:00:00Z
				0 0 0 ? * SUN      | 2026-07-01T00:00:00Z   | 2026-07-05T00:00:00Z
				# steps count from Monday on
				0 0 0 * * */2      | 2026-07-03T00:00:00Z   | 2026-07-05T00:00:00Z
				0 0 0 * * */2      | 2026-07-05T00:00:00Z   | 2026-07-06T00:00:00Z
				0 0 0 29 2 MON     | 2072-03-01T00:00:00Z   | 2112-02-29T00:00:00Z
				""")
		void ofSpring(String expression, Instant after, Instant next) {
			assertThat(next(expression, UTC, after)).isEqualTo(next);
		}

		@ParameterizedTest
		@CsvSource(delimiter = '|', textBlock = """
				0 0 L * *          | 2026-02-01T00:00:00Z | 2026-02-28T00:00:00Z
				0 0 l-1 * *        | 2026-02-01T00:00:00Z | 2026-02-27T00:00:00Z
				0 0 L-27 * *       | 2026-02-02T00:00:00Z | 2026-03-04T00:00:00Z
				0 0 LW * *         | 2026-02-01T00:00:00Z | 2026-02-27T00:00:00Z
				0 0 15w * *        | 2026-08-01T00:00:00Z | 2026-08-14T00:00:00Z
				0 0 15W,L * *      | 2026-08-14T00:00:00Z | 2026-08-31T00:00:00Z
				0 0 * * 5L         | 2026-07-01T00:00:00Z | 2026-07-31T00:00:00Z
				0 0 * * friL       | 2026-07-01T00:00:00Z | 2026-07-31T00:00:00Z
				0 0 * * MON#2      | 2026-07-01T00:00:00Z | 2026-07-13T00:00:00Z
				0 0 * * 0#1,WED    | 2026-07-01T00:00:00Z | 2026-07-05T00:00:00Z
				0 0 * * 7#5        | 2026-07-01T00:00:00Z | 2026-08-30T00:00:00Z
				0 0 12 L 2 ?       | 2026-07-01T00:00:00Z | 2027-02-28T12:00:00Z
				# as in Spring: May ends with a Sunday and has no weekday after it
				0 0 31W * *        | 2026-05-01T00:00:00Z | 2026-07-31T00:00:00Z
				# Saturday the 1st, Sunday the 2nd: Spring alone would wait for September
				0 4 1W * *         | 2026-08-01T05:00:00Z | 2026-08-03T04:00:00Z
				0 4 1W * *         | 2026-08-02T05:00:00Z | 2026-08-03T04:00:00Z
				0 4 1W * *         | 2026-08-01T23:59:59.999999999Z | 2026-08-03T04:00:00Z
				0 4 1,1W * *       | 2026-08-01T04:00:00Z | 2026-08-03T04:00:00Z
				0 4 1W * *         | 2026-08-03T04:00:00Z | 2026-09-01T04:00:00Z
				""")
		void ofDaysCountFromTheEndAndByWeeks(String expression, Instant after, Instant next) {
			assertThat(next(expression, UTC, after)).isEqualTo(next);
		}

		@ParameterizedTest
		@CsvSource({ "@yearly,2027-01-01T00:00:00Z", "@annually,2027-01-01T00:00:00Z", "@monthly,2026-08-01T00:00:00Z",
				"@weekly,2026-07-05T00:00:00Z", "@daily,2026-07-02T00:00:00Z", "@midnight,2026-07-02T00:00:00Z",
				"@hourly,2026-07-01T01:00:00Z", "@Hourly,2026-07-01T01:00:00Z" })
		void haveAbbreviations(String expression, Instant next) {
			assertThat(next(expression, UTC, Instant.parse("2026-07-01T00:00:00Z"))).isEqualTo(next);
		}

		@Test
		void areReadLikeSpringReadsThem() {
			Random random = new Random(6);

			for (int i = 0; i < 300; i++) {
				RandomCron cron = RandomCron.next(random);
				String expression = random.nextInt(60) + " " + cron.minute.text + " " + cron.hour.text + " "
						+ cron.day.text + " " + cron.month.text + " " + cron.week.text;
				LocalDateTime after = LocalDateTime.of(2020 + random.nextInt(20), 1 + random.nextInt(12), 1, 0, 0);
				LocalDateTime next = CronExpression.parse(expression).next(after);
				if (next != null) {
					assertThat(next(expression, ZoneOffset.UTC, after.toInstant(ZoneOffset.UTC))).as(expression)
						.isEqualTo(next.toInstant(ZoneOffset.UTC));
				}
			}
		}

	}

	@Nested
	class Refusals {

		@ParameterizedTest
		@CsvSource(delimiter = '|', quoteCharacter = '"',
				textBlock = """
						""               | it has 0 fields: use five
						"  "             | it has 0 fields: use five
						-                | it has 1 field: use five
						* * * *          | it has 4 fields: use five (minute, hour, day of month, month, day of week), or six
						* * * * * * *    | it has 7 fields: use five
						@reboot          | not a known abbreviation: use one of @annually, @daily, @hourly
						@every 5m        | not a known abbreviation
						60 * * * *       | minute '60' is not valid: use 0 to 59
						5,60 * * * *     | minute '5,60' has '60', which is not valid: use 0 to 59
						-1 * * * *       | minute '-1'
						+1 * * * *       | minute '+1'
						1- * * * *       | minute '1-'
						1,,2 * * * *     | minute '1,,2'
						1, * * * *       | minute '1,'
						? * * * *        | minute '?'
						*-5 * * * *      | minute '*-5'
						00000 * * * *    | minute '00000'
						99999999999 * * * * | minute '99999999999'
						minute=5 * * * * | minute 'MINUTE=5'
						*/0 * * * *      | minute '*/0' has the step '0': use 1 to 60
						*/61 * * * *     | minute '*/61' has the step '61': use 1 to 60
						*/2147483647 * * * * | minute '*/2147483647' has the step
						*/ * * * *       | minute '*/'
						5-1 * * * *      | minute '5-1' has a range that goes down: use two, such as 5-59,0-1
						60 * * * * *     | second '60' is not valid: use 0 to 59
						* 24 * * *       | hour '24' is not valid: use 0 to 23
						* * 0 * *        | day of month '0' is not valid: use 1 to 31
						* * 32 * *       | day of month '32' is not valid: use 1 to 31
						* * 32W * *      | day of month '32W'
						* * W * *        | day of month 'W'
						* * L-28 * *     | day of month 'L-28' has '28', which is not valid: use 1 to 31, L for the last day, L-1 to L-27
						* * L-0 * *      | day of month 'L-0'
						* * ?,1 * *      | day of month '?,1'
						* * * 0 *        | month '0' is not valid: use 1 to 12 or JAN to DEC
						* * * 13 *       | month '13' is not valid
						* * * foo *      | month 'FOO' is not valid
						* * * JANUARY *  | month 'JANUARY' is not valid
						* * * JAN2 *     | month 'JAN2' is not valid
						* * * ? *        | month '?' is not valid
						* * * * 8        | day of week '8' is not valid: use 0 to 7 or SUN to SAT
						* * * * XYZ      | day of week 'XYZ' is not valid
						* * * * JAN      | day of week 'JAN' is not valid
						* * * * L        | day of week 'L' is not valid
						* * * * MON#0    | day of week 'MON#0'
						* * * * MON#6    | day of week 'MON#6' has '6'
						* * * * FRI-MON  | day of week 'FRI-MON' has a range that goes down: use two, such as 5-7,0-1
						0 0 30 2 *       | no date has the day of month '30', month '2' and day of week '*': change one of them
						0 0 31 4,6,9 *   | no date has the day of month '31', month '4,6,9'
						0 0 0 8 * MON#1  | no date has the day of month '8', month '*' and day of week 'MON#1'
						""")
		void nameTheExpressionTheFieldAndTheRemedy(String expression, String message) {
			assertThatIllegalArgumentException().isThrownBy(() -> CronTimes.parse(expression, UTC))
				.withMessageStartingWith("cron expression '" + expression + "': ")
				.withMessageContaining(message);
		}

		@ParameterizedTest
		@ValueSource(strings = { "0\t0 * * *", "0 0 * * *\n", "\r0 0 * * *", "0 0 * * *\0", "0 0 *\u00a0* *",
				"\u0663 0 * * *", "0 0 * * \u017fun" })
		void areForWhatIsNotPrintableAscii(String expression) {
			assertThatIllegalArgumentException().isThrownBy(() -> CronTimes.parse(expression, UTC))
				.withMessageMatching("[^\\p{IsControl}]+")
				.withMessageContaining("not printable ASCII: use spaces");
		}

		@Test
		void areForMoreThan200Characters() {
			String longest = "0,".repeat(95) + "0 * * * *   ";

			assertThat(longest).hasSize(202);
			assertThat(CronTimes.parse(longest.substring(0, 200), UTC)).isNotNull();
			assertThatIllegalArgumentException().isThrownBy(() -> CronTimes.parse(longest, UTC))
				.withMessageContaining("0 * * * * …': it has 202 characters: use at most 200");
		}

		@ParameterizedTest
		@ValueSource(strings = { "", "Mars/Olympus", "europe/vienna", "+25:00", "Vienna\n" })
		void areForUnknownZones(String id) {
			assertThatIllegalArgumentException().isThrownBy(() -> CronTimes.zone(id))
				.withMessageMatching(
						"'[^\\p{IsControl}]*' is not a time zone: use a name such as Europe/Vienna or UTC");
		}

	}

	/**
	 * Vienna's clocks go from 02:00 to 03:00 on 2026-03-29 at 01:00Z and from 03:00 back
	 * to 02:00 on 2026-10-25 at 01:00Z.
	 */
	@Nested
	class Shifts {

		@ParameterizedTest
		@CsvSource(delimiter = '|', textBlock = """
				# skipped: once, at the shift
				30 2 * * *         | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z
				30 2 * * *         | 2026-03-29T00:59:59Z | 2026-03-29T01:00:00Z
				30 2 * * *         | 2026-03-29T01:00:00Z | 2026-03-30T00:30:00Z
				0 2 * * *          | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z
				*/10 2 * * *       | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z
				*/10 2 * * *       | 2026-03-29T01:00:00Z | 2026-03-30T00:00:00Z
				* * 2 * * *        | 2026-03-29T01:00:00Z | 2026-03-30T00:00:00Z
				0,30 2,3 * * *     | 2026-03-29T00:00:00Z | 2026-03-29T01:00:00Z
				0,30 2,3 * * *     | 2026-03-29T01:00:00Z | 2026-03-29T01:30:00Z
				30 0-23 * * *      | 2026-03-29T00:30:00Z | 2026-03-29T01:00:00Z
				30 2 29 3 *        | 2026-03-01T00:00:00Z | 2026-03-29T01:00:00Z
				30 2 * * SUN       | 2026-03-23T00:00:00Z | 2026-03-29T01:00:00Z
				0 3 * * *          | 2026-03-29T00:00:00Z | 2026-03-29T01:00:00Z
				59 1 * * *         | 2026-03-29T00:00:00Z | 2026-03-29T00:59:00Z
				# shown twice: the first time
				30 2 * * *         | 2026-10-24T12:00:00Z | 2026-10-25T00:30:00Z
				30 2 * * *         | 2026-10-25T00:30:00Z | 2026-10-26T01:30:00Z
				30 2 * * *         | 2026-10-25T01:10:00Z | 2026-10-26T01:30:00Z
				0 2 * * *          | 2026-10-25T00:59:59Z | 2026-10-26T01:00:00Z
				* 2 * * *          | 2026-10-25T00:59:00Z | 2026-10-26T01:00:00Z
				* * 2 * * *        | 2026-10-25T01:00:01Z | 2026-10-26T01:00:00Z
				0,30 2,3 * * *     | 2026-10-25T00:30:00Z | 2026-10-25T02:00:00Z
				0 3 * * *          | 2026-10-25T00:00:00Z | 2026-10-25T02:00:00Z
				@daily             | 2026-03-28T23:00:00Z | 2026-03-29T22:00:00Z
				@daily             | 2026-10-24T22:00:00Z | 2026-10-25T23:00:00Z
				""")
		void moveTimesOfTheCalendar(String expression, Instant after, Instant next) {
			assertThat(next(expression, VIENNA, after)).isEqualTo(next);
		}

		@ParameterizedTest
		@CsvSource(delimiter = '|', textBlock = """
				# skipped: not due, unless the moment of the shift is
				30 * * * *         | 2026-03-29T00:30:00Z | 2026-03-29T01:30:00Z
				30 */2 * * *       | 2026-03-28T23:30:00Z | 2026-03-29T02:30:00Z
				0 * * * *          | 2026-03-29T00:00:00Z | 2026-03-29T01:00:00Z
				@hourly            | 2026-03-29T00:00:00Z | 2026-03-29T01:00:00Z
				@hourly            | 2026-03-29T01:00:00Z | 2026-03-29T02:00:00Z
				0 */2 * * *        | 2026-03-28T23:00:00Z | 2026-03-29T02:00:00Z
				0 */3 * * *        | 2026-03-28T23:00:00Z | 2026-03-29T01:00:00Z
				*/45 * * * *       | 2026-03-29T00:45:00Z | 2026-03-29T01:00:00Z
				* * * * * *        | 2026-03-29T00:59:59Z | 2026-03-29T01:00:00Z
				30 */2 29 3 *      | 2026-03-29T00:00:00Z | 2026-03-29T02:30:00Z
				# shown twice: both times
				30 * * * *         | 2026-10-25T00:30:00Z | 2026-10-25T01:30:00Z
				30 * * * *         | 2026-10-25T00:59:00Z | 2026-10-25T01:30:00Z
				30 */2 * * *       | 2026-10-25T00:30:00Z | 2026-10-25T01:30:00Z
				30 */2 * * *       | 2026-10-25T01:30:00Z | 2026-10-25T03:30:00Z
				0 * * * *          | 2026-10-25T00:00:00Z | 2026-10-25T01:00:00Z
				@hourly            | 2026-10-25T01:00:00Z | 2026-10-25T02:00:00Z
				*/45 * * * *       | 2026-10-25T00:45:00Z | 2026-10-25T01:00:00Z
				* * * * * *        | 2026-10-25T00:59:59Z | 2026-10-25T01:00:00Z
				0 */24 * * *       | 2026-10-24T22:00:00Z | 2026-10-25T23:00:00Z
				""")
		void leaveRealHoursAlone(String expression, Instant after, Instant next) {
			assertThat(next(expression, VIENNA, after)).isEqualTo(next);
		}

		@ParameterizedTest
		@CsvSource(delimiter = '|', textBlock = """
				# half an hour: from 02:00 to 02:30 at 15:30Z, from 02:00 back to 01:30 at 15:00Z
				15 2 * * *   | Australia/Lord_Howe | 2026-10-03T12:00:00Z | 2026-10-03T15:30:00Z
				15 2 * * *   | Australia/Lord_Howe | 2026-10-03T15:30:00Z | 2026-10-04T15:15:00Z
				15 * * * *   | Australia/Lord_Howe | 2026-10-03T14:45:00Z | 2026-10-03T16:15:00Z
				45 1 * * *   | Australia/Lord_Howe | 2026-04-04T14:45:00Z | 2026-04-05T15:15:00Z
				45 * * * *   | Australia/Lord_Howe | 2026-04-04T14:45:00Z | 2026-04-04T15:15:00Z
				0 * * * *    | Australia/Lord_Howe | 2026-04-04T14:00:00Z | 2026-04-04T15:30:00Z
				# midnight: from 00:00 to 01:00 at 03:00Z
				0 0 * * *    | America/Sao_Paulo   | 2018-11-03T12:00:00Z | 2018-11-04T03:00:00Z
				0 0 * * *    | America/Sao_Paulo   | 2018-11-04T03:00:00Z | 2018-11-05T02:00:00Z
				@weekly      | America/Sao_Paulo   | 2018-11-03T12:00:00Z | 2018-11-04T03:00:00Z
				0 0 4 11 *   | America/Sao_Paulo   | 2018-11-03T12:00:00Z | 2018-11-04T03:00:00Z
				0 */2 * * *  | America/Sao_Paulo   | 2018-11-04T01:00:00Z | 2018-11-04T04:00:00Z
				# midnight: from 00:00 back to 23:00 at 02:00Z
				30 23 17 2 * | America/Sao_Paulo   | 2018-02-17T00:00:00Z | 2018-02-18T01:30:00Z
				30 23 17 2 * | America/Sao_Paulo   | 2018-02-18T01:30:00Z | 2019-02-18T02:30:00Z
				30 */23 17 2 * | America/Sao_Paulo | 2018-02-18T01:30:00Z | 2018-02-18T02:30:00Z
				# a whole day: from the 30th to the 31st at 10:00Z
				0 9 * * *    | Pacific/Apia        | 2011-12-29T20:00:00Z | 2011-12-30T10:00:00Z
				0 9 * * *    | Pacific/Apia        | 2011-12-30T10:00:00Z | 2011-12-30T19:00:00Z
				0 9 30 12 *  | Pacific/Apia        | 2011-12-01T00:00:00Z | 2011-12-30T10:00:00Z
				0 9 * * 5    | Pacific/Apia        | 2011-12-25T00:00:00Z | 2011-12-30T10:00:00Z
				0 * 30 12 *  | Pacific/Apia        | 2011-12-01T00:00:00Z | 2012-12-29T10:00:00Z
				0 * * * *    | Pacific/Apia        | 2011-12-30T09:00:00Z | 2011-12-30T10:00:00Z
				# a whole day twice: from 00:00 on the 1st back to 01:00 on the 30th at 13:00Z
				0 9 * * *    | Pacific/Kwajalein   | 1969-09-29T22:00:00Z | 1969-10-01T21:00:00Z
				0 */9 * * *  | Pacific/Kwajalein   | 1969-09-30T07:00:00Z | 1969-09-30T21:00:00Z
				0 9 * * *    | America/Juneau      | 1867-10-17T17:57:41Z | 1867-10-18T17:57:41Z
				0 9 * * *    | America/Juneau      | 1867-10-18T17:57:41Z | 1867-10-20T17:57:41Z
				# seconds: from 00:00 back to 23:54:39 at 22:54:39Z
				58 23 * * *  | Europe/Vienna       | 1893-03-31T12:00:00Z | 1893-03-31T22:52:39Z
				58 23 * * *  | Europe/Vienna       | 1893-03-31T22:52:39Z | 1893-04-01T22:58:00Z
				58 * * * *   | Europe/Vienna       | 1893-03-31T22:52:39Z | 1893-03-31T22:58:00Z
				0 0 * * *    | Europe/Vienna       | 1893-03-31T12:00:00Z | 1893-03-31T23:00:00Z
				# seconds: from 00:00 to 00:44:30 at 00:44:30Z
				0 0 * * *    | Africa/Monrovia     | 1972-01-06T12:00:00Z | 1972-01-07T00:44:30Z
				30 0 * * *   | Africa/Monrovia     | 1972-01-07T00:44:30Z | 1972-01-08T00:30:00Z
				0 * * * *    | Africa/Monrovia     | 1972-01-07T00:00:00Z | 1972-01-07T01:00:00Z
				# fixed
				0 0 * * *    | +05:45              | 2026-07-01T00:00:00Z | 2026-07-01T18:15:00Z
				0 * * * *    | +05:45              | 2026-07-01T00:00:00Z | 2026-07-01T00:15:00Z
				0 0 * * *    | Asia/Tokyo          | 2026-07-01T15:00:00Z | 2026-07-02T15:00:00Z
				""")
		void areOfManyKinds(String expression, ZoneId zone, Instant after, Instant next) {
			assertThat(next(expression, zone, after)).isEqualTo(next);
		}

	}

	@Nested
	class Ends {

		@ParameterizedTest
		@ValueSource(strings = { "* * * * * *", "0 0 1 1 *", "0 * * * *" })
		void areBeyondTheYear9999(String expression) {
			CronTimes cron = CronTimes.parse(expression, VIENNA);

			assertThat(cron.next(Instant.parse("9999-12-31T23:59:59Z"))).isNull();
			assertThat(cron.next(Instant.MAX)).isNull();
			assertThat(cron.latest(Instant.parse("9998-12-31T23:00:00Z"), Instant.MAX))
				.isBetween(Instant.parse("9998-12-31T23:00:00Z"), Instant.parse("9999-12-31T23:59:59Z"));
		}

		@Test
		void areBeforeTheYear1() {
			assertThat(next("0 0 * * *", UTC, Instant.MIN)).isEqualTo("0001-01-02T00:00:00Z");
			assertThat(next("30 * * * *", UTC, Instant.MIN)).isEqualTo("0001-01-01T00:30:00Z");
		}

		@Test
		void areOfTheRarestDates() {
			for (int year = 1900; year < 2300; year += 9) {
				Instant after = Instant.parse(year + "-03-01T00:00:00Z");

				Instant next = next("59 59 */23 29 2 MON", VIENNA, after);

				assertThat(next).isBetween(after, after.plus(Duration.ofDays(366 * 41)));
				LocalDateTime shown = LocalDateTime.ofInstant(next, VIENNA);
				assertThat(shown.toLocalDate()).hasMonthValue(2).hasDayOfMonth(29);
				assertThat(shown.getDayOfWeek()).isEqualTo(DayOfWeek.MONDAY);
			}
		}

	}

	@Nested
	class Latest {

		private static final Instant TICK = Instant.parse("2016-01-01T00:00:00Z");

		@ParameterizedTest
		@CsvSource({ "2016-01-01T00:00:00Z,2016-01-01T00:00:00Z", "2016-01-01T23:59:59.999Z,2016-01-01T00:00:00Z",
				"2016-01-02T00:00:00Z,2016-01-02T00:00:00Z", "2016-01-04T12:00:00Z,2016-01-04T00:00:00Z",
				"2026-01-04T12:00:00Z,2026-01-04T00:00:00Z" })
		void isTheLastOneThatHasCome(Instant now, Instant latest) {
			assertThat(CronTimes.parse("@daily", UTC).latest(TICK, now)).isEqualTo(latest);
		}

		@Test
		void isNoneInTheFuture() {
			assertThat(CronTimes.parse("@daily", UTC).latest(TICK, TICK.minusNanos(1))).isNull();
		}

		@Test
		@Timeout(5)
		void isFoundOverYearsOfSeconds() {
			CronTimes cron = CronTimes.parse("* * * * * *", VIENNA);

			assertThat(cron.latest(TICK, Instant.parse("2026-07-01T11:22:33.9Z"))).isEqualTo("2026-07-01T11:22:33Z");
		}

	}

	/**
	 * Clocks are watched minute by minute, which is how cron does it.
	 */
	@Nested
	class AgainstClocks {

		private static final List<Watch> WATCHES = List.of(Watch.of("Europe/Vienna", "2026-03-23T00:00:00Z"),
				Watch.of("Europe/Vienna", "2026-10-19T00:00:00Z"), Watch.of("America/New_York", "2026-03-02T00:00:00Z"),
				Watch.of("America/New_York", "2026-10-26T00:00:00Z"),
				Watch.of("Australia/Lord_Howe", "2026-03-30T00:00:00Z"),
				Watch.of("Australia/Lord_Howe", "2026-09-28T00:00:00Z"),
				Watch.of("America/Sao_Paulo", "2018-02-12T00:00:00Z"),
				Watch.of("America/Sao_Paulo", "2018-10-29T00:00:00Z"), Watch.of("Asia/Beirut", "2026-03-23T00:00:00Z"),
				Watch.of("Asia/Beirut", "2026-10-19T00:00:00Z"), Watch.of("Africa/Casablanca", "2026-02-09T00:00:00Z"),
				Watch.of("Antarctica/Casey", "2018-10-01T00:00:00Z"),
				Watch.of("Antarctica/Casey", "2020-09-29T00:00:00Z"),
				Watch.of("Asia/Kathmandu", "1985-12-26T00:00:00Z"), Watch.of("Pacific/Apia", "2011-12-24T00:00:00Z"),
				Watch.of("Pacific/Kwajalein", "1969-09-24T00:00:00Z"),
				Watch.of("Asia/Kolkata", "2028-02-24T00:00:00Z"));

		@Test
		void timesAreThoseThatClocksComeTo() {
			Random random = new Random(20260329);

			for (int i = 0; i < 340; i++) {
				RandomCron expression = RandomCron.next(random);
				Watch watch = WATCHES.get(i % WATCHES.size());
				NavigableSet<Instant> due = watch.due(expression);
				CronTimes cron = CronTimes.parse(expression.text(), watch.zone);

				assertThat(times(cron, watch.begin(), watch.end())).as("times of %s", cron).isEqualTo(List.copyOf(due));
				for (int probe = 0; probe < 30; probe++) {
					Instant tick = due.floor(watch.anyTime(random));
					Instant now = watch.anyTime(random);
					assertThat(next(cron, now, watch.end())).as("%s after %s", cron, now).isEqualTo(due.higher(now));
					if (tick != null && !tick.isAfter(now)) {
						assertThat(cron.latest(tick, now)).as("%s from %s to %s", cron, tick, now)
							.isEqualTo(due.floor(now));
					}
				}
			}
		}

		@Test
		void timesAscendInEveryZone() {
			Random random = new Random(1);
			Instant from = Instant.parse("1840-01-01T00:00:00Z");

			for (String id : new TreeSet<>(ZoneId.getAvailableZoneIds())) {
				ZoneId zone = ZoneId.of(id);
				CronTimes cron = CronTimes.parse(RandomCron.next(random).text(), zone);
				ZoneOffsetTransition shift = zone.getRules().nextTransition(from);
				for (int i = 0; i < 10 && shift != null; i++) {
					Instant day = shift.getInstant().minus(Duration.ofDays(1));
					times(cron, day, day.plus(Duration.ofHours(30)));
					shift = zone.getRules().nextTransition(shift.getInstant());
				}
			}
		}

		private static @Nullable Instant next(CronTimes cron, Instant after, Instant end) {
			Instant next = cron.next(after);
			return (next != null && next.isBefore(end)) ? next : null;
		}

	}

	@Test
	void equalsByExpressionAndZone() {
		CronTimes cron = CronTimes.parse(" 0 0 * * * ", VIENNA);

		assertThat(cron).isEqualTo(CronTimes.parse("0 0 * * *", CronTimes.zone("Europe/Vienna")))
			.hasSameHashCodeAs(CronTimes.parse("0 0 * * *", VIENNA))
			.isNotEqualTo(CronTimes.parse("0 0 * * *", UTC))
			.isNotEqualTo(CronTimes.parse("@daily", VIENNA))
			.hasToString("0 0 * * * Europe/Vienna");
		assertThat(cron.expression()).isEqualTo("0 0 * * *");
		assertThat(cron.zone()).isEqualTo(VIENNA);
	}

	@Test
	void findsZones() {
		assertThat(CronTimes.zone("Europe/Vienna")).isEqualTo(VIENNA);
		assertThat(CronTimes.zone(" UTC ")).isEqualTo(UTC);
		assertThat(CronTimes.zone("+05:45")).isEqualTo(ZoneOffset.ofHoursMinutes(5, 45));
	}

	/**
	 * What clocks of a place show, minute by minute, in twelve days.
	 */
	private record Watch(ZoneId zone, List<Instant> minutes, List<LocalDateTime> shown) {

		private static final int MINUTES = 12 * 24 * 60;

		static Watch of(String zone, String begin) {
			ZoneId id = ZoneId.of(zone);
			List<Instant> minutes = Stream.iterate(Instant.parse(begin), (minute) -> minute.plus(Duration.ofMinutes(1)))
				.limit(MINUTES)
				.toList();
			return new Watch(id, minutes,
					minutes.stream().map((minute) -> LocalDateTime.ofInstant(minute, id)).toList());
		}

		Instant begin() {
			return this.minutes.get(0);
		}

		Instant end() {
			return this.minutes.get(MINUTES - 1);
		}

		Instant anyTime(Random random) {
			Instant minute = this.minutes.get(random.nextInt(MINUTES - 1));
			return random.nextBoolean() ? minute : minute.plusNanos(random.nextLong(60_000_000_000L));
		}

		NavigableSet<Instant> due(RandomCron cron) {
			NavigableSet<Instant> due = new TreeSet<>();
			LocalDateTime reached = this.shown.get(0).minusMinutes(1);
			for (int i = 0; i < MINUTES - 1; i++) {
				LocalDateTime shown = this.shown.get(i);
				boolean matches = cron.matches(shown);
				if (!cron.hour.isStar()) {
					matches = false;
					while (reached.isBefore(shown)) {
						reached = reached.plusMinutes(1);
						matches |= cron.matches(reached);
					}
				}
				if (matches) {
					due.add(this.minutes.get(i));
				}
			}
			return due;
		}

	}

	private record RandomCron(RandomField minute, RandomField hour, RandomField day, RandomField month,
			RandomField week) {

		static RandomCron next(Random random) {
			RandomField hour = RandomField.next(random, 0, random.nextBoolean() ? 3 : 23, 23);
			// Each has January, so that there is a date
			RandomField month = (random.nextInt(4) > 0) ? RandomField.every(1, 12, 1)
					: RandomField.every(1, 12, 1 + random.nextInt(12));
			return new RandomCron(RandomField.next(random, 0, 59, 59), hour, RandomField.next(random, 1, 31, 31), month,
					RandomField.next(random, 0, 7, 7));
		}

		String text() {
			return String.join(" ", this.minute.text, this.hour.text, this.day.text, this.month.text, this.week.text);
		}

		boolean matches(LocalDateTime time) {
			return this.minute.values.get(time.getMinute()) && this.hour.values.get(time.getHour())
					&& this.month.values.get(time.getMonthValue()) && matchesDay(time);
		}

		private boolean matchesDay(LocalDateTime time) {
			boolean day = this.day.values.get(time.getDayOfMonth());
			int weekday = time.getDayOfWeek().getValue();
			boolean week = this.week.values.get(weekday) || (weekday == 7 && this.week.values.get(0));
			return (this.day.isStar() || this.week.isStar()) ? day && week : day || week;
		}

	}

	private record RandomField(String text, BitSet values) {

		static RandomField next(Random random, int min, int max, int end) {
			return switch (random.nextInt(6)) {
				case 0 -> every(min, end, 1);
				case 1, 2 -> every(min, end, 1 + random.nextInt(end - min));
				case 3 -> element(random, min, max, end).and(element(random, min, max, end));
				default -> element(random, min, max, end);
			};
		}

		static RandomField every(int min, int max, int step) {
			return of((step > 1) ? "*/" + step : "*", min, max, step);
		}

		private static RandomField element(Random random, int min, int max, int end) {
			int first = min + random.nextInt(max - min);
			int last = first + 1 + random.nextInt(max - first);
			int step = 1 + random.nextInt(max - min);
			return switch (random.nextInt(5)) {
				case 0 -> of(first + "-" + last, first, last, 1);
				case 1 -> of(first + "-" + last + "/" + step, first, last, step);
				case 2 -> of(first + "/" + step, first, end, step);
				default -> of(Integer.toString(last), last, last, 1);
			};
		}

		private static RandomField of(String text, int first, int last, int step) {
			BitSet values = new BitSet();
			for (int value = first; value <= last; value += step) {
				values.set(value);
			}
			return new RandomField(text, values);
		}

		private RandomField and(RandomField other) {
			BitSet all = new BitSet();
			all.or(this.values);
			all.or(other.values);
			return new RandomField(this.text + "," + other.text, all);
		}

		boolean isStar() {
			return this.text.startsWith("*");
		}

	}

}
