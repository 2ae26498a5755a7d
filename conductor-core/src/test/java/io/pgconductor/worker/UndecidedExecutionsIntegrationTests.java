package io.pgconductor.worker;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.ExecutionState;
import io.pgconductor.Orchestrator;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.KeyedTask;
import io.pgconductor.testing.LogCapture;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.UnreliableDataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Executions with a key that are claimed, while something keeps the node from deciding
 * whether they begin.
 */
class UndecidedExecutionsIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(60);

	private static final UUID GHOST = UUID.randomUUID();

	@RegisterExtension
	private final LogCapture log = new LogCapture(OutcomeFlusher.class);

	private TestConductor test;

	private KeyedTask keyed;

	@BeforeEach
	void install() {
		this.test = new TestConductor(UndecidedExecutionsIntegrationTests.class);
		this.keyed = new KeyedTask(this.test, "task");
		this.test.node(this.keyed.task()).drain();
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	private Orchestrator node(UnreliableDataSource engine) {
		return this.test.node(engine, (builder) -> {
		}, this.keyed.task());
	}

	private UnreliableDataSource engine() {
		return new UnreliableDataSource(this.test.pool("engine", 4), "coalesce_claimed");
	}

	private Connection userTransaction() throws SQLException {
		Connection connection = TestPostgres.shared().dataSource().getConnection();
		connection.setAutoCommit(false);
		return connection;
	}

	private void lock(Connection user, int number) throws SQLException {
		try (Statement statement = user.createStatement()) {
			statement.execute("select from " + this.test.schema() + ".execution where payload::text = '" + number
					+ "' for update");
		}
	}

	@Test
	void runsNoOlderOneThatANodeHasClaimedBeforeItStalled() throws InterruptedException {
		UnreliableDataSource engine = engine();
		CountDownLatch claimed = new CountDownLatch(1);
		CountDownLatch goOn = new CountDownLatch(1);
		engine.onExecute(() -> {
			claimed.countDown();
			goOn.await();
			return null;
		});
		Orchestrator stalling = node(engine);
		stalling.start();
		this.keyed.change(1, "a");
		claimed.await();

		this.test.node(this.keyed.task()).start();
		this.keyed.change(2, "a");
		this.keyed.awaitRun(2);
		goOn.countDown();
		this.keyed.awaitLive(0);
		stalling.stop();

		assertThat(this.keyed.runs()).containsExactly(2);
		assertThat(this.log.lines()).noneMatch((line) -> line.startsWith("WARN"));
	}

	@Test
	void runsOneThatWasCommittedLateAfterANewerOne() throws SQLException {
		this.test.node(this.keyed.task()).start();
		try (Connection user = userTransaction(); Statement statement = user.createStatement()) {
			statement.execute(
					"select " + this.test.schema() + ".row_changed('task', '1', null, null, null, null, null, 'a')");
			this.keyed.change(2, "a");
			this.keyed.awaitRun(2);
			this.keyed.awaitLive(0);
			user.commit();
		}

		this.keyed.awaitRun(1);
		this.keyed.awaitLive(0);

		assertThat(this.keyed.runs()).containsExactly(2, 1);
	}

	@Test
	void asksAgainWhenTheAnswerIsLost() {
		UnreliableDataSource engine = engine();
		node(engine).start();

		for (int round = 1; round <= 5; round++) {
			engine.lose(2);
			this.keyed.changes(10 * round, 10 * round + 9, "a");
			this.keyed.awaitLive(0);
		}

		assertThat(engine.lost()).isEqualTo(10);
		assertThat(this.keyed.runs()).containsExactly(19, 29, 39, 49, 59);
		assertThat(
				this.test.sql("select distinct attempt from ${schema}.finished_execution").query(Integer.class).list())
			.containsExactly(1);
	}

	@Test
	void waitsForNobodyButTheKeyThatSomebodyHasLocked() throws SQLException {
		this.keyed.change(1, "a");
		this.keyed.change(2, "a");
		this.keyed.change(3, "b");
		this.keyed.change(4, null);
		Orchestrator node = this.test.node(this.keyed.task());
		try (Connection user = userTransaction()) {
			lock(user, 1);
			node.start();

			this.keyed.awaitRun(3);
			this.keyed.awaitRun(4);
			this.keyed.change(5, null);
			this.keyed.awaitRun(5);

			assertThat(this.keyed.runs()).doesNotContain(1, 2);
			user.rollback();
		}
		this.keyed.awaitLive(0);

		assertThat(this.keyed.runs()).contains(2).doesNotContain(1);
	}

	@Test
	void givesBackAtTheStopWhatIsUndecided() throws SQLException {
		this.keyed.change(1, "a");
		this.keyed.change(2, "a");
		Orchestrator node = this.test.node(this.keyed.task());
		try (Connection user = userTransaction()) {
			lock(user, 1);
			node.start();
			this.test.await(this.keyed.id(2), ExecutionState.RUNNING);

			node.stop();
			user.rollback();
		}

		assertThat(this.test.sql(
				"select count(*) from ${schema}.execution where coalesce_key = 'a' and claimed_by is null and attempt = 0")
			.query(Integer.class)
			.single()).isEqualTo(2);
		this.test.node(this.keyed.task()).drain();
		assertThat(this.keyed.runs()).containsExactly(2);
		assertThat(this.log.lines()).noneMatch((line) -> line.startsWith("WARN"));
	}

	@Test
	void endsAsCancelledWhatIsCancelledWhileItIsUndecided() throws SQLException {
		this.keyed.change(1, "a");
		this.keyed.change(2, "a");
		UUID newest = this.keyed.id(2);
		try (Connection user = userTransaction()) {
			lock(user, 1);
			this.test.node(this.keyed.task()).start();
			this.test.await(newest, ExecutionState.RUNNING);

			assertThat(this.test.conductor().cancel(newest)).isTrue();
			this.test.await(newest, ExecutionState.CANCELLED);
			user.rollback();
		}
		this.keyed.awaitLive(0);

		assertThat(this.keyed.runs()).containsExactly(1);
	}

	@Test
	void rescuesWhatWasClaimedAndNotDecided() {
		for (int i = 1; i <= 3; i++) {
			this.keyed.change(i, "a");
		}
		UUID newest = this.keyed.id(3);
		// As often as a handler may crash
		this.test
			.sql("""
					update ${schema}.execution set claimed_by = ?, claimed_at = now(), claim_no = 3, attempt = 1, max_attempts = 1
					where payload::text in ('2', '3')
					""")
			.param(GHOST)
			.update();

		this.test.node((builder) -> builder.nodeTimeout(Duration.ofSeconds(3)), this.keyed.task()).start();

		assertThat(this.test.await(newest, ExecutionState.COMPLETED).attempt()).isOne();
		this.keyed.awaitLive(0);
		assertThat(this.keyed.runs()).containsExactly(3);
	}

	@Test
	void goesOnClaimingWhenDecisionsFail() {
		UnreliableDataSource engine = engine();
		AtomicInteger tries = new AtomicInteger();
		engine.onExecute(() -> {
			tries.incrementAndGet();
			throw new SQLException("test", "XX000");
		});
		node(engine).start();
		this.keyed.change(1, "a");
		Awaitility.await().atMost(LONG).until(() -> tries.get() > 0);

		this.keyed.change(2, null);
		this.keyed.awaitRun(2);
		engine.onExecute(() -> true);
		this.keyed.awaitLive(0);

		assertThat(this.keyed.runs()).isEqualTo(List.of(2, 1));
	}

}
