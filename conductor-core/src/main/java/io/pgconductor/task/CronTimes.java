package io.pgconductor.task;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

import org.springframework.scheduling.support.CronExpression;

/**
 * The times that a cron expression stands for, by the clocks of a time zone. Immutable.
 * <p>
 * <b>Five fields</b> are Unix cron, as {@code crontab(5)} of Vixie cron has it: minute,
 * hour, day of month, month, day of week. Names such as {@code JAN} and {@code sun},
 * lists, ranges and steps are understood; 0 and 7 are Sunday. If both day fields are
 * restricted, a day matches if either does; a field that begins with a star is not
 * restricted, even with a step. {@code @yearly}, {@code @annually}, {@code @monthly},
 * {@code @weekly}, {@code @daily}, {@code @midnight} and {@code @hourly} stand for five
 * fields.
 * <p>
 * <b>Six fields</b> are Spring's {@link CronExpression}: the second comes first, and a
 * day must match both day fields. {@code L}, {@code W}, {@code #} and {@code ?} are
 * Spring's, and may be used in five fields, too. Not taken over are {@code L-28} and
 * beyond, which Spring never gets past, and steps longer than their field.
 * <p>
 * <b>Where clocks are put forward or back</b>, the hour field decides:
 * <ul>
 * <li>If it doesn't begin with a star, as in {@code 30 2 * * *} or {@code 30 0-23 * * *},
 * times are those of the calendar. What clocks skip is due at the shift, once, however
 * many times are skipped. What clocks show twice is due the first time.</li>
 * <li>If it begins with a star, as in {@code 30 * * * *}, times are those that clocks
 * show. What they skip is not due, what they show twice is due twice. The moment of the
 * shift is due if the time that clocks show from then on matches.</li>
 * </ul>
 * That is what {@code cron(8)} of Vixie cron does, except that there a star in the minute
 * field counts like one in the hour field.
 * <p>
 * Times lie within the years 1 to 9999 of UTC.
 */
public final class CronTimes {

	private static final Instant BEGINNING = Instant.parse("0001-01-01T00:00:00Z");

	private static final Instant END = Instant.parse("+10000-01-01T00:00:00Z");

	private final String expression;

	private final ZoneId zone;

	private final CronPattern pattern;

	private CronTimes(String expression, ZoneId zone) {
		this.expression = expression.strip();
		this.zone = zone;
		this.pattern = CronPattern.parse(expression);
	}

	/**
	 * Read an expression.
	 * @param expression five or six fields, separated by spaces, or an abbreviation, in
	 * any case; at most 200 characters
	 * @param zone the time zone
	 * @return the times
	 * @throws IllegalArgumentException if it cannot be read, or no time ever matches it;
	 * the message names the expression, the field and the remedy
	 */
	public static CronTimes parse(String expression, ZoneId zone) {
		return new CronTimes(expression, zone);
	}

	/**
	 * Find a time zone.
	 * @param id its name, such as {@code Europe/Vienna}, {@code UTC} or {@code +02:00}
	 * @return the zone
	 * @throws IllegalArgumentException if there is none of that name
	 */
	public static ZoneId zone(String id) {
		try {
			return ZoneId.of(id.strip());
		}
		catch (DateTimeException ex) {
			throw new IllegalArgumentException(
					"'" + CronPattern.printable(id) + "' is not a time zone: use a name such as Europe/Vienna or UTC",
					ex);
		}
	}

	public String expression() {
		return this.expression;
	}

	public ZoneId zone() {
		return this.zone;
	}

	/**
	 * Return the first time after another one.
	 * @param after the other time
	 * @return the first one that is later, or {@code null} if there is none any more
	 */
	public @Nullable Instant next(Instant after) {
		if (!after.isBefore(END)) {
			return null;
		}
		Instant start = after.isBefore(BEGINNING) ? BEGINNING : after;
		Instant next = this.pattern.hourly() ? nextShown(start) : nextOfCalendar(start);
		return (next != null && next.isBefore(END)) ? next : null;
	}

	private @Nullable Instant nextShown(Instant after) {
		ZoneRules rules = this.zone.getRules();
		ZoneOffset offset = rules.getOffset(after);
		LocalDateTime match = this.pattern.next(LocalDateTime.ofInstant(after, offset));
		ZoneOffsetTransition shift = rules.nextTransition(after);
		while (match != null && shift != null && !match.toInstant(offset).isBefore(shift.getInstant())) {
			offset = shift.getOffsetAfter();
			match = this.pattern.next(shift.getDateTimeAfter().minusNanos(1));
			shift = rules.nextTransition(shift.getInstant());
		}
		return (match != null) ? match.toInstant(offset) : null;
	}

	private @Nullable Instant nextOfCalendar(Instant after) {
		LocalDateTime match = this.pattern.next(lastDue(after));
		return (match != null) ? due(match) : null;
	}

	/**
	 * Return the latest time of the calendar that was due by some time.
	 */
	private LocalDateTime lastDue(Instant time) {
		LocalDateTime shown = LocalDateTime.ofInstant(time, this.zone);
		ZoneOffsetTransition shift = this.zone.getRules().getTransition(shown);
		boolean shownAgain = shift != null && shift.isOverlap() && !time.isBefore(shift.getInstant());
		return shownAgain ? shift.getDateTimeBefore().minusNanos(1) : shown;
	}

	private Instant due(LocalDateTime calendar) {
		ZoneRules rules = this.zone.getRules();
		ZoneOffsetTransition shift = rules.getTransition(calendar);
		// Of a time that is shown twice this is the first offset
		return (shift != null && shift.isGap()) ? shift.getInstant() : calendar.toInstant(rules.getOffset(calendar));
	}

	/**
	 * Return the latest time that is not in the future. It takes some dozens of
	 * {@linkplain #next steps}, however many times have passed.
	 * @param tick a time that has come
	 * @param now the present
	 * @return the latest time up to now, or the given one if none came after it;
	 * {@code null} if the given one is in the future
	 */
	public @Nullable Instant latest(Instant tick, Instant now) {
		if (tick.isAfter(now)) {
			return null;
		}
		Instant latest = tick;
		// Nothing is due after this and up to now
		Instant end = now;
		for (Instant next = next(latest); next != null && !next.isAfter(now); next = next(latest)) {
			latest = next;
			Instant middle = latest.plus(Duration.between(latest, end).dividedBy(2));
			Instant later = next(middle);
			if (later != null && !later.isAfter(now)) {
				latest = later;
			}
			else {
				end = middle;
			}
		}
		return latest;
	}

	@Override
	public boolean equals(@Nullable Object other) {
		return this == other || (other instanceof CronTimes that && this.expression.equals(that.expression)
				&& this.zone.equals(that.zone));
	}

	@Override
	public int hashCode() {
		return Objects.hash(this.expression, this.zone);
	}

	@Override
	public String toString() {
		return this.expression + " " + this.zone;
	}

}
