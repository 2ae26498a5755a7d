package io.pgconductor.task;

import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import org.jspecify.annotations.Nullable;

/**
 * Runs one attempt of a task's execution.
 */
@FunctionalInterface
public interface TaskHandler {

	/**
	 * Run the attempt.
	 * @param event what made the task run, its payload read as the spec's payload type
	 * @param context the execution's context
	 * @return the result, {@code null} if there is none
	 * @throws Throwable what ends the attempt
	 */
	@Nullable Object handle(TaskEvent<?> event, TaskContext context) throws Throwable;

}
