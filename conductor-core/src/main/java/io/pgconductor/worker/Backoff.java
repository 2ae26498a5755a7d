package io.pgconductor.worker;

/**
 * Growing pauses between tries of something that fails: 100 ms, doubled up to 5 s.
 */
final class Backoff {

	private static final long FIRST_MILLIS = 100;

	private static final long LONGEST_MILLIS = 5_000;

	private long nextMillis = FIRST_MILLIS;

	long nextMillis() {
		long millis = this.nextMillis;
		this.nextMillis = Math.min(millis * 2, LONGEST_MILLIS);
		return millis;
	}

	void reset() {
		this.nextMillis = FIRST_MILLIS;
	}

}
