package io.pgconductor.task;

import io.pgconductor.ConductorException;
import org.jspecify.annotations.Nullable;

/**
 * A task is declared in a way that cannot work.
 */
public class InvalidTaskException extends ConductorException {

	private final String source;

	/**
	 * Create the exception.
	 * @param message what is wrong and how to mend it
	 * @param source where the task is declared
	 * @param cause the cause, or {@code null}
	 */
	public InvalidTaskException(String message, String source, @Nullable Throwable cause) {
		super(message, cause);
		this.source = source;
	}

	/**
	 * Return where the task is declared.
	 * @return the bean and method, or whatever identifies the declaration
	 */
	public String source() {
		return this.source;
	}

}
