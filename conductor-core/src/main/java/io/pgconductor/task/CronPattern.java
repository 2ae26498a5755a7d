package io.pgconductor.task;

import java.time.DayOfWeek;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.temporal.TemporalAdjusters;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;

import org.jspecify.annotations.Nullable;

import org.springframework.scheduling.support.CronExpression;

/**
 * What a cron expression asks of dates and times of day, whatever clocks make of them.
 *
 * @param alternatives the expressions of which one must match
 * @param hourly whether the hour field begins with a star
 */
record CronPattern(List<CronExpression> alternatives, boolean hourly) {

	private static final int MAX_LENGTH = 200;

	private static final Map<String, String> ABBREVIATIONS = Map.of("@yearly", "0 0 1 1 *", "@annually", "0 0 1 1 *",
			"@monthly", "0 0 1 * *", "@weekly", "0 0 * * 0", "@daily", "0 0 * * *", "@midnight", "0 0 * * *", "@hourly",
			"0 * * * *");

	private static final LocalDateTime ANY_TIME = LocalDateTime.of(2000, 1, 1, 0, 0);

	/**
	 * Read an expression.
	 * @param expression five or six fields, or an abbreviation
	 * @return the pattern
	 * @throws IllegalArgumentException if it cannot be read or no date matches it
	 */
	static CronPattern parse(String expression) {
		try {
			checkCharacters(expression);
			List<String> fields = fields(expression.strip());
			CronPattern pattern = (fields.size() == 6) ? spring(fields) : unix(fields);
			checkPossible(pattern, fields.subList(fields.size() - 3, fields.size()));
			return pattern;
		}
		catch (IllegalArgumentException ex) {
			throw new IllegalArgumentException("cron expression '" + printable(expression) + "': " + ex.getMessage(),
					ex);
		}
	}

	private static void checkCharacters(String expression) {
		if (expression.length() > MAX_LENGTH) {
			throw new IllegalArgumentException(
					"it has " + expression.length() + " characters: use at most " + MAX_LENGTH);
		}
		if (!expression.chars().allMatch((character) -> character >= ' ' && character <= '~')) {
			throw new IllegalArgumentException(
					"it has a character that is not printable ASCII: use spaces between fields, and no tabs or line breaks");
		}
	}

	private static List<String> fields(String text) {
		String expanded = text.startsWith("@") ? expand(text) : text;
		List<String> fields = expanded.isEmpty() ? List.of() : List.of(expanded.toUpperCase(Locale.ROOT).split(" +"));
		if (fields.size() != 5 && fields.size() != 6) {
			String count = (fields.size() == 1) ? "1 field" : fields.size() + " fields";
			throw new IllegalArgumentException("it has " + count
					+ ": use five (minute, hour, day of month, month, day of week), or six with the second first");
		}
		return fields;
	}

	private static String expand(String text) {
		String expanded = ABBREVIATIONS.get(text.toLowerCase(Locale.ROOT));
		if (expanded == null) {
			throw new IllegalArgumentException("it is not a known abbreviation: use one of "
					+ String.join(", ", new TreeSet<>(ABBREVIATIONS.keySet())) + ", or five fields");
		}
		return expanded;
	}

	private static CronPattern spring(List<String> fields) {
		String hour = fields.get(2);
		CronExpression expression = CronExpression.parse(String.join(" ", normalize(fields)));
		return new CronPattern(List.of(expression), isStar(hour));
	}

	private static CronPattern unix(List<String> fields) {
		List<String> normalized = normalize(fields);
		String time = "0 " + normalized.get(0) + " " + normalized.get(1);
		String day = normalized.get(2);
		String month = normalized.get(3);
		// Unix counts days of the week from Sunday on, Spring from Monday on
		String week = normalized.get(4).replace("*/", "0-7/");
		boolean either = !isStar(fields.get(2)) && !isStar(fields.get(4));
		List<CronExpression> alternatives = either
				? List.of(expression(time, day, month, "*"), expression(time, "*", month, week))
				: List.of(expression(time, day, month, week));
		return new CronPattern(alternatives, isStar(fields.get(1)));
	}

	private static CronExpression expression(String time, String day, String month, String week) {
		return CronExpression.parse(time + " " + day + " " + month + " " + week);
	}

	private static List<String> normalize(List<String> fields) {
		CronField[] kinds = CronField.values();
		List<String> normalized = new ArrayList<>();
		for (int i = 0; i < fields.size(); i++) {
			normalized.add(kinds[kinds.length - fields.size() + i].normalize(fields.get(i)));
		}
		return normalized;
	}

	private static boolean isStar(String field) {
		return field.startsWith("*") || field.equals("?");
	}

	private static void checkPossible(CronPattern pattern, List<String> dates) {
		if (pattern.next(ANY_TIME) == null) {
			throw new IllegalArgumentException("no date has the day of month '" + dates.get(0) + "', month '"
					+ dates.get(1) + "' and day of week '" + dates.get(2) + "': change one of them");
		}
	}

	static String printable(String expression) {
		String shown = (expression.length() > MAX_LENGTH) ? expression.substring(0, MAX_LENGTH) + "…" : expression;
		return shown.replaceAll("\\p{IsControl}", "?");
	}

	/**
	 * Return the first match after some time.
	 * @param after the time
	 * @return the match, or {@code null} if there is none
	 */
	@Nullable LocalDateTime next(LocalDateTime after) {
		LocalDate day = after.plusNanos(1).toLocalDate();
		LocalDate monday = day.with(TemporalAdjusters.nextOrSame(DayOfWeek.MONDAY));
		// From the weekend before Monday the 3rd, Spring may overlook that this is 1W
		boolean overlooked = day.getDayOfMonth() < 3 && monday.getDayOfMonth() == 3;
		LocalDateTime next = null;
		for (CronExpression alternative : this.alternatives) {
			next = earlier(next, alternative.next(after));
			if (overlooked) {
				next = earlier(next, alternative.next(monday.atStartOfDay().minusNanos(1)));
			}
		}
		return next;
	}

	private static @Nullable LocalDateTime earlier(@Nullable LocalDateTime one, @Nullable LocalDateTime other) {
		return (one == null || (other != null && other.isBefore(one))) ? other : one;
	}

}
