package io.pgconductor.task;

import java.time.LocalTime;
import java.time.ZoneId;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A part of each day: {@code 22:00-06:00}. Immutable.
 *
 * @param from the first moment of it
 * @param to the first moment after it; before {@code from}: on the next day; midnight:
 * the end of the day, so midnight to midnight is the whole day
 */
public record DailyHours(LocalTime from, LocalTime to) {

	private static final Pattern FORMAT = Pattern
		.compile("(([01]?\\d|2[0-3]):([0-5]\\d))\\s*-\\s*(([01]?\\d|2[0-3]):([0-5]\\d)|24:00)");

	public DailyHours {
		if (from.equals(to) && !from.equals(LocalTime.MIDNIGHT)) {
			throw new IllegalArgumentException("a time window must not begin and end at the same time, " + from
					+ ": leave the window out for no limit");
		}
	}

	/**
	 * Read the form {@code HH:mm-HH:mm}.
	 * @param text such as {@code 08:00-17:30}, {@code 22:00-06:00} (until the next day),
	 * {@code 22:00-24:00} (until midnight) or {@code 00:00-24:00} (always)
	 * @return the hours
	 * @throws IllegalArgumentException if it is not of that form, or begins and ends at
	 * the same time
	 */
	public static DailyHours parse(String text) {
		Matcher matcher = FORMAT.matcher(text.strip());
		if (!matcher.matches()) {
			throw new IllegalArgumentException(
					"use the form HH:mm-HH:mm, such as 22:00-06:00, 22:00-24:00 until midnight, or 00:00-24:00 for always");
		}
		LocalTime from = time(matcher, 2);
		if (matcher.group(4).equals("24:00")) {
			return new DailyHours(from, LocalTime.MIDNIGHT);
		}
		LocalTime to = time(matcher, 5);
		if (from.equals(to)) {
			throw new IllegalArgumentException("it begins and ends at the same time, " + from
					+ ": leave the window out for no limit, or use 00:00-24:00 to lift one that is set elsewhere");
		}
		return new DailyHours(from, to);
	}

	private static LocalTime time(Matcher matcher, int group) {
		return LocalTime.of(Integer.parseInt(matcher.group(group)), Integer.parseInt(matcher.group(group + 1)));
	}

	/**
	 * Return whether a time of day is within.
	 * @param time the time
	 * @return whether it is
	 */
	public boolean contains(LocalTime time) {
		boolean begun = !time.isBefore(this.from);
		if (this.to.equals(LocalTime.MIDNIGHT)) {
			return begun;
		}
		boolean over = !time.isBefore(this.to);
		return this.from.isBefore(this.to) ? begun && !over : begun || !over;
	}

	/**
	 * Return these hours of a place.
	 * @param zone the place's time zone
	 * @return the window
	 */
	public TaskWindow in(ZoneId zone) {
		return new TaskWindow(this, zone);
	}

	@Override
	public String toString() {
		return this.from + "-" + (this.to.equals(LocalTime.MIDNIGHT) ? "24:00" : this.to.toString());
	}

}
