package io.pgconductor.migration;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class SchemaScriptIntegrationTests {

	private final TestSchema schema = new TestSchema();

	@AfterEach
	void dropDatabase() {
		this.schema.close();
	}

	@Test
	void installsAsADatabaseAdministratorWould() throws SQLException {
		runAsAdministrator(SchemaScript.install(this.schema.name()));

		this.schema.verify(Scripts.bundled());
		assertThat(this.schema.version()).isEqualTo(Scripts.bundled().version());
		this.schema.migrate(Scripts.bundled());
		assertThat(this.schema.history()).first()
			.isEqualTo("BASELINE %d installed before".formatted(Scripts.bundled().version()));
	}

	@Test
	void letsARoleUseTheSchemaThatItMayNotInstall() throws SQLException {
		runAsAdministrator(SchemaScript.install(this.schema.name()));
		String role = this.schema.role("""
				grant usage on schema jobs to ${role};
				grant select, insert, update, delete on all tables in schema jobs to ${role}""");

		this.schema.verify(this.schema.dataSourceOf(role), Scripts.bundled());
	}

	@Test
	void installsWhatTheMigratorUpgradesLater() throws SQLException {
		runAsAdministrator(SchemaScript.of(TestScripts.V1, this.schema.name(), 0));
		this.schema.verify(TestScripts.V1);
		this.schema.migrate(TestScripts.V1);

		this.schema.migrate(TestScripts.V2);

		assertThat(this.schema.version()).isEqualTo(2);
		assertThat(this.schema.release()).isEqualTo(2);
		assertThat(this.schema.history()).containsExactly("BASELINE 1 installed before", "SQL R__release.sql",
				"SQL 2 V2__colour.sql", "SQL R__release.sql");
	}

	@Test
	void upgradesWhatTheMigratorUpgradesLater() throws SQLException {
		this.schema.migrate(TestScripts.V1);
		runAsAdministrator(SchemaScript.of(TestScripts.V2, this.schema.name(), 1));
		this.schema.verify(TestScripts.V2);
		assertThat(this.schema.release()).isEqualTo(2);

		this.schema.migrate(TestScripts.V3);

		assertThat(this.schema.version()).isEqualTo(3);
		assertThat(this.schema.release()).isEqualTo(3);
		assertThat(this.schema.history()).containsExactly("BASELINE 2 installed before", "SQL 3 V3__contraction.sql",
				"SQL R__release.sql");
	}

	@Test
	void refusesToUpgradeFromAnotherVersion() throws SQLException {
		this.schema.migrate(TestScripts.V1);

		assertThatExceptionOfType(SQLException.class)
			.isThrownBy(() -> runAsAdministrator(SchemaScript.of(TestScripts.V3, this.schema.name(), 2)))
			.withMessageContaining("schema \"jobs\" is at version 1, not 2");

		assertThat(this.schema.release()).isEqualTo(1);
	}

	/**
	 * Nothing may depend on the search path, which Flyway sets and an administrator
	 * doesn't.
	 */
	private void runAsAdministrator(String sql) throws SQLException {
		try (Connection connection = this.schema.dataSource().getConnection();
				Statement statement = connection.createStatement()) {
			statement.execute("set search_path = ''");
			statement.execute(sql);
		}
	}

}
