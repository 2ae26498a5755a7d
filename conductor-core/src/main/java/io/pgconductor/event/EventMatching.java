package io.pgconductor.event;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import io.pgconductor.jdbc.EventTable;
import org.jspecify.annotations.Nullable;

/**
 * Brings events to the executions that wait for them. Used by one thread at a time.
 * <p>
 * An event that is emitted while somebody waits for it is marked, and matched at once. A
 * wait that was recorded while transactions were open that may have emitted its event
 * without seeing it is looked at again and again, until those have ended.
 */
public final class EventMatching {

	private static final int MIN_BATCH_SIZE = 1;

	private static final int MAX_BATCH_SIZE = 1000;

	// Each event of a batch may have to be compared with thousands of waits, and who
	// waits for the first one should not wait for the last
	private static final long LONG_BATCH_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

	private static final long SHORTEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

	// Looking again takes a twentieth of the time at most
	private static final int PAUSE_FACTOR = 20;

	private final EventTable events;

	private int batchSize = 100;

	private volatile long lookAgainAtNanos = System.nanoTime();

	private boolean unsettled;

	// Passed over until it is time to start over: they would fill all batches, and those
	// after them would have to wait, too
	private @Nullable UUID stuck;

	// Whether all that is marked is being looked at, rather than what comes after those
	private boolean sweeping;

	private long sweepBeganAtNanos;

	private long sweepAgainAtNanos = System.nanoTime();

	public EventMatching(EventTable events) {
		this.events = events;
	}

	/**
	 * Match a batch.
	 * @return whether there may be more to do at once
	 */
	public boolean match() {
		long begin = System.nanoTime();
		if (!this.sweeping && begin - this.sweepAgainAtNanos >= 0) {
			this.sweeping = true;
			this.sweepBeganAtNanos = begin;
			this.stuck = null;
		}
		EventTable.Matched matched = this.events.match(this.batchSize, this.stuck);
		long end = System.nanoTime();
		if (matched.stuck() != null) {
			this.stuck = matched.stuck();
		}
		if (this.sweeping && !matched.more()) {
			this.sweeping = false;
			this.sweepAgainAtNanos = end + ((this.stuck != null) ? pauseAfter(end - this.sweepBeganAtNanos) : 0);
		}
		if (end - begin > LONG_BATCH_NANOS) {
			this.batchSize = Math.max(this.batchSize / 2, MIN_BATCH_SIZE);
		}
		else if (matched.more()) {
			this.batchSize = Math.min(this.batchSize * 2, MAX_BATCH_SIZE);
		}
		this.lookAgainAtNanos = end + pauseAfter(end - begin);
		this.unsettled = matched.unsettled() || this.stuck != null;
		return matched.more();
	}

	private static long pauseAfter(long nanos) {
		return Math.max(SHORTEST_PAUSE_NANOS, PAUSE_FACTOR * nanos);
	}

	/**
	 * Return whether the last look has left something to look at again.
	 * @return whether there is
	 */
	public boolean isUnsettled() {
		return this.unsettled;
	}

	/**
	 * Return how long it is until unsettled waits are looked at again.
	 * @return the time, not negative
	 */
	public Duration untilNextLook() {
		return Duration.ofNanos(Math.max(this.lookAgainAtNanos - System.nanoTime(), 0));
	}

}
