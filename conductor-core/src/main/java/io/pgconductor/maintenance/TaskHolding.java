package io.pgconductor.maintenance;

import java.time.Duration;
import java.util.Collection;

import io.pgconductor.jdbc.ExecutionUpkeep;
import io.pgconductor.jdbc.TaskTable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps executions that nobody can run out of the way of those that somebody can: at the
 * head of the ready index they would be skipped by every claim.
 */
public final class TaskHolding {

	private static final Logger logger = LoggerFactory.getLogger(TaskHolding.class);

	private static final int BATCH_SIZE = 1000;

	// Longer than the restart of an application's last node
	private static final Duration GRACE = Duration.ofMinutes(5);

	private final TaskTable tasks;

	private final ExecutionUpkeep executions;

	public TaskHolding(TaskTable tasks, ExecutionUpkeep executions) {
		this.tasks = tasks;
		this.executions = executions;
	}

	/**
	 * Hold the executions of tasks that have had no live node for some minutes.
	 */
	public void hold() {
		Collection<String> unserved = this.tasks.holdUnserved(GRACE);
		if (!unserved.isEmpty()) {
			int held = 0;
			int batch = BATCH_SIZE;
			while (batch == BATCH_SIZE) {
				batch = this.executions.hold(unserved, BATCH_SIZE);
				held += batch;
			}
			logger.warn("No live node serves the tasks {}: {} ready executions are held until one does", unserved,
					held);
		}
	}

	/**
	 * Make the executions ready whose task is served again, and those that a change of
	 * their task's queue has left where nobody looks.
	 */
	public void release() {
		releaseHeld();
		rehome();
	}

	private void rehome() {
		int rehomed = 0;
		int batch = BATCH_SIZE;
		while (batch == BATCH_SIZE) {
			batch = this.executions.rehome(BATCH_SIZE);
			rehomed += batch;
		}
		if (rehomed > 0) {
			logger.info("{} executions were on former queues of their tasks that no node serves any more: "
					+ "they are on the present ones now", rehomed);
		}
	}

	private void releaseHeld() {
		int released = 0;
		int batch = BATCH_SIZE;
		while (batch == BATCH_SIZE) {
			batch = this.executions.releaseHeld(BATCH_SIZE);
			released += batch;
		}
		if (released > 0) {
			logger.info("{} executions that were held are ready: a node serves their task now", released);
		}
	}

}
