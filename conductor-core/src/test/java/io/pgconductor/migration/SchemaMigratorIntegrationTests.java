package io.pgconductor.migration;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import javax.sql.DataSource;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.SchemaName;
import io.pgconductor.testing.LogCapture;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.configuration.FluentConfiguration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;

import org.springframework.jdbc.datasource.DelegatingDataSource;

import static org.assertj.core.api.Assertions.assertThat;

class SchemaMigratorIntegrationTests {

	private static final int BUNDLED = Scripts.bundled().version();

	private final TestSchema schema = new TestSchema();

	@RegisterExtension
	final LogCapture log = new LogCapture(SchemaMigrator.class);

	@AfterEach
	void dropDatabase() {
		this.schema.close();
	}

	@Test
	void installsOnAnEmptyDatabase() {
		new SchemaMigrator(this.schema.dataSource(), this.schema.name(), true).ensureInstalled();

		assertThat(this.schema.version()).isEqualTo(Scripts.bundled().version());
		assertThat(this.schema.query("select count(*) from ${schema}.executions", Integer.class)).isZero();
		assertThat(this.log.lines()).containsExactly("INFO Installed schema 'jobs' at version " + BUNDLED);
	}

	@Test
	void installsInASchemaThatHoldsOtherTables() {
		this.schema.execute("create schema ${schema}");
		this.schema.execute("create table ${schema}.customer as select 'ada' as name");

		this.schema.migrate(TestScripts.V1);

		assertThat(this.schema.version()).isEqualTo(1);
		assertThat(this.schema.query("select name from ${schema}.customer", String.class)).isEqualTo("ada");
	}

	@Test
	void installsInTheSchemaPublic() {
		this.schema.execute("create table public.customer as select 'ada' as name");

		new SchemaMigrator(this.schema.dataSource(), new SchemaName("public"), true, TestScripts.V1).ensureInstalled();

		assertThat(this.schema.query("select version from public.schema_version", Integer.class)).isEqualTo(1);
	}

	@Test
	void installsTwiceInOneDatabase() {
		this.schema.migrate(TestScripts.V2);

		new SchemaMigrator(this.schema.dataSource(), new SchemaName("other"), true, TestScripts.V1).ensureInstalled();

		assertThat(this.schema.version()).isEqualTo(2);
		assertThat(this.schema.query("select other.release()", Integer.class)).isEqualTo(1);
	}

	@Test
	void leavesTheUsersOwnFlywayAlone() {
		String history = "select string_agg(script, ',' order by installed_rank) from public.flyway_schema_history";
		FluentConfiguration configuration = Flyway.configure()
			.dataSource(this.schema.dataSource())
			.locations("classpath:io/pgconductor/migration/user");
		configuration.target("1").load().migrate();

		this.schema.migrate(TestScripts.V2);

		assertThat(this.schema.query(history, String.class)).isEqualTo("V1__shop.sql");
		configuration.target("latest").load().migrate();
		assertThat(this.schema.query(history, String.class)).isEqualTo("V1__shop.sql,V2__shop.sql");
		assertThat(this.schema.version()).isEqualTo(2);
		assertThat(this.schema.history()).containsExactly("SCHEMA \"jobs\"", "SQL 1 V1__tables.sql",
				"SQL 2 V2__colour.sql", "SQL R__release.sql");
	}

	@Test
	void sharesASchemaWithTheUsersOwnFlyway() {
		Flyway users = Flyway.configure()
			.dataSource(this.schema.dataSource())
			.schemas(this.schema.name().value())
			.locations("classpath:io/pgconductor/migration/user")
			.load();
		users.migrate();

		this.schema.migrate(TestScripts.V1);
		this.schema.migrate(TestScripts.V2);

		assertThat(this.schema.version()).isEqualTo(2);
		assertThat(users.validateWithResult().validationSuccessful).isTrue();
	}

	@Test
	void isCheapWhenUpToDate() {
		new SchemaMigrator(this.schema.dataSource(), this.schema.name(), true).ensureInstalled();
		this.log.clear();
		CountingDataSource dataSource = new CountingDataSource(this.schema.dataSource());

		new SchemaMigrator(dataSource, this.schema.name(), true).ensureInstalled();

		assertThat(dataSource.connections()).isEqualTo(1);
		assertThat(this.log.lines()).containsExactly("DEBUG Schema 'jobs' is up to date at version " + BUNDLED);
	}

