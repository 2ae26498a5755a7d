package io.pgconductor.maintenance;

import io.pgconductor.jdbc.EventTable;
import io.pgconductor.jdbc.FinishedExecutionTable;

/**
 * Deletes finished executions and events whose retention is over, in bounded batches.
 */
public final class Pruning {

	private static final int BATCH_SIZE = 1000;

	private final FinishedExecutionTable finished;

	private final EventTable events;

	public Pruning(FinishedExecutionTable finished, EventTable events) {
		this.finished = finished;
		this.events = events;
	}

	/**
	 * Prune one batch of each of what is due.
	 * @return whether there may be more
	 */
	public boolean run() {
		boolean moreExecutions = this.finished.prune(BATCH_SIZE) == BATCH_SIZE;
		boolean moreEvents = this.events.prune(BATCH_SIZE) == BATCH_SIZE;
		return moreExecutions || moreEvents;
	}

}
