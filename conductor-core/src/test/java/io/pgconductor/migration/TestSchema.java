package io.pgconductor.migration;

import java.util.List;

import javax.sql.DataSource;

import io.pgconductor.SchemaName;
import io.pgconductor.test.TestDatabase;
import io.pgconductor.test.TestPostgres;
import org.postgresql.ds.PGSimpleDataSource;

import org.springframework.jdbc.core.simple.JdbcClient;

import static org.awaitility.Awaitility.await;

/**
 * A schema in a database of its own.
 */
final class TestSchema implements AutoCloseable {

	private final TestDatabase database = TestPostgres.shared().createDatabase();

	private final SchemaName name = new SchemaName("jobs");

	private final JdbcClient client = JdbcClient.create(this.database.dataSource());

	SchemaName name() {
		return this.name;
	}

	DataSource dataSource() {
		return this.database.dataSource();
	}

	String jdbcUrl() {
		return this.database.jdbcUrl();
	}

	String database() {
		return this.database.name();
	}

	PGSimpleDataSource dataSourceOf(String role) {
		return this.database.dataSource(role, role);
	}

	/**
	 * Create a role that {@link #close()} drops.
	 */
	String role(String privileges) {
		String role = "r_" + this.database.name();
		execute("create role " + role + " login password '" + role + "'");
		if (!privileges.isEmpty()) {
			execute(privileges.replace("${role}", role));
		}
		return role;
	}

	/**
	 * Execute statements as the superuser, in one round trip and with autocommit.
	 */
	void execute(String sql) {
		this.client.sql(this.name.sql(sql)).update();
	}

	<T> T query(String sql, Class<T> type) {
		return this.client.sql(this.name.sql(sql)).query(type).single();
	}

	List<String> history() {
		return this.client.sql(this.name.sql("""
				select type || coalesce(' ' || version, '') || ' ' || script from ${schema}.conductor_schema_history
				order by installed_rank""")).query(String.class).list();
	}

	int version() {
		return query("select version from ${schema}.schema_version", Integer.class);
	}

	int release() {
		return query("select ${schema}.release()", Integer.class);
	}

	/**
	 * Wait until a migrator has waited for the lock for a while.
	 */
	void awaitWaitForLock() {
		await().until(() -> query("""
				select count(*) from pg_stat_activity
				where datname = current_database() and wait_event = 'advisory'
				    and query_start < clock_timestamp() - interval '300 ms'""", Integer.class) == 1);
	}

	void migrate(Scripts scripts) {
		migrate(dataSource(), scripts);
	}

	void migrate(DataSource dataSource, Scripts scripts) {
		new SchemaMigrator(dataSource, this.name, true, scripts).ensureInstalled();
	}

	void verify(Scripts scripts) {
		verify(dataSource(), scripts);
	}

	void verify(DataSource dataSource, Scripts scripts) {
		new SchemaMigrator(dataSource, this.name, false, scripts).ensureInstalled();
	}

	@Override
	public void close() {
		String role = "r_" + this.database.name();
		this.database.close();
		JdbcClient.create(TestPostgres.shared().dataSource()).sql("drop role if exists " + role).update();
	}

}
