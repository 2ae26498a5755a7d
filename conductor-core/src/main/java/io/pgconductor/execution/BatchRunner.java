package io.pgconductor.execution;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import io.pgconductor.NonRetryableException;
import io.pgconductor.RetryAfterException;
import io.pgconductor.TaskEvent;
import io.pgconductor.execution.Attempt.Interruption;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.task.BatchHandler;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Runs one attempt each of many executions of a task on the current thread: reads the
 * payloads, calls the handler once, and says for each what is to be recorded. One that
 * cannot begin leaves the others alone. Thread-safe.
 */
public final class BatchRunner {

	private static final Logger logger = LoggerFactory.getLogger(BatchRunner.class);

	private final AttemptServices services;

	private final AttemptRunner single;

	private final AttemptOutcomes outcomes;

	private final ScheduledExecutorService timer;

	/**
	 * Create a runner.
	 * @param services what attempts need of their node
	 * @param single runs attempts one by one
	 * @param timer breaks off what takes too long
	 */
	public BatchRunner(AttemptServices services, AttemptRunner single, ScheduledExecutorService timer) {
		this.services = services;
		this.single = single;
		this.outcomes = single.outcomes();
		this.timer = timer;
	}

	/**
	 * Run attempts.
	 * @param attempts attempts of one task
	 * @param task their task
	 * @return what is to be recorded, by position; {@code null} if nothing is, since the
	 * execution belongs to another node by now
	 */
	public List<@Nullable Outcome> run(List<Attempt> attempts, TaskSpec task) {
		List<@Nullable Outcome> recorded = new ArrayList<>(Collections.nCopies(attempts.size(), null));
		MDC.put("conductor.task", task.name());
		MDC.put("conductor.queue", attempts.get(0).execution().queue());
		try {
			BatchRun run = new BatchRun();
			List<Attempt> begun = new ArrayList<>(attempts.size());
			List<TaskEvent<?>> events = new ArrayList<>(attempts.size());
			for (int i = 0; i < attempts.size(); i++) {
				Attempt attempt = attempts.get(i);
				try {
					Outcome refusal = this.single.refuse(attempt, task);
					if (refusal != null) {
						recorded.set(i, refusal);
						continue;
					}
					TaskEvent<?> event = this.single.event(attempt.execution(), task);
					if (attempt.begin(run)) {
						begun.add(attempt);
						events.add(event);
					}
					else {
						recorded.set(i, attempt.isLost() ? null : new Outcome.Released());
					}
				}
				catch (RuntimeException ex) {
					// Its payload cannot be read
					recorded.set(i, this.outcomes.failed(attempt.execution(), task, ex, false));
				}
			}
			if (!begun.isEmpty()) {
				Map<Attempt, Outcome> outcomesOfBegun = call(begun, events, run, task);
				for (int i = 0; i < attempts.size(); i++) {
					Outcome outcome = outcomesOfBegun.get(attempts.get(i));
					if (outcome != null) {
						recorded.set(i, outcome);
					}
				}
			}
			return recorded;
		}
		finally {
			MDC.remove("conductor.task");
			MDC.remove("conductor.queue");
		}
	}

	private Map<Attempt, Outcome> call(List<Attempt> attempts, List<TaskEvent<?>> events, BatchRun run, TaskSpec task) {
		ScheduledFuture<?> timeout = (task.timeout() != null)
				? this.timer.schedule(() -> attempts.forEach((attempt) -> attempt.interrupt(Interruption.TIMEOUT)),
						TimeUnit.NANOSECONDS.convert(task.timeout()), TimeUnit.NANOSECONDS)
				: null;
		DefaultBatchContext context = new DefaultBatchContext(task, attempts, run, this.services.stopping());
		List<?> results = null;
		Throwable failure = null;
		try {
			results = ((BatchHandler) task.handler()).handle(Collections.unmodifiableList(events), context);
			verifySize(results, attempts.size(), task);
		}
		catch (Throwable ex) {
			failure = ex;
		}
		finally {
			run.end();
			if (timeout != null) {
				timeout.cancel(false);
			}
		}
		if (failure == null && context.signal() != null) {
			failure = AttemptRunner.swallowed(task, null);
		}
		else if (failure != null && context.signal() != null && !AttemptRunner.isCausedBy(failure, context.signal())) {
			failure = AttemptRunner.swallowed(task, failure);
		}
		Map<Attempt, Outcome> byAttempt = new HashMap<>();
		for (int i = 0; i < attempts.size(); i++) {
			Attempt attempt = attempts.get(i);
			Throwable own = (context.sleep() == null) ? context.failure(i) : null;
			Object result = (results != null && failure == null) ? results.get(i) : null;
			Outcome outcome = outcome(attempt, task, context, (own != null) ? own : failure, result);
			if (outcome != null) {
				byAttempt.put(attempt, outcome);
			}
		}
		return byAttempt;
	}

	private static void verifySize(@Nullable List<?> results, int size, TaskSpec task) {
		if (results != null && results.size() != size) {
			throw new NonRetryableException("The handler of " + task + " got " + size + " executions and returned "
					+ results.size() + " results: it must return one for each, in their order, or none at all (null)");
		}
	}

	private @Nullable Outcome outcome(Attempt attempt, TaskSpec task, DefaultBatchContext context,
			@Nullable Throwable failure, @Nullable Object result) {
		ClaimedExecution execution = attempt.execution();
		Interruption interruption = attempt.end();
		if (interruption == Interruption.LOST) {
			return null;
		}
		if (interruption == Interruption.CANCELLED) {
			logger.info("{} was cancelled while it ran (execution {})", task, execution.id());
			return new Outcome.Cancelled();
		}
		if (context.sleep() != null && AttemptRunner.isCausedBy(failure, context.signal())) {
			return new Outcome.Sleeping(null, context.sleep(), null);
		}
		if (interruption == Interruption.TIMEOUT) {
			TimeoutException timeout = new TimeoutException(
					task + " took longer than its timeout of " + task.timeout() + " and was interrupted");
			if (failure != null) {
				timeout.initCause(failure);
			}
			return this.outcomes.failed(execution, task, timeout, false);
		}
		if (interruption == Interruption.SHUTDOWN && failure != null) {
			return new Outcome.Released();
		}
		if (failure != null) {
			if (failure instanceof RetryAfterException retryAfter && task.rateLimit() != null) {
				attempt.closeGate(retryAfter.delay());
			}
			return this.outcomes.failed(execution, task, failure, false);
		}
		return completed(execution, task, result);
	}

	private Outcome completed(ClaimedExecution execution, TaskSpec task, @Nullable Object result) {
		try {
			String json = this.services.json().write(result, "result of task '" + execution.task() + "'");
			return this.outcomes.completed(task, json, false);
		}
		catch (RuntimeException ex) {
			return this.outcomes.failed(execution, task, ex, false);
		}
	}

}
