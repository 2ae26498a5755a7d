package io.pgconductor.codegen;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import io.pgconductor.codegen.PgType.Kind;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a database knows of its tables.
 */
final class Catalog {

	private static final String SCHEMAS = "select nspname::text from pg_namespace order by nspname collate \"C\"";

	// Without partitions, which are rows of their tables, and what belongs to extensions.
	// A constraint that isn't validated (PostgreSQL 18) says nothing about older rows
	private static final String COLUMNS = """
			select c.oid::int8 as table_oid, n.nspname::text as table_schema, c.relname::text as table_name, c.relkind::text as kind,
			       obj_description(c.oid, 'pg_class') as table_comment, a.attname::text as name, a.atttypid::int8 as type, a.attndims::int4 as dimensions,
			       not a.attnotnull or c.relkind in ('v', 'm') or exists (
			           select from pg_constraint k
			           where k.conrelid = c.oid and k.contype = 'n' and not k.convalidated and k.conkey = array[a.attnum]) as nullable,
			       col_description(c.oid, a.attnum) as comment
			from pg_class c
			join pg_namespace n on n.oid = c.relnamespace
			left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
			where n.nspname = any (?::text[]) and c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition
			and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
			                                          and d.objsubid = 0 and d.deptype = 'e')
			order by n.nspname collate "C", c.relname collate "C", a.attnum
			""";

	// As json_build_object tells them apart
	private static final String TYPES = """
			with recursive used (oid) as (
			    select o::oid from unnest(?::int8[]) o
			    union
			    select case t.typtype when 'd' then t.typbasetype else t.typelem end
			    from used u join pg_type t on t.oid = u.oid
			    where t.typtype = 'd' or (t.typcategory = 'A' and t.typelem <> 0))
			select t.oid::int8 as oid, n.nspname::text as type_schema, t.typname::text as name,
			       case when t.typtype = 'd' then 'DOMAIN'
			            when t.typcategory = 'A' and t.typelem <> 0 then 'ARRAY'
			            when t.typtype = 'c' then 'JSON'
			            when t.oid >= 16384 and exists (
			                select from pg_cast k
			                where k.castsource = t.oid and k.casttarget = 'json'::regtype and k.castmethod = 'f') then 'JSON'
			            when t.typtype = 'e' then 'ENUM'
			            else 'SCALAR' end as kind,
			       case when t.typtype = 'd' then t.typbasetype else t.typelem end::int8 as inner_type, t.typnotnull, t.typndims as dimensions,
			       array (select e.enumlabel::text from pg_enum e where e.enumtypid = t.oid order by e.enumsortorder) as labels,
			       obj_description(t.oid, 'pg_type') as comment
			from used u join pg_type t on t.oid = u.oid join pg_namespace n on n.oid = t.typnamespace
			""";

	private static final Map<String, String> KINDS = Map.of("r", "table", "p", "table", "v", "view", "m",
			"materialized view", "f", "foreign table");

	private final Connection connection;

	/**
	 * Create it.
	 * @param connection in a transaction that sees one state of the catalog
	 * @throws SQLException if the database doesn't answer
	 */
	Catalog(Connection connection) throws SQLException {
		this.connection = connection;
		try (Statement statement = connection.createStatement()) {
			statement.execute("set local search_path to pg_catalog");
		}
	}

	Set<String> schemas() throws SQLException {
		Set<String> schemas = new LinkedHashSet<>();
		try (Statement statement = this.connection.createStatement();
				ResultSet rows = statement.executeQuery(SCHEMAS)) {
			while (rows.next()) {
				schemas.add(rows.getString(1));
			}
		}
		return schemas;
	}

	/**
	 * Return what is in some schemas.
	 * @param schemas their names
	 * @return tables, in the order of schemas and names
	 * @throws SQLException if the database doesn't answer
	 */
	List<PgTable> tables(Collection<String> schemas) throws SQLException {
		Map<Long, List<ColumnRow>> columns = columns(schemas);
		Map<Long, TypeRow> rows = types(columns.values().stream().flatMap(List::stream).map(ColumnRow::type).toList());
		Map<Long, PgType> types = new HashMap<>();
		return columns.values().stream().map((table) -> table(table, rows, types)).toList();
	}

