package io.pgconductor;

import java.time.Instant;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A finished step of an execution.
 *
 * @param name the step's name
 * @param result what it returned; for a sleep, its end; for an event, its payload; for
 * several children, their results in order; {@code null} if it has none
 * @param finishedAt when it was recorded
 * @since 0.1.0
 */
public record ExecutionStep(String name, @Nullable JsonNode result, Instant finishedAt) {
}
