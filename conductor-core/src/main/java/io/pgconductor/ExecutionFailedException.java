package io.pgconductor;

import java.util.UUID;

import org.jspecify.annotations.Nullable;

/**
 * An execution that {@link ConductorClient#await} waited for ended without a result: it
 * failed or was cancelled.
 *
 * @since 0.1.0
 */
public class ExecutionFailedException extends ConductorException {

	private final UUID execution;

	private final ExecutionState state;

	private final @Nullable ExecutionError error;

	/**
	 * Create the exception.
	 * @param execution the execution that was waited for
	 * @param state failed or cancelled
	 * @param message what happened
	 * @param error what its last attempt failed with, {@code null} if none did
	 */
	public ExecutionFailedException(UUID execution, ExecutionState state, String message,
			@Nullable ExecutionError error) {
		super(message);
		this.execution = execution;
		this.state = state;
		this.error = error;
	}

	/**
	 * Return the execution that was waited for.
	 * @return its id
	 */
	public UUID execution() {
		return this.execution;
	}

	/**
	 * Return how it ended.
	 * @return {@link ExecutionState#FAILED} or {@link ExecutionState#CANCELLED}
	 */
	public ExecutionState state() {
		return this.state;
	}

	/**
	 * Return what its last attempt failed with.
	 * @return the error, {@code null} if no attempt failed
	 */
	public @Nullable ExecutionError error() {
		return this.error;
	}

}
