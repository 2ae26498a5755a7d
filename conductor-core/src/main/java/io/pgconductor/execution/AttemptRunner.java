package io.pgconductor.execution;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import io.pgconductor.InvalidPayloadException;
import io.pgconductor.Invocation;
import io.pgconductor.NonRetryableException;
import io.pgconductor.TaskEvent;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.task.JsonMapping;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.core.ParameterizedTypeReference;

/**
 * Runs one attempt on the current thread: reads the payload, calls the handler, and says
 * what is to be recorded. Thread-safe.
 */
public final class AttemptRunner {

	private static final Logger logger = LoggerFactory.getLogger(AttemptRunner.class);

	private static final Type HEADERS = new ParameterizedTypeReference<Map<String, String>>() {
	}.getType();

	private final JsonMapping json;

	private final Retention completedRetention;

	private final Retention failedRetention;

	private final ScheduledExecutorService timer;

	/**
	 * Create a runner.
	 * @param json reads payloads and writes results
	 * @param completedRetention of completed executions whose task doesn't say it
	 * @param failedRetention of failed executions whose task doesn't say it
	 * @param timer breaks off what takes too long
	 */
	public AttemptRunner(JsonMapping json, Retention completedRetention, Retention failedRetention,
			ScheduledExecutorService timer) {
		this.json = json;
		this.completedRetention = completedRetention;
		this.failedRetention = failedRetention;
		this.timer = timer;
	}

	/**
	 * Run an attempt.
	 * @param attempt the attempt
	 * @param task its task
	 * @return what is to be recorded; {@code null} if nothing is, since the execution
	 * belongs to another node by now
	 */
	public @Nullable Outcome run(Attempt attempt, TaskSpec task) {
		if (!attempt.begin()) {
			return attempt.isLost() ? null : new Outcome.Released();
		}
		ClaimedExecution execution = attempt.execution();
		putMdc(execution);
		ScheduledFuture<?> timeout = scheduleTimeout(attempt, task);
		String result = null;
		Throwable failure = null;
		Attempt.Interruption interruption;
		try {
			TaskEvent<?> event = event(execution, task);
			Object returned = task.handler().handle(event, new AttemptContext(execution, headers(execution)));
			result = this.json.write(returned, "result of task '" + execution.task() + "'");
		}
		catch (Throwable ex) {
			failure = ex;
		}
		finally {
			interruption = attempt.end();
			if (timeout != null) {
				timeout.cancel(false);
			}
		}
		try {
			return outcome(execution, task, result, failure, interruption);
		}
		finally {
			clearMdc();
		}
	}

	private @Nullable ScheduledFuture<?> scheduleTimeout(Attempt attempt, TaskSpec task) {
		Duration timeout = task.timeout();
		return (timeout != null) ? this.timer.schedule(() -> attempt.interrupt(Attempt.Interruption.TIMEOUT),
				TimeUnit.NANOSECONDS.convert(timeout), TimeUnit.NANOSECONDS) : null;
	}

	private TaskEvent<?> event(ClaimedExecution execution, TaskSpec task) {
		Object payload = null;
		if (task.payloadType() != null) {
			payload = readPayload(execution, task.payloadType());
			if (payload == null && task.payloadRequired()) {
				throw new InvalidPayloadException(task + " needs a payload (" + task.payloadType().getTypeName()
						+ "), but was invoked with none");
			}
		}
		return new Invocation<>(payload, (type) -> readPayload(execution, type));
	}

	private @Nullable Object readPayload(ClaimedExecution execution, Type type) {
		return this.json.read(execution.payload(), type, "payload of task '" + execution.task() + "'");
	}

	@SuppressWarnings("unchecked")
	private Map<String, String> headers(ClaimedExecution execution) {
		if (execution.headers() == null) {
			return Map.of();
		}
		Object headers = this.json.read(execution.headers(), HEADERS, "headers of task '" + execution.task() + "'");
		return (headers != null) ? Map.copyOf((Map<String, String>) headers) : Map.of();
	}

	private @Nullable Outcome outcome(ClaimedExecution execution, TaskSpec task, @Nullable String result,
			@Nullable Throwable failure, Attempt.@Nullable Interruption interruption) {
		if (interruption == Attempt.Interruption.LOST) {
			return null;
		}
		if (interruption == Attempt.Interruption.TIMEOUT) {
			TimeoutException timeout = new TimeoutException(
					task + " took longer than its timeout of " + task.timeout() + " and was interrupted");
			if (failure != null) {
				timeout.initCause(failure);
			}
			return failed(execution, task, timeout);
		}
		if (interruption == Attempt.Interruption.SHUTDOWN && failure != null) {
			logger.info("{} was interrupted by the shutdown: execution {} runs again elsewhere", task, execution.id());
			return new Outcome.Released();
		}
		if (failure != null) {
			return failed(execution, task, failure);
		}
		return new Outcome.Completed(result, either(task.removeOnComplete(), this.completedRetention));
	}

	private Outcome failed(ClaimedExecution execution, TaskSpec task, Throwable failure) {
		String error = this.json.writeError(failure);
		Duration delay = task.retryPolicy()
			.delayAfter(failure, execution.attempt(), execution.maxAttempts(), ThreadLocalRandom.current());
		if (delay != null) {
			logger.info("{} failed at attempt {} of {} (execution {}), next attempt in {}: {}", task,
					execution.attempt(), execution.maxAttempts(), execution.id(), delay, failure.toString());
			return new Outcome.Retried(error, delay);
		}
		logger.error("{} failed for good at attempt {} of {} (execution {})", task, execution.attempt(),
				execution.maxAttempts(), execution.id(), failure);
		return new Outcome.Failed(error, either(task.removeOnFail(), this.failedRetention));
	}

	/**
	 * Return the outcome of an execution whose real outcome the database refuses to
	 * store.
	 * @param execution the execution
	 * @param task its task
	 * @param cause why it was refused
	 * @return a failure that says so
	 */
	public Outcome unstorable(ClaimedExecution execution, TaskSpec task, Throwable cause) {
		NonRetryableException failure = new NonRetryableException("The outcome of " + task + " cannot be stored: "
				+ NestedExceptionUtils.getMostSpecificCause(cause).getMessage());
		logger.error("The outcome of {} (execution {}) cannot be stored", task, execution.id(), cause);
		return new Outcome.Failed(this.json.writeError(failure), either(task.removeOnFail(), this.failedRetention));
	}

	private static Retention either(@Nullable Retention own, Retention general) {
		return (own != null) ? own : general;
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

}
