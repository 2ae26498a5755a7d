package io.pgconductor;

import java.util.UUID;

import org.jspecify.annotations.Nullable;

/**
 * An execution has failed for good: what the task that follows it
 * ({@link io.pgconductor.annotation.OnFailure @OnFailure}) is invoked with.
 *
 * @param <P> the type of the failed execution's payload
 * @param execution the failed execution
 * @param task the task of the failed execution
 * @param payload what the failed execution was invoked with, {@code null} if with
 * nothing; of a {@link RowChange}, the new row, or the old one if it was deleted
 * @param error why its last attempt failed
 * @since 0.1.0
 */
public record TaskFailure<P>(UUID execution, String task, @Nullable P payload, ExecutionError error) {
}
