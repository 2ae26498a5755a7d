package io.pgconductor.migration;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;

import javax.sql.DataSource;

import io.pgconductor.SchemaName;
import io.pgconductor.migration.SchemaException.Problem;
import org.flywaydb.core.api.FlywayException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.dao.DataAccessResourceFailureException;

/**
 * Brings the schema to the version that this version of Conductor works with.
 * <p>
 * A schema that is older is upgraded, by one node at a time. A schema that is newer is
 * left alone: a node of an older version works with it as long as its last migration says
 * so, and is refused otherwise. A repeatable script changes only together with a new
 * versioned one, so that equal versions have equal functions.
 * <p>
 * Thread-safe. While it installs or upgrades it needs three connections at once, and one
 * otherwise.
 *
 * @since 0.1.0
 */
public final class SchemaMigrator {

	private static final Logger logger = LoggerFactory.getLogger(SchemaMigrator.class);

	private static final int OLDEST_POSTGRESQL = 13;

	// Repeatable read would see the database as it was before the wait for the lock; and
	// how long other nodes take is
	// none of the time-outs that a role may have
	private static final String PREPARE_LOCK = """
			set transaction isolation level read committed;
			set local statement_timeout = 0;
			set local lock_timeout = 0;
			set local idle_in_transaction_session_timeout = 0""";

	private static final String FORGET_HISTORY = "drop table ${schema}." + InstalledSchema.HISTORY_TABLE;

	private final DataSource dataSource;

	private final SchemaName schema;

	private final boolean migrate;

	private final Scripts scripts;

	/**
	 * Create a migrator. Nothing is done to the database yet.
	 * @param dataSource connects to the database
	 * @param schema the schema's name
	 * @param migrate {@code true} to install and upgrade the schema, {@code false} to
	 * verify it only
	 */
	public SchemaMigrator(DataSource dataSource, SchemaName schema, boolean migrate) {
		this(dataSource, schema, migrate, Scripts.bundled());
	}

	SchemaMigrator(DataSource dataSource, SchemaName schema, boolean migrate, Scripts scripts) {
		this.dataSource = dataSource;
		this.schema = schema;
		this.migrate = migrate;
		this.scripts = scripts;
	}

	/**
	 * Install, upgrade or verify the schema. Costs a few queries if there is nothing to
	 * do. Takes part in no transaction of the caller.
	 * @throws DataAccessResourceFailureException if the database cannot be reached or
	 * cannot do it now: try again later
	 * @throws SchemaException if it never will
	 */
	public void ensureInstalled() {
		try (Connection connection = SchemaFailures.connect(this.dataSource)) {
			checkServer(connection.getMetaData());
			boolean autoCommit = connection.getAutoCommit();
			connection.setAutoCommit(false);
			try {
				ensureInstalled(connection);
			}
			finally {
				connection.rollback();
				connection.setAutoCommit(autoCommit);
			}
		}
		catch (SQLException | FlywayException ex) {
			throw SchemaFailures.translate(ex, this.schema, this.migrate);
		}
	}

	private static void checkServer(DatabaseMetaData server) throws SQLException {
		String product = server.getDatabaseProductName();
		if (!product.equals("PostgreSQL")) {
			throw new SchemaException(Problem.NOT_POSTGRESQL,
					"Conductor needs PostgreSQL, but the data source connects to " + product + " at " + server.getURL()
							+ ".",
					"Give Conductor a data source on PostgreSQL.");
		}
		if (server.getDatabaseMajorVersion() < OLDEST_POSTGRESQL) {
			throw new SchemaException(Problem.POSTGRESQL_TOO_OLD,
					"Conductor needs PostgreSQL " + OLDEST_POSTGRESQL + " or later, but the server at "
							+ server.getURL() + " is " + server.getDatabaseProductVersion() + ".",
					"Upgrade the server, or use another.");
		}
	}

