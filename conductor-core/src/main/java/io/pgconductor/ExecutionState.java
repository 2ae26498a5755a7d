package io.pgconductor;

/**
 * The states of an execution.
 *
 * @since 0.1.0
 */
public enum ExecutionState {

	/**
	 * Not yet due: delayed, or between two attempts.
	 */
	SCHEDULED,

	/**
	 * Due, and waiting for a worker.
	 */
	READY,

	/**
	 * Claimed by a worker.
	 */
	RUNNING,

	/**
	 * Suspended on a sleep, on children, on an event, or until its time window opens.
	 */
	WAITING,

	/**
	 * Finished with a result.
	 */
	COMPLETED,

	/**
	 * Finished with an error: not retryable, or out of attempts.
	 */
	FAILED,

	/**
	 * Finished by a cancellation.
	 */
	CANCELLED;

	/**
	 * Return whether an execution in this state is over.
	 * @return {@code true} for {@link #COMPLETED}, {@link #FAILED} and {@link #CANCELLED}
	 */
	public boolean isFinished() {
		return this == COMPLETED || this == FAILED || this == CANCELLED;
	}

}