	@RepeatedTest(3)
	void letsSeveralNodesStartAtOnce() throws Exception {
		int nodes = 8;
		CyclicBarrier start = new CyclicBarrier(nodes);
		ExecutorService executor = Executors.newFixedThreadPool(nodes);
		try {
			List<Future<?>> starts = IntStream.range(0, nodes).<Future<?>>mapToObj((node) -> executor.submit(() -> {
				SchemaMigrator migrator = new SchemaMigrator(this.schema.dataSource(), this.schema.name(), true);
				start.await();
				migrator.ensureInstalled();
				return null;
			})).toList();

			for (Future<?> node : starts) {
				node.get(60, TimeUnit.SECONDS);
			}
		}
		finally {
			executor.shutdownNow();
		}

		assertThat(this.log.lines()).filteredOn((line) -> line.startsWith("INFO"))
			.containsExactly("INFO Installed schema 'jobs' at version " + BUNDLED);
		assertThat(this.schema.history()).doesNotHaveDuplicates();
	}

	@Test
	void upgrades() {
		this.schema.migrate(TestScripts.V1);
		this.log.clear();

		this.schema.migrate(TestScripts.V3);

		assertThat(this.schema.version()).isEqualTo(3);
		assertThat(this.schema.release()).isEqualTo(3);
		assertThat(this.log.lines()).containsExactly("INFO Upgraded schema 'jobs' from version 1 to 3");
	}

	@Test
	void keepsExecutionsOfTheFirstVersion() {
		Scripts first = new Scripts(Scripts.bundled()
			.all()
			.stream()
			.filter((script) -> script.isRepeatable() ? script.name().matches("R__(now|uuid_v7|wake).sql")
					: script.version() == 1)
			.toList());
		this.schema.migrate(first);
		this.schema.execute("insert into ${schema}.task values ('task', 'default', 0, 3, null, null)");
		this.schema.execute(
				"""
						insert into ${schema}.execution (id, task, queue, priority, max_attempts, payload, created_at, run_at, phase)
						values (${schema}.uuid_v7(), 'task', 'default', 0, 3, '{}', now(), now(), 'due')
						""");

		this.schema.migrate(Scripts.bundled());

		assertThat(this.schema.version()).isEqualTo(BUNDLED);
		assertThat(this.schema.query("select state from ${schema}.executions", String.class)).isEqualTo("ready");
		assertThat(this.schema.query("select ${schema}.cancel(id) from ${schema}.executions", Boolean.class)).isTrue();
		assertThat(this.schema.query("select state from ${schema}.executions", String.class)).isEqualTo("cancelled");
	}

	@Test
	void whoCouldInvokeBeforeItTookKeysCanDoSoStill() {
		this.schema.migrate(new Scripts(Scripts.bundled()
			.all()
			.stream()
			.filter((script) -> script.isRepeatable() ? script.name().matches("R__(now|uuid_v7|wake).sql")
					: script.version() <= 4)
			.toList()));
		String role = this.schema.role("");
		this.schema.execute("""
				create function ${schema}.invoke(task text, payload jsonb, queue text, priority int, run_at timestamptz,
				    delay interval, max_attempts int, headers jsonb) returns uuid language sql as 'select null::uuid'
				""");
		this.schema.execute("revoke all on function ${schema}.invoke from public");
		this.schema.execute("grant execute on function ${schema}.invoke to " + role + " with grant option");

		this.schema.migrate(Scripts.bundled());

		assertThat(this.schema.query("select count(*) from pg_proc where pronamespace = '${schema}'::regnamespace "
				+ "and proname = 'invoke'", Integer.class))
			.isOne();
		assertThat(this.schema.query("select proacl::text from pg_proc where pronamespace = '${schema}'::regnamespace "
				+ "and proname = 'invoke'", String.class))
			.contains(role + "=X*/")
			.doesNotContain("{=X")
			.doesNotContain(",=X");
	}

	@Test
	void renewsAChangedFunction() {
		this.schema.migrate(TestScripts.V1);
		this.log.clear();

		this.schema.migrate(new Scripts(List.of(TestScripts.V1_TABLES, TestScripts.release(7))));

		assertThat(this.schema.release()).isEqualTo(7);
		assertThat(this.log.lines()).containsExactly("INFO Renewed the functions of schema 'jobs' at version 1");
	}

	@Test
	void runsNoScriptOfAnOlderJar() {
		this.schema.migrate(TestScripts.V2);
		List<String> history = this.schema.history();
		this.log.clear();

		this.schema.migrate(TestScripts.V1);

		assertThat(this.schema.version()).isEqualTo(2);
		assertThat(this.schema.release()).isEqualTo(2);
		assertThat(this.schema.history()).isEqualTo(history);
		assertThat(this.log.lines()).containsExactly(
				"INFO Schema 'jobs' is at version 2, newer than this node's 1 but compatible: it stays as it is");
	}

