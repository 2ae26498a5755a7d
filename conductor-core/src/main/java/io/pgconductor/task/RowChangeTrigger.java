package io.pgconductor.task;

import java.util.Collections;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import io.pgconductor.InvokeOptions;
import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import org.jspecify.annotations.Nullable;

/**
 * Has a task run for changes of a table's rows. Names of tables and columns are as in
 * SQL: in double quotes, or as they are, or else in lower case.
 *
 * @param schema the table's schema
 * @param table the table
 * @param operations what has to become of a row
 * @param when an SQL condition on {@code NEW} and {@code OLD}; {@code null}: none
 * @param watch an update counts only if one of these columns has changed; empty: always
 * @param content what the task gets
 * @param dedupeKey of executions with the same key that have not begun, the newest runs:
 * a text, with columns in braces; {@code null}: all run
 * @param options what an execution does differently from the task's own options
 */
public record RowChangeTrigger(String schema, String table, Set<RowOperation> operations, @Nullable String when,
		List<String> watch, Content content, @Nullable String dedupeKey, InvokeOptions options) implements TaskTrigger {

	/**
	 * The schema that tables are in unless it is given.
	 */
	public static final String DEFAULT_SCHEMA = "public";

	private static final int MAX_KEY_LENGTH = 512;

	/**
	 * Check what can be checked without the database.
	 * @throws IllegalArgumentException if something contradicts itself
	 */
	public RowChangeTrigger {
		if (operations.isEmpty() || operations.contains(RowOperation.MANUAL)) {
			throw new IllegalArgumentException("operations must be one or more of INSERT, UPDATE and DELETE, not "
					+ operations + ": rows that are there are for replay");
		}
		operations = Collections.unmodifiableSet(EnumSet.copyOf(operations));
		watch = List.copyOf(watch);
		if (!watch.isEmpty() && !operations.contains(RowOperation.UPDATE)) {
			throw new IllegalArgumentException(
					"watch is about updates, which are not among its operations: add UPDATE, or remove it");
		}
		if (when != null) {
			SqlCondition.validate(when);
		}
		if (options.dedupeKey() != null || options.onDuplicate() != null || options.throttle() != null
				|| options.debounce() != null) {
			throw new IllegalArgumentException(
					"a row change has a dedupeKey of its own, and no onDuplicate, throttle or "
							+ "debounce: leave them out of its options; delay and dedupeKey together are a debounce");
		}
		if (dedupeKey != null && (dedupeKey.isBlank() || dedupeKey.length() > MAX_KEY_LENGTH)) {
			throw new IllegalArgumentException("dedupeKey must be 1 to " + MAX_KEY_LENGTH + " characters");
		}
	}

	/**
	 * What the task gets of a row.
	 *
	 * @param form which form
	 * @param columns which columns; {@code null}: as the form says
	 * @param mapping name to column, of a custom form
	 * @param includeOld whether also of the row before, when it was updated
	 * @param includeMeta whether also where and when it has changed
	 */
	public record Content(RowPayload form, @Nullable List<String> columns, Map<String, String> mapping,
			boolean includeOld, boolean includeMeta) {

		public Content {
			if (columns != null && form != RowPayload.FIELDS) {
				throw new IllegalArgumentException(
						"columns are for payload = FIELDS, but it is " + form + ": remove one of them");
			}
			if (mapping.isEmpty() == (form == RowPayload.CUSTOM)) {
				throw new IllegalArgumentException(mapping.isEmpty() ? "payload = CUSTOM needs a mapping"
						: "mapping is for payload = CUSTOM, but it is " + form + ": remove one of them");
			}
			columns = (columns != null) ? List.copyOf(columns) : null;
			mapping = Collections.unmodifiableMap(new LinkedHashMap<>(mapping));
		}

	}

}
