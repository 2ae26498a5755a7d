package io.pgconductor.rowchange;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.TableDescription.Column;
import io.pgconductor.task.SqlName;
import org.jspecify.annotations.Nullable;

/**
 * SQL expressions for the JSON of a row.
 *
 * @param schema of the conductor's functions
 * @param capture what is captured
 * @param row the row: {@code NEW} or {@code OLD} in a trigger, or the alias of the table
 * @param operation an SQL expression for what has become of the row
 */
record RowJson(SchemaName schema, Capture capture, String row, String operation) {

	private static final Set<String> TRIGGER_ROWS = Set.of("NEW", "OLD");

	private static final String INTERVAL = "interval";

	private static final String BYTES = "bytea";

	private static final String TIME_IN_ZONE = "timestamptz";

	private static final Set<String> TIMES = Set.of("date", "timestamp", TIME_IN_ZONE);

	// Of a function's arguments, two for each member
	private static final int MAX_MEMBERS = 45;

	/**
	 * Return whether the JSON of a row as a whole has a column as the session shows it,
	 * or not at all.
	 * @param column the column
	 * @return whether it needs an expression of its own
	 */
	static boolean isSpecial(Column column) {
		return column.generatedOnRead() != null || column.baseType().equals(INTERVAL)
				|| column.baseType().equals(BYTES);
	}

	/**
	 * Return the row's JSON.
	 * @param withMeta whether it says where and when it has changed
	 * @return an expression of type {@code json}
	 */
	String json(boolean withMeta) {
		Map<String, Column> members = this.capture.members();
		if (members == null) {
			return whole(withMeta);
		}
		return object(members, withMeta ? meta() : null);
	}

	/**
	 * Return the row's JSON, whatever has become of its columns since.
	 * @param withMeta whether it says where and when it has changed
	 * @return an expression of type {@code json}
	 */
	String jsonOfWhatIsThere(boolean withMeta) {
		Map<String, Column> members = this.capture.members();
		if (members == null) {
			return whole(withMeta);
		}
		String names = members.entrySet()
			.stream()
			.map((member) -> "(%s, %s)".formatted(SqlName.literal(member.getKey()),
					SqlName.literal(member.getValue().name())))
			.collect(Collectors.joining(", "));
		String meta = withMeta ? " union all select %s, %s".formatted(SqlName.literal(Capture.META), meta()) : "";
		return ("(select coalesce(pg_catalog.json_object_agg(m.member, m.value), '{}') "
				+ "from (select n.member, c.value from (values %s) n (member, name) "
				+ "join pg_catalog.json_each(pg_catalog.to_json(%s)) c on c.key = n.name%s) m)")
			.formatted(names, this.row, meta);
	}

	private String whole(boolean withMeta) {
		// Of a table r, r alone could be a column
		String row = "pg_catalog.to_json(" + (TRIGGER_ROWS.contains(this.row) ? this.row : this.row + ".*") + ")";
		return withMeta ? "(pg_catalog.left(%s::text, -1) || ',\"%s\":' || %s::text || '}')::json".formatted(row,
				Capture.META, meta()) : row;
	}

	private String object(Map<String, Column> members, @Nullable String meta) {
		boolean call = members.size() <= MAX_MEMBERS;
		List<String> parts = new ArrayList<>();
		members.forEach((name, column) -> parts
			.add(call ? SqlName.literal(name) + ", " + value(column) : value(column) + " as " + SqlName.quote(name)));
		if (meta != null) {
			parts.add(call ? SqlName.literal(Capture.META) + ", " + meta : meta + " as " + SqlName.quote(Capture.META));
		}
		String list = String.join(", ", parts);
		return call ? "pg_catalog.json_build_object(" + list + ")"
				: "(select pg_catalog.to_json(captured.*) from (select " + list + ") captured)";
	}

	private String meta() {
		return "pg_catalog.json_build_object('schema', %s, 'table', %s, 'operation', %s, 'at', %s.now(), 'xid', pg_catalog.pg_current_xact_id()::text)"
			.formatted(SqlName.literal(this.capture.table().schema()), SqlName.literal(this.capture.table().name()),
					this.operation, this.schema);
	}

	private String value(Column column) {
		String value = plain(column);
		if (column.baseType().equals(INTERVAL)) {
			return "%s.iso_interval(%s)".formatted(this.schema, value);
		}
		if (column.baseType().equals(BYTES)) {
			return column.array() ? "%s.hex_bytes(%s)".formatted(this.schema, value)
					: "E'\\\\x' || pg_catalog.encode(%s, 'hex')".formatted(value);
		}
		return value;
	}

	// As text, whatever the session's settings
	private String text(Column column) {
		String value = value(column);
		if (column.array() || !TIMES.contains(column.baseType())) {
			return value;
		}
		String time = column.baseType().equals(TIME_IN_ZONE) ? value + " at time zone 'UTC'" : value;
		return "(pg_catalog.to_json(" + time + ") #>> '{}')";
	}

	// A trigger gets what is generated on read as null
	private String plain(Column column) {
		if (column.generatedOnRead() != null && TRIGGER_ROWS.contains(this.row)) {
			return "(select " + column.generatedOnRead() + " from (select " + this.row + ".*) generated)";
		}
		return this.row + "." + column.quoted();
	}

	/**
	 * Return the key of the row: none if one of its columns is null.
	 * @return an expression of type {@code text}
	 */
	String key() {
		String parts = this.capture.key()
			.stream()
			.map((part) -> (part.column() != null) ? "(" + text(part.column()) + ")::text"
					: SqlName.literal(String.valueOf(part.text())))
			.collect(Collectors.joining(" || "));
		return parts.isEmpty() ? "null" : parts;
	}

	/**
	 * Return the key of the row, whatever has become of its columns since.
	 * @return an expression of type {@code text}
	 */
	String keyOfWhatIsThere() {
		String parts = this.capture.key()
			.stream()
			.map((part) -> (part.column() != null)
					? "(pg_catalog.to_json(%s) ->> %s)".formatted(this.row, SqlName.literal(part.column().name()))
					: SqlName.literal(String.valueOf(part.text())))
			.collect(Collectors.joining(" || "));
		return parts.isEmpty() ? "null" : parts;
	}

}
