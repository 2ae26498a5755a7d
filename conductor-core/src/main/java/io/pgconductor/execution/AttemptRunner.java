package io.pgconductor.execution;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import io.pgconductor.InvalidPayloadException;
import io.pgconductor.NonRetryableException;
import io.pgconductor.RetryAfterException;
import io.pgconductor.SuspensionSignal;
import io.pgconductor.TaskContextHolder;
import io.pgconductor.TaskEvent;
import io.pgconductor.TaskFailure;
import io.pgconductor.execution.Attempt.Interruption;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.jdbc.Recording;
import io.pgconductor.jdbc.RunningExecutionTable.Progress;
import io.pgconductor.task.JsonMapping;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.task.TaskWindow;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.dao.DataAccessException;

/**
 * Runs one attempt on the current thread: reads the payload, calls the handler, and says
 * what is to be recorded. Thread-safe.
 */
public final class AttemptRunner {

	private static final Logger logger = LoggerFactory.getLogger(AttemptRunner.class);

	private static final Type HEADERS = new ParameterizedTypeReference<Map<String, String>>() {
	}.getType();

	private final AttemptServices services;

	private final JsonMapping json;

	private final AttemptOutcomes outcomes;

	private final ScheduledExecutorService timer;

	/**
	 * Create a runner.
	 * @param services what attempts need of their node
	 * @param completedRetention of completed executions whose task doesn't say it
	 * @param failedRetention of failed executions whose task doesn't say it
	 * @param timer breaks off what takes too long
	 */
	public AttemptRunner(AttemptServices services, Retention completedRetention, Retention failedRetention,
			ScheduledExecutorService timer) {
		this.services = services;
		this.json = services.json();
		this.outcomes = new AttemptOutcomes(this.json, completedRetention, failedRetention);
		this.timer = timer;
	}

	AttemptOutcomes outcomes() {
		return this.outcomes;
	}

	/**
	 * Return the outcome of an attempt that is not to begin.
	 * @param attempt the attempt
	 * @param task its task
	 * @return what is to be recorded instead; {@code null} if it may begin
	 */
	public @Nullable Outcome refuse(Attempt attempt, TaskSpec task) {
		ClaimedExecution execution = attempt.execution();
		if (execution.cancelRequested()) {
			return new Outcome.Cancelled();
		}
		if (execution.attempt() > execution.maxAttempts()) {
			return this.outcomes.exhausted(execution, task);
		}
		TaskWindow window = task.window();
		return (window != null && !window.isOpen(attempt.now()))
				? new Outcome.OutsideWindow(window.nextOpening(attempt.now()), false) : null;
	}

	/**
	 * Run an attempt.
	 * @param attempt the attempt
	 * @param task its task
	 * @return what is to be recorded; {@code null} if nothing is, since the execution
	 * belongs to another node by now
	 */
	public @Nullable Outcome run(Attempt attempt, TaskSpec task) {
		putMdc(attempt.execution());
		try {
			Outcome refusal = refuse(attempt, task);
			if (refusal != null) {
				return refusal;
			}
			if (!attempt.begin()) {
				return attempt.isLost() ? null : new Outcome.Released();
			}
			return call(attempt, task);
		}
		finally {
			clearMdc();
		}
	}

	private @Nullable Outcome call(Attempt attempt, TaskSpec task) {
		ScheduledFuture<?> timeout = scheduleTimeout(attempt, task);
		AttemptContext context = null;
		Outcome completion = null;
		Throwable failure = null;
		Interruption interruption;
		try {
			context = new AttemptContext(attempt, task, headers(attempt.execution()), this.services);
			TaskContextHolder.set(context);
			completion = task.transactional() ? handleInTransaction(attempt, task, context)
					: handle(attempt, task, context);
		}
		catch (Throwable ex) {
			failure = ex;
		}
		finally {
			TaskContextHolder.clear();
			interruption = attempt.end();
			if (timeout != null) {
				timeout.cancel(false);
			}
		}
		Outcome outcome = outcome(attempt, task, context, completion, failure, interruption);
		if (outcome != null && !(outcome instanceof Outcome.Finished || outcome instanceof Outcome.Committed)) {
			tellProgress(attempt);
		}
		return outcome;
	}

