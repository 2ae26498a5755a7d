package io.pgconductor.migration;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.HashMap;
import java.util.Map;

import io.pgconductor.SchemaName;
import io.pgconductor.migration.SchemaException.Problem;

/**
 * What is in the database.
 *
 * @param exists whether there is a schema of that name
 * @param role the role that asks
 * @param database the database's name
 * @param mayCreate whether that role may create the schema, or tables in it if it exists
 * @param readOnly whether the server takes no writes now
 * @param version the installed version; 0 if none is
 * @param minCompatible the oldest version of the jar that can work with it
 * @param history what Flyway has recorded
 */
record InstalledSchema(boolean exists, String role, String database, boolean mayCreate, boolean readOnly, int version,
		int minCompatible, History history) {

	static final String HISTORY_TABLE = "conductor_schema_history";

	// From the catalogue, since a statement that names what is missing ends the
	// transaction
	private static final String OVERVIEW = """
			select n.oid is not null, current_user, current_database(),
			    coalesce(has_schema_privilege(n.oid, 'create'), has_database_privilege(current_database(), 'create')),
			    current_setting('transaction_read_only')::boolean,
			    exists (select from pg_catalog.pg_class where relnamespace = n.oid and relname = 'schema_version'),
			    exists (select from pg_catalog.pg_class where relnamespace = n.oid and relname = 'conductor_schema_history'),
			    (select count(*) from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid
			     where c.relnamespace = n.oid and c.relname = 'schema_version'
			         and a.attname in ('version', 'min_compatible'))
			from (select) one left join pg_catalog.pg_namespace n on n.nspname = ?""";

	private static final String VERSION = "select version, min_compatible from ${schema}.schema_version";

	private static final String RECORDED = """
			select version, script, checksum from ${schema}.conductor_schema_history
			where success order by installed_rank""";

	static InstalledSchema read(Connection connection, SchemaName schema, boolean withHistory) throws SQLException {
		try (PreparedStatement statement = connection.prepareStatement(OVERVIEW)) {
			statement.setString(1, schema.value());
			try (ResultSet row = statement.executeQuery()) {
				row.next();
				int version = 0;
				int minCompatible = 0;
				if (row.getBoolean(6)) {
					if (row.getInt(8) != 2) {
						throw foreign(schema);
					}
					try (PreparedStatement query = connection.prepareStatement(schema.sql(VERSION));
							ResultSet installed = query.executeQuery()) {
						if (!installed.next()) {
							throw foreign(schema);
						}
						version = installed.getInt(1);
						minCompatible = installed.getInt(2);
					}
				}
				boolean recorded = withHistory && row.getBoolean(7);
				return new InstalledSchema(row.getBoolean(1), row.getString(2), row.getString(3), row.getBoolean(4),
						row.getBoolean(5), version, minCompatible,
						recorded ? History.read(connection, schema) : History.NONE);
			}
		}
	}

	private static SchemaException foreign(SchemaName schema) {
		return new SchemaException(Problem.INCOMPATIBLE,
				"The table '" + schema + ".schema_version' is not Conductor's.",
				"Name a schema that is free for Conductor in conductor.schema.");
	}

	/**
	 * What Flyway has recorded.
	 *
	 * @param exists whether there is a history
	 * @param version the highest version in it
	 * @param checksums the checksum with which each script last ran
	 */
	record History(boolean exists, int version, Map<String, Integer> checksums) {

		private static final History NONE = new History(false, 0, Map.of());

		private static History read(Connection connection, SchemaName schema) throws SQLException {
			int version = 0;
			Map<String, Integer> checksums = new HashMap<>();
			try (PreparedStatement statement = connection.prepareStatement(schema.sql(RECORDED));
					ResultSet row = statement.executeQuery()) {
				while (row.next()) {
					if (row.getString(1) != null) {
						version = Math.max(version, Integer.parseInt(row.getString(1)));
					}
					checksums.put(row.getString(2), row.getInt(3));
				}
			}
			return new History(true, version, Map.copyOf(checksums));
		}

		boolean covers(Scripts scripts, SchemaName schema) {
			return scripts.repeatable()
				.allMatch(
						(script) -> Integer.valueOf(script.checksum(schema)).equals(this.checksums.get(script.name())));
		}

	}

}
