package io.pgconductor.codegen;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * A table, a view or something alike.
 *
 * @param schema its schema
 * @param name its name
 * @param kind what it is, in words
 * @param columns its columns, in order
 * @param comment what has been said about it
 */
record PgTable(String schema, String name, String kind, List<PgColumn> columns, @Nullable String comment) {

	PgTable {
		columns = List.copyOf(columns);
	}

	@Override
	public String toString() {
		return this.schema + "." + this.name;
	}

}
