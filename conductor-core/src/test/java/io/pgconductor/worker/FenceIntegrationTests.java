package io.pgconductor.worker;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.LogCapture;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What a node can still do to an execution that another one has by now: nothing.
 */
class FenceIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(30);

	private static final UUID SOMEBODY_ELSE = UUID.randomUUID();

	@RegisterExtension
	private final LogCapture flusherLog = new LogCapture(OutcomeFlusher.class);

	@RegisterExtension
	private final LogCapture nodeLog = new LogCapture(Node.class);

	private final CountDownLatch started = new CountDownLatch(1);

	private final CountDownLatch mayEnd = new CountDownLatch(1);

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(FenceIntegrationTests.class);
	}

	@AfterEach
	void close() {
		this.mayEnd.countDown();
		this.test.close();
	}

	@Test
	void dropsTheResultOfANodeThatWasDeclaredDead() {
		AtomicInteger runs = new AtomicInteger();
		// Under its new id it may take the execution again
		Orchestrator stalled = node((event, context) -> (runs.incrementAndGet() == 1) ? stall("stalled") : "healthy");
		UUID id = this.test.conductor().invoke("task", null);
		awaitLatch(this.started);
		UUID stalledId = stalled.info().id();
		node((event, context) -> "healthy");

		declareDead(stalled);
		Execution completed = this.test.await(id, ExecutionState.COMPLETED);
		awaitOtherId(stalled, stalledId);
		this.mayEnd.countDown();
		stalled.stop();

		assertThat(completed.result().asString()).isEqualTo("healthy");
		assertThat(completed.attempt()).isEqualTo(2);
		Execution later = this.test.conductor().find(id).orElseThrow();
		assertThat(later).isEqualTo(completed);
		assertThat(this.nodeLog.lines()).anyMatch((line) -> line.startsWith("WARN") && line.contains("declared dead"));
	}

	@Test
	void leavesTheDefinitionsOfNewerNodesWhenItComesBack() {
		Orchestrator node = node((event, context) -> null);
		UUID oldId = node.info().id();
		this.test.sql("update ${schema}.task set priority = 7, max_attempts = 9").update();

		declareDead(node);
		awaitOtherId(node, oldId);

		assertThat(this.test
			.sql("select count(*) from ${schema}.task where priority = 7 and max_attempts = 9 "
					+ "and not held and unserved_since is null")
			.query(Long.class)
			.single()).isOne();
		UUID id = this.test.conductor().invoke("task", null);
		assertThat(this.test.await(id, ExecutionState.COMPLETED).maxAttempts()).isEqualTo(9);
	}

	@Test
	void interruptsWhatADeadNodeRunsAndWorksOnUnderANewId() {
		AtomicReference<Throwable> interruption = new AtomicReference<>();
		AtomicInteger runs = new AtomicInteger();
		Orchestrator node = node((event, context) -> {
			if (runs.incrementAndGet() > 1) {
				return "second";
			}
			this.started.countDown();
			try {
				new CountDownLatch(1).await();
				return "first";
			}
			catch (InterruptedException ex) {
				interruption.set(ex);
				throw ex;
			}
		});
		UUID id = this.test.conductor().invoke("task", null);
		awaitLatch(this.started);
		UUID oldId = node.info().id();

		declareDead(node);

		Execution completed = this.test.await(id, ExecutionState.COMPLETED);
		Awaitility.await().atMost(LONG).until(() -> interruption.get() instanceof InterruptedException);
		assertThat(completed.result().asString()).isEqualTo("second");
		assertThat(completed.attempt()).isEqualTo(2);
		awaitOtherId(node, oldId);
		assertThat(node.info().isRunning()).isTrue();
		UUID another = this.test.conductor().invoke("task", null);
		assertThat(this.test.await(another, ExecutionState.COMPLETED).attempt()).isOne();
	}

	@Test
	void recordsNoCompletionOfAnExecutionThatWasTakenOver() {
		Orchestrator stalled = node((event, context) -> stall("late"));

		UUID id = takeOverWhileItRuns(stalled);

		assertHeldBySomebodyElse(id, "completed");
	}

	@Test
	void recordsNoFailureOfAnExecutionThatWasTakenOver() {
		Orchestrator stalled = node((event, context) -> {
			stall("late");
			throw new IllegalStateException("late");
		});

		UUID id = takeOverWhileItRuns(stalled, InvokeOptions.defaults().maxAttempts(1));

		assertHeldBySomebodyElse(id, "failed");
	}

	@Test
	void recordsNoRetryOfAnExecutionThatWasTakenOver() {
		Orchestrator stalled = node((event, context) -> {
			stall("late");
			throw new IllegalStateException("late");
		});

		UUID id = takeOverWhileItRuns(stalled);

		assertHeldBySomebodyElse(id, "retried");
	}

	@Test
	void releasesNoExecutionThatWasTakenOver() {
		Orchestrator stalled = this.test.node((builder) -> builder.shutdownTimeout(Duration.ZERO),
				TaskSpec.of("task", null, (event, context) -> {
					this.started.countDown();
					new CountDownLatch(1).await();
					return null;
				}));
		stalled.start();
		UUID id = this.test.conductor().invoke("task", null);
		awaitLatch(this.started);

		takeOver(id);
		stalled.stop();

		assertHeldBySomebodyElse(id, "released");
	}

	@Test
	void recordsNothingUnderAnEarlierClaimOfTheSameNode() {
		Orchestrator stalled = node((event, context) -> stall("late"));
		UUID id = this.test.conductor().invoke("task", null);
		awaitLatch(this.started);

		this.test.sql("update ${schema}.execution set claim_no = claim_no + 1 where id = ?").param(id).update();
		this.mayEnd.countDown();

		awaitWarning("completed");
		assertThat(this.test.sql("select claim_no from ${schema}.execution where claimed_by = ?")
			.param(stalled.info().id())
			.query(Integer.class)
			.single()).isEqualTo(2);
	}

	private Orchestrator node(TaskHandler handler) {
		// Its heartbeats come every second
		Orchestrator node = this.test.node((builder) -> builder.nodeTimeout(Duration.ofSeconds(6)),
				TaskSpec.of("task", null, handler));
		node.start();
		return node;
	}

	private String stall(String result) {
		this.started.countDown();
		awaitLatch(this.mayEnd);
		return result;
	}

	private UUID takeOverWhileItRuns(Orchestrator stalled) {
		return takeOverWhileItRuns(stalled, InvokeOptions.defaults());
	}

	private UUID takeOverWhileItRuns(Orchestrator stalled, InvokeOptions options) {
		UUID id = this.test.conductor().invoke("task", null, options);
		awaitLatch(this.started);
		takeOver(id);
		this.mayEnd.countDown();
		return id;
	}

	private void takeOver(UUID id) {
		this.test
			.sql("insert into ${schema}.node (id, host, tasks, alive_until) values (?, 'elsewhere', '{}', 'infinity')")
			.param(SOMEBODY_ELSE)
			.update();
		this.test
			.sql("update ${schema}.execution set claimed_by = ?, claim_no = claim_no + 1, attempt = attempt + 1 "
					+ "where id = ?")
			.param(SOMEBODY_ELSE)
			.param(id)
			.update();
	}

	private void assertHeldBySomebodyElse(UUID id, String droppedOutcome) {
		awaitWarning(droppedOutcome);
		Execution execution = this.test.conductor().find(id).orElseThrow();
		assertThat(execution.state()).isEqualTo(ExecutionState.RUNNING);
		assertThat(execution.attempt()).isEqualTo(2);
		assertThat(execution.error()).isNull();
		assertThat(this.test.sql("select claimed_by from ${schema}.execution where id = ?")
			.param(id)
			.query(UUID.class)
			.single()).isEqualTo(SOMEBODY_ELSE);
	}

	private void awaitWarning(String droppedOutcome) {
		Awaitility.await()
			.atMost(LONG)
			.until(() -> this.flusherLog.lines()
				.stream()
				.anyMatch((line) -> line.startsWith("WARN") && line.contains("taken over by another node")
						&& line.contains("(" + droppedOutcome + ")")));
	}

	private void declareDead(Orchestrator node) {
		UUID id = node.info().id();
		Awaitility.await().atMost(LONG).pollInterval(Duration.ofMillis(10)).until(() -> {
			this.test
				.sql("update ${schema}.node set alive_until = now() - interval '1 second' "
						+ "where id = ? and dead_at is null")
				.param(id)
				.update();
			return this.test.sql("select dead_at is not null from ${schema}.node where id = ?")
				.param(id)
				.query(Boolean.class)
				.single();
		});
	}

	private static void awaitOtherId(Orchestrator node, UUID oldId) {
		Awaitility.await().atMost(LONG).until(() -> !oldId.equals(node.info().id()));
	}

	private static void awaitLatch(CountDownLatch latch) {
		Awaitility.await().atMost(LONG).pollInterval(Duration.ofMillis(5)).until(() -> latch.getCount() == 0);
	}

}
