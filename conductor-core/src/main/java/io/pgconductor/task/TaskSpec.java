package io.pgconductor.task;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

import io.pgconductor.QueueName;
import org.jspecify.annotations.Nullable;

/**
 * A task: its name, its handler and its options. Immutable.
 *
 * @param name the name it is invoked by, unique on a node
 * @param aliases former names whose executions it also serves
 * @param source where it was declared, for messages: {@code Mail.sendEmail} or alike
 * @param payloadType the type its payload is read as; {@code null}: not read until asked
 * for
 * @param payloadRequired whether an execution without payload is invalid
 * @param handler runs its attempts
 * @param options what was set of its options; the accessors of this type fill in the
 * defaults
 * @param onFailure the task that is invoked with a {@link io.pgconductor.TaskFailure}
 * when an execution has failed for good; {@code null}: none
 * @param triggers what makes it run, besides invocations
 */
public record TaskSpec(String name, Set<String> aliases, String source, @Nullable Type payloadType,
		boolean payloadRequired, TaskHandler handler, TaskOptions options, @Nullable String onFailure,
		List<TaskTrigger> triggers) {

	/**
	 * How many attempts an execution has unless its task says otherwise.
	 */
	public static final int DEFAULT_MAX_ATTEMPTS = 3;

	public TaskSpec {
		TaskName.validate(name);
		aliases.forEach(TaskName::validate);
		aliases = Set.copyOf(aliases);
		if (onFailure != null) {
			TaskName.validate(onFailure);
		}
		triggers = List.copyOf(triggers);
	}

	/**
	 * A task with all options at their defaults.
	 * @param name the task's name
	 * @param payloadType the type its payload is read as
	 * @param handler runs its attempts
	 * @return the spec
	 */
	public static TaskSpec of(String name, @Nullable Type payloadType, TaskHandler handler) {
		return new TaskSpec(name, Set.of(), name, payloadType, false, handler, TaskOptions.none(), null, List.of());
	}

	/**
	 * Return this task with some options replaced.
	 * @param options those that are not {@code null} win
	 * @return the changed spec
	 */
	public TaskSpec with(TaskOptions options) {
		return new TaskSpec(this.name, this.aliases, this.source, this.payloadType, this.payloadRequired, this.handler,
				options.orElse(this.options), this.onFailure, this.triggers);
	}

	/**
	 * Return this task with other former names.
	 * @param names the names whose executions it also serves
	 * @return the changed spec
	 */
	public TaskSpec withAliases(Set<String> names) {
		return new TaskSpec(this.name, names, this.source, this.payloadType, this.payloadRequired, this.handler,
				this.options, this.onFailure, this.triggers);
	}

	/**
	 * Return this task with a task that follows its failures.
	 * @param task the name of the task that is invoked when an execution has failed for
	 * good; {@code null}: none
	 * @return the changed spec
	 */
	public TaskSpec withOnFailure(@Nullable String task) {
		return new TaskSpec(this.name, this.aliases, this.source, this.payloadType, this.payloadRequired, this.handler,
				this.options, task, this.triggers);
	}

	/**
	 * Return this task with other triggers.
	 * @param triggers what makes it run, besides invocations
	 * @return the changed spec
	 */
	public TaskSpec withTriggers(List<TaskTrigger> triggers) {
		return new TaskSpec(this.name, this.aliases, this.source, this.payloadType, this.payloadRequired, this.handler,
				this.options, this.onFailure, triggers);
	}

	/**
	 * Return the queue that executions go to.
	 * @return the queue's name
	 */
	public String queue() {
		return either(this.options.queue(), QueueName.DEFAULT);
	}

	/**
	 * Return the queues that executions go to, also if a trigger names one.
	 * @return the queues' names, with duplicates
	 */
	Stream<String> queues() {
		Stream<String> ofTriggers = this.triggers.stream()
			.filter(RowChangeTrigger.class::isInstance)
			.map((trigger) -> ((RowChangeTrigger) trigger).options().queue())
			.filter(Objects::nonNull);
		return Stream.concat(Stream.of(queue()), ofTriggers);
	}

	/**
	 * Return the priority that executions have.
	 * @return a number; higher runs first
	 */
	public int priority() {
		return either(this.options.priority(), 0);
	}

	/**
	 * Return how many attempts an execution has.
	 * @return at least 1
	 */
	public int maxAttempts() {
		return either(this.options.maxAttempts(), DEFAULT_MAX_ATTEMPTS);
	}

	/**
	 * Return when attempts follow one another.
	 * @return the policy
	 */
	public RetryPolicy retryPolicy() {
		return either(this.options.retryPolicy(), RetryPolicy.DEFAULT);
	}

	/**
	 * Return the time after which an attempt is interrupted and failed.
	 * @return the timeout; {@code null}: never
	 */
	public @Nullable Duration timeout() {
		return this.options.timeout();
	}

	/**
	 * Return when executions may run.
	 * @return the window; {@code null}: at any time
	 */
	public @Nullable TaskWindow window() {
		return this.options.window();
	}

	/**
	 * Return whether an attempt is one transaction, which its completion is part of.
	 * @return whether it is
	 */
	public boolean transactional() {
		return either(this.options.transactional(), false);
	}

	/**
	 * Return how long a completed execution is kept.
	 * @return the time; {@code null}: as configured for all tasks
	 */
	public @Nullable Retention removeOnComplete() {
		return this.options.removeOnComplete();
	}

	/**
	 * Return how long a failed or cancelled execution is kept.
	 * @return the time; {@code null}: as configured for all tasks
	 */
	public @Nullable Retention removeOnFail() {
		return this.options.removeOnFail();
	}

	/**
	 * Return how many executions run at once, over all nodes.
	 * @return at least 1; {@code null}: as many as workers take
	 */
	public @Nullable Integer concurrency() {
		return this.options.concurrency();
	}

	/**
	 * Return of which executions only so many run at once: those with the same value in
	 * their payload.
	 * @return where the value is; {@code null}: of all of them
	 */
	public @Nullable PayloadPath concurrencyKey() {
		return this.options.concurrencyKey();
	}

	/**
	 * Return how many executions begin within any period, over all nodes.
	 * @return the limit; {@code null}: as many as workers take
	 */
	public @Nullable RateLimit rateLimit() {
		return this.options.rateLimit();
	}

	/**
	 * Return of which executions only so many begin within a period: those with the same
	 * value in their payload.
	 * @return where the value is; {@code null}: of all of them
	 */
	public @Nullable PayloadPath rateLimitKey() {
		return this.options.rateLimitKey();
	}

	/**
	 * Return whether something limits how executions follow one another.
	 * @return whether there is a limit of concurrency or of rate
	 */
	public boolean isLimited() {
		return concurrency() != null || rateLimit() != null;
	}

	/**
	 * Return how executions are gathered so that the handler gets many of them at once.
	 * @return how; {@code null}: the handler gets one after the other
	 */
	public @Nullable Batching batch() {
		return this.options.batch();
	}

	private static <T> T either(@Nullable T set, T otherwise) {
		return (set != null) ? set : otherwise;
	}

	@Override
	public String toString() {
		return "Task '" + this.name + "' (" + this.source + ")";
	}

}
