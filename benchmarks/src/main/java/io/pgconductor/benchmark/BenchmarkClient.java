package io.pgconductor.benchmark;

import javax.sql.DataSource;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Conductor;
import io.pgconductor.worker.ConductorBuilder;

/**
 * An application that only enqueues.
 */
final class BenchmarkClient implements AutoCloseable {

	private final HikariDataSource pool;

	private final Conductor conductor;

	BenchmarkClient(String jdbcUrl) {
		HikariConfig config = new HikariConfig();
		config.setJdbcUrl(jdbcUrl);
		config.setMaximumPoolSize(2);
		this.pool = new HikariDataSource(config);
		this.conductor = new ConductorBuilder(this.pool).build();
	}

	DataSource pool() {
		return this.pool;
	}

	Conductor conductor() {
		return this.conductor;
	}

	@Override
	public void close() {
		this.pool.close();
	}

}
