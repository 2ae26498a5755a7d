package io.pgconductor.maintenance;

import io.pgconductor.jdbc.EventTable;
import io.pgconductor.jdbc.ExecutionKeyTable;
import io.pgconductor.jdbc.FinishedExecutionTable;
import io.pgconductor.jdbc.GateTable;

/**
 * Deletes finished executions and events whose retention is over, keys that nobody has
 * any more, and what was used of rates, in bounded batches.
 */
public final class Pruning {

	private static final int BATCH_SIZE = 1000;

	private final FinishedExecutionTable finished;

	private final EventTable events;

	private final ExecutionKeyTable keys;

	private final GateTable gates;

	public Pruning(FinishedExecutionTable finished, EventTable events, ExecutionKeyTable keys, GateTable gates) {
		this.finished = finished;
		this.events = events;
		this.keys = keys;
		this.gates = gates;
	}

	/**
	 * Prune one batch of each of what is due.
	 * @return whether there may be more
	 */
	public boolean run() {
		boolean moreExecutions = this.finished.prune(BATCH_SIZE) == BATCH_SIZE;
		boolean moreEvents = this.events.prune(BATCH_SIZE) == BATCH_SIZE;
		boolean moreKeys = this.keys.prune(BATCH_SIZE) == BATCH_SIZE;
		boolean moreUses = this.gates.prune(BATCH_SIZE) == BATCH_SIZE;
		return moreExecutions || moreEvents || moreKeys || moreUses;
	}

}
