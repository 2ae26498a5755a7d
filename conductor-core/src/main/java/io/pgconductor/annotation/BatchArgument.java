package io.pgconductor.annotation;

import java.util.List;

import io.pgconductor.BatchContext;
import io.pgconductor.TaskEvent;

/**
 * Provides the value of one parameter of a method that takes batches.
 */
@FunctionalInterface
interface BatchArgument {

	Object of(List<TaskEvent<?>> events, BatchContext context);

}
