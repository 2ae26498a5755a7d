package io.pgconductor;

import java.util.UUID;

import org.jspecify.annotations.Nullable;

/**
 * A child ended without a result: it failed for good, or was cancelled. Thrown by
 * {@link TaskContext#invoke} and {@link TaskContext#invokeAll}, on every replay again.
 * Where the handler lets it pass, its own execution fails without another attempt.
 *
 * @since 0.1.0
 */
public class ChildFailedException extends ConductorException {

	private final String step;

	private final @Nullable UUID child;

	private final ExecutionError error;

	/**
	 * Create the exception.
	 * @param step the step that invoked the child
	 * @param child the child, {@code null} if it was none in particular
	 * @param message what happened
	 * @param error why the child ended
	 */
	public ChildFailedException(String step, @Nullable UUID child, String message, ExecutionError error) {
		super(message);
		this.step = step;
		this.child = child;
		this.error = error;
	}

	/**
	 * Return the step that invoked the child.
	 * @return the step's name
	 */
	public String step() {
		return this.step;
	}

	/**
	 * Return the child.
	 * @return its id, {@code null} if it was none in particular
	 */
	public @Nullable UUID child() {
		return this.child;
	}

	/**
	 * Return why the child ended.
	 * @return the child's own error
	 */
	public ExecutionError error() {
		return this.error;
	}

}
