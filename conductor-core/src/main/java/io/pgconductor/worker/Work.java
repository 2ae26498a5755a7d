package io.pgconductor.worker;

import java.util.ArrayList;
import java.util.List;

import io.pgconductor.execution.Attempt;
import io.pgconductor.jdbc.ClaimedExecution;

/**
 * What a thread runs in one go: an attempt, or a batch of them. Until it is taken,
 * attempts can be taken away from it. Thread-safe.
 */
final class Work {

	private final Attempt first;

	private final boolean batch;

	private final int initialSize;

	private List<Attempt> attempts;

	private boolean taken;

	private Work(List<Attempt> attempts, boolean batch) {
		this.first = attempts.get(0);
		this.attempts = attempts;
		this.batch = batch;
		this.initialSize = attempts.size();
	}

	static Work of(Attempt attempt) {
		return new Work(List.of(attempt), false);
	}

	/**
	 * Make a batch.
	 * @param attempts at least one attempt, all of one task and on one lane
	 * @return the batch
	 */
	static Work batch(List<Attempt> attempts) {
		return new Work(List.copyOf(attempts), true);
	}

	boolean isBatch() {
		return this.batch;
	}

	/**
	 * Return one of the executions, for what all of them have in common.
	 * @return the execution
	 */
	ClaimedExecution execution() {
		return this.first.execution();
	}

	/**
	 * Return whether it has run for some time.
	 * @param nanos how long
	 * @return {@code false} if it hasn't, or has not begun
	 */
	boolean runsLongerThan(long nanos) {
		return this.first.isStarted() && System.nanoTime() - this.first.startedAtNanos() > nanos;
	}

	/**
	 * Take the attempts in order to run them, or to give them back.
	 * @return those that are left
	 */
	synchronized List<Attempt> take() {
		this.taken = true;
		return this.attempts;
	}

	/**
	 * Take an attempt away.
	 * @param attempt the attempt
	 * @return {@code false} if it is not here, or somebody has taken it
	 */
	synchronized boolean remove(Attempt attempt) {
		if (this.taken || !this.attempts.contains(attempt)) {
			return false;
		}
		List<Attempt> left = new ArrayList<>(this.attempts);
		left.remove(attempt);
		this.attempts = left;
		return true;
	}

	/**
	 * Return how many attempts it had at first.
	 * @return at least 1
	 */
	int initialSize() {
		return this.initialSize;
	}

	synchronized int size() {
		return this.attempts.size();
	}

}
