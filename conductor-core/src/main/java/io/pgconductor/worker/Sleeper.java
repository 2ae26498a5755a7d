package io.pgconductor.worker;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * The sleep of a loop that has nothing to do until somebody makes work for it. Used by
 * that loop's thread; woken by any.
 * <p>
 * While it sleeps, the node holds the exclusive lock of its target, so that whoever makes
 * work sees that a notification is due. Of several nodes one holds the lock; all are
 * notified, and the others hold back a little, so that they don't all run for the same
 * row.
 */
final class Sleeper {

	private static final long RETRY_BEHIND_WRITERS_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

	// A sentinel that is busy by now, or dead, no longer makes anybody notify
	private static final long FIRST_SENTINEL_CHECK_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

	private static final long LONGEST_SENTINEL_CHECK_NANOS = TimeUnit.SECONDS.toNanos(1);

	private static final int SHORTEST_JITTER_MILLIS = 5;

	private static final int LONGEST_JITTER_MILLIS = 30;

	private static final int MAX_FRUITLESS = 4;

	private final String target;

	private final NodeConnection connection;

	private final Signal signal;

	private volatile Watch watch = Watch.NONE;

	private volatile boolean locallyWoken;

	private volatile boolean notified;

	private int fruitless;

	private long sentinelCheckNanos = FIRST_SENTINEL_CHECK_NANOS;

	/**
	 * How the database is watched for work.
	 */
	enum Watch {

		/**
		 * It isn't: nobody has been asked yet, or the connection is gone.
		 */
		NONE,

		/**
		 * This node holds the lock.
		 */
		SENTINEL,

		/**
		 * Another node holds the lock: notifications come all the same.
		 */
		FOLLOWER,

		/**
		 * Only transactions that make work hold the lock, for a moment.
		 */
		BEHIND_WRITERS

	}

	Sleeper(String target, NodeConnection connection, Signal signal) {
		this.target = target;
		this.connection = connection;
		this.signal = signal;
	}

	String target() {
		return this.target;
	}

	/**
	 * Sleep until there may be work.
	 * @param longest how long at most; asked after each poll
	 * @param anythingNew polls once more, now that nobody can make work unnoticed, and
	 * tells whether it found any; only called when the watch has just begun
	 * @return whether somebody said that there is work
	 */
	boolean sleep(Supplier<Duration> longest, BooleanSupplier anythingNew) {
		if (this.locallyWoken) {
			return awake();
		}
		if (this.fruitless == MAX_FRUITLESS && this.watch == Watch.SENTINEL) {
			return turnAway(longest.get());
		}
		long begin = System.nanoTime();
		boolean woken;
		long deadline;
		do {
			Watch before = this.watch;
			if (before != Watch.SENTINEL) {
				Watch begun = this.connection.watch(this);
				if (begun == Watch.SENTINEL) {
					this.fruitless = 0;
				}
				if (begun != Watch.NONE && begun != before && anythingNew.getAsBoolean()) {
					return false;
				}
			}
			deadline = begin + longest.get().toNanos();
			woken = this.signal.await(Math.min(deadline - System.nanoTime(), longestUnder(this.watch)));
		}
		while (!woken && this.watch == Watch.FOLLOWER && System.nanoTime() - deadline < 0);
		if (this.notified && !this.locallyWoken) {
			this.fruitless = Math.min(this.fruitless + 1, MAX_FRUITLESS);
			if (this.watch == Watch.FOLLOWER) {
				holdBack();
			}
		}
		return awake();
	}

	/**
	 * Stop watching for some time: all that is notified is for nodes with other tasks on
	 * this queue, and it costs those who make it.
	 */
	private boolean turnAway(Duration longest) {
		busy();
		long deadline = System.nanoTime() + Math.min(longest.toNanos(), LONGEST_SENTINEL_CHECK_NANOS);
		while (!this.locallyWoken && this.signal.await(deadline - System.nanoTime())) {
			this.notified = false;
		}
		this.fruitless = MAX_FRUITLESS - 1;
		return awake();
	}

	private long longestUnder(Watch current) {
		return switch (current) {
			case SENTINEL -> Long.MAX_VALUE;
			case BEHIND_WRITERS -> RETRY_BEHIND_WRITERS_NANOS;
			case FOLLOWER -> nextSentinelCheck();
			case NONE -> this.connection.isWatching() ? LONGEST_SENTINEL_CHECK_NANOS : Long.MAX_VALUE;
		};
	}

	private long nextSentinelCheck() {
		long next = this.sentinelCheckNanos;
		this.sentinelCheckNanos = Math.min(next * 4, LONGEST_SENTINEL_CHECK_NANOS);
		return next;
	}

	private void holdBack() {
		int factor = 1 << (this.fruitless - 1);
		this.signal.awaitMillis(
				(long) factor * ThreadLocalRandom.current().nextInt(SHORTEST_JITTER_MILLIS, LONGEST_JITTER_MILLIS + 1));
	}

	private boolean awake() {
		boolean woken = this.notified || this.locallyWoken;
		if (woken) {
			this.sentinelCheckNanos = FIRST_SENTINEL_CHECK_NANOS;
		}
		this.locallyWoken = false;
		this.notified = false;
		return woken;
	}

	/**
	 * There was work: others need not notify any more.
	 */
	void busy() {
		this.fruitless = 0;
		Watch before = this.watch;
		this.watch = Watch.NONE;
		if (before == Watch.SENTINEL) {
			this.connection.unlock(this.target);
		}
	}

	/**
	 * Wake up: this process has made work.
	 */
	void wake() {
		this.locallyWoken = true;
		this.signal.raise();
	}

	/**
	 * Wake up: some process has made work.
	 */
	void notified() {
		this.notified = true;
		this.signal.raise();
	}

	void watching(Watch watch) {
		this.watch = watch;
	}

	Watch watch() {
		return this.watch;
	}

}
