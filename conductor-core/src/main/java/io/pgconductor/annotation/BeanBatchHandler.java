package io.pgconductor.annotation;

import java.util.List;

import io.pgconductor.BatchContext;
import io.pgconductor.NonRetryableException;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.BatchHandler;
import org.jspecify.annotations.Nullable;

/**
 * Has a method of a bean run batches.
 */
final class BeanBatchHandler implements BatchHandler {

	private final BeanMethod method;

	private final BatchArgument[] arguments;

	private final String source;

	BeanBatchHandler(BeanMethod method, List<BatchArgument> arguments, String source) {
		this.method = method;
		this.arguments = arguments.toArray(BatchArgument[]::new);
		this.source = source;
	}

	@Override
	public @Nullable List<?> handle(List<TaskEvent<?>> events, BatchContext context) throws Throwable {
		@Nullable Object[] values = new @Nullable Object[this.arguments.length];
		for (int i = 0; i < values.length; i++) {
			values[i] = this.arguments[i].of(events, context);
		}
		Object returned = this.method.call(values);
		if (returned != null && !(returned instanceof List)) {
			throw new NonRetryableException(this.source + " returned " + returned.getClass().getName()
					+ " for a batch: it must return a List with one result for each execution, or nothing");
		}
		return (List<?>) returned;
	}

}
