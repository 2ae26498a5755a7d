package io.pgconductor.task;

import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.springframework.format.annotation.DurationFormat;
import org.springframework.format.datetime.standard.DurationFormatterUtils;

/**
 * How many executions may begin within any period of some length: {@code 100/1m}.
 * Immutable.
 *
 * @param executions how many, from 1 to 1,000,000
 * @param period the length, from 1 millisecond to 1 day
 */
public record RateLimit(int executions, Duration period) {

	private static final int MOST = 1_000_000;

	private static final Duration SHORTEST = Duration.ofMillis(1);

	private static final Duration LONGEST = Duration.ofDays(1);

	private static final Pattern FORMAT = Pattern.compile("(\\d{1,9})\\s*/\\s*(\\S+)");

	public RateLimit {
		if (executions < 1 || executions > MOST) {
			throw new IllegalArgumentException(
					"a rate limit must be of 1 to 1,000,000 executions, was of " + executions + " per " + period);
		}
		if (period.compareTo(SHORTEST) < 0 || period.compareTo(LONGEST) > 0) {
			throw new IllegalArgumentException(
					"the period of a rate limit must be between 1 ms and 1 day, was " + period);
		}
	}

	/**
	 * Read the form {@code executions/period}.
	 * @param text such as {@code 100/1m} or {@code 5/250ms}
	 * @return the limit
	 * @throws IllegalArgumentException if it is not of that form, or out of range
	 */
	public static RateLimit parse(String text) {
		Matcher matcher = FORMAT.matcher(text.strip());
		if (!matcher.matches()) {
			throw new IllegalArgumentException("use the form executions/period, such as 100/1m or 10/1s");
		}
		Duration period;
		try {
			period = DurationFormatterUtils.detectAndParse(matcher.group(2), DurationFormat.Unit.MILLIS);
		}
		catch (IllegalArgumentException | ArithmeticException ex) {
			throw new IllegalArgumentException(
					"use the form executions/period, such as 100/1m or 10/1s: its period cannot be '" + matcher.group(2)
							+ "'",
					ex);
		}
		return new RateLimit(Integer.parseInt(matcher.group(1)), period);
	}

}
