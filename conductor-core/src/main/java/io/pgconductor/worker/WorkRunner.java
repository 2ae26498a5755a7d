package io.pgconductor.worker;

import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;

import io.pgconductor.execution.Attempt;
import io.pgconductor.execution.AttemptRunner;
import io.pgconductor.execution.BatchRunner;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;

/**
 * Runs attempts and batches of one queue on the current thread, and reports how they
 * ended. Thread-safe.
 */
final class WorkRunner {

	// Who counts it does so in nanoseconds: a time to run at can be as long past as the
	// database knows
	private static final Duration LONGEST_WAIT = Duration.ofDays(366L * 100);

	private final String queue;

	private final Function<ClaimedExecution, TaskSpec> tasks;

	private final AttemptRunner single;

	private final BatchRunner batches;

	private final ConductorMetrics metrics;

	private final RunTimes runTimes;

	private final BiConsumer<Attempt, @Nullable Outcome> onEnded;

	/**
	 * Is told how long handlers have run.
	 */
	@FunctionalInterface
	interface RunTimes {

		void ran(ClaimedExecution execution, long nanos);

	}

	/**
	 * Create a runner.
	 * @param queue the queue
	 * @param tasks finds the task of an execution
	 * @param single runs attempts
	 * @param batches runs batches
	 * @param metrics are told of attempts
	 * @param runTimes is told how long handlers have run
	 * @param onEnded is given each attempt and its outcome, {@code null} if there is
	 * nothing to record
	 */
	WorkRunner(String queue, Function<ClaimedExecution, TaskSpec> tasks, AttemptRunner single, BatchRunner batches,
			ConductorMetrics metrics, RunTimes runTimes, BiConsumer<Attempt, @Nullable Outcome> onEnded) {
		this.queue = queue;
		this.tasks = tasks;
		this.single = single;
		this.batches = batches;
		this.metrics = metrics;
		this.runTimes = runTimes;
		this.onEnded = onEnded;
	}

	void run(Work work) {
		List<Attempt> attempts = work.take();
		if (attempts.isEmpty()) {
			return;
		}
		TaskSpec task = this.tasks.apply(work.execution());
		List<@Nullable Outcome> outcomes = work.isBatch()
				? guarded(attempts, task, () -> this.batches.run(attempts, task))
				: guarded(attempts, task, () -> Collections.singletonList(this.single.run(attempts.get(0), task)));
		long endedAtNanos = System.nanoTime();
		attempts.stream()
			.filter(Attempt::isStarted)
			.findFirst()
			.ifPresent((attempt) -> this.runTimes.ran(work.execution(), endedAtNanos - attempt.startedAtNanos()));
		for (int i = 0; i < attempts.size(); i++) {
			end(attempts.get(i), outcomes.get(i), endedAtNanos);
		}
	}

	private List<@Nullable Outcome> guarded(List<Attempt> attempts, TaskSpec task,
			Supplier<List<@Nullable Outcome>> run) {
		try {
			return run.get();
		}
		catch (Throwable ex) {
			// An exception that throws when it is described, or alike
			return attempts.stream()
				.<@Nullable Outcome>map((attempt) -> this.single.unstorable(attempt.execution(), task,
						new IllegalStateException(ex.getClass().getName())))
				.toList();
		}
	}

	private void end(Attempt attempt, @Nullable Outcome outcome, long endedAtNanos) {
		try {
			if (outcome != null && attempt.isStarted() && this.metrics != ConductorMetrics.NONE) {
				this.metrics.attemptEnded(attempt.execution().task(), this.queue, outcome.label(), waited(attempt),
						Duration.ofNanos(endedAtNanos - attempt.startedAtNanos()));
			}
		}
		finally {
			this.onEnded.accept(attempt, outcome);
		}
	}

	private static Duration waited(Attempt attempt) {
		Duration waited = Duration.between(attempt.execution().runAt(), attempt.execution().claimedAt())
			.plusNanos(attempt.startedAtNanos() - attempt.claimedAtNanos());
		if (waited.isNegative()) {
			return Duration.ZERO;
		}
		return (waited.compareTo(LONGEST_WAIT) < 0) ? waited : LONGEST_WAIT;
	}

}
