package io.pgconductor.migration;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;

import javax.sql.DataSource;

import io.pgconductor.SchemaName;
import io.pgconductor.migration.SchemaException.Problem;
import org.jspecify.annotations.Nullable;

import org.springframework.dao.DataAccessResourceFailureException;
import org.springframework.jdbc.CannotGetJdbcConnectionException;

/**
 * Tells failures that pass from those that stay, and says what to do about the latter.
 */
final class SchemaFailures {

	private static final String INSUFFICIENT_PRIVILEGE = "42501";

	// Connection lost; shutdown, crash, start; too many connections or no resources; a
	// standby; deadlock, lock time-out
	private static final Set<String> PASSING_STATES = Set.of("57P01", "57P02", "57P03", "25006", "40001", "40P01",
			"55P03");

	private static final Set<String> PASSING_CLASSES = Set.of("08", "53");

	private SchemaFailures() {
	}

	static Connection connect(DataSource dataSource) {
		try {
			return dataSource.getConnection();
		}
		catch (SQLException ex) {
			throw new CannotGetJdbcConnectionException("No connection to the database of Conductor's schema", ex);
		}
	}

	static RuntimeException translate(Exception failure, SchemaName schema, boolean migrate) {
		SQLException cause = sqlException(failure);
		String state = (cause != null && cause.getSQLState() != null) ? cause.getSQLState() : "";
		if (cause instanceof SQLTransientConnectionException) {
			return new DataAccessResourceFailureException("No connection for Conductor's schema '" + schema
					+ "': installing or upgrading it takes three at once", failure);
		}
		if (PASSING_STATES.contains(state) || PASSING_CLASSES.stream().anyMatch(state::startsWith)) {
			return new DataAccessResourceFailureException(
					"The database cannot be used for Conductor's schema '" + schema + "' now", failure);
		}
		if (state.equals(INSUFFICIENT_PRIVILEGE)) {
			return insufficientPrivilege(schema, migrate, failure, cause);
		}
		return new SchemaException(Problem.MIGRATION_FAILED,
				"Schema '" + schema + "' cannot be " + (migrate ? "installed or upgraded" : "verified") + ": "
						+ reason(failure, cause),
				"Conductor's tables are as they were. Resolve what the database reports and start again.", failure);
	}

	private static String reason(Exception failure, @Nullable SQLException cause) {
		String message = String.valueOf(failure.getMessage());
		if (cause != null && failure != cause) {
			message = message.lines().findFirst().orElse("") + ": " + cause.getMessage();
		}
		return message.endsWith(".") ? message : message + ".";
	}

	private static @Nullable SQLException sqlException(@Nullable Throwable failure) {
		if (failure == null || failure instanceof SQLException) {
			return (SQLException) failure;
		}
		return sqlException(failure.getCause());
	}

	private static SchemaException insufficientPrivilege(SchemaName schema, boolean migrate, Exception failure,
			@Nullable SQLException cause) {
		String reason = reason(failure, cause);
		if (migrate) {
			return new SchemaException(Problem.INSUFFICIENT_PRIVILEGE,
					"The role of the data source may not install or upgrade schema '" + schema + "': " + reason,
					"Connect as the role that owns the schema, or set conductor.migrate to false and let a database "
							+ "administrator run the SQL that `" + command(schema, 0) + "` prints.",
					failure);
		}
		return new SchemaException(Problem.INSUFFICIENT_PRIVILEGE,
				"The role of the data source may not use schema '" + schema + "': " + reason,
				"Grant it: `grant usage on schema " + schema
						+ " to <role>` and `grant select, insert, update, delete on all tables in schema " + schema
						+ " to <role>`.",
				failure);
	}

	static DataAccessResourceFailureException readOnly(SchemaName schema, InstalledSchema installed) {
		return new DataAccessResourceFailureException("Schema '" + schema + "' cannot be installed or upgraded while "
				+ "database '" + installed.database() + "' is read-only; is it a standby?");
	}

	static SchemaException mayNotCreate(SchemaName schema, InstalledSchema installed) {
		String what = installed.exists() ? "create tables in schema '" + schema + "' of"
				: "create schema '" + schema + "' in";
		String where = installed.exists() ? "schema " + schema : "database \"" + installed.database() + "\"";
		return new SchemaException(Problem.INSUFFICIENT_PRIVILEGE,
				"Role '" + installed.role() + "' may not " + what + " database '" + installed.database() + "'.",
				"Either grant it: `grant create on " + where + " to \"" + installed.role() + "\"`; or set "
						+ "conductor.migrate to false and let a database administrator run the SQL that `"
						+ command(schema, installed.version()) + "` prints.");
	}

	static String command(SchemaName schema, int installed) {
		return "java -cp conductor-core.jar " + SchemaScript.class.getName() + " " + schema
				+ ((installed > 0) ? " " + installed : "");
	}

}
