package io.pgconductor.task;

import java.time.Duration;

/**
 * How executions of a task are gathered, so that its handler gets many of them at once.
 * Immutable.
 *
 * @param size how many at most, from 1 to 10,000
 * @param timeout how long the first of them waits for others, from 0 to 1 minute
 */
public record Batching(int size, Duration timeout) {

	/**
	 * How long the first execution waits unless its task says otherwise.
	 */
	public static final Duration DEFAULT_TIMEOUT = Duration.ofMillis(100);

	private static final int MOST = 10_000;

	private static final Duration LONGEST = Duration.ofMinutes(1);

	public Batching {
		if (size < 1 || size > MOST) {
			throw new IllegalArgumentException("the size of a batch must be between 1 and 10,000, was " + size);
		}
		if (timeout.isNegative() || timeout.compareTo(LONGEST) > 0) {
			throw new IllegalArgumentException("the timeout of a batch must be between 0 and 1 minute, was " + timeout);
		}
	}

}
