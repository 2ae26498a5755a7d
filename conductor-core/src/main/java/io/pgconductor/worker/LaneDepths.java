package io.pgconductor.worker;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import io.pgconductor.task.TaskSpec;

/**
 * Decides how many executions of a limited task a node claims for one lane, where they
 * run one after another, or as one batch: a batch, or as many as it expects to start
 * within 100 ms, so that short ones don't wait for a claim each. Thread-safe.
 */
final class LaneDepths {

	private static final double HORIZON_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

	// Who counts the lanes in use reads all that is on them
	private static final int MOST_OF_A_LIMIT = 512;

	private static final double WEIGHT_OF_NEWEST = 0.1;

	private final Map<String, TaskSpec> tasks;

	private final Map<String, Double> averageNanos = new HashMap<>();

	/**
	 * Create it.
	 * @param tasks the tasks of the node by name
	 */
	LaneDepths(Map<String, TaskSpec> tasks) {
		this.tasks = tasks;
	}

	/**
	 * Note how long a handler has run.
	 * @param task the task's name
	 * @param nanos the duration
	 */
	synchronized void ran(String task, long nanos) {
		this.averageNanos.merge(task, (double) nanos,
				(average, newest) -> average + WEIGHT_OF_NEWEST * (newest - average));
	}

	/**
	 * Return how many executions to claim for a lane.
	 * @return a number of at least 1 for each task
	 */
	synchronized Map<String, Integer> byTask() {
		Map<String, Integer> depths = new HashMap<>();
		this.tasks.forEach((name, task) -> depths.put(name, depth(name, task)));
		return depths;
	}

	private int depth(String name, TaskSpec task) {
		if (task.batch() != null && task.concurrency() != null && task.rateLimit() == null) {
			return task.batch().size();
		}
		Double average = this.averageNanos.get(name);
		// A rate says when executions begin
		if (average == null || task.concurrency() == null || task.rateLimit() != null) {
			return 1;
		}
		double startedWithinHorizon = HORIZON_NANOS / Math.max(average, 1);
		return (int) Math.max(1, Math.min(startedWithinHorizon, MOST_OF_A_LIMIT / task.concurrency()));
	}

}
