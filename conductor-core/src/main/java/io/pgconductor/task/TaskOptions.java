package io.pgconductor.task;

import java.time.Duration;

import org.jspecify.annotations.Nullable;

/**
 * Options of a task, set from outside of its declaration. What is {@code null} stays as
 * declared.
 *
 * @param enabled {@code false} takes the task off this node
 * @param queue see {@link TaskSpec#queue()}
 * @param priority see {@link TaskSpec#priority()}
 * @param maxAttempts see {@link TaskSpec#maxAttempts()}
 * @param retryPolicy see {@link TaskSpec#retryPolicy()}
 * @param timeout see {@link TaskSpec#timeout()}
 * @param removeOnComplete see {@link TaskSpec#removeOnComplete()}
 * @param removeOnFail see {@link TaskSpec#removeOnFail()}
 */
public record TaskOptions(@Nullable Boolean enabled, @Nullable String queue, @Nullable Integer priority,
		@Nullable Integer maxAttempts, @Nullable RetryPolicy retryPolicy, @Nullable Duration timeout,
		@Nullable Retention removeOnComplete, @Nullable Retention removeOnFail) {
}
