package io.pgconductor.execution;

import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.BooleanSupplier;

import io.pgconductor.BatchContext;
import io.pgconductor.SuspensionSignal;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The context of one batch.
 */
final class DefaultBatchContext implements BatchContext {

	private static final Duration LONGEST_SLEEP = Duration.ofDays(366L * 1000);

	private final TaskSpec task;

	private final List<Attempt> attempts;

	private final BatchRun run;

	private final BooleanSupplier stopping;

	private final Map<Integer, Throwable> failures = new HashMap<>();

	private @Nullable SuspensionSignal signal;

	private @Nullable Duration sleep;

	DefaultBatchContext(TaskSpec task, List<Attempt> attempts, BatchRun run, BooleanSupplier stopping) {
		this.task = task;
		this.attempts = List.copyOf(attempts);
		this.run = run;
		this.stopping = stopping;
	}

	@Override
	public String task() {
		return this.task.name();
	}

	@Override
	public int size() {
		return this.attempts.size();
	}

	@Override
	public UUID executionId(int index) {
		return this.attempts.get(index).execution().id();
	}

	@Override
	public int attempt(int index) {
		return this.attempts.get(index).execution().attempt();
	}

	@Override
	public Instant now() {
		return this.attempts.get(0).now();
	}

	@Override
	public boolean isCancelled() {
		return this.stopping.getAsBoolean() || this.run.isBrokenOff();
	}

	@Override
	public boolean isCancelled(int index) {
		return this.attempts.get(index).isCancelled();
	}

	@Override
	public void fail(int index, Throwable failure) {
		this.failures.put(Objects.checkIndex(index, size()), failure);
	}

	@Override
	public void sleep(Duration duration) {
		if (duration.isNegative() || duration.compareTo(LONGEST_SLEEP) > 0) {
			throw new IllegalArgumentException(
					"A sleep must take between 0 and 1000 years, but is to take " + duration);
		}
		if (this.signal == null) {
			this.sleep = duration;
			this.signal = new SuspensionSignal("A batch of " + size() + " executions of " + this.task + " sleeps");
		}
		throw this.signal;
	}

	@Override
	public Logger logger() {
		return LoggerFactory.getLogger("io.pgconductor.task." + this.task.name());
	}

	/**
	 * Return what was thrown to leave the handler.
	 * @return the signal, {@code null} if none was thrown
	 */
	@Nullable SuspensionSignal signal() {
		return this.signal;
	}

	/**
	 * Return how long to sleep.
	 * @return the time, {@code null} if the handler is not left in order to sleep
	 */
	@Nullable Duration sleep() {
		return this.sleep;
	}

	/**
	 * Return why an execution is to fail by itself.
	 * @param index its position
	 * @return the failure, {@code null} if it is not
	 */
	@Nullable Throwable failure(int index) {
		return this.failures.get(index);
	}

}
