package io.pgconductor.task;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Set;

import io.pgconductor.QueueName;
import org.jspecify.annotations.Nullable;

/**
 * A task: its name, its options and its handler. Immutable.
 *
 * @param name the name it is invoked by, unique on a node
 * @param aliases former names whose executions it also serves
 * @param source where it was declared, for messages: {@code Mail.sendEmail} or alike
 * @param payloadType the type its payload is read as; {@code null}: not read until asked
 * for
 * @param payloadRequired whether an execution without payload is invalid
 * @param handler runs its attempts
 * @param queue the queue its executions go to
 * @param priority the priority its executions have; higher runs first
 * @param maxAttempts how many attempts an execution has, at least 1
 * @param retryPolicy when they follow one another
 * @param timeout after which an attempt is interrupted and failed; {@code null}: never
 * @param removeOnComplete how long a completed execution is kept; {@code null}: as
 * configured for all tasks
 * @param removeOnFail how long a failed or cancelled execution is kept; {@code null}: as
 * configured for all tasks
 */
public record TaskSpec(String name, Set<String> aliases, String source, @Nullable Type payloadType,
		boolean payloadRequired, TaskHandler handler, String queue, int priority, int maxAttempts,
		RetryPolicy retryPolicy, @Nullable Duration timeout, @Nullable Retention removeOnComplete,
		@Nullable Retention removeOnFail) {

	/**
	 * How many attempts an execution has unless its task says otherwise.
	 */
	public static final int DEFAULT_MAX_ATTEMPTS = 3;

	public TaskSpec {
		TaskName.validate(name);
		aliases.forEach(TaskName::validate);
		aliases = Set.copyOf(aliases);
		QueueName.validate(queue);
		if (maxAttempts < 1) {
			throw new IllegalArgumentException("maxAttempts must be at least 1, was " + maxAttempts);
		}
		if (timeout != null && (timeout.isNegative() || timeout.isZero())) {
			throw new IllegalArgumentException("timeout must be positive, was " + timeout);
		}
	}

	/**
	 * A task with all options at their defaults.
	 * @param name the task's name
	 * @param payloadType the type its payload is read as
	 * @param handler runs its attempts
	 * @return the spec
	 */
	public static TaskSpec of(String name, @Nullable Type payloadType, TaskHandler handler) {
		return new TaskSpec(name, Set.of(), name, payloadType, false, handler, QueueName.DEFAULT, 0,
				DEFAULT_MAX_ATTEMPTS, RetryPolicy.DEFAULT, null, null, null);
	}

	/**
	 * Return this task with some options replaced.
	 * @param options those that are not {@code null} win
	 * @return the changed spec
	 */
	public TaskSpec with(TaskOptions options) {
		return new TaskSpec(this.name, this.aliases, this.source, this.payloadType, this.payloadRequired, this.handler,
				either(options.queue(), this.queue), either(options.priority(), this.priority),
				either(options.maxAttempts(), this.maxAttempts), either(options.retryPolicy(), this.retryPolicy),
				eitherOrNull(options.timeout(), this.timeout),
				eitherOrNull(options.removeOnComplete(), this.removeOnComplete),
				eitherOrNull(options.removeOnFail(), this.removeOnFail));
	}

	TaskSpec withRetryPolicy(RetryPolicy policy) {
		return with(new TaskOptions(null, null, null, null, policy, null, null, null));
	}

	private static <T> T either(@Nullable T first, T second) {
		return (first != null) ? first : second;
	}

	private static <T> @Nullable T eitherOrNull(@Nullable T first, @Nullable T second) {
		return (first != null) ? first : second;
	}

	@Override
	public String toString() {
		return "Task '" + this.name + "' (" + this.source + ")";
	}

}
