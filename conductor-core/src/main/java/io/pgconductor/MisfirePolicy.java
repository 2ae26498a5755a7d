package io.pgconductor;

/**
 * What becomes of the ticks of a schedule that nobody has fired in time
 * ({@code conductor.schedule.misfire-threshold}): because no node was running, or none
 * that serves the task.
 *
 * @since 0.1.0
 */
public enum MisfirePolicy {

	/**
	 * The task runs once for all of them, as soon as it can.
	 */
	RUN_ONCE,

	/**
	 * They are left out.
	 */
	SKIP

}
