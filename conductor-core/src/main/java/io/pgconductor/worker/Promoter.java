package io.pgconductor.worker;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

import io.pgconductor.jdbc.ExecutionUpkeep;

/**
 * Makes executions due when their time comes. It sleeps until the next one is due; who
 * schedules an earlier one within its longest sleep wakes it.
 */
final class Promoter {

	private static final int BATCH_SIZE = 1000;

	// The statements that schedule know this time: they wake for what is due before
	private static final Duration LONGEST_SLEEP = Duration.ofSeconds(5);

	private static final Duration LONGEST_SLEEP_WITHOUT_NOTIFICATIONS = Duration.ofSeconds(1);

	private final ExecutionUpkeep executions;

	private final boolean notifications;

	private final Sleeper sleeper;

	private final LoopThread thread;

	private final AtomicReference<Duration> next = new AtomicReference<>(Duration.ZERO);

	Promoter(ExecutionUpkeep executions, NodeConnection connection, boolean notifications) {
		this.executions = executions;
		this.notifications = notifications;
		Signal signal = new Signal();
		this.sleeper = connection.sleeper("promoter", signal);
		this.thread = new LoopThread("conductor-promote", true, signal, this::round);
	}

	void start() {
		this.thread.start();
	}

	LoopThread thread() {
		return this.thread;
	}

	private void round() {
		if (!promote()) {
			Duration sleep = sleep();
			// What the last look found due earlier shortens the sleep, so it begins anew
			this.sleeper.sleep(sleep, () -> promote() || sleep().compareTo(sleep) < 0);
		}
	}

	private Duration sleep() {
		Duration longest = this.notifications ? LONGEST_SLEEP : LONGEST_SLEEP_WITHOUT_NOTIFICATIONS;
		Duration untilNext = this.next.get();
		return (untilNext.compareTo(longest) < 0) ? untilNext.plusMillis(1) : longest;
	}

	/**
	 * Promote one batch.
	 * @return whether there may be more to promote at once
	 */
	boolean promote() {
		ExecutionUpkeep.Promotion promotion = this.executions.promote(BATCH_SIZE);
		this.next.set((promotion.next() != null) ? promotion.next() : LONGEST_SLEEP);
		return promotion.promoted() == BATCH_SIZE;
	}

}
