package io.pgconductor.worker;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;

import io.pgconductor.execution.Attempt;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.ExecutionCoalescing;
import io.pgconductor.jdbc.ExecutionCoalescing.Decision;

/**
 * Claimed executions with a key, until it is decided which of them begin, and which give
 * way to a newer one. While somebody else has locked one of a key's executions, that key
 * is undecided, and is looked at again after a pause. Used by the claiming thread;
 * counted and emptied by any.
 */
final class KeyedAttempts {

	// The claim or promotion of another node is over by then
	private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

	private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

	// Longer than the claiming thread pauses after one failure: there is to be a round in
	// between that only claims
	private static final long FIRST_FAILURE_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

	private static final long LONGEST_FAILURE_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(10);

	private final ExecutionCoalescing coalescing;

	private final String queue;

	private final Predicate<Attempt> refuse;

	private final Function<ClaimedExecution, Attempt> onTaken;

	private final Consumer<Attempt> onDropped;

	private final ConcurrentMap<UUID, Attempt> undecided = new ConcurrentHashMap<>();

	private long nextTryNanos;

	private long pauseNanos = FIRST_PAUSE_NANOS;

	private long failurePauseNanos = FIRST_FAILURE_PAUSE_NANOS;

	/**
	 * Create it for a queue.
	 * @param coalescing decides
	 * @param queue the queue
	 * @param refuse ends an attempt that is not to begin now, whatever the others do, and
	 * returns whether it did
	 * @param onTaken is given executions that were claimed in place of older ones
	 * @param onDropped is given the attempts whose executions are gone
	 */
	KeyedAttempts(ExecutionCoalescing coalescing, String queue, Predicate<Attempt> refuse,
			Function<ClaimedExecution, Attempt> onTaken, Consumer<Attempt> onDropped) {
		this.coalescing = coalescing;
		this.queue = queue;
		this.refuse = refuse;
		this.onTaken = onTaken;
		this.onDropped = onDropped;
	}

	/**
	 * Take an attempt that must not begin before it is decided that it does.
	 * @param attempt the attempt
	 */
	void add(Attempt attempt) {
		this.undecided.put(attempt.execution().id(), attempt);
		this.pauseNanos = FIRST_PAUSE_NANOS;
		this.nextTryNanos = System.nanoTime();
	}

	int size() {
		return this.undecided.size();
	}

	/**
	 * Return how long it takes until it is time to decide.
	 * @return nanoseconds, not negative
	 */
	long nanosUntilDue() {
		return this.undecided.isEmpty() ? Long.MAX_VALUE : Math.max(0, this.nextTryNanos - System.nanoTime());
	}

	/**
	 * Decide as far as it is possible now. After an error nothing has begun, but
	 * something may be claimed in the node's name without its knowledge.
	 * @param node the node
	 * @return the attempts that begin, or end at once since they are cancelled
	 */
	List<Attempt> decide(UUID node) {
		List<Attempt> asked = new ArrayList<>();
		for (Attempt attempt : List.copyOf(this.undecided.values())) {
			if (attempt.isLost() || !attempt.execution().node().equals(node)) {
				take(attempt, this.onDropped);
			}
			else if (!isRefused(attempt)) {
				asked.add(attempt);
			}
		}
		return asked.isEmpty() ? List.of() : decide(node, asked);
	}

	private boolean isRefused(Attempt attempt) {
		// Taken away before, so that nobody else ends it, too
		if (!this.undecided.remove(attempt.execution().id(), attempt) || this.refuse.test(attempt)) {
			return true;
		}
		this.undecided.put(attempt.execution().id(), attempt);
		return false;
	}

	private List<Attempt> decide(UUID node, List<Attempt> asked) {
		this.nextTryNanos = System.nanoTime() + this.failurePauseNanos;
		this.failurePauseNanos = Math.min(2 * this.failurePauseNanos, LONGEST_FAILURE_PAUSE_NANOS);
		Decision decision = this.coalescing.decide(node, this.queue, asked.stream().map(Attempt::execution).toList());
		this.failurePauseNanos = FIRST_FAILURE_PAUSE_NANOS;
		this.nextTryNanos = System.nanoTime() + (decision.more() ? 0 : this.pauseNanos);
		this.pauseNanos = Math.min(2 * this.pauseNanos, LONGEST_PAUSE_NANOS);
		List<Attempt> beginning = new ArrayList<>();
		// First: there must be no moment at which it looks as if there were nothing to do
		decision.taken().forEach((execution) -> beginning.add(this.onTaken.apply(execution)));
		for (Attempt attempt : asked) {
			UUID id = attempt.execution().id();
			if (decision.cancelled().contains(id)) {
				attempt.interrupt(Attempt.Interruption.CANCELLED);
				take(attempt, beginning::add);
			}
			else if (decision.begun().contains(id)) {
				take(attempt, beginning::add);
			}
			else if (!decision.undecided().contains(id)) {
				take(attempt, this.onDropped);
			}
		}
		return beginning;
	}

	/**
	 * Take away what is undecided.
	 * @param consumer is given each attempt
	 */
	void drain(Consumer<Attempt> consumer) {
		List.copyOf(this.undecided.values()).forEach((attempt) -> take(attempt, consumer));
	}

	// Only once: this thread and the one that stops the worker may both want it
	private void take(Attempt attempt, Consumer<Attempt> consumer) {
		if (this.undecided.remove(attempt.execution().id(), attempt)) {
			consumer.accept(attempt);
		}
	}

}
