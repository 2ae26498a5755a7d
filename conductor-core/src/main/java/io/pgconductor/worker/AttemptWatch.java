package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

import io.pgconductor.execution.Attempt;
import io.pgconductor.jdbc.RunningExecutionTable;
import io.pgconductor.jdbc.RunningExecutionTable.Progress;

/**
 * Tells the database how far attempts are, and them whether they were cancelled. Short
 * ones cost nothing: they have ended before anybody looks.
 */
final class AttemptWatch {

	private static final Duration INTERVAL = Duration.ofMillis(400);

	private static final long SHORT_RUN_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

	private final RunningExecutionTable executions;

	private final Supplier<Collection<Attempt>> held;

	private final Consumer<Attempt> onCancelled;

	private final Signal signal = new Signal();

	private final LoopThread thread;

	/**
	 * Create a watch.
	 * @param executions the table of executions
	 * @param held the attempts that run now, or are to
	 * @param onCancelled is given those whose execution was cancelled
	 * @param connection tells when an execution was cancelled somewhere
	 */
	AttemptWatch(RunningExecutionTable executions, Supplier<Collection<Attempt>> held, Consumer<Attempt> onCancelled,
			NodeConnection connection) {
		this.executions = executions;
		this.held = held;
		this.onCancelled = onCancelled;
		// Never sleeps by it: notifications come while others do, and else it looks
		// itself
		connection.sleeper("cancelled", this.signal);
		this.thread = new LoopThread("conductor-attempts", true, this.signal, this::round);
	}

	void start() {
		this.thread.start();
	}

	LoopThread thread() {
		return this.thread;
	}

	private void round() {
		boolean notified = this.signal.await(INTERVAL.toNanos());
		Collection<Attempt> attempts = this.held.get();
		if (!attempts.isEmpty()) {
			lookForCancelled(attempts, notified ? 0 : SHORT_RUN_NANOS);
			tellProgress(attempts);
		}
	}

	private void tellProgress(Collection<Attempt> attempts) {
		Map<Attempt, Progress> untold = new HashMap<>();
		for (Attempt attempt : attempts) {
			Progress progress = attempt.isInTransaction() ? null : attempt.takeProgress();
			if (progress != null) {
				untold.put(attempt, progress);
			}
		}
		if (!untold.isEmpty()) {
			Set<UUID> told = Set.of();
			try {
				told = this.executions.write(List.copyOf(untold.values()));
			}
			finally {
				Set<UUID> done = told;
				untold.forEach((attempt, progress) -> {
					if (!done.contains(attempt.execution().id())) {
						attempt.putProgressBack(progress);
					}
				});
			}
		}
	}

	private void lookForCancelled(Collection<Attempt> attempts, long minAgeNanos) {
		long now = System.nanoTime();
		List<UUID> ids = new ArrayList<>();
		for (Attempt attempt : attempts) {
			long since = attempt.isStarted() ? attempt.startedAtNanos() : attempt.claimedAtNanos();
			boolean told = attempt.isStarted() && attempt.isCancelled();
			if (now - since >= minAgeNanos && !told && !attempt.isLost()) {
				ids.add(attempt.execution().id());
			}
		}
		if (!ids.isEmpty()) {
			Set<UUID> cancelled = this.executions.cancelled(ids);
			attempts.stream()
				.filter((attempt) -> cancelled.contains(attempt.execution().id()))
				.forEach(this.onCancelled);
		}
	}

}
