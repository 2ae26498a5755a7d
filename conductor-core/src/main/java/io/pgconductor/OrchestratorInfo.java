package io.pgconductor;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

/**
 * How a node is doing, seen from inside.
 *
 * @param id the node's id; a new one with every start, {@code null} before the first
 * @param state where the node is in its life
 * @param installed whether the schema was found or made to suit this version
 * @param lastHeartbeat when the database last accepted this node's heartbeat, by the
 * clock of this process; {@code null} before the first
 * @param lastError what currently keeps the node from working, {@code null} if nothing
 * does
 * @param brokenSchedules some of the schedules that no node can fire, by task and name,
 * and what is wrong with each; looked for about once a minute
 * @since 0.1.0
 */
public record OrchestratorInfo(@Nullable UUID id, State state, boolean installed, @Nullable Instant lastHeartbeat,
		@Nullable String lastError, Map<String, String> brokenSchedules) {

	public OrchestratorInfo {
		brokenSchedules = Collections.unmodifiableMap(new LinkedHashMap<>(brokenSchedules));
	}

	/**
	 * Return whether the node claims and runs executions.
	 * @return whether it does
	 */
	public boolean isRunning() {
		return this.state == State.RUNNING;
	}

	/**
	 * Return whether the node claims nothing more, and waits for running handlers.
	 * @return whether it does
	 */
	public boolean isShuttingDown() {
		return this.state == State.STOPPING;
	}

	/**
	 * Return whether the node was stopped; never started is not stopped.
	 * @return whether it was
	 */
	public boolean isStopped() {
		return this.state == State.STOPPED;
	}

	/**
	 * The life of a node.
	 */
	public enum State {

		/**
		 * Never started.
		 */
		NEW,

		/**
		 * Started, but waiting for the database.
		 */
		STARTING,

		/**
		 * Claims and runs executions.
		 */
		RUNNING,

		/**
		 * Claims nothing more, and waits for running handlers.
		 */
		STOPPING,

		/**
		 * Stopped; may be started again.
		 */
		STOPPED

	}

}