	private void ensureInstalled(Connection connection) throws SQLException {
		if (isUsable(InstalledSchema.read(connection, this.schema, this.migrate))) {
			return;
		}
		connection.rollback();
		try (Statement statement = connection.createStatement()) {
			statement.execute(PREPARE_LOCK);
			statement.execute(SchemaScript.lock(this.schema));
		}
		InstalledSchema installed = readUnderLock(connection);
		if (isUsable(installed)) {
			return; // Another node was faster
		}
		upgrade(installed);
		InstalledSchema result = readUnderLock(connection);
		if (result.version() != this.scripts.version()) {
			throw new SchemaException(Problem.MIGRATION_FAILED,
					"Schema '" + this.schema + "' is at version " + result.version() + " after its migration to "
							+ this.scripts.version() + ".",
					"Its table schema_version was changed by someone else: find out by whom.");
		}
		log(installed.version(), result.version());
	}

	/**
	 * Keep the lock of the migration, but none on the tables that were read: scripts may
	 * alter them.
	 */
	private InstalledSchema readUnderLock(Connection connection) throws SQLException {
		Savepoint locked = connection.setSavepoint();
		InstalledSchema installed = InstalledSchema.read(connection, this.schema, true);
		connection.rollback(locked);
		return installed;
	}

	private boolean isUsable(InstalledSchema installed) {
		int ours = this.scripts.version();
		if (installed.version() > ours) {
			checkCompatible(installed);
			return true;
		}
		if (!this.migrate) {
			checkInstalled(installed);
		}
		boolean usable = !this.migrate
				|| (installed.version() == ours && installed.history().covers(this.scripts, this.schema));
		if (usable) {
			logger.debug("Schema '{}' is up to date at version {}", this.schema, ours);
		}
		return usable;
	}

	private void checkCompatible(InstalledSchema installed) {
		int ours = this.scripts.version();
		if (ours < installed.minCompatible()) {
			throw new SchemaException(Problem.INCOMPATIBLE,
					"Schema '" + this.schema + "' is at version " + installed.version()
							+ ", which needs a Conductor that knows version " + installed.minCompatible()
							+ " or later; this one knows version " + ours + ".",
					"Upgrade Conductor in this application to the version that the others on this database use, "
							+ "or name another schema in conductor.schema.");
		}
		logger.info("Schema '{}' is at version {}, newer than this node's {} but compatible: it stays as it is",
				this.schema, installed.version(), ours);
	}

	private void checkInstalled(InstalledSchema installed) {
		if (installed.version() == 0) {
			throw new SchemaException(Problem.NOT_INSTALLED,
					"Schema '" + this.schema + "' is not installed in database '" + installed.database()
							+ "', and conductor.migrate is false.",
					"Let a database administrator run the SQL that `" + SchemaFailures.command(this.schema, 0)
							+ "` prints, or set conductor.migrate to true.");
		}
		if (installed.version() < this.scripts.version()) {
			throw new SchemaException(Problem.NOT_INSTALLED,
					"Schema '" + this.schema + "' is at version " + installed.version()
							+ ", this version of Conductor needs version " + this.scripts.version()
							+ ", and conductor.migrate is false.",
					"Let a database administrator run the SQL that `"
							+ SchemaFailures.command(this.schema, installed.version())
							+ "` prints, or set conductor.migrate to true.");
		}
	}

	private void upgrade(InstalledSchema installed) throws SQLException {
		if (installed.readOnly()) {
			throw SchemaFailures.readOnly(this.schema, installed);
		}
		if (!installed.mayCreate()) {
			throw SchemaFailures.mayNotCreate(this.schema, installed);
		}
		FlywayRun flyway = new FlywayRun(this.dataSource, this.schema, this.scripts, installed.version());
		if (installed.version() > installed.history().version()) {
			// A database administrator has run the printed SQL; Flyway baselines only
			// where it has no history
			if (installed.history().exists()) {
				forgetHistory();
			}
			flyway.baseline();
		}
		flyway.migrate();
	}

	private void forgetHistory() throws SQLException {
		try (Connection connection = SchemaFailures.connect(this.dataSource);
				Statement statement = connection.createStatement()) {
			statement.execute(this.schema.sql(FORGET_HISTORY));
			if (!connection.getAutoCommit()) {
				connection.commit();
			}
		}
	}

	private void log(int from, int to) {
		if (from == 0) {
			logger.info("Installed schema '{}' at version {}", this.schema, to);
		}
		else if (from < to) {
			logger.info("Upgraded schema '{}' from version {} to {}", this.schema, from, to);
		}
		else {
			logger.info("Renewed the functions of schema '{}' at version {}", this.schema, to);
		}
	}

}
