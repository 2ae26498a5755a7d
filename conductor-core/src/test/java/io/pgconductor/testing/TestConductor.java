package io.pgconductor.testing;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.Supplier;

import javax.sql.DataSource;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Conductor;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Orchestrator;
import io.pgconductor.SchemaName;
import io.pgconductor.task.TaskRegistry;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.worker.ConductorBuilder;
import io.pgconductor.worker.ConductorMetrics;
import io.pgconductor.worker.OrchestratorBuilder;
import org.awaitility.Awaitility;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * A conductor with a schema of its own, and any number of nodes on it.
 */
public final class TestConductor implements AutoCloseable {

	private final SchemaName schema;

	private final HikariDataSource applicationPool;

	private final List<HikariDataSource> enginePools = new ArrayList<>();

	private final List<Orchestrator> orchestrators = new ArrayList<>();

	private final String jdbcUrl;

	private final DataSourceTransactionManager transactionManager;

	private final Consumer<ConductorBuilder> customizer;

	private final Conductor conductor;

	private final JdbcClient jdbc;

	public TestConductor(Class<?> testClass, Consumer<ConductorBuilder> customizer) {
		this(TestPostgres.shared().jdbcUrl(), TestPostgres.shared().uniqueSchema(testClass), customizer);
	}

	public TestConductor(Class<?> testClass) {
		this(TestPostgres.shared().jdbcUrl(), TestPostgres.shared().uniqueSchema(testClass), (builder) -> {
		});
	}

	public TestConductor(String jdbcUrl, String schema, Consumer<ConductorBuilder> customizer) {
		this.jdbcUrl = jdbcUrl;
		this.schema = new SchemaName(schema);
		this.applicationPool = pool("application", 10);
		this.transactionManager = new DataSourceTransactionManager(this.applicationPool);
		this.customizer = customizer;
		this.conductor = conductor((builder) -> {
		});
		this.conductor.ensureInstalled();
		this.jdbc = JdbcClient.create(this.applicationPool);
	}

	/**
	 * A pool on the same database.
	 * @param name its name, and that of its sessions
	 * @param size how many connections it has
	 * @return the pool; to be closed by the caller
	 */
	public HikariDataSource pool(String name, int size) {
		HikariConfig config = new HikariConfig();
		config.setPoolName(name);
		config.setJdbcUrl(this.jdbcUrl);
		config.addDataSourceProperty("ApplicationName", name);
		config.setMaximumPoolSize(size);
		config.setMinimumIdle(0);
		config.setConnectionTimeout(5_000);
		config.setInitializationFailTimeout(-1);
		return new HikariDataSource(config);
	}

	private Conductor conductor(Consumer<ConductorBuilder> further) {
		HikariDataSource enginePool = pool("engine", 5);
		this.enginePools.add(enginePool);
		ConductorBuilder builder = new ConductorBuilder(this.applicationPool).engineDataSource(enginePool)
			.transactionManager(this.transactionManager)
			.schema(this.schema.value());
		this.customizer.accept(builder);
		further.accept(builder);
		return builder.build();
	}

	public Conductor conductor() {
		return this.conductor;
	}

	public String schema() {
		return this.schema.value();
	}

	public DataSource dataSource() {
		return this.applicationPool;
	}

	public DataSourceTransactionManager transactionManager() {
		return this.transactionManager;
	}

	public TransactionTemplate transaction() {
		return new TransactionTemplate(this.transactionManager);
	}

	/**
	 * A node of its own engine pool, as if in a process of its own. Stopped with this.
	 * @param tasks what it serves
	 * @return the node, not started
	 */
	public Orchestrator node(TaskSpec... tasks) {
		return node((builder) -> {
		}, tasks);
	}

	public Orchestrator node(Consumer<OrchestratorBuilder> customizer, TaskSpec... tasks) {
		return node(customizer, ConductorMetrics.NONE, tasks);
	}

	public Orchestrator node(Consumer<OrchestratorBuilder> customizer, ConductorMetrics metrics, TaskSpec... tasks) {
		return node(conductor((conductor) -> conductor.metrics(metrics)), customizer, tasks);
	}

	public Orchestrator node(Consumer<ConductorBuilder> conductor, Consumer<OrchestratorBuilder> customizer,
			TaskSpec... tasks) {
		return node(conductor(conductor), customizer, tasks);
	}

	/**
	 * A node with a pool of the caller's.
	 * @param enginePool the engine's connections
	 * @param customizer of its options
	 * @param tasks what it serves
	 * @return the node, not started
	 */
	public Orchestrator node(DataSource enginePool, Consumer<OrchestratorBuilder> customizer, TaskSpec... tasks) {
		Conductor onPool = new ConductorBuilder(this.applicationPool).engineDataSource(enginePool)
			.schema(this.schema.value())
			.build();
		return node(onPool, customizer, tasks);
	}

	private Orchestrator node(Conductor onConductor, Consumer<OrchestratorBuilder> customizer, TaskSpec... tasks) {
		TaskRegistry registry = new TaskRegistry();
		for (TaskSpec task : tasks) {
			registry.register(task);
		}
		OrchestratorBuilder builder = new OrchestratorBuilder(onConductor, registry).nodeTimeout(Duration.ofSeconds(30))
			.shutdownTimeout(Duration.ofSeconds(5));
		customizer.accept(builder);
		Orchestrator orchestrator = builder.build();
		this.orchestrators.add(orchestrator);
		return orchestrator;
	}

	/**
	 * SQL on the conductor's schema.
	 * @param sql says <code>${schema}</code> for it
	 * @return the statement
	 */
	public JdbcClient.StatementSpec sql(String sql) {
		return this.jdbc.sql(this.schema.sql(sql));
	}

	/**
	 * Do something outside of this thread's transaction.
	 * @param work what to do
	 * @param <T> the result's type
	 * @return its result
	 */
	public <T> T elsewhere(Supplier<T> work) {
		return CompletableFuture.supplyAsync(work, (task) -> new Thread(task).start()).join();
	}

	/**
	 * Execute SQL outside of this thread's transaction.
	 * @param sql says <code>${schema}</code> for the conductor's schema
	 */
	public void elsewhere(String sql) {
		elsewhere(() -> sql(sql).update());
	}

	public long count(String table) {
		return sql("select count(*) from ${schema}." + table).query(Long.class).single();
	}

	/**
	 * Travel in time: from now on, the database's clock is ahead.
	 * @param ahead how far
	 */
	public void travel(Duration ahead) {
		replaceClock("pg_catalog.now() + interval ''" + ahead.toMillis() + " milliseconds''");
	}

	/**
	 * Stop the database's clock: from now on, it is always the same time.
	 * @param time the time
	 */
	public void stopClock(Instant time) {
		replaceClock("timestamptz ''" + time + "''");
	}

	private void replaceClock(String now) {
		sql("create or replace function ${schema}.now() returns timestamptz language sql stable parallel safe as "
				+ "'select " + now + "'")
			.update();
		// Its sleep is by the real clock
		sql("select pg_notify('${schema}:wake', 'promoter')").query().listOfRows();
	}

	public Execution await(UUID execution, ExecutionState state) {
		return Awaitility.await()
			.atMost(Duration.ofSeconds(20))
			.pollDelay(Duration.ZERO)
			.pollInterval(Duration.ofMillis(5))
			.until(() -> this.conductor.find(execution).orElse(null),
					(found) -> found != null && found.state() == state);
	}

	@Override
	public void close() {
		this.orchestrators.forEach(Orchestrator::stop);
		this.enginePools.forEach(HikariDataSource::close);
		this.applicationPool.close();
	}

}
