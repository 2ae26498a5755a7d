package io.pgconductor.migration;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.migration.SchemaException.Problem;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.assertj.core.api.ThrowableAssertAlternative;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

import org.springframework.dao.DataAccessResourceFailureException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

class SchemaFailuresIntegrationTests {

	private final TestSchema schema = new TestSchema();

	@AfterEach
	void dropDatabase() {
		this.schema.close();
	}

	@Test
	void refusesARoleThatMayNotCreateTheSchema() {
		String role = this.schema.role("");

		assertRefused(Problem.INSUFFICIENT_PRIVILEGE,
				() -> this.schema.migrate(this.schema.dataSourceOf(role), TestScripts.V1))
			.withMessage(("Role '${role}' may not create schema 'jobs' in database '${database}'. "
					+ "Either grant it: `grant create on database \"${database}\" to \"${role}\"`; or set "
					+ "conductor.migrate to false and let a database administrator run the SQL that "
					+ "`java -cp conductor-core.jar io.pgconductor.migration.SchemaScript jobs` prints.")
				.replace("${role}", role)
				.replace("${database}", this.schema.database()));
	}

	@Test
	void takesItsRemedyForARoleThatMayNotCreateTheSchema() {
		String role = this.schema.role("");

		this.schema.execute("grant create on database \"" + this.schema.database() + "\" to \"" + role + "\"");
		this.schema.migrate(this.schema.dataSourceOf(role), TestScripts.V1);

		assertThat(this.schema.version()).isEqualTo(1);
	}

	@Test
	void refusesARoleThatMayNotCreateTables() {
		this.schema.execute("create schema ${schema}");
		String role = this.schema.role("grant usage on schema jobs to ${role}");

		assertRefused(Problem.INSUFFICIENT_PRIVILEGE,
				() -> this.schema.migrate(this.schema.dataSourceOf(role), TestScripts.V1))
			.withMessageContaining("Role '" + role + "' may not create tables in schema 'jobs' of database '")
			.withMessageContaining("`grant create on schema jobs to \"" + role + "\"`")
			.withMessageContaining("conductor.migrate");
	}

	@Test
	void refusesARoleThatDoesNotOwnWhatItUpgrades() {
		this.schema.migrate(TestScripts.V1);
		String role = this.schema.role("""
				grant usage, create on schema jobs to ${role};
				grant select, insert, update, delete on all tables in schema jobs to ${role}""");

		assertRefused(Problem.INSUFFICIENT_PRIVILEGE,
				() -> this.schema.migrate(this.schema.dataSourceOf(role), TestScripts.V2))
			.withMessageContaining("The role of the data source may not install or upgrade schema 'jobs'")
			.withMessageContaining("must be owner of table thing")
			.withMessageContaining("Connect as the role that owns the schema, or set conductor.migrate to false");
		assertThat(this.schema.version()).isEqualTo(1);
	}

	@Test
	void verifiesOnlyWhatTheRoleMayUse() {
		this.schema.migrate(TestScripts.V1);
		String role = this.schema.role("");

		assertRefused(Problem.INSUFFICIENT_PRIVILEGE,
				() -> this.schema.verify(this.schema.dataSourceOf(role), TestScripts.V1))
			.withMessageContaining("permission denied for schema jobs")
			.withMessageContaining("Grant it: `grant usage on schema jobs to <role>`");
	}

	@Test
	void refusesAMissingSchemaThatItMustNotInstall() {
		assertRefused(Problem.NOT_INSTALLED, () -> this.schema.verify(TestScripts.V1))
			.withMessage("Schema 'jobs' is not installed in database '" + this.schema.database()
					+ "', and conductor.migrate is " + "false. Let a database administrator run the SQL that "
					+ "`java -cp conductor-core.jar io.pgconductor.migration.SchemaScript jobs` prints, or set "
					+ "conductor.migrate to true.");
	}

	@Test
	void refusesAnOldSchemaThatItMustNotUpgrade() {
		this.schema.migrate(TestScripts.V1);

		assertRefused(Problem.NOT_INSTALLED, () -> this.schema.verify(TestScripts.V2))
			.withMessage("Schema 'jobs' is at version 1, this version of Conductor needs version 2, and "
					+ "conductor.migrate is false. Let a database administrator run the SQL that "
					+ "`java -cp conductor-core.jar io.pgconductor.migration.SchemaScript jobs 1` prints, or set "
					+ "conductor.migrate to true.");
	}

	@Test
	void worksWithANewerSchemaThatIsCompatible() {
		this.schema.migrate(TestScripts.V3);

		this.schema.verify(TestScripts.V2);
		this.schema.migrate(TestScripts.V2);

		assertThat(this.schema.release()).isEqualTo(3);
	}

	@Test
	void refusesANewerSchemaThatIsIncompatible() {
		this.schema.migrate(TestScripts.V3);

		for (ThrowingCallable start : List.<ThrowingCallable>of(() -> this.schema.migrate(TestScripts.V1),
				() -> this.schema.verify(TestScripts.V1))) {
			assertRefused(Problem.INCOMPATIBLE, start)
				.withMessageStartingWith("Schema 'jobs' is at version 3, which needs a Conductor that knows version 2 "
						+ "or later; this one knows version 1. Upgrade Conductor in this application");
		}
		assertThat(this.schema.release()).isEqualTo(3);
	}

