package io.pgconductor;

import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

import org.slf4j.Logger;

/**
 * What a handler of batches knows and can do, see
 * {@link io.pgconductor.annotation.Batch @Batch}. Executions are told by their position
 * in the list of payloads. Usable on the handler's thread only; {@link #isCancelled()} on
 * any.
 *
 * @since 0.1.0
 */
public interface BatchContext {

	/**
	 * Return the name of the task.
	 * @return the name
	 */
	String task();

	/**
	 * Return how many executions the batch has.
	 * @return at least 1
	 */
	int size();

	/**
	 * Return the id of an execution.
	 * @param index its position
	 * @return the id
	 */
	UUID executionId(int index);

	/**
	 * Return which attempt of an execution this is.
	 * @param index its position
	 * @return the number, from 1
	 */
	int attempt(int index);

	/**
	 * Return the database's time.
	 * @return the time
	 */
	Instant now();

	/**
	 * Return whether the handler should return soon: all executions were cancelled, or
	 * the node stops.
	 * @return whether it should
	 */
	boolean isCancelled();

	/**
	 * Return whether an execution was cancelled. It ends so whatever the handler does;
	 * the others don't.
	 * @param index its position
	 * @return whether it was
	 */
	boolean isCancelled(int index);

	/**
	 * Let one execution fail, whatever becomes of the others: it is retried like one that
	 * is not part of a batch. A result that is returned for it is ignored.
	 * @param index its position
	 * @param failure why
	 */
	void fail(int index, Throwable failure);

	/**
	 * Leave the handler, and have it called again for all executions after some time,
	 * perhaps as parts of other batches. Their attempts don't count. Never returns.
	 * @param duration from now, by the database's clock; not negative, at most a thousand
	 * years
	 * @throws IllegalArgumentException if the duration is out of its range
	 */
	void sleep(Duration duration);

	/**
	 * Return a logger named after the task.
	 * @return the logger
	 */
	Logger logger();

}
