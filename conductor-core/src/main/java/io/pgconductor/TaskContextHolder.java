package io.pgconductor;

import org.jspecify.annotations.Nullable;

/**
 * Associates a {@link TaskContext} with the current thread. Conductor does so around each
 * handler. Tests of code that calls {@link TaskContext#current()} may do so themselves;
 * call {@link #clear()} afterwards.
 *
 * @since 0.1.0
 */
public final class TaskContextHolder {

	private static final ThreadLocal<TaskContext> CONTEXT = new ThreadLocal<>();

	private TaskContextHolder() {
	}

	/**
	 * Return the context that is associated with the current thread.
	 * @return the context, {@code null} if there is none
	 * @see TaskContext#current()
	 */
	public static @Nullable TaskContext get() {
		return CONTEXT.get();
	}

	/**
	 * Associate a context with the current thread, in place of the one it may have.
	 * @param context the context
	 */
	public static void set(TaskContext context) {
		CONTEXT.set(context);
	}

	/**
	 * Remove the context of the current thread, if it has one.
	 */
	public static void clear() {
		CONTEXT.remove();
	}

}
