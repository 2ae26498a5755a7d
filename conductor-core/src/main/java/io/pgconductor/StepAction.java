package io.pgconductor;

/**
 * What a step without a result does.
 *
 * @param <E> what it may throw
 * @since 0.1.0
 * @see TaskContext#step(String, StepAction)
 */
@FunctionalInterface
public interface StepAction<E extends Exception> {

	/**
	 * Do it.
	 * @throws E passed on to the caller of the step, which is not recorded then
	 */
	void run() throws E;

}
