package io.pgconductor.autoconfigure;

import javax.sql.DataSource;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the engine takes its connections from: a pool of its own if there can be one, and
 * the application's data source otherwise.
 */
final class EngineConnections implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(EngineConnections.class);

	private final @Nullable EnginePool pool;

	EngineConnections(@Nullable EnginePool pool) {
		this.pool = pool;
		if (pool != null) {
			logger.info("Conductor's engine has a {}", pool);
		}
	}

	/**
	 * Choose where the connections come from.
	 * @param application the application's data source
	 * @return the pool, or that data source
	 */
	DataSource orElse(DataSource application) {
		if (this.pool != null) {
			return this.pool.dataSource();
		}
		logger.warn("Conductor cannot tell from {} how to connect, so its engine shares the application's connections: "
				+ "handlers that hold all of them hold up the engine. Use a HikariCP pool, or give the engine a pool of "
				+ "its own with a ConductorBuilderCustomizer", application.getClass().getName());
		return application;
	}

	/**
	 * Give back the connections that nobody uses, until they are needed again.
	 */
	void release() {
		if (this.pool != null) {
			this.pool.releaseConnections();
		}
	}

	@Override
	public void close() {
		if (this.pool != null) {
			this.pool.close();
		}
	}

}
