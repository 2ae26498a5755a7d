package io.pgconductor.worker;

import java.time.Duration;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;

import io.pgconductor.ExecutionState;

/**
 * Is told what happens, to count it. Called on hot paths: implementations are fast and
 * thread-safe, and never throw.
 */
public interface ConductorMetrics {

	/**
	 * Counts nothing.
	 */
	ConductorMetrics NONE = new ConductorMetrics() {
	};

	/**
	 * An attempt has ended.
	 * @param task the task's name
	 * @param queue the queue it ran on
	 * @param outcome {@code completed}, {@code retried}, {@code failed},
	 * {@code cancelled}, {@code suspended} or {@code released}
	 * @param waited from being due to being started
	 * @param ran from being started to the end
	 */
	default void attemptEnded(String task, String queue, String outcome, Duration waited, Duration ran) {
	}

	/**
	 * A claim came back with executions.
	 * @param queue the queue
	 * @param size how many, at least 1
	 */
	default void claimed(String queue, int size) {
	}

	/**
	 * Outcomes were recorded.
	 * @param queue the queue
	 * @param size how many, at least 1
	 */
	default void flushed(String queue, int size) {
	}

	/**
	 * Start to watch how many handlers run.
	 * @param queue the queue
	 * @param running tells the number at any time
	 */
	default void watchRunning(String queue, IntSupplier running) {
	}

	/**
	 * Start to watch how many executions of a queue are in some state.
	 * @param queue the queue
	 * @param state the state
	 * @param depth tells the number, as last read from the database
	 */
	default void watchDepth(String queue, ExecutionState state, LongSupplier depth) {
	}

	/**
	 * An execution was enqueued for a task that no worker has ever registered.
	 * @param task the task's name
	 */
	default void unregisteredTaskInvoked(String task) {
	}

}