	private @Nullable ScheduledFuture<?> scheduleTimeout(Attempt attempt, TaskSpec task) {
		Duration timeout = task.timeout();
		return (timeout != null) ? this.timer.schedule(() -> attempt.interrupt(Interruption.TIMEOUT),
				TimeUnit.NANOSECONDS.convert(timeout), TimeUnit.NANOSECONDS) : null;
	}

	private Outcome.Completed handle(Attempt attempt, TaskSpec task, AttemptContext context) throws Throwable {
		Object returned = task.handler().handle(event(attempt.execution(), task, context.headers()), context);
		String result = this.json.write(returned, "result of task '" + attempt.execution().task() + "'");
		return this.outcomes.completed(task, result, context.hasSteps());
	}

	/**
	 * The handler's effects and the execution's completion are one transaction.
	 */
	private Outcome handleInTransaction(Attempt attempt, TaskSpec task, AttemptContext context) throws Throwable {
		attempt.setInTransaction(true);
		try {
			this.services.transactions().<Boolean, Throwable>execute(task.name(), (own) -> {
				attempt.unshield();
				context.rewind();
				Outcome.Completed completed = handle(attempt, task, context);
				// Until the transaction has ended
				attempt.shield();
				if (!mayComplete(attempt, context) || !this.services.joinedOutcomes()
					.recordInTransaction(new Recording(attempt.execution(), completed))) {
					throw new NotRecordedException();
				}
				return true;
			});
			return new Outcome.Committed();
		}
		finally {
			attempt.setInTransaction(false);
			attempt.unshield();
		}
	}

	private static boolean mayComplete(Attempt attempt, AttemptContext context) {
		return context.exit().signal() == null
				&& (attempt.interruption() == null || attempt.interruption() == Interruption.SHUTDOWN);
	}

	TaskEvent<?> event(ClaimedExecution execution, TaskSpec task) {
		return event(execution, task, headers(execution));
	}

	private TaskEvent<?> event(ClaimedExecution execution, TaskSpec task, Map<String, String> headers) {
		TaskEvent<?> event;
		if (TriggerHeaders.sayRowChange(headers)) {
			event = TriggerHeaders.rowChange(headers, this.json.readRows(execution.payload(), payloadOf(execution)),
					task.payloadType());
		}
		else {
			Object payload = (task.payloadType() != null) ? readPayload(execution, task.payloadType()) : null;
			event = TriggerHeaders.event(headers, payload, (type) -> readPayload(execution, type));
		}
		if (event.payload() == null && task.payloadType() != null && task.payloadRequired()) {
			throw new InvalidPayloadException(
					task + " needs a payload (" + task.payloadType().getTypeName() + "), but was invoked with none");
		}
		return event;
	}

	private @Nullable Object readPayload(ClaimedExecution execution, Type type) {
		return isFailure(type) ? this.json.readFailure(execution.payload(), type, payloadOf(execution))
				: this.json.read(execution.payload(), type, payloadOf(execution));
	}

	private static boolean isFailure(Type type) {
		return (type instanceof ParameterizedType generic) ? generic.getRawType() == TaskFailure.class
				: type == TaskFailure.class;
	}

	private static String payloadOf(ClaimedExecution execution) {
		return "payload of task '" + execution.task() + "'";
	}

	@SuppressWarnings("unchecked")
	private Map<String, String> headers(ClaimedExecution execution) {
		if (execution.headers() == null) {
			return Map.of();
		}
		Object headers = this.json.read(execution.headers(), HEADERS, "headers of task '" + execution.task() + "'");
		return (headers != null) ? Map.copyOf((Map<String, String>) headers) : Map.of();
	}

