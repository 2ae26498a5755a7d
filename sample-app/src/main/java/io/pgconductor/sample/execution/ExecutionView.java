package io.pgconductor.sample.execution;

import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.UUID;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionError;
import io.pgconductor.ExecutionProgress;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What the HTTP API tells about an execution.
 *
 * @param id the execution's id
 * @param task the task's name
 * @param state where the execution is in its life
 * @param waitingFor what it waits for; {@code null} if it doesn't wait
 * @param attempts how many attempts have begun
 * @param maxAttempts how many there are at most
 * @param progress how far it has come; {@code null} if it is over, or never told
 * @param steps what it has finished so far, in that order
 * @param children the executions that it has invoked
 * @param result what the task returned; {@code null} if it hasn't completed
 * @param error why the last failed attempt failed; {@code null} if none did
 */
public record ExecutionView(UUID id, String task, String state, @Nullable String waitingFor, int attempts,
		int maxAttempts, @Nullable ExecutionProgress progress, List<Step> steps, List<Child> children,
		@Nullable JsonNode result, @Nullable Failure error) {

	static ExecutionView of(Execution execution, List<Execution> children) {
		ExecutionError error = execution.error();
		return new ExecutionView(execution.id(), execution.task(), stateOf(execution), execution.waitingFor(),
				execution.attempt(), execution.maxAttempts(), execution.progress(),
				execution.steps().stream().map((step) -> new Step(step.name(), step.finishedAt())).toList(),
				children.stream().map((child) -> new Child(child.id(), child.task(), stateOf(child))).toList(),
				execution.result(), (error != null) ? new Failure(error.type(), error.message()) : null);
	}

	private static String stateOf(Execution execution) {
		return execution.state().name().toLowerCase(Locale.ROOT);
	}

	/**
	 * A finished step. Its result is nobody's business outside.
	 *
	 * @param name the step's name
	 * @param finishedAt when it was finished
	 */
	public record Step(String name, Instant finishedAt) {
	}

	/**
	 * An execution that another one has invoked and waits for, or has waited for.
	 *
	 * @param id the child's id
	 * @param task the task's name
	 * @param state where the child is in its life
	 */
	public record Child(UUID id, String task, String state) {
	}

	/**
	 * An error without its stack trace, which is nobody's business outside.
	 *
	 * @param type the exception's class name
	 * @param message the exception's message
	 */
	public record Failure(String type, @Nullable String message) {
	}

}
