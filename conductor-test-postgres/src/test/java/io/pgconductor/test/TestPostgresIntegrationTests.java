package io.pgconductor.test;

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

import javax.sql.DataSource;

import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class TestPostgresIntegrationTests {

	@Test
	void sharesOneServer() throws SQLException {
		TestPostgres postgres = TestPostgres.shared();

		assertThat(TestPostgres.shared()).isSameAs(postgres);
		assertThat(query(postgres.dataSource(), "select 'here'")).isEqualTo("here");
	}

	@Test
	void givesUrlsThatNeedNoFurtherCredentials() throws SQLException {
		String url = TestPostgres.shared().jdbcUrl();

		try (Connection connection = DriverManager.getConnection(url)) {
			assertThat(connection.isValid(1)).isTrue();
		}
	}

	@Test
	void namesASchemaOnlyOnce() {
		TestPostgres postgres = TestPostgres.shared();

		String schema = postgres.uniqueSchema(TestPostgresIntegrationTests.class);

		assertThat(schema).matches("t_test_postgres_[a-z_]+_[0-9a-f]{8}");
		assertThat(postgres.uniqueSchema(TestPostgresIntegrationTests.class)).isNotEqualTo(schema);
	}

	@Test
	void createsAndDropsADatabase() throws SQLException {
		String countDatabases = "select count(*) from pg_database where datname = '%s'";
		DataSource server = TestPostgres.shared().dataSource();
		String name;

		try (TestDatabase database = TestPostgres.shared().createDatabase();
				Connection stillOpen = database.dataSource().getConnection()) {
			name = query(database.dataSource(), "select current_database()");
			assertThat(stillOpen.isValid(1)).isTrue();
			assertThat(query(server, countDatabases.formatted(name))).isEqualTo("1");
		}

		assertThat(query(server, countDatabases.formatted(name))).isEqualTo("0");
	}

	@Test
	void restartsWithTheSameAddressAndData() throws SQLException {
		try (EmbeddedServer server = TestPostgres.startSeparate()) {
			PGSimpleDataSource dataSource = server.database().dataSource();
			try (Connection connection = dataSource.getConnection();
					Statement statement = connection.createStatement()) {
				statement.execute("create table kept as select 'kept' as what");

				server.stop();

				assertThat(connection.isValid(1)).isFalse();
			}
			assertThatExceptionOfType(SQLException.class).isThrownBy(dataSource::getConnection);

			server.start();

			assertThat(query(dataSource, "select what from kept")).isEqualTo("kept");
		}
	}

	private static String query(DataSource dataSource, String sql) throws SQLException {
		try (Connection connection = dataSource.getConnection();
				Statement statement = connection.createStatement();
				ResultSet resultSet = statement.executeQuery(sql)) {
			resultSet.next();
			return resultSet.getString(1);
		}
	}

}
