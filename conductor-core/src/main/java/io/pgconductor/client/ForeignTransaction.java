package io.pgconductor.client;

/**
 * What a client call does inside a transaction that is not one of its {@code DataSource}.
 */
public enum ForeignTransaction {

	/**
	 * Throw: the caller would expect a rollback to undo the call, and it could not.
	 */
	FAIL,

	/**
	 * Use a transaction of the call's own, which commits at once.
	 */
	SEPARATE

}
