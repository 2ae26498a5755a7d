package io.pgconductor.task;

import java.util.List;

import io.pgconductor.BatchContext;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import org.jspecify.annotations.Nullable;

/**
 * Runs one attempt each of many executions of a task at once. The task needs
 * {@link TaskOptions#batch(Batching)}.
 */
@FunctionalInterface
public interface BatchHandler extends TaskHandler {

	/**
	 * Run the attempts.
	 * @param events what made the task run, their payloads read as the spec's payload
	 * type
	 * @param context of the batch
	 * @return the results by position; {@code null} if there are none
	 * @throws Throwable what ends all the attempts
	 */
	@Nullable List<?> handle(List<TaskEvent<?>> events, BatchContext context) throws Throwable;

	@Override
	default @Nullable Object handle(TaskEvent<?> event, TaskContext context) {
		throw new IllegalStateException("A handler of batches cannot run an execution by itself");
	}

}
