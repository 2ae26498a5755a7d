package io.pgconductor.worker;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.OrchestratorInfo.State;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.EmbeddedServer;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A database that goes away under load, and comes back.
 */
class DatabaseOutageIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(90);

	private static final RetryPolicy SOON = new RetryPolicy(List.of(Duration.ofMillis(200)), 0.5, Set.of());

	private static EmbeddedServer server;

	private static int schemas;

	private TestConductor test;

	private @Nullable HikariDataSource pool;

	@BeforeAll
	static void startServer() {
		server = TestPostgres.startSeparate();
	}

	@AfterAll
	static void stopServer() {
		server.close();
	}

	@BeforeEach
	void install() {
		this.test = new TestConductor(server.database().jdbcUrl(), "outage_" + schemas++, (builder) -> {
		});
		this.test.sql("create table ${schema}.effect (n int primary key)").update();
	}

	@AfterEach
	void close() {
		this.test.close();
		if (this.pool != null) {
			this.pool.close();
		}
	}

	@Test
	void finishesEverythingOnceWhenTheDatabaseRestartsUnderLoad() {
		int size = 4000;
		Orchestrator first = this.test.node(effectTask());
		Orchestrator second = this.test.node(effectTask());
		first.start();
		second.start();
		invoke(size);
		awaitEffects(size / 20);

		restart();
		awaitEffects(size / 3);
		restart();

		awaitAllFinished(size);
		assertThat(first.info().lastError()).isNull();
		assertThat(second.info().lastError()).isNull();
	}

	@Test
	void finishesEverythingOnceWhileAllSessionsAreTerminatedAgainAndAgain() {
		int size = 3000;
		this.test.node(effectTask()).start();
		this.test.node(effectTask()).start();
		invoke(size);
		JdbcClient separate = JdbcClient.create(server.database().dataSource());

		for (int round = 0; round < 10; round++) {
			awaitEffects((round + 1) * size / 20);
			separate
				.sql("select pg_terminate_backend(pid) from pg_stat_activity "
						+ "where pid <> pg_backend_pid() and backend_type = 'client backend'")
				.query()
				.listOfRows();
		}

		awaitAllFinished(size);
	}

	@Test
	void interruptsNothingAndBuriesNobodyAfterAnOutageThatIsLongerThanTheNodeTimeout() {
		CountDownLatch mayEnd = new CountDownLatch(1);
		AtomicInteger runs = new AtomicInteger();
		TaskSpec patient = TaskSpec.of("patient", null, (event, context) -> {
			runs.incrementAndGet();
			mayEnd.await();
			return "done";
		});
		Orchestrator first = this.test.node((builder) -> builder.nodeTimeout(Duration.ofSeconds(3)), patient);
		Orchestrator second = this.test.node((builder) -> builder.nodeTimeout(Duration.ofSeconds(3)), patient);
		first.start();
		second.start();
		UUID firstId = first.info().id();
		UUID secondId = second.info().id();
		List<UUID> ids = this.test.conductor()
			.invokeAll("patient",
					IntStream.range(0, 15)
						.mapToObj((i) -> Invoke.of(null, InvokeOptions.defaults().maxAttempts(1)))
						.toList());
		Awaitility.await().atMost(LONG).until(() -> runs.get() == 15);

		server.stop();
		LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(4));
		server.start();
		Awaitility.await()
			.atMost(LONG)
			.until(() -> this.test.sql("select count(*) from ${schema}.node where alive_until > now()")
				.query(Integer.class)
				.single() == 2);
		mayEnd.countDown();

		for (UUID id : ids) {
			Execution completed = this.test.await(id, ExecutionState.COMPLETED);
			assertThat(completed.attempt()).isOne();
			assertThat(completed.result().asString()).isEqualTo("done");
		}
		assertThat(runs).hasValue(15);
		assertThat(first.info().id()).isEqualTo(firstId);
		assertThat(second.info().id()).isEqualTo(secondId);
	}

	@Test
	void startsAsSoonAsTheDatabaseIsThere() {
		Orchestrator node = this.test.node(impatientPool(), (builder) -> {
		}, effectTask());
		server.stop();
		node.start();
		assertThat(node.info().state()).isEqualTo(State.STARTING);

		server.start();

		Awaitility.await().atMost(LONG).until(() -> node.info().isRunning());
		invoke(1);
		awaitAllFinished(1);
	}

	@Test
	void drainsThroughARestart() {
		int size = 2000;
		Set<Integer> effects = ConcurrentHashMap.newKeySet();
		Orchestrator node = this.test.node(TaskSpec.of("task", Integer.class, (event, context) -> {
			LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
			effects.add((Integer) event.payload());
			return null;
		}));
		this.test.conductor().invokeAll("task", IntStream.range(0, size).mapToObj(Invoke::of).toList());
		CompletableFuture<Void> drain = CompletableFuture.runAsync(node::drain);
		Awaitility.await().atMost(LONG).until(() -> effects.size() > size / 10);

		restart();

		assertThat(drain).succeedsWithin(LONG);
		assertThat(effects).hasSize(size);
		assertThat(this.test.count("finished_execution")).isEqualTo(size);
		assertThat(node.info().state()).isEqualTo(State.STOPPED);
	}

	@Test
	void stopsWhileTheDatabaseIsDownAndOthersTakeOver() {
		CountDownLatch started = new CountDownLatch(1);
		CountDownLatch mayEnd = new CountDownLatch(1);
		Orchestrator node = this.test.node(impatientPool(), (builder) -> builder.nodeTimeout(Duration.ofSeconds(3)),
				TaskSpec.of("task", null, (event, context) -> {
					started.countDown();
					mayEnd.await();
					return "first";
				}));
		node.start();
		UUID id = this.test.conductor().invoke("task", null);
		Awaitility.await().atMost(LONG).until(() -> started.getCount() == 0);

		server.stop();
		mayEnd.countDown();
		CompletableFuture<Void> stop = CompletableFuture.runAsync(node::stop);
		assertThat(stop).succeedsWithin(Duration.ofSeconds(25));
		server.start();

		Orchestrator other = this.test.node((builder) -> builder.nodeTimeout(Duration.ofSeconds(3)),
				TaskSpec.of("task", null, (event, context) -> "second"));
		other.start();
		assertThat(this.test.await(id, ExecutionState.COMPLETED).result().asString()).isEqualTo("second");
	}

	@Test
	void doesItsWorkWithoutNotificationsInTransactionsThatArePrepared() throws SQLException {
		JdbcClient.create(server.database().dataSource())
			.sql("alter system set max_prepared_transactions = 10")
			.update();
		restart();
		Orchestrator node = this.test.node(
				(builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withPollInterval(Duration.ofMillis(200))),
				effectTask());
		node.start();
		invoke(1);
		awaitAllFinished(1);

		try (Connection connection = server.database().dataSource().getConnection();
				Statement statement = connection.createStatement()) {
			connection.setAutoCommit(false);
			statement.execute("set conductor.notify = off");
			statement.execute("select " + this.test.schema() + ".invoke('effect', '17')");
			statement.execute("prepare transaction 'xa'");
			connection.commit();
			connection.setAutoCommit(true);
			statement.execute("commit prepared 'xa'");
		}

		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 2);
		assertThat(this.test.sql("select n from ${schema}.effect where n = 17").query(Integer.class).single())
			.isEqualTo(17);
	}

	private TaskSpec effectTask() {
		return TaskSpec.of("effect", Integer.class, (event, context) -> {
			LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
			this.test.sql("insert into ${schema}.effect (n) values (?) on conflict do nothing")
				.param(event.payload())
				.update();
			return null;
		}).with(TaskOptions.none().maxAttempts(1000).retryPolicy(SOON));
	}

	private HikariDataSource impatientPool() {
		this.pool = this.test.pool("engine", 4);
		this.pool.setConnectionTimeout(1000);
		return this.pool;
	}

	private void restart() {
		server.stop();
		server.start();
		((HikariDataSource) this.test.dataSource()).getHikariPoolMXBean().softEvictConnections();
	}

	private void invoke(int size) {
		this.test.conductor().invokeAll("effect", IntStream.range(0, size).mapToObj(Invoke::of).toList());
	}

	private void awaitEffects(int count) {
		Awaitility.await().atMost(LONG).ignoreExceptions().until(() -> this.test.count("effect") >= count);
	}

	private void awaitAllFinished(int size) {
		Awaitility.await().atMost(LONG).ignoreExceptions().until(() -> this.test.count("finished_execution") == size);
		assertThat(this.test.count("execution")).isZero();
		assertThat(this.test.count("effect")).isEqualTo(size);
		assertThat(this.test.sql("select distinct state from ${schema}.finished_execution").query(String.class).list())
			.containsExactly("completed");
	}

}
