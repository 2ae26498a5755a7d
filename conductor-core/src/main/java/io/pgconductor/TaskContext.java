package io.pgconductor;

import java.util.Map;
import java.util.UUID;

import org.slf4j.Logger;

/**
 * What a handler can know about the execution it runs. Declare it as a parameter of the
 * handler, in any position. It belongs to one attempt and to the thread that runs it.
 *
 * @since 0.1.0
 */
public interface TaskContext {

	/**
	 * Return the execution's id: the same in all attempts.
	 * @return the execution's id
	 */
	UUID executionId();

	/**
	 * Return the name the execution was invoked by.
	 * @return the task's name, or one of its aliases
	 */
	String task();

	/**
	 * Return the queue the execution runs on.
	 * @return the queue's name
	 */
	String queue();

	/**
	 * Return the number of this attempt.
	 * @return the attempt, from 1
	 */
	int attempt();

	/**
	 * Return how many attempts the execution has.
	 * @return the limit, at least 1
	 */
	int maxAttempts();

	/**
	 * Return what travels with the execution.
	 * @return the headers given at the invocation; never {@code null}, unmodifiable
	 */
	Map<String, String> headers();

	/**
	 * Return the task's logger, named {@code io.pgconductor.task.} and the task's name.
	 * @return the logger
	 */
	Logger logger();

}
