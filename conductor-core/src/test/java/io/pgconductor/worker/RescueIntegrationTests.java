package io.pgconductor.worker;

import java.time.Duration;
import java.util.UUID;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.UnreliableDataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What becomes of executions whose node is dead, or has never been.
 */
class RescueIntegrationTests {

	private static final UUID GHOST = UUID.randomUUID();

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(RescueIntegrationTests.class);
		Orchestrator registering = this.test.node(task());
		registering.start();
		registering.stop();
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void rescuesAtTheNextRunWhatItFailedToRescue() {
		UUID id = claimedByGhost(3);
		this.test.sql("insert into ${schema}.node (id, host, tasks, alive_until) values (?, 'gone', '{}', now())")
			.param(GHOST)
			.update();
		try (HikariDataSource pool = this.test.pool("engine", 4)) {
			UnreliableDataSource engine = new UnreliableDataSource(pool, "with rescued as");
			engine.lose(3);
			Orchestrator node = this.test.node(engine, (builder) -> builder.nodeTimeout(Duration.ofSeconds(3)), task());

			node.start();

			assertThat(this.test.await(id, ExecutionState.COMPLETED).attempt()).isEqualTo(2);
			assertThat(engine.lost()).isEqualTo(3);
			node.stop();
		}
	}

	@Test
	void rescuesWhatBelongsToANodeThatNobodyKnows() {
		UUID id = claimedByGhost(3);

		node().start();

		assertThat(this.test.await(id, ExecutionState.COMPLETED).attempt()).isEqualTo(2);
	}

	@Test
	void rescuesLongRunnersToo() {
		UUID id = claimedByGhost(3);
		this.test.sql("update ${schema}.execution set phase = 'parked'").update();

		node().start();

		assertThat(this.test.await(id, ExecutionState.COMPLETED).attempt()).isEqualTo(2);
	}

	@Test
	void failsWhatHasNoAttemptLeft() {
		UUID id = claimedByGhost(1);

		node().start();

		Execution failed = this.test.await(id, ExecutionState.FAILED);
		assertThat(failed.error().message()).contains("attempt 1 of 1").contains("died");
	}

	@Test
	void isNotHeldUpByAnOrphanThatSomebodyHasLocked() {
		this.test
			.sql("insert into ${schema}.node (id, host, tasks, queues, alive_until) values (?, 'h', '{}', '{}', now())")
			.param(GHOST)
			.update();
		UUID locked = claimedByGhost(3);
		UUID free = claimedByGhost(3);

		this.test.transaction().executeWithoutResult((status) -> {
			this.test.sql("select id from ${schema}.execution where id = ? for update")
				.param(locked)
				.query(UUID.class)
				.single();
			node().start();
			Awaitility.await()
				.atMost(Duration.ofSeconds(20))
				.until(() -> this.test.conductor().find(free).orElseThrow().state() == ExecutionState.COMPLETED);
		});

		this.test.await(locked, ExecutionState.COMPLETED);
	}

	private Orchestrator node() {
		return this.test.node((builder) -> builder.nodeTimeout(Duration.ofSeconds(3)), task());
	}

	private static TaskSpec task() {
		return TaskSpec.of("task", null, (event, context) -> null);
	}

	private UUID claimedByGhost(int maxAttempts) {
		return claimedBy(GHOST, "task", maxAttempts);
	}

	private UUID claimedBy(UUID node, String task, int maxAttempts) {
		UUID id = this.test.conductor().invoke(task, null, InvokeOptions.defaults().maxAttempts(maxAttempts));
		this.test.sql(
				"update ${schema}.execution set claimed_by = ?, claimed_at = now(), claim_no = 1, attempt = 1 where id = ?")
			.param(node)
			.param(id)
			.update();
		return id;
	}

	@Test
	void endsWhatARescuerHasLeftThatDiedBeforeItEndedTheCancelled() {
		UUID id = cancelledUnderGhost();
		this.test.sql("update ${schema}.execution set claimed_by = null, phase = 'due'").update();

		node().start();

		assertThat(this.test.await(id, ExecutionState.CANCELLED).cancelReason()).isEqualTo("enough");
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void endsLaterWhatWasCancelledAndIsLockedWhenItIsRescued(boolean notifications) {
		UUID id = cancelledUnderGhost();
		UUID waitId = UUID.randomUUID();
		this.test
			.sql("insert into ${schema}.child_wait (id, parent_id, step, kind, pending, max_size) "
					+ "values (?, ?, 'children', 'children', 2, 1000)")
			.param(waitId)
			.param(UUID.randomUUID())
			.update();
		this.test.sql("update ${schema}.execution set wait_id = ? where id = ?").param(waitId).param(id).update();
		UUID otherGhost = UUID.randomUUID();
		this.test.sql(
				"insert into ${schema}.node (id, host, tasks, alive_until) values (?, 'h', '{}', now() + interval '1 day')")
			.param(otherGhost)
			.update();
		UUID other = claimedBy(otherGhost, "task", 3);

		this.test.transaction().executeWithoutResult((status) -> {
			this.test.sql("select id from ${schema}.child_wait where id = ? for update")
				.param(waitId)
				.query(UUID.class)
				.single();
			this.test.node((builder) -> builder.nodeTimeout(Duration.ofSeconds(3)).notifications(notifications), task())
				.start();
			Awaitility.await()
				.atMost(Duration.ofSeconds(20))
				.until(() -> this.test.count("execution where claimed_by = '" + GHOST + "'") == 0);
			// Longer than what waits for a lock
			Awaitility.await().pollDelay(Duration.ofSeconds(1)).until(() -> true);
			this.test.elsewhere("update ${schema}.node set alive_until = now() where id = '" + otherGhost + "'");
			this.test.await(other, ExecutionState.COMPLETED);
		});

		this.test.await(id, ExecutionState.CANCELLED);
	}

	/**
	 * Of a task that no node serves any more.
	 */
	private UUID cancelledUnderGhost() {
		Orchestrator registering = this.test.node(TaskSpec.of("unserved", null, (event, context) -> null));
		registering.start();
		registering.stop();
		UUID id = claimedBy(GHOST, "unserved", 3);
		this.test.conductor().cancel(id, "enough");
		return id;
	}

}
