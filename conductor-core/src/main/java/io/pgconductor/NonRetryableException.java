package io.pgconductor;

import org.jspecify.annotations.Nullable;

/**
 * Thrown by a handler whose execution must fail at once, whatever attempts are left.
 *
 * @since 0.1.0
 */
public class NonRetryableException extends ConductorException {

	/**
	 * Create the exception.
	 * @param message what has failed
	 */
	public NonRetryableException(String message) {
		super(message);
	}

	/**
	 * Create the exception.
	 * @param message what has failed
	 * @param cause why, if known
	 */
	public NonRetryableException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
