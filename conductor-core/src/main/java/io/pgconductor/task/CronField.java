package io.pgconductor.task;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

/**
 * A field of a cron expression: what it may hold.
 * <p>
 * It is stricter than Spring's parser, which takes {@code JAN2} for December and lets
 * large steps overflow, and it says what to write instead.
 */
enum CronField {

	SECOND("second", 0, 59, "0 to 59"),

	MINUTE("minute", 0, 59, "0 to 59"),

	HOUR("hour", 0, 23, "0 to 23"),

	DAY_OF_MONTH("day of month", 1, 31,
			"1 to 31, L for the last day, L-1 to L-27 for days before it, LW or 15W for weekdays"),

	MONTH("month", 1, 12, "1 to 12 or JAN to DEC", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT",
			"NOV", "DEC"),

	DAY_OF_WEEK("day of week", 0, 7, "0 to 7 or SUN to SAT, FRIL for the last Friday, FRI#1 to FRI#5 for one of them",
			"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT");

	private static final Pattern ELEMENT = Pattern
		.compile("(?:\\*|(?<from>[0-9]+|[A-Z]+)(?:-(?<to>[0-9]+|[A-Z]+))?)(?:/(?<step>[0-9]+))?");

	private static final Pattern SPECIAL_DAY_OF_MONTH = Pattern.compile("L|LW|L-(?<before>[0-9]+)|(?<near>[0-9]+)W");

	private static final Pattern SPECIAL_DAY_OF_WEEK = Pattern
		.compile("(?<day>[0-9]+|[A-Z]{3})(?:L|#(?<ordinal>[0-9]+))");

	private static final Pattern NUMBER = Pattern.compile("[0-9]{1,4}");

	private static final int SUNDAY = 7;

	private static final int DAYS_OF_WEEK = 7;

	// With more than the shortest month has, Spring slips into the month before
	private static final int MOST_DAYS_BEFORE_LAST = 27;

	private static final int MOST_WEEKS = 5;

	private final String title;

	private final int min;

	private final int max;

	private final String values;

	private final List<String> names;

	CronField(String title, int min, int max, String values, String... names) {
		this.title = title;
		this.min = min;
		this.max = max;
		this.values = values;
		this.names = List.of(names);
	}

	/**
	 * Bring the field into a form that has one meaning only: in numbers, with ranges that
	 * ascend.
	 * @param text the field's text, in upper case
	 * @return the same for Spring's parser
	 * @throws IllegalArgumentException if the field may not hold that; the message names
	 * the field and the remedy, not the expression
	 */
	String normalize(String text) {
		if (text.equals("?") && (this == DAY_OF_MONTH || this == DAY_OF_WEEK)) {
			return "*";
		}
		return Arrays.stream(text.split(",", -1)).map((element) -> {
			String special = special(element, text);
			return (special != null) ? special : plain(element, text);
		}).collect(Collectors.joining(","));
	}

	private @Nullable String special(String element, String text) {
		return switch (this) {
			case DAY_OF_MONTH -> specialDayOfMonth(element, text);
			case DAY_OF_WEEK -> specialDayOfWeek(element, text);
			default -> null;
		};
	}

	private @Nullable String specialDayOfMonth(String element, String text) {
		Matcher matcher = SPECIAL_DAY_OF_MONTH.matcher(element);
		if (!matcher.matches()) {
			return null;
		}
		if (matcher.group("before") != null) {
			return "L-" + number(matcher.group("before"), 1, MOST_DAYS_BEFORE_LAST, text);
		}
		return (matcher.group("near") != null) ? value(matcher.group("near"), text) + "W" : element;
	}

	private @Nullable String specialDayOfWeek(String element, String text) {
		Matcher matcher = SPECIAL_DAY_OF_WEEK.matcher(element);
		if (!matcher.matches()) {
			return null;
		}
		int day = value(matcher.group("day"), text);
		String ordinal = matcher.group("ordinal");
		return (ordinal != null) ? day + "#" + number(ordinal, 1, MOST_WEEKS, text) : day + "L";
	}

	private String plain(String element, String text) {
		Matcher matcher = ELEMENT.matcher(element);
		if (!matcher.matches()) {
			throw invalid(text, element);
		}
		String from = matcher.group("from");
		String to = matcher.group("to");
		String step = (matcher.group("step") != null) ? "/" + step(matcher.group("step"), text) : "";
		if (from == null) {
			return "*" + step;
		}
		int first = value(from, text);
		if (to == null) {
			return (step.isEmpty() ? first : beginning(first)) + step;
		}
		int last = value(to, text);
		return (first == last) ? Integer.toString(first) : range(beginning(first), end(last), text) + step;
	}

	private String range(int first, int last, String text) {
		if (first > last) {
			throw new IllegalArgumentException(
					this.title + " '" + text + "' has a range that goes down: use two, such as " + first + "-"
							+ this.max + "," + this.min + "-" + last);
		}
		return first + "-" + last;
	}

	private int beginning(int value) {
		return (this == DAY_OF_WEEK && value == SUNDAY) ? 0 : value;
	}

	private int end(int value) {
		return (this == DAY_OF_WEEK && value == 0) ? SUNDAY : value;
	}

	private int value(String token, String text) {
		int index = this.names.indexOf(token);
		return (index != -1) ? this.min + index : number(token, this.min, this.max, text);
	}

	private int step(String token, String text) {
		int longest = (this == DAY_OF_WEEK) ? DAYS_OF_WEEK : this.max - this.min + 1;
		if (!isNumber(token, 1, longest)) {
			throw new IllegalArgumentException(
					this.title + " '" + text + "' has the step '" + token + "': use 1 to " + longest);
		}
		return Integer.parseInt(token);
	}

	private int number(String token, int least, int most, String text) {
		if (!isNumber(token, least, most)) {
			throw invalid(text, token);
		}
		return Integer.parseInt(token);
	}

	private static boolean isNumber(String token, int least, int most) {
		if (!NUMBER.matcher(token).matches()) {
			return false;
		}
		int number = Integer.parseInt(token);
		return number >= least && number <= most;
	}

	private IllegalArgumentException invalid(String text, String culprit) {
		String place = culprit.equals(text) ? "" : " has '" + culprit + "', which";
		return new IllegalArgumentException(this.title + " '" + text + "'" + place + " is not valid: use " + this.values
				+ ", * for all, lists as 1,3, ranges as 1-5, steps as */2");
	}

}
