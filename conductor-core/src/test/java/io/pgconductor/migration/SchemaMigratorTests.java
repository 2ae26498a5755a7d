package io.pgconductor.migration;

import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Map;

import javax.sql.DataSource;

import io.pgconductor.SchemaName;
import io.pgconductor.migration.SchemaException.Problem;
import org.junit.jupiter.api.Test;

import org.springframework.jdbc.CannotGetJdbcConnectionException;
import org.springframework.jdbc.datasource.AbstractDataSource;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class SchemaMigratorTests {

	@Test
	void refusesOtherDatabases() {
		DataSource dataSource = connectingTo("H2", 2, "2.4.240");

		assertThatExceptionOfType(SchemaException.class).isThrownBy(() -> migrate(dataSource))
			.withMessage("Conductor needs PostgreSQL, but the data source connects to H2 at jdbc:test. "
					+ "Give Conductor a data source on PostgreSQL.")
			.returns(Problem.NOT_POSTGRESQL, SchemaException::problem);
	}

	@Test
	void refusesOldServers() {
		DataSource dataSource = connectingTo("PostgreSQL", 12, "12.22");

		assertThatExceptionOfType(SchemaException.class).isThrownBy(() -> migrate(dataSource))
			.withMessage("Conductor needs PostgreSQL 13 or later, but the server at jdbc:test is 12.22. "
					+ "Upgrade the server, or use another.")
			.returns(Problem.POSTGRESQL_TOO_OLD, SchemaException::problem);
	}

	@Test
	void tellsAMissingConnectionFromWhatIsFatal() {
		SQLException failure = new SQLTransientConnectionException("the pool is exhausted");
		DataSource dataSource = new TestDataSource() {

			@Override
			public Connection getConnection() throws SQLException {
				throw failure;
			}

		};

		assertThatExceptionOfType(CannotGetJdbcConnectionException.class).isThrownBy(() -> migrate(dataSource))
			.withCause(failure);
	}

	private static void migrate(DataSource dataSource) {
		new SchemaMigrator(dataSource, SchemaName.DEFAULT, true).ensureInstalled();
	}

	private static DataSource connectingTo(String product, int majorVersion, String version) {
		DatabaseMetaData metaData = answering(DatabaseMetaData.class, Map.of("getDatabaseProductName", product,
				"getDatabaseMajorVersion", majorVersion, "getDatabaseProductVersion", version, "getURL", "jdbc:test"));
		Connection connection = answering(Connection.class, Map.of("getMetaData", metaData));
		return new TestDataSource() {

			@Override
			public Connection getConnection() {
				return connection;
			}

		};
	}

	private static <T> T answering(Class<T> type, Map<String, Object> answers) {
		return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] { type },
				(proxy, method, arguments) -> answers.get(method.getName())));
	}

	private abstract static class TestDataSource extends AbstractDataSource {

		@Override
		public Connection getConnection(String username, String password) {
			throw new UnsupportedOperationException();
		}

	}

}
