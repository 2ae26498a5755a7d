package io.pgconductor;

/**
 * What has become of a row.
 *
 * @since 0.1.0
 * @see RowChange
 */
public enum RowOperation {

	/**
	 * The row was inserted.
	 */
	INSERT,

	/**
	 * The row was updated.
	 */
	UPDATE,

	/**
	 * The row was deleted.
	 */
	DELETE,

	/**
	 * Nothing: the row was there, and {@link ConductorClient#replay replay} has asked for
	 * it.
	 */
	MANUAL

}