	@Test
	void runsNoScriptOfAnOlderJarThatWaitedForANewer() throws Exception {
		this.schema.migrate(TestScripts.V1);
		Scripts older = new Scripts(List.of(TestScripts.V1_TABLES, TestScripts.release(-1)));
		ExecutorService executor = Executors.newSingleThreadExecutor();
		try (Connection lock = this.schema.dataSource().getConnection()) {
			lock.setAutoCommit(false);
			lock.createStatement().execute(SchemaScript.lock(this.schema.name()));
			Future<?> waiting = executor.submit(() -> this.schema.migrate(older));
			this.schema.awaitWaitForLock();

			this.schema.execute(TestScripts.V2_COLOUR.text());
			this.schema.execute(TestScripts.release(2).text());
			lock.rollback();
			waiting.get(30, TimeUnit.SECONDS);
		}
		finally {
			executor.shutdownNow();
		}

		assertThat(this.schema.release()).isEqualTo(2);
	}

	@Test
	void worksWithConnectionsThatDoNotCommitByThemselves() {
		HikariConfig config = new HikariConfig();
		config.setDataSource(this.schema.dataSource());
		config.setMaximumPoolSize(3);
		config.setAutoCommit(false);
		config.setTransactionIsolation("TRANSACTION_SERIALIZABLE");

		try (HikariDataSource dataSource = new HikariDataSource(config)) {
			this.schema.migrate(dataSource, TestScripts.V1);
			this.schema.migrate(dataSource, TestScripts.V2);
			this.schema.verify(dataSource, TestScripts.V2);
		}

		assertThat(this.schema.version()).isEqualTo(2);
	}

	@Test
	void leavesConnectionsAsTheyWere() throws SQLException {
		HikariConfig config = new HikariConfig();
		config.setDataSource(this.schema.dataSource());
		config.setMaximumPoolSize(3);

		try (HikariDataSource dataSource = new HikariDataSource(config)) {
			this.schema.migrate(dataSource, TestScripts.V1);

			try (Connection first = dataSource.getConnection();
					Connection second = dataSource.getConnection();
					Connection third = dataSource.getConnection()) {
				assertThat(List.of(first, second, third)).allSatisfy((connection) -> {
					assertThat(connection.getAutoCommit()).isTrue();
					assertThat(connection.getSchema()).isEqualTo("public");
				});
			}
		}
	}

	@Test
	void waitsForOtherNodesLongerThanTheTimeoutsOfItsRole() throws Exception {
		this.schema.execute("alter database " + this.schema.database() + " set lock_timeout = 100");
		ExecutorService executor = Executors.newSingleThreadExecutor();
		try (Connection lock = this.schema.dataSource().getConnection()) {
			lock.setAutoCommit(false);
			lock.createStatement().execute(SchemaScript.lock(this.schema.name()));

			Future<?> waiting = executor.submit(() -> this.schema.migrate(TestScripts.V1));
			this.schema.awaitWaitForLock();
			lock.rollback();
			waiting.get(30, TimeUnit.SECONDS);
		}
		finally {
			executor.shutdownNow();
		}

		assertThat(this.schema.version()).isEqualTo(1);
	}

	@Test
	void isConfiguredByNothingButItsArguments() throws Exception {
		ProcessBuilder program = new ProcessBuilder(System.getProperty("java.home") + "/bin/java",
				"-Dflyway.table=property_history", "-cp", System.getProperty("java.class.path"),
				MigrateOnce.class.getName(), this.schema.jdbcUrl(), this.schema.name().value());
		program.environment().put("FLYWAY_TABLE", "environment_history");
		program.environment().put("FLYWAY_SCHEMAS", "elsewhere");
		program.environment().put("FLYWAY_SKIP_EXECUTING_MIGRATIONS", "true");

		Process process = program.redirectErrorStream(true).start();
		String output = new String(process.getInputStream().readAllBytes());

		assertThat(process.waitFor()).as(output).isZero();
		assertThat(this.schema.history()).contains("SQL 1 V1__foundation.sql");
		assertThat(this.schema.query("select count(*) from pg_namespace where nspname = 'elsewhere'", Integer.class))
			.isZero();
	}

	static final class MigrateOnce {

		public static void main(String[] args) {
			PGSimpleDataSource dataSource = new PGSimpleDataSource();
			dataSource.setUrl(args[0]);
			new SchemaMigrator(dataSource, new SchemaName(args[1]), true).ensureInstalled();
		}

	}

	private static final class CountingDataSource extends DelegatingDataSource {

		private final AtomicInteger connections = new AtomicInteger();

		private CountingDataSource(DataSource dataSource) {
			super(dataSource);
		}

		@Override
		public Connection getConnection() throws SQLException {
			this.connections.incrementAndGet();
			return super.getConnection();
		}

		private int connections() {
			return this.connections.get();
		}

	}

}
