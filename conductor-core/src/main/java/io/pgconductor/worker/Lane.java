package io.pgconductor.worker;

import io.pgconductor.jdbc.ClaimedExecution;
import org.jspecify.annotations.Nullable;

/**
 * A lane: what is on it runs one after another.
 *
 * @param gates the gates that share it, as the database has them: a task's name, or that
 * and the first of two keys
 * @param number its number
 */
record Lane(String gates, int number) {

	private static final char SEPARATOR = '\u0001';

	/**
	 * Return the lane that an execution was let through on.
	 * @param execution the execution
	 * @return the lane, {@code null} if it is on none
	 */
	static @Nullable Lane of(ClaimedExecution execution) {
		String gate = execution.gate();
		Integer number = execution.lane();
		if (gate == null || number == null) {
			return null;
		}
		int end = gate.lastIndexOf(SEPARATOR);
		return new Lane((end >= 0) ? gate.substring(0, end) : gate, number);
	}

}
