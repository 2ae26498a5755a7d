package io.pgconductor;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * One execution of a task, as the database had it at one moment. All times are the
 * database's.
 *
 * @param id the execution's id
 * @param task the task's name
 * @param queue the queue it runs on
 * @param state where it is in its life
 * @param priority its priority; higher runs first
 * @param runAt when it is or was due
 * @param createdAt when it was enqueued
 * @param startedAt when its current or last attempt was claimed; {@code null} before the
 * first
 * @param finishedAt when it finished; {@code null} if it is live
 * @param attempt the number of the current or last attempt, from 1; 0 before the first
 * @param maxAttempts how many attempts it has
 * @param payload what it was invoked with; {@code null} if nothing
 * @param headers what travels with it
 * @param result what its handler returned; {@code null} if nothing, or not completed
 * @param error what its last failed attempt ended with; {@code null} if none failed
 * @param cancelReason why it was cancelled, or is being cancelled; {@code null} if it was
 * not, or for no given reason
 * @param waitingFor what it waits for: {@code sleep}, {@code children}, {@code event} or
 * {@code window}; {@code null} unless it is {@link ExecutionState#WAITING waiting}
 * @param progress how far it has come, as its handler last told; {@code null} if it never
 * did, or is over
 * @param steps its finished steps, in the order they finished
 * @param parent the execution that invoked it as a child; {@code null} if it is none
 * @param children the executions that it has invoked as children and that are not pruned,
 * in the order they were invoked
 * @since 0.1.0
 */
public record Execution(UUID id, String task, String queue, ExecutionState state, int priority, Instant runAt,
		Instant createdAt, @Nullable Instant startedAt, @Nullable Instant finishedAt, int attempt, int maxAttempts,
		@Nullable JsonNode payload, Map<String, String> headers, @Nullable JsonNode result,
		@Nullable ExecutionError error, @Nullable String cancelReason, @Nullable String waitingFor,
		@Nullable ExecutionProgress progress, List<ExecutionStep> steps, @Nullable UUID parent, List<UUID> children) {
}