	private @Nullable Outcome outcome(Attempt attempt, TaskSpec task, @Nullable AttemptContext context,
			@Nullable Outcome completion, @Nullable Throwable failure, @Nullable Interruption interruption) {
		ClaimedExecution execution = attempt.execution();
		if (completion instanceof Outcome.Committed) {
			return completion;
		}
		if (interruption == Interruption.LOST) {
			return null;
		}
		if (interruption == Interruption.CANCELLED) {
			logger.info("{} was cancelled while it ran (execution {})", task, execution.id());
			return new Outcome.Cancelled();
		}
		boolean hasSteps = context != null && context.hasSteps();
		SuspensionSignal signal = (context != null) ? context.exit().signal() : null;
		Outcome suspension = (context != null) ? context.exit().suspension() : null;
		if (suspension != null && isCausedBy(failure, signal)) {
			return suspension;
		}
		if (interruption == Interruption.TIMEOUT) {
			TimeoutException timeout = new TimeoutException(
					task + " took longer than its timeout of " + task.timeout() + " and was interrupted");
			if (failure != null) {
				timeout.initCause(failure);
			}
			return this.outcomes.failed(execution, task, timeout, hasSteps);
		}
		if (suspension != null) {
			return this.outcomes.failed(execution, task, swallowed(task, failure), hasSteps);
		}
		if (signal != null || (interruption == Interruption.SHUTDOWN && failure != null)) {
			logger.info("{} was interrupted by the shutdown: execution {} runs again elsewhere", task, execution.id());
			return new Outcome.Released();
		}
		if (failure instanceof NotRecordedException && isCancelled(attempt)) {
			return new Outcome.Cancelled();
		}
		if (failure != null) {
			if (failure instanceof RetryAfterException retryAfter && task.rateLimit() != null) {
				attempt.closeGate(retryAfter.delay());
			}
			return this.outcomes.failed(execution, task, failure, hasSteps);
		}
		return completion;
	}

	static boolean isCausedBy(@Nullable Throwable failure, @Nullable Throwable signal) {
		Throwable cause = failure;
		for (int depth = 0; cause != null && depth < 100; depth++) {
			if (cause == signal) {
				return true;
			}
			cause = cause.getCause();
		}
		return false;
	}

	private boolean isCancelled(Attempt attempt) {
		List<UUID> ids = List.of(attempt.execution().id());
		return !new EngineCalls(attempt).call(() -> this.services.running().cancelled(ids)).isEmpty();
	}

	static NonRetryableException swallowed(TaskSpec task, @Nullable Throwable failure) {
		return new NonRetryableException("The handler of " + task
				+ " was to be left by a SuspensionSignal, in order to "
				+ "wait, but it or advice around it has caught that: let it pass, and don't catch Throwable or Error "
				+ "around ctx.sleep, invoke, invokeAll, awaitEvent", failure);
	}

	private void tellProgress(Attempt attempt) {
		Progress progress = attempt.takeProgress();
		if (progress != null) {
			try {
				this.services.running().write(List.of(progress));
			}
			catch (DataAccessException ex) {
				logger.debug("The progress of execution {} cannot be written", attempt.execution().id(), ex);
			}
		}
	}

	/**
	 * Return the outcome of an execution whose real outcome the database refuses to
	 * store.
	 * @param execution the execution
	 * @param task its task
	 * @param cause why it was refused
	 * @return a failure that says so
	 */
	public Outcome.Failed unstorable(ClaimedExecution execution, TaskSpec task, Throwable cause) {
		return this.outcomes.unstorable(execution, task, cause);
	}

	private static void putMdc(ClaimedExecution execution) {
		MDC.put("conductor.execution", execution.id().toString());
		MDC.put("conductor.task", execution.task());
		MDC.put("conductor.queue", execution.queue());
		MDC.put("conductor.attempt", Integer.toString(execution.attempt()));
	}

	private static void clearMdc() {
		MDC.remove("conductor.execution");
		MDC.remove("conductor.task");
		MDC.remove("conductor.queue");
		MDC.remove("conductor.attempt");
	}

	/**
	 * Rolls a transactional handler back whose completion the database doesn't accept:
	 * the execution was cancelled or taken over, or is to be broken off.
	 */
	private static final class NotRecordedException extends RuntimeException {

		NotRecordedException() {
			super("The transaction was rolled back, since the execution could not be completed in it: it was cancelled "
					+ "in the same transaction, or taken over by another node");
		}

	}

}
