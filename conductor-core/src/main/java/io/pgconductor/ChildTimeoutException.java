package io.pgconductor;

/**
 * Children did not end in time, and were cancelled. Thrown by {@link TaskContext#invoke}
 * and {@link TaskContext#invokeAll}, on every replay again, whatever the children did
 * afterwards. Where the handler lets it pass, its own execution fails without another
 * attempt.
 *
 * @since 0.1.0
 */
public class ChildTimeoutException extends ConductorException {

	private final String step;

	/**
	 * Create the exception.
	 * @param step the step that invoked the children
	 * @param message what happened
	 */
	public ChildTimeoutException(String step, String message) {
		super(message);
		this.step = step;
	}

	/**
	 * Return the step that invoked the children.
	 * @return the step's name
	 */
	public String step() {
		return this.step;
	}

}