	@Test
	void refusesASchemaWhoseVersionTableIsSomeoneElses() {
		this.schema.execute("create schema ${schema}");
		this.schema.execute("create table ${schema}.schema_version (version_rank int, version varchar(50))");

		assertRefused(Problem.INCOMPATIBLE, () -> this.schema.migrate(TestScripts.V1))
			.withMessage("The table 'jobs.schema_version' is not Conductor's. "
					+ "Name a schema that is free for Conductor in conductor.schema.");
	}

	@Test
	void changesNothingIfAScriptFails() {
		this.schema.migrate(TestScripts.V1);
		List<String> history = this.schema.history();
		Scripts broken = TestScripts.with(TestScripts.V2, new Script("V3__broken.sql", "select 1 / 0;"));

		assertRefused(Problem.MIGRATION_FAILED, () -> this.schema.migrate(broken))
			.withMessageContaining("V3__broken.sql: ERROR: division by zero");

		assertThat(this.schema.version()).isEqualTo(1);
		assertThat(this.schema.release()).isEqualTo(1);
		assertThat(this.schema.history()).isEqualTo(history);
		this.schema.migrate(TestScripts.V3);
		assertThat(this.schema.version()).isEqualTo(3);
	}

	@Test
	void refusesAMigrationThatDoesNotWriteItsVersion() {
		Scripts forgetful = TestScripts.with(TestScripts.V1, new Script("V2__forgetful.sql", "select 1;"));

		assertRefused(Problem.MIGRATION_FAILED, () -> this.schema.migrate(forgetful))
			.withMessageStartingWith("Schema 'jobs' is at version 1 after its migration to 2.");
	}

	@Test
	void canBeTriedAgainIfNoServerAnswers() {
		PGSimpleDataSource dataSource = new PGSimpleDataSource();
		dataSource.setUrl("jdbc:postgresql://localhost:1/nowhere");

		assertPassing(() -> this.schema.migrate(dataSource, TestScripts.V1));
	}

	@Test
	void canBeTriedAgainIfTheServerHasNoConnectionLeft() {
		String role = this.schema.role("alter role ${role} connection limit 0");

		assertPassing(() -> this.schema.migrate(this.schema.dataSourceOf(role), TestScripts.V1));
	}

	@Test
	void canBeTriedAgainIfThePoolIsExhausted() {
		HikariConfig config = new HikariConfig();
		config.setDataSource(this.schema.dataSource());
		config.setMaximumPoolSize(2);
		config.setConnectionTimeout(250);

		try (HikariDataSource dataSource = new HikariDataSource(config)) {
			assertPassing(() -> this.schema.migrate(dataSource, TestScripts.V1))
				.withMessageContaining("takes three at once");
		}
		this.schema.migrate(TestScripts.V1);
		assertThat(this.schema.version()).isEqualTo(1);
	}

	@Test
	void canBeTriedAgainIfTheServerTakesNoWrites() {
		this.schema.execute("alter database " + this.schema.database() + " set default_transaction_read_only = on");

		assertPassing(() -> this.schema.migrate(TestScripts.V1))
			.withMessage("Schema 'jobs' cannot be installed or upgraded while database '" + this.schema.database()
					+ "' is read-only; is it a standby?");
	}

	@Test
	void canBeTriedAgainIfTheServerEndsTheSession() throws Exception {
		ExecutorService executor = Executors.newSingleThreadExecutor();
		try (Connection lock = this.schema.dataSource().getConnection()) {
			lock.setAutoCommit(false);
			lock.createStatement().execute(SchemaScript.lock(this.schema.name()));
			Future<?> waiting = executor.submit(() -> this.schema.migrate(TestScripts.V1));
			this.schema.awaitWaitForLock();

			this.schema.query("""
					select pg_terminate_backend(pid) from pg_stat_activity
					where datname = current_database() and wait_event = 'advisory'""", Boolean.class);

			assertThatThrownBy(waiting::get).hasCauseInstanceOf(DataAccessResourceFailureException.class);
		}
		finally {
			executor.shutdownNow();
		}
	}

	@Test
	void doesNotHoldTheLockAfterAFailure() throws SQLException {
		Scripts broken = TestScripts.with(TestScripts.V1, new Script("V2__broken.sql", "select 1 / 0;"));
		HikariConfig config = new HikariConfig();
		config.setDataSource(this.schema.dataSource());

		try (HikariDataSource dataSource = new HikariDataSource(config)) {
			assertRefused(Problem.MIGRATION_FAILED, () -> this.schema.migrate(dataSource, broken));

			this.schema.migrate(TestScripts.V1);
		}

		assertThat(this.schema.version()).isEqualTo(1);
	}

	private static ThrowableAssertAlternative<SchemaException> assertRefused(Problem problem, ThrowingCallable start) {
		return assertThatExceptionOfType(SchemaException.class).isThrownBy(start)
			.returns(problem, SchemaException::problem)
			.satisfies((ex) -> assertThat(ex).hasMessage(ex.description() + " " + ex.remedy()));
	}

	private static ThrowableAssertAlternative<DataAccessResourceFailureException> assertPassing(
			ThrowingCallable start) {
		return assertThatExceptionOfType(DataAccessResourceFailureException.class).isThrownBy(start);
	}

}
