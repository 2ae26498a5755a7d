package io.pgconductor.maintenance;

import io.pgconductor.jdbc.FinishedExecutionTable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes finished executions whose retention is over, in bounded batches.
 */
public final class Pruning {

	private static final Logger logger = LoggerFactory.getLogger(Pruning.class);

	private static final int BATCH_SIZE = 1000;

	private static final int MAX_BATCHES = 1000;

	private final FinishedExecutionTable finished;

	public Pruning(FinishedExecutionTable finished) {
		this.finished = finished;
	}

	/**
	 * Prune what is due.
	 */
	public void run() {
		int pruned = 0;
		int batch = BATCH_SIZE;
		for (int i = 0; i < MAX_BATCHES && batch == BATCH_SIZE && !Thread.currentThread().isInterrupted(); i++) {
			batch = this.finished.prune(BATCH_SIZE);
			pruned += batch;
		}
		if (pruned > 0) {
			logger.debug("Pruned {} finished executions", pruned);
		}
	}

}
