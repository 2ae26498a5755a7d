/**
 * Schedules: from cron expressions to executions. Uses the root package, {@code task} and
 * {@code jdbc}.
 */
@NullMarked
package io.pgconductor.schedule;

import org.jspecify.annotations.NullMarked;
