package io.pgconductor.worker;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

import io.pgconductor.Conductor;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskRegistry;

/**
 * Builds an {@link Orchestrator}.
 */
public final class OrchestratorBuilder {

	/**
	 * The largest weight of a queue of a shared worker: {@value}.
	 */
	public static final int MAX_WEIGHT = 1000;

	private final Conductor conductor;

	private final TaskRegistry registry;

	private WorkerOptions defaultWorker = WorkerOptions.DEFAULT;

	private final Map<String, WorkerOptions> workers = new LinkedHashMap<>();

	private final Map<String, SharedWorker> sharedWorkers = new LinkedHashMap<>();

	private Duration nodeTimeout = Duration.ofSeconds(30);

	private Duration shutdownTimeout = Duration.ofSeconds(20);

	private boolean notifications = true;

	private boolean virtualThreads = true;

	private Retention completedRetention = Retention.of(Duration.ofDays(7));

	private Retention failedRetention = Retention.of(Duration.ofDays(30));

	private Retention eventRetention = Retention.of(Duration.ofDays(7));

	private Duration misfireThreshold = Duration.ofSeconds(30);

	private boolean installRowChanges = true;

	/**
	 * Start with a conductor and the tasks to run.
	 * @param conductor built by {@link ConductorBuilder}
	 * @param registry the tasks; may be filled until the orchestrator starts
	 */
	public OrchestratorBuilder(Conductor conductor, TaskRegistry registry) {
		this.conductor = conductor;
		this.registry = registry;
	}

	/**
	 * Set the options of workers that have none of their own.
	 * @param options {@link WorkerOptions#DEFAULT} by default
	 * @return this
	 */
	public OrchestratorBuilder defaultWorker(WorkerOptions options) {
		this.defaultWorker = options;
		return this;
	}

	/**
	 * Set the options of one queue's worker.
	 * @param queue the queue's name
	 * @param options its worker's options
	 * @return this
	 */
	public OrchestratorBuilder worker(String queue, WorkerOptions options) {
		this.workers.put(queue, options);
		return this;
	}

	/**
	 * Have several queues share one worker's threads by weights. While there is work in
	 * all of them, each gets its share of the threads' time; what one leaves, the others
	 * use. Nothing that runs is broken off: a queue whose handlers take long is better
	 * served by a worker of its own.
	 * @param name the worker's name; its threads have it
	 * @param options its options; its concurrency is that of all its queues together
	 * @param weights at least one queue's name, and its weight from 1 to 1,000
	 * @return this
	 * @throws IllegalArgumentException if there is no queue, or a name or weight is out
	 * of its range
	 */
	public OrchestratorBuilder sharedWorker(String name, WorkerOptions options, Map<String, Integer> weights) {
		this.sharedWorkers.put(name, new SharedWorker(options, weights));
		return this;
	}

	/**
	 * Set the time within which a crashed node's executions run elsewhere.
	 * @param nodeTimeout 30 s by default, at least 1 s
	 * @return this
	 */
	public OrchestratorBuilder nodeTimeout(Duration nodeTimeout) {
		this.nodeTimeout = nodeTimeout;
		return this;
	}

	/**
	 * Set the time that running handlers are given at a stop.
	 * @param shutdownTimeout 20 s by default, not negative
	 * @return this
	 */
	public OrchestratorBuilder shutdownTimeout(Duration shutdownTimeout) {
		this.shutdownTimeout = shutdownTimeout;
		return this;
	}

	/**
	 * Say whether workers are woken by LISTEN and NOTIFY with session-level locks, or
	 * only poll; the latter is for connection poolers in transaction mode.
	 * @param notifications {@code true} by default
	 * @return this
	 */
	public OrchestratorBuilder notifications(boolean notifications) {
		this.notifications = notifications;
		return this;
	}

	/**
	 * Say whether handlers run on virtual threads where the JVM has them (21 and later).
	 * @param virtualThreads {@code true} by default
	 * @return this
	 */
	public OrchestratorBuilder virtualThreads(boolean virtualThreads) {
		this.virtualThreads = virtualThreads;
		return this;
	}

	/**
	 * Set how long executions are kept whose task doesn't say it.
	 * @param completed of completed ones; 7 days by default
	 * @param failed of failed and cancelled ones; 30 days by default
	 * @return this
	 */
	public OrchestratorBuilder retention(Retention completed, Retention failed) {
		this.completedRetention = completed;
		this.failedRetention = failed;
		return this;
	}

	/**
	 * Set how long events are kept. Of several applications on one database, the longest
	 * time counts.
	 * @param events 7 days by default
	 * @return this
	 */
	public OrchestratorBuilder eventRetention(Retention events) {
		this.eventRetention = events;
		return this;
	}

	/**
	 * Set how late the tick of a schedule is missed, and up to its
	 * {@link io.pgconductor.MisfirePolicy}.
	 * @param misfireThreshold 30 s by default, at least 1 s
	 * @return this
	 */
	public OrchestratorBuilder misfireThreshold(Duration misfireThreshold) {
		this.misfireThreshold = misfireThreshold;
		return this;
	}

	/**
	 * Say whether the triggers that tasks declare on users' tables are installed, and
	 * dropped when none declares them any more, or only verified: the error of a start
	 * that misses some has the SQL to run.
	 * @param installRowChanges {@code true} by default
	 * @return this
	 */
	public OrchestratorBuilder installRowChanges(boolean installRowChanges) {
		this.installRowChanges = installRowChanges;
		return this;
	}

	/**
	 * Build the orchestrator. Nothing is started yet.
	 * @return the orchestrator
	 * @throws IllegalArgumentException if an option is out of its range, or a queue has
	 * several workers
	 */
	public Orchestrator build() {
		if (!(this.conductor instanceof DefaultConductor engine)) {
			throw new IllegalArgumentException(
					"The conductor was not built by ConductorBuilder, but is a " + this.conductor.getClass().getName());
		}
		return new DefaultOrchestrator(engine, this.registry,
				new NodeOptions(this.defaultWorker, this.workers, this.sharedWorkers, this.nodeTimeout,
						this.shutdownTimeout, this.notifications, this.virtualThreads, this.completedRetention,
						this.failedRetention, this.eventRetention, this.misfireThreshold, this.installRowChanges));
	}

}
