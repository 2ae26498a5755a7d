package io.pgconductor.worker;

import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

import io.pgconductor.execution.Attempt;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.Recording;

/**
 * The attempts of the executions that a worker has claimed, until their outcomes are
 * recorded. Thread-safe.
 */
final class HeldAttempts {

	private final ConcurrentMap<UUID, Attempt> byExecution = new ConcurrentHashMap<>();

	/**
	 * Hold a claimed execution.
	 * @param execution the execution
	 * @return its attempt
	 */
	Attempt add(ClaimedExecution execution) {
		Attempt attempt = new Attempt(execution);
		Attempt earlier = this.byExecution.put(execution.id(), attempt);
		if (earlier != null) {
			// It was taken away while it ran here, and has come back
			earlier.interrupt(Attempt.Interruption.LOST);
		}
		return attempt;
	}

	void remove(Attempt attempt) {
		this.byExecution.remove(attempt.execution().id(), attempt);
	}

	/**
	 * Let go of executions whose outcomes were recorded, unless they were claimed again.
	 * @param recordings what was recorded
	 */
	void removeRecorded(Collection<Recording> recordings) {
		for (Recording recording : recordings) {
			this.byExecution.computeIfPresent(recording.execution().id(), (id,
					attempt) -> (attempt.execution().claimNo() == recording.execution().claimNo()) ? null : attempt);
		}
	}

	Collection<Attempt> all() {
		return this.byExecution.values();
	}

	Set<UUID> executions() {
		return this.byExecution.keySet();
	}

	int size() {
		return this.byExecution.size();
	}

	boolean isEmpty() {
		return this.byExecution.isEmpty();
	}

	void interrupt(Attempt.Interruption reason) {
		this.byExecution.values().forEach((attempt) -> attempt.interrupt(reason));
	}

	/**
	 * Return the attempts that have run for some time and are in the way of others.
	 * @param nanos how long
	 * @return the attempts
	 */
	List<Attempt> runningFor(long nanos) {
		long now = System.nanoTime();
		return this.byExecution.values()
			.stream()
			.filter((attempt) -> attempt.isStarted() && now - attempt.startedAtNanos() > nanos && !attempt.isAside()
					&& !attempt.isInTransaction())
			.toList();
	}

}
