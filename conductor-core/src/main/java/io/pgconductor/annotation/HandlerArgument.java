package io.pgconductor.annotation;

import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import org.jspecify.annotations.Nullable;

/**
 * Provides the value of one parameter of a handler method.
 */
@FunctionalInterface
interface HandlerArgument {

	@Nullable Object of(TaskEvent<?> event, TaskContext context);

}
