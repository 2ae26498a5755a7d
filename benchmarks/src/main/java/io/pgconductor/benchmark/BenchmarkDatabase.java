package io.pgconductor.benchmark;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

import javax.sql.DataSource;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Conductor;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.EngineDataSource;
import io.pgconductor.worker.ConductorBuilder;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * The database that is measured on, through the pools that an application would have.
 */
final class BenchmarkDatabase implements AutoCloseable {

	/**
	 * How many connections handlers share with claims and flushes, which need theirs for
	 * moments: the default of {@code conductor.pool.size}.
	 */
	static final int ENGINE_CONNECTIONS = 4;

	private static final int BATCH = 1000;

	private final String jdbcUrl;

	private final HikariDataSource applicationPool;

	private final HikariDataSource enginePool;

	private final Conductor conductor;

	private final JdbcClient jdbc;

	BenchmarkDatabase(String jdbcUrl) {
		this.jdbcUrl = jdbcUrl;
		this.applicationPool = pool("application", 10);
		// And the node's own
		this.enginePool = pool("engine", ENGINE_CONNECTIONS + 1);
		this.conductor = new ConductorBuilder(this.applicationPool).engineDataSource(this.enginePool).build();
		this.conductor.ensureInstalled();
		this.jdbc = JdbcClient.create(this.applicationPool);
		sql("create extension pg_stat_statements").update();
		countStatements(false);
	}

	/**
	 * Switch the counting of statements on, from zero, or off.
	 * @param on whether to count
	 */
	void countStatements(boolean on) {
		sql("alter system set pg_stat_statements.track = '" + (on ? "top" : "none") + "'").update();
		sql("select pg_reload_conf(), pg_stat_statements_reset()").query((rs, row) -> row).list();
	}

	private HikariDataSource pool(String name, int size) {
		HikariConfig config = new HikariConfig();
		config.setPoolName(name);
		config.setJdbcUrl(this.jdbcUrl);
		config.setMaximumPoolSize(size);
		return new HikariDataSource(config);
	}

	String jdbcUrl() {
		return this.jdbcUrl;
	}

	DataSource applicationPool() {
		return this.applicationPool;
	}

	Conductor conductor() {
		return this.conductor;
	}

	/**
	 * SQL on the conductor's schema.
	 * @param sql says <code>${schema}</code> for it
	 * @return the statement
	 */
	JdbcClient.StatementSpec sql(String sql) {
		return this.jdbc.sql(SchemaName.DEFAULT.sql(sql));
	}

	long number(String sql) {
		return sql(sql).query(Long.class).single();
	}

	/**
	 * Open a connection with the settings of the engine's own.
	 * @return the connection
	 */
	Connection connect() {
		PGSimpleDataSource bare = new PGSimpleDataSource();
		bare.setUrl(this.jdbcUrl);
		try {
			return new EngineDataSource(bare, true).getConnection();
		}
		catch (SQLException ex) {
			throw new IllegalStateException(ex);
		}
	}

	/**
	 * Empty the tables, and begin a new checkpoint, so that what is enqueued and run next
	 * falls into one, as it does in a queue that keeps up.
	 */
	void reset() {
		sql("truncate ${schema}.execution, ${schema}.finished_execution, ${schema}.step, ${schema}.child_wait, "
				+ "${schema}.event, ${schema}.event_wait")
			.update();
		sql("checkpoint").update();
	}

	void enqueue(Mode mode, int count) {
		enqueue(mode, count, InvokeOptions.defaults());
	}

	void enqueue(Mode mode, int count, InvokeOptions options) {
		enqueue(mode.task(), count, options);
	}

	void enqueue(String task, int count, InvokeOptions options) {
		for (int from = 0; from < count; from += BATCH) {
			List<Invoke> items = new ArrayList<>(BATCH);
			for (int i = from; i < Math.min(from + BATCH, count); i++) {
				items.add(Invoke.of(Order.of(i), options));
			}
			this.conductor.invokeAll(task, items);
		}
	}

	/**
	 * Make sure that a run has done what it was measured for.
	 * @param mode of the executions
	 * @param count how many were run
	 */
	void verifyDone(Mode mode, int count) {
		long left = sql("select count(*) from ${schema}.execution where phase = 'due' and task = ?").param(mode.task())
			.query(Long.class)
			.single();
		long kept = sql("select count(*) from ${schema}.finished_execution where task = ?").param(mode.task())
			.query(Long.class)
			.single();
		if (left != 0 || kept != ((mode == Mode.ARCHIVE) ? count : 0)) {
			throw new IllegalStateException(
					"Of %d executions, %d are left and %d are kept".formatted(count, left, kept));
		}
	}

	@Override
	public void close() {
		this.enginePool.close();
		this.applicationPool.close();
	}

}
