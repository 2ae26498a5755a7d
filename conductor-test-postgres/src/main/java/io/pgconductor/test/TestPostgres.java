package io.pgconductor.test;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.UUID;

import javax.sql.DataSource;

import org.jspecify.annotations.Nullable;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.postgresql.PostgreSQLContainer;

/**
 * The PostgreSQL server that all tests of a JVM share, started when the first of them
 * asks for it. It is, in this order,
 * <ol>
 * <li>the one that the environment variable {@value #URL_VARIABLE} names,</li>
 * <li>a container, where a Docker engine answers,</li>
 * <li>an embedded server.</li>
 * </ol>
 * Tests keep apart by using a schema or a database of their own. Thread-safe.
 */
public final class TestPostgres {

	/**
	 * The JDBC URL, with its credentials, of a server on which tests may create databases
	 * and roles.
	 */
	public static final String URL_VARIABLE = "CONDUCTOR_TEST_JDBC_URL";

	static final int MAX_CONNECTIONS = 300;

	private static @Nullable TestPostgres shared;

	private static @Nullable RuntimeException failure;

	private final TestDatabase database;

	private final boolean outlivesTests;

	private TestPostgres(TestDatabase database, boolean outlivesTests) {
		this.database = database;
		this.outlivesTests = outlivesTests;
	}

	/**
	 * Give the server that all tests of this JVM share.
	 * @return the server, started
	 */
	public static synchronized TestPostgres shared() {
		if (failure != null) {
			throw failure;
		}
		if (shared == null) {
			try {
				shared = start();
			}
			catch (RuntimeException ex) {
				failure = ex;
				throw ex;
			}
		}
		return shared;
	}

	/**
	 * Start an embedded server that belongs to the caller, which may stop it and start it
	 * again.
	 * @return the server, started
	 */
	public static EmbeddedServer startSeparate() {
		return EmbeddedServer.create();
	}

	private static TestPostgres start() {
		String url = System.getenv(URL_VARIABLE);
		if (url != null && !url.isBlank()) {
			return new TestPostgres(TestDatabase.of(url), true);
		}
		if (DockerClientFactory.instance().isDockerAvailable()) {
			return new TestPostgres(startContainer(), false);
		}
		return new TestPostgres(EmbeddedServer.create().database(), false);
	}

	@SuppressWarnings("resource") // Testcontainers removes it when the JVM has ended
	private static TestDatabase startContainer() {
		PostgreSQLContainer container = new PostgreSQLContainer("postgres:18").withCommand("postgres", "-c",
				"fsync=off", "-c", "max_connections=" + MAX_CONNECTIONS);
		container.start();
		return TestDatabase.of(container.getJdbcUrl(), container.getUsername(), container.getPassword());
	}

	/**
	 * Give the JDBC URL of the shared database.
	 * @return a URL that includes the credentials
	 */
	public String jdbcUrl() {
		return this.database.jdbcUrl();
	}

	/**
	 * Give a data source of the shared database.
	 * @return a data source that opens a connection each time it is asked for one
	 */
	public DataSource dataSource() {
		return this.database.dataSource();
	}

	/**
	 * Name a schema for a test class. It is not created.
	 * @param testClass the class
	 * @return a name that no one else has used, nor will
	 */
	public String uniqueSchema(Class<?> testClass) {
		String words = testClass.getSimpleName().replaceAll("(?<=[a-z0-9])(?=[A-Z])", "_").toLowerCase(Locale.ROOT);
		String prefix = words.replaceAll("[^a-z0-9_]", "_").substring(0, Math.min(words.length(), 30));
		String schema = "t_" + prefix + "_" + randomSuffix();
		if (this.outlivesTests) {
			Runtime.getRuntime().addShutdownHook(new Thread(() -> dropSchema(schema)));
		}
		return schema;
	}

	/**
	 * Create a database for tests that cannot share one.
	 * @return an empty database; closing it drops it
	 */
	public TestDatabase createDatabase() {
		String name = "conductor_test_" + randomSuffix();
		execute(this.database.dataSource(), "create database " + name);
		return this.database.sibling(name, () -> dropDatabase(name));
	}

	private void dropDatabase(String name) {
		execute(this.database.dataSource(), "drop database if exists " + name + " with (force)");
	}

	private void dropSchema(String schema) {
		execute(this.database.dataSource(), "drop schema if exists " + schema + " cascade");
	}

	private static String randomSuffix() {
		return UUID.randomUUID().toString().substring(0, 8);
	}

	private static void execute(DataSource dataSource, String sql) {
		try (Connection connection = dataSource.getConnection(); Statement statement = connection.createStatement()) {
			statement.execute(sql);
		}
		catch (SQLException ex) {
			throw new IllegalStateException("'" + sql + "' failed", ex);
		}
	}

}
