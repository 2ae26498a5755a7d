package io.pgconductor;

import org.jspecify.annotations.Nullable;

/**
 * Something went wrong in Conductor itself. The root of its exceptions.
 *
 * @since 0.1.0
 */
public class ConductorException extends RuntimeException {

	/**
	 * Create the exception.
	 * @param message what has gone wrong
	 */
	public ConductorException(String message) {
		super(message);
	}

	/**
	 * Create the exception.
	 * @param message what has gone wrong
	 * @param cause why, if known
	 */
	public ConductorException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
