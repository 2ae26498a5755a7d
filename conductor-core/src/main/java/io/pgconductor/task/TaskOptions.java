package io.pgconductor.task;

import java.time.Duration;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.List;

import io.pgconductor.QueueName;
import org.jspecify.annotations.Nullable;

/**
 * Options of a task, each of which may be left open ({@code null}). Immutable: each
 * method that takes a value returns a changed copy.
 */
public final class TaskOptions {

	/**
	 * How many executions of a task a limit lets run at once at most.
	 */
	public static final int MOST_CONCURRENT = 10_000;

	private static final TaskOptions NONE = new TaskOptions();

	private @Nullable Boolean enabled;

	private @Nullable String queue;

	private @Nullable Integer priority;

	private @Nullable Integer maxAttempts;

	private @Nullable RetryPolicy retryPolicy;

	private @Nullable Duration timeout;

	private @Nullable DailyHours hours;

	private @Nullable ZoneId zone;

	private @Nullable Boolean transactional;

	private @Nullable Retention removeOnComplete;

	private @Nullable Retention removeOnFail;

	private @Nullable Integer concurrency;

	private @Nullable PayloadPath concurrencyKey;

	private @Nullable RateLimit rateLimit;

	private @Nullable PayloadPath rateLimitKey;

	private @Nullable Batching batch;

	private TaskOptions() {
	}

	private TaskOptions(TaskOptions first, TaskOptions second) {
		this.enabled = either(first.enabled, second.enabled);
		this.queue = either(first.queue, second.queue);
		this.priority = either(first.priority, second.priority);
		this.maxAttempts = either(first.maxAttempts, second.maxAttempts);
		this.retryPolicy = either(first.retryPolicy, second.retryPolicy);
		this.timeout = either(first.timeout, second.timeout);
		this.hours = either(first.hours, second.hours);
		this.zone = either(first.zone, second.zone);
		this.transactional = either(first.transactional, second.transactional);
		this.removeOnComplete = either(first.removeOnComplete, second.removeOnComplete);
		this.removeOnFail = either(first.removeOnFail, second.removeOnFail);
		this.concurrency = either(first.concurrency, second.concurrency);
		this.concurrencyKey = either(first.concurrencyKey, second.concurrencyKey);
		this.rateLimit = either(first.rateLimit, second.rateLimit);
		this.rateLimitKey = either(first.rateLimitKey, second.rateLimitKey);
		this.batch = either(first.batch, second.batch);
	}

	private static <T> @Nullable T either(@Nullable T first, @Nullable T second) {
		return (first != null) ? first : second;
	}

	/**
	 * Leave everything open.
	 * @return the options
	 */
	public static TaskOptions none() {
		return NONE;
	}

	/**
	 * Fill what is open here.
	 * @param others the options that count where these are open
	 * @return the filled options
	 */
	public TaskOptions orElse(TaskOptions others) {
		return new TaskOptions(this, others);
	}

	private TaskOptions copy() {
		return new TaskOptions(this, NONE);
	}

	/**
	 * Say whether this node runs the task.
	 * @param enabled {@code false} takes it off this node
	 * @return the changed options
	 */
	public TaskOptions enabled(@Nullable Boolean enabled) {
		TaskOptions changed = copy();
		changed.enabled = enabled;
		return changed;
	}

	/**
	 * Set the queue that executions go to.
	 * @param queue see {@link TaskSpec#queue()}
	 * @return the changed options
	 * @throws IllegalArgumentException if the name is not a queue's
	 */
	public TaskOptions queue(@Nullable String queue) {
		TaskOptions changed = copy();
		changed.queue = (queue != null) ? QueueName.validate(queue) : null;
		return changed;
	}

	/**
	 * Set the priority of executions.
	 * @param priority see {@link TaskSpec#priority()}
	 * @return the changed options
	 */
	public TaskOptions priority(@Nullable Integer priority) {
		TaskOptions changed = copy();
		changed.priority = priority;
		return changed;
	}

