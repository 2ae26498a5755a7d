package io.pgconductor;

import org.jspecify.annotations.Nullable;

/**
 * Keeps the context of the handler that a thread runs. For Conductor itself, which sets
 * and clears it: applications call {@link TaskContext#current()}.
 *
 * @since 0.1.0
 */
public final class TaskContextHolder {

	private static final ThreadLocal<TaskContext> CONTEXT = new ThreadLocal<>();

	private TaskContextHolder() {
	}

	/**
	 * Return the context of the handler that this thread runs.
	 * @return the context, {@code null} outside of a handler
	 */
	public static @Nullable TaskContext get() {
		return CONTEXT.get();
	}

	/**
	 * Set the context of the handler that this thread is about to run.
	 * @param context the context
	 */
	public static void set(TaskContext context) {
		CONTEXT.set(context);
	}

	/**
	 * Clear the context when the handler has ended.
	 */
	public static void clear() {
		CONTEXT.remove();
	}

}
