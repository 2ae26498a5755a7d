package io.pgconductor.worker;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

import io.pgconductor.task.Retention;

/**
 * How a node works.
 *
 * @param defaultWorker options of workers that have none of their own
 * @param workers options by queue
 * @param sharedWorkers workers of several queues, by their names
 * @param nodeTimeout within which a crashed node's executions run elsewhere
 * @param shutdownTimeout what running handlers are given at a stop
 * @param notifications whether workers are woken by the database
 * @param virtualThreads whether handlers run on virtual threads where there are any
 * @param completedRetention of completed executions whose task doesn't say it
 * @param failedRetention of failed and cancelled executions whose task doesn't say it
 * @param eventRetention of events
 * @param misfireThreshold how late the tick of a schedule is missed
 * @param installRowChanges whether triggers are installed on users' tables, rather than
 * only verified
 */
record NodeOptions(WorkerOptions defaultWorker, Map<String, WorkerOptions> workers,
		Map<String, SharedWorker> sharedWorkers, Duration nodeTimeout, Duration shutdownTimeout, boolean notifications,
		boolean virtualThreads, Retention completedRetention, Retention failedRetention, Retention eventRetention,
		Duration misfireThreshold, boolean installRowChanges) {

	private static final Duration SHORTEST_NODE_TIMEOUT = Duration.ofSeconds(1);

	// No tick is fired on the dot: with less, those that skip missed ones would skip all
	private static final Duration SHORTEST_MISFIRE_THRESHOLD = Duration.ofSeconds(1);

	private static final Duration INTERRUPT_TIMEOUT = Duration.ofSeconds(4);

	NodeOptions {
		if (nodeTimeout.compareTo(SHORTEST_NODE_TIMEOUT) < 0) {
			throw new IllegalArgumentException("node-timeout must be at least 1 s, was " + nodeTimeout);
		}
		if (shutdownTimeout.isNegative()) {
			throw new IllegalArgumentException("shutdown-timeout must not be negative, was " + shutdownTimeout);
		}
		if (misfireThreshold.compareTo(SHORTEST_MISFIRE_THRESHOLD) < 0) {
			throw new IllegalArgumentException("misfire-threshold must be at least 1 s, was " + misfireThreshold);
		}
		workers = Map.copyOf(workers);
		sharedWorkers = Map.copyOf(sharedWorkers);
		checkThatQueuesHaveOneWorker(workers, sharedWorkers);
	}

	private static void checkThatQueuesHaveOneWorker(Map<String, WorkerOptions> workers,
			Map<String, SharedWorker> sharedWorkers) {
		Map<String, String> workersByQueue = new HashMap<>();
		sharedWorkers.forEach((name, worker) -> worker.weights().keySet().forEach((queue) -> {
			String other = workersByQueue.put(queue, name);
			if (other != null || workers.containsKey(queue)) {
				throw new IllegalArgumentException(
						"queue '%s' can have only one worker, but has the shared worker '%s' and %s".formatted(queue,
								name, (other != null) ? "the shared worker '" + other + "'" : "one of its own"));
			}
		}));
	}

	/**
	 * Return the queues that are served although no task may be in them.
	 * @return the queues
	 */
	Set<String> queues() {
		Set<String> queues = new HashSet<>(this.workers.keySet());
		this.sharedWorkers.values().forEach((worker) -> queues.addAll(worker.weights().keySet()));
		return queues;
	}

	WorkerOptions worker(String queue) {
		WorkerOptions own = this.workers.get(queue);
		if (own != null) {
			return own;
		}
		return this.sharedWorkers.values()
			.stream()
			.filter((worker) -> worker.weights().containsKey(queue))
			.map(SharedWorker::options)
			.findFirst()
			.orElse(this.defaultWorker);
	}

	/**
	 * Return what handlers are given to end after their interrupt.
	 * @return the time
	 */
	Duration interruptTimeout() {
		return INTERRUPT_TIMEOUT;
	}

}