	/**
	 * Set the number of attempts.
	 * @param maxAttempts see {@link TaskSpec#maxAttempts()}
	 * @return the changed options
	 * @throws IllegalArgumentException if it is less than 1
	 */
	public TaskOptions maxAttempts(@Nullable Integer maxAttempts) {
		if (maxAttempts != null && maxAttempts < 1) {
			throw new IllegalArgumentException("maxAttempts must be at least 1, was " + maxAttempts);
		}
		TaskOptions changed = copy();
		changed.maxAttempts = maxAttempts;
		return changed;
	}

	/**
	 * Set when attempts follow one another.
	 * @param retryPolicy see {@link TaskSpec#retryPolicy()}
	 * @return the changed options
	 */
	public TaskOptions retryPolicy(@Nullable RetryPolicy retryPolicy) {
		TaskOptions changed = copy();
		changed.retryPolicy = retryPolicy;
		return changed;
	}

	/**
	 * Set the timeout of an attempt.
	 * @param timeout see {@link TaskSpec#timeout()}
	 * @return the changed options
	 * @throws IllegalArgumentException if it is not positive
	 */
	public TaskOptions timeout(@Nullable Duration timeout) {
		if (timeout != null && (timeout.isNegative() || timeout.isZero())) {
			throw new IllegalArgumentException("timeout must be positive, was " + timeout);
		}
		TaskOptions changed = copy();
		changed.timeout = timeout;
		return changed;
	}

	/**
	 * Set when the task may run, and in which zone that is.
	 * @param window see {@link TaskSpec#window()}
	 * @return the changed options
	 */
	public TaskOptions window(@Nullable TaskWindow window) {
		TaskOptions changed = copy();
		changed.hours = (window != null) ? window.hours() : null;
		changed.zone = (window != null) ? window.zone() : null;
		return changed;
	}

	/**
	 * Set the hours of the window, and leave its zone as it is.
	 * @param hours the hours
	 * @return the changed options
	 */
	public TaskOptions hours(@Nullable DailyHours hours) {
		TaskOptions changed = copy();
		changed.hours = hours;
		return changed;
	}

	/**
	 * Set the zone of the window, and leave its hours as they are.
	 * @param zone the time zone
	 * @return the changed options
	 */
	public TaskOptions zone(@Nullable ZoneId zone) {
		TaskOptions changed = copy();
		changed.zone = zone;
		return changed;
	}

	/**
	 * Say whether an attempt is one transaction.
	 * @param transactional see {@link TaskSpec#transactional()}
	 * @return the changed options
	 */
	public TaskOptions transactional(@Nullable Boolean transactional) {
		TaskOptions changed = copy();
		changed.transactional = transactional;
		return changed;
	}

	/**
	 * Set how long completed executions are kept.
	 * @param removeOnComplete see {@link TaskSpec#removeOnComplete()}
	 * @return the changed options
	 */
	public TaskOptions removeOnComplete(@Nullable Retention removeOnComplete) {
		TaskOptions changed = copy();
		changed.removeOnComplete = removeOnComplete;
		return changed;
	}

	/**
	 * Set how long failed and cancelled executions are kept.
	 * @param removeOnFail see {@link TaskSpec#removeOnFail()}
	 * @return the changed options
	 */
	public TaskOptions removeOnFail(@Nullable Retention removeOnFail) {
		TaskOptions changed = copy();
		changed.removeOnFail = removeOnFail;
		return changed;
	}

	/**
	 * Set how many executions run at once.
	 * @param concurrency see {@link TaskSpec#concurrency()}
	 * @return the changed options
	 * @throws IllegalArgumentException if it is less than 1, or more than
	 * {@value #MOST_CONCURRENT}
	 */
	public TaskOptions concurrency(@Nullable Integer concurrency) {
		if (concurrency != null && (concurrency < 1 || concurrency > MOST_CONCURRENT)) {
			throw new IllegalArgumentException(
					"concurrency must be between 1 and " + MOST_CONCURRENT + ", was " + concurrency);
		}
		TaskOptions changed = copy();
		changed.concurrency = concurrency;
		return changed;
	}

	/**
	 * Set of which executions only so many run at once.
	 * @param concurrencyKey see {@link TaskSpec#concurrencyKey()}
	 * @return the changed options
	 */
	public TaskOptions concurrencyKey(@Nullable PayloadPath concurrencyKey) {
		TaskOptions changed = copy();
		changed.concurrencyKey = concurrencyKey;
		return changed;
	}

