package io.pgconductor.task;

import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.zone.ZoneOffsetTransition;
import java.time.zone.ZoneRules;

import org.jspecify.annotations.Nullable;

/**
 * When a task may run: some hours of each day, by the clocks of a time zone. Immutable.
 * <p>
 * It is open whenever those clocks show a time within the hours. So where they are put
 * back, an hour that comes twice counts both times. Where they are put forward, a window
 * whose beginning is skipped opens at the shift, and one that is skipped as a whole
 * doesn't open on that day.
 *
 * @param hours the hours
 * @param zone the time zone
 */
public record TaskWindow(DailyHours hours, ZoneId zone) {

	/**
	 * The zone of windows that name none.
	 */
	public static final ZoneId DEFAULT_ZONE = ZoneId.of("UTC");

	/**
	 * Create a window from its text.
	 * @param hours see {@link DailyHours#parse}
	 * @param zone the time zone
	 * @return the window
	 * @throws IllegalArgumentException if the hours cannot be read
	 */
	public static TaskWindow parse(String hours, ZoneId zone) {
		return DailyHours.parse(hours).in(zone);
	}

	/**
	 * Return whether a task may run.
	 * @param time at this time
	 * @return whether it may
	 */
	public boolean isOpen(Instant time) {
		return this.hours.contains(LocalDateTime.ofInstant(time, this.zone).toLocalTime());
	}

	/**
	 * Return when a task may run next.
	 * @param time the earliest time
	 * @return the first open instant from then on; the given time itself if it is open
	 */
	public Instant nextOpening(Instant time) {
		ZoneRules rules = this.zone.getRules();
		Instant start = time;
		while (!isOpen(start)) {
			ZoneOffsetTransition shift = rules.nextTransition(start);
			Instant opening = openingAfter(start, rules.getOffset(start));
			start = isBefore(opening, shift) ? opening : shift.getInstant();
		}
		return start;
	}

	private static boolean isBefore(Instant time, @Nullable ZoneOffsetTransition shift) {
		return shift == null || time.isBefore(shift.getInstant());
	}

	private Instant openingAfter(Instant closed, ZoneOffset offset) {
		LocalDateTime local = LocalDateTime.ofInstant(closed, offset);
		LocalDate date = local.toLocalDate();
		LocalDate day = local.toLocalTime().isBefore(this.hours.from()) ? date : date.plusDays(1);
		return day.atTime(this.hours.from()).toInstant(offset);
	}

	@Override
	public String toString() {
		return this.hours + " " + this.zone;
	}

}
