package io.pgconductor.execution;

import java.util.UUID;

import io.pgconductor.SuspensionSignal;
import io.pgconductor.jdbc.Outcome;
import org.jspecify.annotations.Nullable;

/**
 * How a handler is left before its end. Used by the handler's thread.
 */
final class HandlerExit {

	private final Attempt attempt;

	private @Nullable SuspensionSignal signal;

	private Outcome.@Nullable Suspended suspension;

	HandlerExit(Attempt attempt) {
		this.attempt = attempt;
	}

	/**
	 * Return what was thrown to leave the handler.
	 * @return the signal, {@code null} if none was thrown
	 */
	@Nullable SuspensionSignal signal() {
		return this.signal;
	}

	/**
	 * Return what the execution waits for.
	 * @return the suspension, {@code null} if it doesn't wait
	 */
	Outcome.@Nullable Suspended suspension() {
		return this.suspension;
	}

	/**
	 * Throw the signal again if the handler is to be left already.
	 */
	void verifyNotBegun() {
		if (this.signal != null) {
			throw this.signal;
		}
	}

	/**
	 * Leave the handler in order to wait.
	 * @param what where it is left
	 * @param outcome what it waits for
	 * @return what to throw
	 */
	SuspensionSignal suspend(String what, Outcome.Suspended outcome) {
		this.suspension = outcome;
		return signal("suspended at " + what);
	}

	/**
	 * Leave the handler since it is not to go on here.
	 * @return what to throw
	 */
	SuspensionSignal stop() {
		return signal("broken off");
	}

	/**
	 * Leave the handler since the execution belongs to another node by now.
	 * @return what to throw
	 */
	SuspensionSignal lose() {
		this.attempt.interrupt(Attempt.Interruption.LOST);
		return stop();
	}

	private SuspensionSignal signal(String how) {
		UUID id = this.attempt.execution().id();
		SuspensionSignal thrown = new SuspensionSignal("Execution " + id + " is " + how);
		this.signal = thrown;
		return thrown;
	}

}
