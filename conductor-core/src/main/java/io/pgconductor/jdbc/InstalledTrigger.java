package io.pgconductor.jdbc;

import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

import io.pgconductor.RowReplay;
import io.pgconductor.task.SqlName;

/**
 * A trigger that is installed.
 *
 * @param name the name of its function
 * @param table which table it is on
 * @param source what to select the table's rows from
 * @param capture enqueues an execution for a row {@code r}
 * @param keyColumns the columns of the primary key, quoted
 * @param keyTypes their types
 */
record InstalledTrigger(String name, Table table, String source, String capture, List<String> keyColumns,
		List<String> keyTypes) {

	/**
	 * Return what the source is called in a statement.
	 * @return the name of the table, quoted
	 */
	String alias() {
		return SqlName.quote(this.table.table());
	}

	/**
	 * List something of the key's columns.
	 * @param expression of one column
	 * @return the list
	 */
	String keys(UnaryOperator<String> expression) {
		return this.keyColumns.stream().map(expression).collect(Collectors.joining(", "));
	}

	String key(String alias) {
		return keys((column) -> alias + "." + column);
	}

	String keyAsTexts(String alias) {
		return "array[" + keys((column) -> alias + "." + column + "::text") + "]";
	}

	String keyParameter() {
		return this.keyTypes.stream().map((type) -> "?::text::" + type).collect(Collectors.joining(", "));
	}

	/**
	 * Find the trigger as which rows are to be replayed.
	 * @param installed all triggers of the task
	 * @param task the task's name
	 * @param rows which rows
	 * @return the trigger
	 * @throws IllegalArgumentException if there is none, or no telling which
	 */
	static InstalledTrigger select(List<InstalledTrigger> installed, String task, RowReplay rows) {
		List<InstalledTrigger> onTable = Table.candidates(rows)
			.stream()
			.map((table) -> installed.stream().filter((trigger) -> trigger.table().equals(table)).toList())
			.filter((triggers) -> !triggers.isEmpty())
			.findFirst()
			.orElseThrow(() -> missing(installed, task, rows));
		List<InstalledTrigger> meant = (rows.trigger() == null) ? onTable
				: onTable.stream().filter((trigger) -> trigger.name().equals(rows.trigger())).toList();
		if (meant.isEmpty()) {
			throw new IllegalArgumentException("Task '" + task + "' has no row-change trigger '" + rows.trigger()
					+ "' on " + onTable.get(0).table() + ": it has " + names(onTable, ", "));
		}
		if (meant.stream().map(InstalledTrigger::capture).distinct().count() > 1) {
			throw new IllegalArgumentException("Task '" + task + "' has several row-change triggers on "
					+ meant.get(0).table() + ", which differ in what it gets or in the options of its executions: "
					+ "say which one replays the rows by RowReplay.trigger, " + names(meant, " or "));
		}
		return meant.get(0);
	}

	private static IllegalArgumentException missing(List<InstalledTrigger> installed, String task, RowReplay rows) {
		String tables = installed.stream()
			.map((trigger) -> trigger.table().toString())
			.distinct()
			.collect(Collectors.joining(", "));
		return new IllegalArgumentException("Task '" + task + "' has no row-change trigger on " + rows + ": it has "
				+ (tables.isEmpty() ? "none at all" : "them on " + tables)
				+ ". A node that declares one installs it when it starts");
	}

	private static String names(List<InstalledTrigger> triggers, String separator) {
		return triggers.stream().map(InstalledTrigger::name).collect(Collectors.joining(separator));
	}

	/**
	 * The name of a table.
	 *
	 * @param schema its schema
	 * @param table its name in that
	 */
	record Table(String schema, String table) {

		/**
		 * Return what a name can mean, first what is to be tried first.
		 * @param rows says which table
		 * @return the names
		 */
		static List<Table> candidates(RowReplay rows) {
			return SqlName.candidates(rows.schema())
				.flatMap((schema) -> SqlName.candidates(rows.table()).map((table) -> new Table(schema, table)))
				.toList();
		}

		@Override
		public String toString() {
			return this.schema + "." + this.table;
		}

	}

}
