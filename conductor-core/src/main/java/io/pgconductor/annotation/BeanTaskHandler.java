package io.pgconductor.annotation;

import java.util.List;

import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.TaskHandler;
import org.jspecify.annotations.Nullable;

/**
 * Has a method of a bean run an execution.
 */
final class BeanTaskHandler implements TaskHandler {

	private final BeanMethod method;

	private final HandlerArgument[] arguments;

	BeanTaskHandler(BeanMethod method, List<HandlerArgument> arguments) {
		this.method = method;
		this.arguments = arguments.toArray(HandlerArgument[]::new);
	}

	@Override
	public @Nullable Object handle(TaskEvent<?> event, TaskContext context) throws Throwable {
		@Nullable Object[] values = new @Nullable Object[this.arguments.length];
		for (int i = 0; i < values.length; i++) {
			values[i] = this.arguments[i].of(event, context);
		}
		return this.method.call(values);
	}

}
