package io.pgconductor.codegen;

import org.jspecify.annotations.Nullable;

/**
 * Types could not be generated. The message says what stands in the way, and what to do
 * about it.
 *
 * @since 0.1.0
 */
public class RowTypeGenerationException extends RuntimeException {

	private static final int FILES = 1;

	private static final int ARGUMENTS = 2;

	private static final int DATABASE = 3;

	private final int exitCode;

	private RowTypeGenerationException(int exitCode, String message, @Nullable Throwable cause) {
		super(message, cause);
		this.exitCode = exitCode;
	}

	static RowTypeGenerationException ofFiles(String message, @Nullable Throwable cause) {
		return new RowTypeGenerationException(FILES, message, cause);
	}

	static RowTypeGenerationException ofArguments(String message) {
		return new RowTypeGenerationException(ARGUMENTS, message, null);
	}

	static RowTypeGenerationException ofDatabase(String message, Throwable cause) {
		return new RowTypeGenerationException(DATABASE, message, cause);
	}

	/**
	 * Return what the program ends with.
	 * @return an exit code
	 */
	int exitCode() {
		return this.exitCode;
	}

}
