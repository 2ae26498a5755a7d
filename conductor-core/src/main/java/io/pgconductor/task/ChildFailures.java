package io.pgconductor.task;

import io.pgconductor.ChildFailedException;
import io.pgconductor.ChildTimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Finds failures of children in what a handler throws, as it is or as a cause.
 */
public final class ChildFailures {

	private static final int MAX_DEPTH = 100;

	private ChildFailures() {
	}

	/**
	 * Return the step whose children have failed, or were too slow.
	 * @param failure what a handler has thrown
	 * @return the step's name; {@code null} if no children are to blame
	 */
	public static @Nullable String step(Throwable failure) {
		Throwable cause = failure;
		for (int depth = 0; cause != null && depth < MAX_DEPTH; depth++) {
			if (cause instanceof ChildFailedException failed) {
				return failed.step();
			}
			if (cause instanceof ChildTimeoutException timedOut) {
				return timedOut.step();
			}
			cause = cause.getCause();
		}
		return null;
	}

}