	/**
	 * Set how many executions begin within a period.
	 * @param rateLimit see {@link TaskSpec#rateLimit()}
	 * @return the changed options
	 */
	public TaskOptions rateLimit(@Nullable RateLimit rateLimit) {
		TaskOptions changed = copy();
		changed.rateLimit = rateLimit;
		return changed;
	}

	/**
	 * Set of which executions only so many begin within a period.
	 * @param rateLimitKey see {@link TaskSpec#rateLimitKey()}
	 * @return the changed options
	 */
	public TaskOptions rateLimitKey(@Nullable PayloadPath rateLimitKey) {
		TaskOptions changed = copy();
		changed.rateLimitKey = rateLimitKey;
		return changed;
	}

	/**
	 * Set how executions are gathered.
	 * @param batch see {@link TaskSpec#batch()}
	 * @return the changed options
	 */
	public TaskOptions batch(@Nullable Batching batch) {
		TaskOptions changed = copy();
		changed.batch = batch;
		return changed;
	}

	public @Nullable Boolean enabled() {
		return this.enabled;
	}

	public @Nullable String queue() {
		return this.queue;
	}

	public @Nullable Integer priority() {
		return this.priority;
	}

	public @Nullable Integer maxAttempts() {
		return this.maxAttempts;
	}

	public @Nullable RetryPolicy retryPolicy() {
		return this.retryPolicy;
	}

	public @Nullable Duration timeout() {
		return this.timeout;
	}

	public @Nullable DailyHours hours() {
		return this.hours;
	}

	public @Nullable ZoneId zone() {
		return this.zone;
	}

	/**
	 * Return the hours in their zone, {@link TaskWindow#DEFAULT_ZONE} if that is open.
	 * @return the window; {@code null} if the hours are open
	 */
	public @Nullable TaskWindow window() {
		return (this.hours != null) ? this.hours.in((this.zone != null) ? this.zone : TaskWindow.DEFAULT_ZONE) : null;
	}

	public @Nullable Boolean transactional() {
		return this.transactional;
	}

	public @Nullable Retention removeOnComplete() {
		return this.removeOnComplete;
	}

	public @Nullable Retention removeOnFail() {
		return this.removeOnFail;
	}

	public @Nullable Integer concurrency() {
		return this.concurrency;
	}

	public @Nullable PayloadPath concurrencyKey() {
		return this.concurrencyKey;
	}

	public @Nullable RateLimit rateLimit() {
		return this.rateLimit;
	}

	public @Nullable PayloadPath rateLimitKey() {
		return this.rateLimitKey;
	}

	public @Nullable Batching batch() {
		return this.batch;
	}

	private List<@Nullable Object> values() {
		return Arrays.asList(this.enabled, this.queue, this.priority, this.maxAttempts, this.retryPolicy, this.timeout,
				this.hours, this.zone, this.transactional, this.removeOnComplete, this.removeOnFail, this.concurrency,
				this.concurrencyKey, this.rateLimit, this.rateLimitKey, this.batch);
	}

	@Override
	public boolean equals(@Nullable Object other) {
		return other instanceof TaskOptions options && values().equals(options.values());
	}

	@Override
	public int hashCode() {
		return values().hashCode();
	}

	@Override
	public String toString() {
		return "TaskOptions[enabled=" + this.enabled + ", queue=" + this.queue + ", priority=" + this.priority
				+ ", maxAttempts=" + this.maxAttempts + ", retryPolicy=" + this.retryPolicy + ", timeout="
				+ this.timeout + ", hours=" + this.hours + ", zone=" + this.zone + ", transactional="
				+ this.transactional + ", removeOnComplete=" + this.removeOnComplete + ", removeOnFail="
				+ this.removeOnFail + ", concurrency=" + this.concurrency + ", concurrencyKey=" + this.concurrencyKey
				+ ", rateLimit=" + this.rateLimit + ", rateLimitKey=" + this.rateLimitKey + ", batch=" + this.batch
				+ "]";
	}

}
