package io.pgconductor.worker;

import java.io.IOException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.StallingProxy;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.UnreliableDataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Connections that get lost or cannot be had, while the database is well.
 */
class ConnectionLossIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(60);

	private static final String CLAIM = "claim_no = claim_no + 1";

	private static final String COMPLETION = "delete from";

	private final AtomicInteger runs = new AtomicInteger();

	private final List<AutoCloseable> resources = new ArrayList<>();

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(ConnectionLossIntegrationTests.class);
	}

	@AfterEach
	void close() throws Exception {
		this.test.close();
		for (AutoCloseable resource : this.resources) {
			resource.close();
		}
	}

	@Test
	void runsWhatWasClaimedByAStatementWhoseAnswerWasLost() {
		UnreliableDataSource engine = unreliable(CLAIM);
		Orchestrator node = this.test.node(engine, (builder) -> {
		}, countingTask());
		node.start();
		awaitOne();

		for (int round = 0; round < 5; round++) {
			engine.lose(1);
			this.test.conductor().invokeAll("task", IntStream.range(0, 20).mapToObj(Invoke::of).toList());
			int expected = 1 + (round + 1) * 20;
			Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == expected);
		}

		assertThat(engine.lost()).isEqualTo(5);
		assertThat(this.runs).hasValue(101);
		assertThat(attempts()).containsExactly(1);
	}

	@Test
	void runsWhatWasClaimedWhenTheMemoryWasOut() {
		UnreliableDataSource engine = unreliable(CLAIM);
		engine.failWith(() -> new OutOfMemoryError("test"));
		Orchestrator node = this.test.node(engine, (builder) -> {
		}, countingTask());
		node.start();
		awaitOne();

		engine.lose(1);
		this.test.conductor().invokeAll("task", IntStream.range(0, 20).mapToObj(Invoke::of).toList());

		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 21);
		assertThat(engine.lost()).isOne();
		assertThat(this.runs).hasValue(21);
		assertThat(attempts()).containsExactly(1);
	}

	@Test
	void isNotHeldUpByALockedExecutionThatItDoesNotKnowItHas() throws SQLException {
		UnreliableDataSource engine = unreliable(CLAIM);
		Orchestrator node = this.test.node(engine, (builder) -> {
		}, countingTask());
		node.start();
		awaitOne();
		node.stop();
		List<UUID> ids = this.test.conductor().invokeAll("task", IntStream.range(0, 3).mapToObj(Invoke::of).toList());
		engine.lose(1);

		try (Connection user = TestPostgres.shared().dataSource().getConnection();
				Statement statement = user.createStatement()) {
			user.setAutoCommit(false);
			// Locked after the claim and before the node can give back what it doesn't
			// know
			engine.failWith(() -> {
				statement.execute("select id from " + this.test.schema() + ".execution for update");
				return new SQLException("The answer is lost", "08006");
			});
			node.start();
			Awaitility.await().atMost(LONG).until(() -> engine.lost() == 1);

			awaitOne();

			assertThat(this.test.count("execution")).isEqualTo(3);
			user.rollback();
		}
		ids.forEach((id) -> this.test.await(id, ExecutionState.COMPLETED));
	}

	@Test
	void recordsOnceWhatWasRecordedByAStatementWhoseAnswerWasLost() {
		UnreliableDataSource engine = unreliable(COMPLETION);
		this.test.node(engine, (builder) -> {
		}, countingTask()).start();
		awaitOne();

		for (int round = 0; round < 5; round++) {
			engine.lose(1);
			this.test.conductor().invokeAll("task", IntStream.range(0, 20).mapToObj(Invoke::of).toList());
			int expected = 1 + (round + 1) * 20;
			Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == expected);
		}

		Awaitility.await().atMost(LONG).until(() -> engine.lost() == 5);
		assertThat(this.runs).hasValue(101);
		assertThat(this.test.count("execution")).isZero();
	}

	@Test
	void losesNoOutcomeThatWaitsForALockWhenNoConnectionCanBeHad() throws SQLException {
		CountDownLatch mayEnd = new CountDownLatch(1);
		UnreliableDataSource engine = unreliable(COMPLETION);
		this.test.node(engine, (builder) -> {
		}, TaskSpec.of("task", null, (event, context) -> {
			mayEnd.await();
			return this.runs.incrementAndGet();
		})).start();
		UUID id = this.test.conductor().invoke("task", null);
		this.test.await(id, ExecutionState.RUNNING);

		try (Connection user = TestPostgres.shared().dataSource().getConnection();
				Statement statement = user.createStatement()) {
			user.setAutoCommit(false);
			statement.execute("select id from " + this.test.schema() + ".execution for update");
			mayEnd.countDown();
			Awaitility.await().pollDelay(Duration.ofSeconds(1)).until(() -> this.runs.get() == 1);
			engine.onConnect(() -> {
				throw new SQLException("The pool is exhausted");
			});
			Awaitility.await().pollDelay(Duration.ofSeconds(1)).until(() -> true);
			engine.onConnect(() -> true);
			user.rollback();
		}

		assertThat(this.test.await(id, ExecutionState.COMPLETED).attempt()).isOne();
		assertThat(this.runs).hasValue(1);
	}

	@Test
	void worksWithAnEnginePoolOfTwo() {
		Orchestrator node = this.test.node(pool(2), (builder) -> {
		}, countingTask());
		node.start();

		this.test.conductor().invokeAll("task", IntStream.range(0, 3000).mapToObj(Invoke::of).toList());

		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 3000);
		assertThat(this.runs).hasValue(3000);
		node.stop();
		assertThat(this.test.count("node")).isZero();
	}

	@Test
	void worksOnWhileHandlersHoldAllConnectionsOfTheApplication() {
		CountDownLatch mayEnd = new CountDownLatch(1);
		AtomicInteger holding = new AtomicInteger();
		this.test.node((builder) -> builder.worker("greedy", WorkerOptions.DEFAULT.withConcurrency(20)), countingTask(),
				TaskSpec.of("greedy", null, (event, context) -> {
					return this.test.transaction().execute((status) -> {
						this.test.sql("select 1").query(Integer.class).single();
						holding.incrementAndGet();
						try {
							mayEnd.await();
						}
						catch (InterruptedException ex) {
							Thread.currentThread().interrupt();
						}
						return null;
					});
				}))
			.start();
		List<Invoke> greedy = IntStream.range(0, 15)
			.mapToObj((i) -> Invoke.of(null, InvokeOptions.defaults().queue("greedy")))
			.toList();
		this.test.conductor().invokeAll("greedy", greedy);
		Awaitility.await().atMost(LONG).until(() -> holding.get() == 10);
		JdbcClient separate = JdbcClient.create(TestPostgres.shared().dataSource());

		separate.sql("select " + this.test.schema() + ".invoke('task', '1')").query(UUID.class).single();

		Awaitility.await()
			.atMost(LONG)
			.until(() -> separate.sql("select count(*) from " + this.test.schema() + ".finished_execution")
				.query(Integer.class)
				.single() == 1);
		assertThat(this.runs).hasValue(1);
		mayEnd.countDown();

		Awaitility.await().atMost(LONG).ignoreExceptions().until(() -> this.test.count("finished_execution") == 16);
		assertThat(this.test.count("execution")).isZero();
	}

	@Test
	void recoversWhenTheNetworkSwallowsEverything() throws IOException {
		PGSimpleDataSource direct = new PGSimpleDataSource();
		direct.setUrl(TestPostgres.shared().jdbcUrl());
		StallingProxy proxy = new StallingProxy(direct.getServerNames()[0], direct.getPortNumbers()[0]);
		this.resources.add(proxy);
		direct.setServerNames(new String[] { "localhost" });
		direct.setPortNumbers(new int[] { proxy.port() });
		HikariConfig config = new HikariConfig();
		config.setJdbcUrl(direct.getUrl());
		config.setUsername(direct.getUser());
		config.setPassword(direct.getPassword());
		config.setMaximumPoolSize(4);
		config.setConnectionTimeout(5000);
		// The pool may be in the middle of a login when the network goes
		config.addDataSourceProperty("loginTimeout", "10");
		HikariDataSource engine = new HikariDataSource(config);
		this.resources.add(engine);
		Orchestrator node = this.test.node(engine, (builder) -> builder.nodeTimeout(Duration.ofSeconds(3))
			.defaultWorker(WorkerOptions.DEFAULT.withPollInterval(Duration.ofMillis(50))), countingTask());
		node.start();
		awaitOne();

		proxy.stall();
		List<UUID> ids = this.test.conductor().invokeAll("task", IntStream.range(0, 100).mapToObj(Invoke::of).toList());

		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 101);
		assertThat(ids).hasSize(100);
		assertThat(this.test.count("execution")).isZero();
		Awaitility.await().atMost(LONG).until(() -> node.info().lastError() == null);
	}

	private TaskSpec countingTask() {
		return TaskSpec.of("task", Integer.class, (event, context) -> this.runs.incrementAndGet());
	}

	private List<Integer> attempts() {
		return this.test.sql("select distinct attempt from ${schema}.finished_execution").query(Integer.class).list();
	}

	private void awaitOne() {
		this.test.await(this.test.conductor().invoke("task", 0), ExecutionState.COMPLETED);
	}

	private UnreliableDataSource unreliable(String part) {
		return new UnreliableDataSource(pool(4), part);
	}

	private HikariDataSource pool(int size) {
		HikariDataSource pool = this.test.pool("engine", size);
		this.resources.add(pool);
		return pool;
	}

}
