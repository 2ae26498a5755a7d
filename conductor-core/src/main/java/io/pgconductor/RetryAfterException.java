package io.pgconductor;

import java.time.Duration;

import org.jspecify.annotations.Nullable;

/**
 * Thrown by a handler that knows when its next attempt makes sense. The attempt counts as
 * failed; if it was the last one, the execution fails.
 *
 * @since 0.1.0
 */
public class RetryAfterException extends ConductorException {

	private final Duration delay;

	/**
	 * Ask for a delay.
	 * @param delay from the failure to the next attempt, not negative; 100 years if it is
	 * longer
	 */
	public RetryAfterException(Duration delay) {
		this(delay, "Retry after " + delay, null);
	}

	/**
	 * Ask for a delay.
	 * @param delay from the failure to the next attempt, not negative; 100 years if it is
	 * longer
	 * @param message what happened
	 * @param cause what caused it, or {@code null}
	 */
	public RetryAfterException(Duration delay, String message, @Nullable Throwable cause) {
		super(message, cause);
		if (delay.isNegative()) {
			throw new IllegalArgumentException("delay must not be negative, was " + delay);
		}
		this.delay = delay;
	}

	/**
	 * Return the delay.
	 * @return from the failure to the next attempt
	 */
	public Duration delay() {
		return this.delay;
	}

}
