package io.pgconductor;

import java.time.Duration;
import java.util.UUID;

/**
 * An execution was not over in the time that {@link ConductorClient#await} was given. It
 * goes on.
 *
 * @since 0.1.0
 */
public class AwaitTimeoutException extends ConductorException {

	private final UUID execution;

	/**
	 * Create the exception.
	 * @param execution the execution that was waited for
	 * @param timeout how long it was waited for
	 */
	public AwaitTimeoutException(UUID execution, Duration timeout) {
		super("Execution " + execution + " was not over within " + timeout + ": it goes on");
		this.execution = execution;
	}

	/**
	 * Return the execution that was waited for.
	 * @return its id
	 */
	public UUID execution() {
		return this.execution;
	}

}
