package io.pgconductor;

import org.jspecify.annotations.Nullable;

/**
 * A payload or result that cannot be written as JSON, is too large, or doesn't fit the
 * type it is to be read as. An execution that meets it fails at once.
 *
 * @since 0.1.0
 */
public class InvalidPayloadException extends NonRetryableException {

	/**
	 * Create the exception.
	 * @param message what is wrong with the payload or result
	 */
	public InvalidPayloadException(String message) {
		super(message);
	}

	/**
	 * Create the exception.
	 * @param message what is wrong with the payload or result
	 * @param cause why, if known
	 */
	public InvalidPayloadException(String message, @Nullable Throwable cause) {
		super(message, cause);
	}

}
