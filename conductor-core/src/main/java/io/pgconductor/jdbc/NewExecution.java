package io.pgconductor.jdbc;

import java.util.UUID;

import io.pgconductor.InvokeOptions;
import org.jspecify.annotations.Nullable;

/**
 * An execution to enqueue.
 *
 * @param id its id
 * @param payload its payload as JSON
 * @param headers its headers as JSON, {@code null} if there are none
 * @param options what differs from its task's own options
 */
public record NewExecution(UUID id, @Nullable String payload, @Nullable String headers, InvokeOptions options) {
}
