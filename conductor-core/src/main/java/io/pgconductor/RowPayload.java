package io.pgconductor;

/**
 * What a task gets of a changed row.
 *
 * @since 0.1.0
 * @see io.pgconductor.annotation.OnRowChange#payload()
 */
public enum RowPayload {

	/**
	 * Some columns.
	 */
	FIELDS,

	/**
	 * All columns; also those that the table gets later, after the next start at the
	 * latest.
	 */
	ROW,

	/**
	 * The columns of the primary key.
	 */
	ROW_ID,

	/**
	 * Some columns, under other names.
	 */
	CUSTOM

}
