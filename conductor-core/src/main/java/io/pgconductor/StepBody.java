package io.pgconductor;

import org.jspecify.annotations.Nullable;

/**
 * What a step does, for its result.
 *
 * @param <T> the result's type
 * @param <E> what it may throw
 * @since 0.1.0
 * @see TaskContext#step
 */
@FunctionalInterface
public interface StepBody<T, E extends Exception> {

	/**
	 * Do it.
	 * @return the result; {@code null} is one too
	 * @throws E passed on to the caller of the step, which is not recorded then
	 */
	@Nullable T run() throws E;

}
