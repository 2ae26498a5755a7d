package io.pgconductor;

import org.jspecify.annotations.Nullable;

/**
 * How an event is emitted. Immutable: each method returns a changed copy.
 *
 * @since 0.1.0
 */
public final class EmitOptions {

	private static final EmitOptions DEFAULTS = new EmitOptions(null);

	private static final int MAX_KEY_LENGTH = 512;

	private final @Nullable String dedupeKey;

	private EmitOptions(@Nullable String dedupeKey) {
		this.dedupeKey = dedupeKey;
	}

	/**
	 * The event is emitted, whatever was emitted before.
	 * @return the options
	 */
	public static EmitOptions defaults() {
		return DEFAULTS;
	}

	/**
	 * Emit an event of this name and key once, as long as events are kept
	 * ({@code conductor.retention.events}): another call does nothing, and returns the id
	 * of the first one. While the transaction of the first one is open, it waits for
	 * that.
	 * @param dedupeKey 1 to 512 characters
	 * @return the changed options
	 * @throws IllegalArgumentException if the key is empty or too long
	 */
	public EmitOptions dedupeKey(String dedupeKey) {
		if (dedupeKey.isEmpty() || dedupeKey.length() > MAX_KEY_LENGTH || dedupeKey.indexOf('\u0000') >= 0) {
			throw new IllegalArgumentException("dedupeKey must be 1 to " + MAX_KEY_LENGTH
					+ " characters without the NUL character, had " + dedupeKey.length());
		}
		return new EmitOptions(dedupeKey);
	}

	/**
	 * Return by what equal events are told.
	 * @return the key; {@code null} if none are equal
	 */
	public @Nullable String dedupeKey() {
		return this.dedupeKey;
	}

}
