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

	private static final int RELEASE_BATCH_SIZE = 1000;

	// Each batch walks over what is ready of other tasks
	private static final int HOLD_BATCH_SIZE = 10_000;

	// Longer than the restart of an application's last node
	private static final Duration GRACE = Duration.ofMinutes(5);

	private final TaskTable tasks;

	private final ExecutionUpkeep executions;

	public TaskHolding(TaskTable tasks, ExecutionUpkeep executions) {
		this.tasks = tasks;
		this.executions = executions;
	}

	/**
	 * Hold one batch of the executions of tasks that are paused, or have had no live node
	 * for some minutes.
	 * @return whether there may be more
	 */
	public boolean hold() {
		Collection<String> unserved = this.tasks.holdUnserved(GRACE);
		if (!unserved.isEmpty()) {
			logger.warn("No live node serves the tasks {}: their executions are held until one does", unserved);
		}
		Collection<String> held = this.tasks.held();
		return !held.isEmpty() && this.executions.hold(held, HOLD_BATCH_SIZE) >= HOLD_BATCH_SIZE;
	}

	/**
	 * Make one batch of the executions ready whose task is served again. Waits for a
	 * release that is under way.
	 * @return whether there may be more
	 */
	public synchronized boolean release() {
		int released = this.executions.releaseHeld(RELEASE_BATCH_SIZE);
		if (released > 0) {
			logger.info("{} executions that were held are ready: their task is served, and not paused", released);
		}
		return released == RELEASE_BATCH_SIZE;
	}

	/**
	 * Bring along one batch of the executions that a change of their task's queue has
	 * left where nobody looks.
	 * @return whether there may be more
	 */
	public boolean rehome() {
		int rehomed = this.executions.rehome(RELEASE_BATCH_SIZE);
		if (rehomed > 0) {
			logger.info("{} executions were on former queues of their tasks that no node serves any more: "
					+ "they are on the present ones now", rehomed);
		}
		return rehomed == RELEASE_BATCH_SIZE;
	}

}
