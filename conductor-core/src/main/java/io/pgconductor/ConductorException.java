package io.pgconductor;

import org.jspecify.annotations.Nullable;

/**
 * Something went wrong in Conductor itself. The root of its exceptions.
 *
 * @since 0.1.0
 */
public class ConductorException extends RuntimeException {

	public ConductorException(String message) {
		super(message);
	}

	public ConductorException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
