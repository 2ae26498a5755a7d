package io.pgconductor.execution;

import java.time.Duration;
import java.util.concurrent.ThreadLocalRandom;

import io.pgconductor.ConductorException;
import io.pgconductor.NonRetryableException;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.task.ChildFailures;
import io.pgconductor.task.JsonMapping;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.NestedExceptionUtils;

/**
 * Decides what follows from the way an attempt has ended. Thread-safe.
 */
final class AttemptOutcomes {

	private static final Logger logger = LoggerFactory.getLogger(AttemptRunner.class);

	private final JsonMapping json;

	private final Retention completedRetention;

	private final Retention failedRetention;

	/**
	 * Create it.
	 * @param json writes errors
	 * @param completedRetention of completed executions whose task doesn't say it
	 * @param failedRetention of failed executions whose task doesn't say it
	 */
	AttemptOutcomes(JsonMapping json, Retention completedRetention, Retention failedRetention) {
		this.json = json;
		this.completedRetention = completedRetention;
		this.failedRetention = failedRetention;
	}

	Outcome.Completed completed(TaskSpec task, @Nullable String result, boolean hasSteps) {
		return new Outcome.Completed(result, either(task.removeOnComplete(), this.completedRetention), hasSteps);
	}

	/**
	 * The attempt has failed: decide whether another one follows.
	 * @param execution the execution
	 * @param task its task
	 * @param failure what the attempt ended with
	 * @param hasSteps whether it has recorded steps
	 * @return what is to be recorded
	 */
	Outcome failed(ClaimedExecution execution, TaskSpec task, Throwable failure, boolean hasSteps) {
		Duration delay = task.retryPolicy()
			.delayAfter(failure, execution.attempt(), execution.maxAttempts(), ThreadLocalRandom.current());
		if (delay != null) {
			logger.info("{} failed at attempt {} of {} (execution {}), next attempt in {}: {}", task,
					execution.attempt(), execution.maxAttempts(), execution.id(), delay, failure.toString());
			return new Outcome.Retried(this.json.writeError(failure), delay);
		}
		logger.error("{} failed for good at attempt {} of {} (execution {})", task, execution.attempt(),
				execution.maxAttempts(), execution.id(), failure);
		return failedForGood(task, failure, hasSteps);
	}

	/**
	 * The node that ran the last attempt has died.
	 * @param execution the execution
	 * @param task its task
	 * @return a failure that says so
	 */
	Outcome exhausted(ClaimedExecution execution, TaskSpec task) {
		ConductorException failure = new ConductorException(
				"The node that ran attempt %d of %d died, and no attempt is left".formatted(execution.maxAttempts(),
						execution.maxAttempts()));
		logger.error("{} failed for good (execution {}): {}", task, execution.id(), failure.getMessage());
		return failedForGood(task, failure, true);
	}

	/**
	 * The database refuses to store the outcome.
	 * @param execution the execution
	 * @param task its task
	 * @param cause why it was refused
	 * @return a failure that says so
	 */
	Outcome.Failed unstorable(ClaimedExecution execution, TaskSpec task, Throwable cause) {
		NonRetryableException failure = new NonRetryableException("The outcome of " + task + " cannot be stored: "
				+ NestedExceptionUtils.getMostSpecificCause(cause).getMessage());
		logger.error("The outcome of {} (execution {}) cannot be stored", task, execution.id(), cause);
		return failedForGood(task, failure, true);
	}

	private Outcome.Failed failedForGood(TaskSpec task, Throwable failure, boolean hasSteps) {
		// A retry is to invoke those children again that gave no result
		return new Outcome.Failed(this.json.writeError(failure), either(task.removeOnFail(), this.failedRetention),
				hasSteps, ChildFailures.step(failure), task.onFailure());
	}

	private static Retention either(@Nullable Retention own, Retention general) {
		return (own != null) ? own : general;
	}

}
