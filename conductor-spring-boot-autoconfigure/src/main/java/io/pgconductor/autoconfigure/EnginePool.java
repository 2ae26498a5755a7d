package io.pgconductor.autoconfigure;

import javax.sql.DataSource;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariConfigMXBean;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.HikariPoolMXBean;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.boot.jdbc.DataSourceUnwrapper;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.jdbc.datasource.SimpleDriverDataSource;

/**
 * The engine's connections: a small pool on the application's database, so that handlers
 * that hold all of the application's connections cannot hold up the engine. It holds the
 * pool, rather than being a data source itself, to be none of the application's beans of
 * that type.
 */
final class EnginePool implements AutoCloseable {

	static final String NAME = "conductor";

	private static final long CONNECTION_TIMEOUT_MILLIS = 5000;

	// HikariCP opens one connection at a time: one whose login hangs would be the last
	private static final String LOGIN_TIMEOUT_SECONDS = "10";

	private final HikariDataSource pool;

	private EnginePool(HikariConfig config, int size) {
		this.pool = new HikariDataSource();
		config.copyStateTo(this.pool);
		this.pool.setPoolName(NAME);
		this.pool.setMaximumPoolSize(size);
		this.pool.setMinimumIdle(0);
		this.pool.setConnectionTimeout(CONNECTION_TIMEOUT_MILLIS);
		// The database may be down when the application starts
		this.pool.setInitializationFailTimeout(-1);
		if (isPostgres(config)) {
			this.pool.addDataSourceProperty("tcpKeepAlive", "true");
			this.pool.getDataSourceProperties().putIfAbsent("loginTimeout", LOGIN_TIMEOUT_SECONDS);
		}
	}

	private static boolean isPostgres(HikariConfig config) {
		String url = config.getJdbcUrl();
		String className = config.getDataSourceClassName();
		return (url != null && url.contains(":postgresql:"))
				|| (className != null && className.startsWith("org.postgresql."));
	}

	/**
	 * Derive a pool from the application's data source.
	 * @param application the application's data source
	 * @param details how it connects, if that is known apart from it
	 * @param size the number of connections
	 * @return the pool, not connected yet, or {@code null} if the data source doesn't
	 * tell how it connects
	 */
	static @Nullable EnginePool derive(DataSource application, @Nullable JdbcConnectionDetails details, int size) {
		HikariDataSource hikari = DataSourceUnwrapper.unwrap(application, HikariConfigMXBean.class,
				HikariDataSource.class);
		if (hikari != null) {
			return new EnginePool(connectionsOf(hikari), size);
		}
		if (details != null) {
			return new EnginePool(connectionsOf(details), size);
		}
		if (opensConnectionsOnRequest(application)) {
			HikariConfig config = new HikariConfig();
			config.setDataSource(application);
			return new EnginePool(config, size);
		}
		return null;
	}

	/**
	 * Take over how the application connects, but not how its pool works. A connection
	 * that the engine holds for good would be a leak there, for instance.
	 */
	private static HikariConfig connectionsOf(HikariDataSource hikari) {
		HikariConfig config = new HikariConfig();
		config.setJdbcUrl(hikari.getJdbcUrl());
		if (hikari.getDriverClassName() != null) {
			config.setDriverClassName(hikari.getDriverClassName());
		}
		config.setDataSource(hikari.getDataSource());
		config.setDataSourceClassName(hikari.getDataSourceClassName());
		config.setDataSourceJNDI(hikari.getDataSourceJNDI());
		hikari.getDataSourceProperties().forEach((name, value) -> config.addDataSourceProperty((String) name, value));
		config.setCredentials(hikari.getCredentials());
		if (hikari.getCredentialsProvider() != null) {
			config.setCredentialsProvider(hikari.getCredentialsProvider());
		}
		config.setCatalog(hikari.getCatalog());
		config.setSchema(hikari.getSchema());
		config.setConnectionInitSql(hikari.getConnectionInitSql());
		config.setConnectionTestQuery(hikari.getConnectionTestQuery());
		config.setMaxLifetime(hikari.getMaxLifetime());
		config.setKeepaliveTime(hikari.getKeepaliveTime());
		config.setRegisterMbeans(hikari.isRegisterMbeans());
		return config;
	}

	private static HikariConfig connectionsOf(JdbcConnectionDetails details) {
		HikariConfig config = new HikariConfig();
		config.setJdbcUrl(details.getJdbcUrl());
		config.setUsername(details.getUsername());
		config.setPassword(details.getPassword());
		return config;
	}

	private static boolean opensConnectionsOnRequest(DataSource dataSource) {
		return dataSource instanceof PGSimpleDataSource || dataSource.getClass() == DriverManagerDataSource.class
				|| dataSource.getClass() == SimpleDriverDataSource.class;
	}

	DataSource dataSource() {
		return this.pool;
	}

	/**
	 * Give back the connections that nobody uses, until they are needed again.
	 */
	void releaseConnections() {
		HikariPoolMXBean running = this.pool.getHikariPoolMXBean();
		if (running != null) {
			running.softEvictConnections();
		}
	}

	@Override
	public void close() {
		this.pool.close();
	}

	@Override
	public String toString() {
		String url = this.pool.getJdbcUrl();
		return "pool '" + NAME + "' of " + this.pool.getMaximumPoolSize() + " connections"
				+ ((url != null) ? " to " + url.replaceFirst("[?].*", "").replaceFirst("//[^/@]*@", "//") : "");
	}

}
