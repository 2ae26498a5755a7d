package io.pgconductor.event;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

import io.pgconductor.jdbc.EventTable;

/**
 * Brings events to the executions that wait for them. Used by one thread.
 * <p>
 * An event that is emitted while somebody waits for it is marked, and matched at once. A
 * wait that was recorded while transactions were open that may have emitted its event
 * without seeing it is looked at again and again, until those have ended.
 */
public final class EventMatching {

	private static final int MIN_BATCH_SIZE = 10;

	private static final int MAX_BATCH_SIZE = 1000;

	// Each event of a batch may have to be compared with thousands of waits, and whoever
	// calls has other things to do in time
	private static final long LONG_BATCH_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

	private static final long SHORTEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

	// Looking again takes a twentieth of the time at most
	private static final int PAUSE_FACTOR = 20;

	private final EventTable events;

	private int batchSize = 100;

	private long lookAgainAtNanos = System.nanoTime();

	public EventMatching(EventTable events) {
		this.events = events;
	}

	/**
	 * Match a batch.
	 * @param marked whether events are marked: then there is something to do at once
	 * @return whether there may be more to do at once
	 */
	public boolean match(boolean marked) {
		long begin = System.nanoTime();
		if (!marked && begin - this.lookAgainAtNanos < 0) {
			return false;
		}
		EventTable.Matched matched = this.events.match(this.batchSize);
		long end = System.nanoTime();
		if (end - begin > LONG_BATCH_NANOS) {
			this.batchSize = Math.max(this.batchSize / 2, MIN_BATCH_SIZE);
		}
		else if (matched.more()) {
			this.batchSize = Math.min(this.batchSize * 2, MAX_BATCH_SIZE);
		}
		this.lookAgainAtNanos = end + Math.max(SHORTEST_PAUSE_NANOS, PAUSE_FACTOR * (end - begin));
		return matched.more();
	}

	/**
	 * Return how long it is until unsettled waits are looked at again.
	 * @return the time, not negative
	 */
	public Duration untilNextLook() {
		return Duration.ofNanos(Math.max(this.lookAgainAtNanos - System.nanoTime(), 0));
	}

}
