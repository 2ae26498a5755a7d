package io.pgconductor.maintenance;

import io.pgconductor.jdbc.ExecutionUpkeep;

/**
 * Has waiting executions follow the limits of their tasks when these change.
 */
public final class Gating {

	private static final int BATCH_SIZE = 1000;

	private final ExecutionUpkeep executions;

	public Gating(ExecutionUpkeep executions) {
		this.executions = executions;
	}

	/**
	 * Look at some executions of tasks whose limits have changed.
	 * @return whether there may be more
	 */
	public boolean follow() {
		return this.executions.regate(BATCH_SIZE);
	}

	/**
	 * Look for executions that have escaped.
	 * @return whether there may be more
	 */
	public boolean collectStrays() {
		return this.executions.regateStrays(BATCH_SIZE) == BATCH_SIZE;
	}

}
