package io.pgconductor;

import org.jspecify.annotations.Nullable;

/**
 * Why an attempt failed.
 *
 * @param type the exception's class name
 * @param message the exception's message, shortened if very long
 * @param stackTrace the beginning of the exception's stack trace
 * @since 0.1.0
 */
public record ExecutionError(String type, @Nullable String message, @Nullable String stackTrace) {
}
