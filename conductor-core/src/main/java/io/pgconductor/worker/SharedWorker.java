package io.pgconductor.worker;

import java.util.Map;

import io.pgconductor.QueueName;

/**
 * A worker that serves several queues.
 *
 * @param options how it works; its concurrency is that of all its queues together
 * @param weights by queue
 */
record SharedWorker(WorkerOptions options, Map<String, Integer> weights) {

	SharedWorker {
		if (weights.isEmpty()) {
			throw new IllegalArgumentException("a shared worker needs at least one queue");
		}
		weights.forEach((queue, weight) -> {
			QueueName.validate(queue);
			if (weight < 1 || weight > OrchestratorBuilder.MAX_WEIGHT) {
				throw new IllegalArgumentException("the weight of queue '%s' must be between 1 and %d, was %d"
					.formatted(queue, OrchestratorBuilder.MAX_WEIGHT, weight));
			}
		});
		weights = Map.copyOf(weights);
	}

}
