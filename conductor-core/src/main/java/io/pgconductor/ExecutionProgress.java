package io.pgconductor;

import org.jspecify.annotations.Nullable;

/**
 * How far a live execution has come, as its handler last told.
 *
 * @param fraction from 0 to 1
 * @param message what the handler said, {@code null} if nothing
 * @since 0.1.0
 * @see TaskContext#progress
 */
public record ExecutionProgress(double fraction, @Nullable String message) {
}
