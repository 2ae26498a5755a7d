package io.pgconductor.jdbc;

import java.util.List;
import java.util.Optional;
import java.util.Set;

import io.pgconductor.task.SqlName;
import org.jspecify.annotations.Nullable;

/**
 * A user's table.
 *
 * @param schema its schema
 * @param name its name
 * @param holdsRows whether it is a table, rather than a view or alike
 * @param mayHaveTriggers whether this role may create triggers on it
 * @param columns its columns, in order
 * @param primaryKey names of the columns of its primary key, in order; empty: it has none
 */
public record TableDescription(String schema, String name, boolean holdsRows, boolean mayHaveTriggers,
		List<Column> columns, List<String> primaryKey) {

	// A comparison of these is no equality of all that they hold, or there is none. Those
	// of extensions would lose their operators when a dump is restored
	private static final Set<String> INCOMPARABLE = Set.of("json", "xml", "point", "line", "lseg", "box", "path",
			"polygon", "circle", "jsonpath", "refcursor", "pg_snapshot", "txid_snapshot");

	/**
	 * A column.
	 *
	 * @param name its name
	 * @param type its type, as in SQL
	 * @param baseType the name of the type beneath domains and arrays
	 * @param array whether it is an array
	 * @param ordinary whether that is a scalar type of PostgreSQL's own, or an enum
	 * @param generatedOnRead what it is computed from when it is read; {@code null}: it
	 * is stored
	 */
	public record Column(String name, String type, String baseType, boolean array, boolean ordinary,
			@Nullable String generatedOnRead) {

		/**
		 * Return whether {@code is distinct from} can compare two values.
		 * @return whether it can
		 */
		public boolean isComparable() {
			return this.ordinary && !INCOMPARABLE.contains(this.baseType);
		}

		/**
		 * Return the name in double quotes.
		 * @return an identifier
		 */
		public String quoted() {
			return SqlName.quote(this.name);
		}

	}

	/**
	 * Find a column.
	 * @param written its name as somebody has written it
	 * @return the column
	 */
	public Optional<Column> column(String written) {
		return SqlName.candidates(written)
			.flatMap((name) -> this.columns.stream().filter((column) -> column.name().equals(name)))
			.findFirst();
	}

	/**
	 * Return the table's name for statements.
	 * @return schema and table, quoted
	 */
	public String quoted() {
		return SqlName.quote(this.schema) + "." + SqlName.quote(this.name);
	}

	/**
	 * Return the table's columns for messages.
	 * @return their names
	 */
	public String columnNames() {
		return String.join(", ", this.columns.stream().map(Column::name).toList());
	}

	@Override
	public String toString() {
		return this.schema + "." + this.name;
	}

}