	private static PgTable table(List<ColumnRow> columns, Map<Long, TypeRow> rows, Map<Long, PgType> types) {
		PgTable table = columns.get(0).table();
		List<PgColumn> found = new ArrayList<>();
		for (ColumnRow column : columns) {
			// A table may have none
			if (column.name() != null) {
				PgType type = type(column.type(), rows, types).ofDimensions(column.dimensions());
				found.add(new PgColumn(column.name(), type, column.nullable() && !neverNull(table, type),
						column.comment()));
			}
		}
		return new PgTable(table.schema(), table.name(), table.kind(), found, table.comment());
	}

	private static boolean neverNull(PgTable table, PgType type) {
		// An outer join has nulls of whatever type
		return !table.kind().endsWith("view") && type.isNeverNull();
	}

	private static PgType type(long oid, Map<Long, TypeRow> rows, Map<Long, PgType> types) {
		PgType known = types.get(oid);
		if (known == null) {
			TypeRow row = rows.get(oid);
			if (row == null) {
				throw new IllegalStateException("There is no type with oid " + oid);
			}
			known = row.toType(
					(row.kind() == Kind.ARRAY || row.kind() == Kind.DOMAIN) ? type(row.inner(), rows, types) : null);
			types.put(oid, known);
		}
		return known;
	}

	private Map<Long, List<ColumnRow>> columns(Collection<String> schemas) throws SQLException {
		Map<Long, List<ColumnRow>> tables = new LinkedHashMap<>();
		try (PreparedStatement statement = this.connection.prepareStatement(COLUMNS)) {
			statement.setArray(1, this.connection.createArrayOf("text", schemas.toArray()));
			try (ResultSet rows = statement.executeQuery()) {
				while (rows.next()) {
					tables.computeIfAbsent(rows.getLong("table_oid"), (oid) -> new ArrayList<>())
						.add(ColumnRow.of(rows));
				}
			}
		}
		return tables;
	}

	private Map<Long, TypeRow> types(Collection<Long> oids) throws SQLException {
		Map<Long, TypeRow> types = new HashMap<>();
		try (PreparedStatement statement = this.connection.prepareStatement(TYPES)) {
			statement.setArray(1, this.connection.createArrayOf("int8", Set.copyOf(oids).toArray()));
			try (ResultSet rows = statement.executeQuery()) {
				while (rows.next()) {
					types.put(rows.getLong("oid"), TypeRow.of(rows));
				}
			}
		}
		return types;
	}

	private record ColumnRow(PgTable table, @Nullable String name, long type, int dimensions, boolean nullable,
			@Nullable String comment) {

		static ColumnRow of(ResultSet row) throws SQLException {
			PgTable table = new PgTable(row.getString("table_schema"), row.getString("table_name"),
					KINDS.getOrDefault(row.getString("kind"), "table"), List.of(), row.getString("table_comment"));
			return new ColumnRow(table, row.getString("name"), row.getLong("type"), row.getInt("dimensions"),
					row.getBoolean("nullable"), row.getString("comment"));
		}

	}

	private record TypeRow(String schema, String name, Kind kind, long inner, int dimensions, boolean notNull,
			List<String> labels, @Nullable String comment) {

		static TypeRow of(ResultSet row) throws SQLException {
			Array labels = row.getArray("labels");
			return new TypeRow(row.getString("type_schema"), row.getString("name"), Kind.valueOf(row.getString("kind")),
					row.getLong("inner_type"), row.getInt("dimensions"), row.getBoolean("typnotnull"),
					Arrays.asList((String[]) labels.getArray()), row.getString("comment"));
		}

		PgType toType(@Nullable PgType innerType) {
			return new PgType(this.schema, this.name, this.kind,
					(innerType != null) ? innerType.ofDimensions(this.dimensions) : null, this.notNull, this.labels,
					this.comment);
		}

	}

}
