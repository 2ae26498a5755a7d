package io.pgconductor.task;

import java.time.Duration;

import org.jspecify.annotations.Nullable;

/**
 * How long a finished execution is kept.
 *
 * @param duration the time; zero: it is deleted as it finishes; {@code null}: it is kept
 * for ever
 */
public record Retention(@Nullable Duration duration) {

	private static final Duration LONGEST = Duration.ofDays(366L * 1000);

	/**
	 * Keep for ever.
	 */
	public static final Retention NEVER = new Retention(null);

	/**
	 * Keep nothing: delete as it finishes.
	 */
	public static final Retention AT_ONCE = new Retention(Duration.ZERO);

	public Retention {
		if (duration != null && (duration.isNegative() || duration.compareTo(LONGEST) > 0)) {
			throw new IllegalArgumentException(
					"retention must be between 0 and 1000 years (or never), was " + duration);
		}
	}

	/**
	 * Keep for some time.
	 * @param duration the time, not negative
	 * @return the retention
	 */
	public static Retention of(Duration duration) {
		return new Retention(duration);
	}

	/**
	 * Return whether a finished execution is stored at all.
	 * @return {@code false} if it is deleted as it finishes
	 */
	public boolean keeps() {
		return this.duration == null || !this.duration.isZero();
	}

}
