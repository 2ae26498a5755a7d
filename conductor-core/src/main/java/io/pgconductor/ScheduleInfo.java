package io.pgconductor;

import java.time.Instant;
import java.util.UUID;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * A schedule as it stands.
 *
 * @param task the task that it invokes
 * @param name its name, unique among the task's schedules
 * @param cron its cron expression
 * @param zone the name of the time zone that the expression is about
 * @param payload what the task is invoked with, {@code null} if nothing
 * @param misfire what becomes of missed ticks
 * @param overlap what a tick does while an earlier execution is not over
 * @param declared whether an annotation declares it, rather than a call
 * @param application the application that declares it, {@code null} if none does
 * @param paused whether it is paused
 * @param nextRunAt its next tick; {@code null} if it is paused, has none, or has just
 * been made
 * @param lastRunAt the tick that was fired last, {@code null} if none was
 * @param lastExecution the execution that was invoked last, {@code null} if none was
 * @param error why it cannot be fired, {@code null} if it can
 * @since 0.1.0
 */
public record ScheduleInfo(String task, String name, String cron, String zone, @Nullable JsonNode payload,
		MisfirePolicy misfire, OverlapPolicy overlap, boolean declared, @Nullable String application, boolean paused,
		@Nullable Instant nextRunAt, @Nullable Instant lastRunAt, @Nullable UUID lastExecution,
		@Nullable String error) {
}
