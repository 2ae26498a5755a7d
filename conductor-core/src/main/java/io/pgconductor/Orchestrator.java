package io.pgconductor;

import java.util.concurrent.CompletionStage;

/**
 * Runs the workers of one node. All methods are thread-safe.
 *
 * @since 0.1.0
 */
public interface Orchestrator {

	/**
	 * Install the schema if needed, register this node and start its workers. Does
	 * nothing if it is running. A stopped orchestrator may be started again, as a new
	 * node. When the database cannot be reached, this method returns and the orchestrator
	 * keeps trying in the background.
	 * @throws ConductorException if the schema cannot be installed or doesn't suit this
	 * version
	 */
	void start();

	/**
	 * Stop: claim nothing more, give running handlers the shutdown timeout (20 s by
	 * default) to return, then interrupt them; release what is unfinished with its
	 * attempt given back, and remove this node. Idempotent, and safe before
	 * {@link #start()}. Returns when everything has stopped.
	 */
	void stop();

	/**
	 * Run until nothing is ready in the queues of this node, including what becomes ready
	 * meanwhile, then stop. Starts the orchestrator if it is not running.
	 * @throws ConductorException if the database cannot be reached
	 */
	void drain();

	/**
	 * Return what completes when the orchestrator has stopped.
	 * @return a stage that completes with the current or, while not running, the next run
	 */
	CompletionStage<Void> stopped();

	/**
	 * Return how this node is doing.
	 * @return a snapshot
	 */
	OrchestratorInfo info();

}
