package io.pgconductor;

/**
 * Leaves a handler whose execution is to wait, so that nothing is held meanwhile: the
 * methods of {@link TaskContext} that wait throw it, and Conductor catches it. It is no
 * failure. Handlers must let it pass, which is why it is an {@link Error}: {@code catch}
 * blocks for exceptions don't stop it. Advice that catches {@link Throwable} must exclude
 * it:
 *
 * <pre class="code">
 * &#064;Retryable(excludes = SuspensionSignal.class)
 * </pre>
 *
 * @since 0.1.0
 */
public final class SuspensionSignal extends Error {

	/**
	 * Create the signal of one suspension.
	 * @param reason what is waited for, for those who find it in a log
	 */
	public SuspensionSignal(String reason) {
		super(reason, null, false, false);
	}

}
