package io.pgconductor.sample.execution;

import java.util.Locale;
import java.util.UUID;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionError;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What the HTTP API tells about an execution.
 *
 * @param id the execution's id
 * @param task the task's name
 * @param state where the execution is in its life
 * @param attempts how many attempts have begun
 * @param maxAttempts how many there are at most
 * @param result what the task returned; {@code null} if it hasn't completed
 * @param error why the last failed attempt failed; {@code null} if none did
 */
record ExecutionView(UUID id, String task, String state, int attempts, int maxAttempts, @Nullable JsonNode result,
		@Nullable Failure error) {

	static ExecutionView of(Execution execution) {
		ExecutionError error = execution.error();
		return new ExecutionView(execution.id(), execution.task(), execution.state().name().toLowerCase(Locale.ROOT),
				execution.attempt(), execution.maxAttempts(), execution.result(),
				(error != null) ? new Failure(error.type(), error.message()) : null);
	}

	/**
	 * An error without its stack trace, which is nobody's business outside.
	 *
	 * @param type the exception's class name
	 * @param message the exception's message
	 */
	record Failure(String type, @Nullable String message) {
	}

}
