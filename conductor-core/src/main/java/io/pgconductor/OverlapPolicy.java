package io.pgconductor;

/**
 * What a schedule does at a tick while the execution of an earlier one is not over.
 *
 * @since 0.1.0
 */
public enum OverlapPolicy {

	/**
	 * It invokes the task all the same.
	 */
	ALLOW,

	/**
	 * It leaves the tick out.
	 */
	SKIP

}
