package io.pgconductor.maintenance;

import io.pgconductor.jdbc.FinishedExecutionTable;

/**
 * Deletes finished executions whose retention is over, in bounded batches.
 */
public final class Pruning {

	private static final int BATCH_SIZE = 1000;

	private final FinishedExecutionTable finished;

	public Pruning(FinishedExecutionTable finished) {
		this.finished = finished;
	}

	/**
	 * Prune one batch of what is due.
	 * @return whether there may be more
	 */
	public boolean run() {
		return this.finished.prune(BATCH_SIZE) == BATCH_SIZE;
	}

}
