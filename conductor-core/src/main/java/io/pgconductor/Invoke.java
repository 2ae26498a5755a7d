package io.pgconductor;

import org.jspecify.annotations.Nullable;

/**
 * One item of {@link ConductorClient#invokeAll}.
 *
 * @param payload what the handler receives; may be {@code null}
 * @param options what differs from the task's own options
 * @since 0.1.0
 */
public record Invoke(@Nullable Object payload, InvokeOptions options) {

	/**
	 * An invocation with the task's own options.
	 * @param payload what the handler receives; may be {@code null}
	 * @return the item
	 */
	public static Invoke of(@Nullable Object payload) {
		return new Invoke(payload, InvokeOptions.defaults());
	}

	/**
	 * An invocation with options of its own.
	 * @param payload what the handler receives; may be {@code null}
	 * @param options what differs from the task's own options
	 * @return the item
	 */
	public static Invoke of(@Nullable Object payload, InvokeOptions options) {
		return new Invoke(payload, options);
	}

}
