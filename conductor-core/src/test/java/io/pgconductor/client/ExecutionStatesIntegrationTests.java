package io.pgconductor.client;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;

import io.pgconductor.ConductorClient;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.InvokeOptions;
import io.pgconductor.NonRetryableException;
import io.pgconductor.Orchestrator;
import io.pgconductor.RetryAfterException;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What {@code find} and the view {@code executions} tell of an execution in each state.
 */
class ExecutionStatesIntegrationTests {

	private static final CountDownLatch done = new CountDownLatch(1);

	private static TestConductor test;

	private static ConductorClient client;

	private static UUID node;

	@BeforeAll
	static void start() {
		test = new TestConductor(ExecutionStatesIntegrationTests.class);
		client = test.conductor();
		Orchestrator orchestrator = test.node(TaskSpec.of("block", null, (event, context) -> {
			done.await();
			return null;
		}), TaskSpec.of("echo", Object.class, (event, context) -> event.payload()),
				TaskSpec.of("fail", String.class, (event, context) -> {
					throw new NonRetryableException("no: " + event.payload());
				}), TaskSpec.of("flaky", null, (event, context) -> {
					if (context.attempt() == 1) {
						throw new RetryAfterException(Duration.ofHours(1), "busy", new IllegalStateException("down"));
					}
					return context.attempt();
				}), TaskSpec.of("nap", null, (event, context) -> {
					context.sleep("nap", Duration.ofHours(1));
					return null;
				}));
		orchestrator.start();
		node = orchestrator.info().id();
	}

	@AfterAll
	static void stop() {
		done.countDown();
		test.close();
	}

	private static Map<String, Object> row(UUID id) {
		return test.sql("select * from ${schema}.executions where id = :id").param("id", id).query().singleRow();
	}

	@Test
	void knowsNothingOfWhatNeverWas() {
		assertThat(client.find(UUID.randomUUID())).isEmpty();
	}

	@Test
	void isScheduledUntilItIsDue() {
		Instant runAt = Instant.parse("2126-01-01T00:00:00Z");

		UUID id = client.invoke("echo", null, InvokeOptions.defaults().runAt(runAt));

		Execution execution = client.find(id).orElseThrow();
		assertThat(execution.state()).isEqualTo(ExecutionState.SCHEDULED);
		assertThat(execution.state().isFinished()).isFalse();
		assertThat(execution.runAt()).isEqualTo(runAt);
		assertThat(execution.attempt()).isZero();
		assertThat(row(id)).containsEntry("state", "scheduled").containsEntry("node", null);
	}

	@Test
	void isReadyUntilItIsClaimed() {
		UUID id = client.invoke("echo", null, InvokeOptions.defaults().queue("unserved"));

		assertThat(client.find(id).orElseThrow().state()).isEqualTo(ExecutionState.READY);
		assertThat(row(id)).containsEntry("state", "ready").containsEntry("queue", "unserved");
	}

	@Test
	void isReadyWhileItIsHeld() {
		UUID id = client.invoke("unheard-of", Map.of());

		Execution execution = client.find(id).orElseThrow();
		assertThat(execution.state()).isEqualTo(ExecutionState.READY);
		assertThat(execution.queue()).isEqualTo("default");
		assertThat(execution.priority()).isZero();
		assertThat(execution.maxAttempts()).isEqualTo(3);
		assertThat(test.count("execution where phase = 'held' and task = 'unheard-of'")).isOne();
	}

	@Test
	void isRunningWhileItIsClaimed() {
		UUID id = client.invoke("block", null);

		Execution execution = test.await(id, ExecutionState.RUNNING);
		assertThat(execution.attempt()).isOne();
		assertThat(execution.startedAt()).isNotNull();
		assertThat(execution.finishedAt()).isNull();
		assertThat(row(id)).containsEntry("state", "running").containsEntry("node", node);
	}

	@Test
	void isCompletedWithItsResult() {
		UUID id = client.invoke("echo", List.of(1, "a"));

		Execution execution = test.await(id, ExecutionState.COMPLETED);
		assertThat(execution.state().isFinished()).isTrue();
		assertThat(execution.result().toString()).isEqualTo("[1,\"a\"]");
		assertThat(execution.error()).isNull();
		assertThat(execution.attempt()).isOne();
		assertThat(execution.createdAt()).isBeforeOrEqualTo(execution.startedAt());
		assertThat(execution.startedAt()).isBeforeOrEqualTo(execution.finishedAt());
		assertThat(row(id)).containsEntry("state", "completed").containsEntry("node", null);
	}

	@Test
	void isCompletedWithoutResultIfThereIsNone() {
		UUID id = client.invoke("echo", null);

		assertThat(test.await(id, ExecutionState.COMPLETED).result()).isNull();
		assertThat(row(id)).containsEntry("result", null);
	}

	@Test
	void isFailedWithItsError() {
		UUID id = client.invoke("fail", "O'Brien");

		Execution execution = test.await(id, ExecutionState.FAILED);
		assertThat(execution.error().type()).isEqualTo(NonRetryableException.class.getName());
		assertThat(execution.error().message()).isEqualTo("no: O'Brien");
		assertThat(execution.error().stackTrace()).contains("ExecutionStatesIntegrationTests");
		assertThat(execution.result()).isNull();
		assertThat(execution.finishedAt()).isNotNull();
		assertThat(test.sql("select error ->> 'message' from ${schema}.executions where id = :id")
			.param("id", id)
			.query(String.class)
			.single()).isEqualTo("no: O'Brien");
	}

	@Test
	void isScheduledAgainBetweenTwoAttempts() {
		UUID id = client.invoke("flaky", null);

		Execution execution = test.await(id, ExecutionState.SCHEDULED);
		assertThat(execution.attempt()).isOne();
		assertThat(execution.error().message()).isEqualTo("busy");
		assertThat(execution.error().stackTrace()).contains("Caused by: java.lang.IllegalStateException: down");
		assertThat(execution.startedAt()).isNotNull();
		assertThat(Duration.between(execution.startedAt(), execution.runAt())).isBetween(Duration.ofHours(1),
				Duration.ofMinutes(61));
		assertThat(row(id)).containsEntry("state", "scheduled").containsEntry("node", null);
	}

	@Test
	void tellsWhatItWaitsForWhileItWaits() {
		UUID id = client.invoke("nap", null);

		assertThat(test.await(id, ExecutionState.WAITING).waitingFor()).isEqualTo("sleep");
		assertThat(row(id)).containsEntry("state", "waiting").containsEntry("waiting_for", "sleep");

		test.sql("update ${schema}.execution set phase = 'due', queue = 'unserved' where id = ?").param(id).update();

		Execution awake = client.find(id).orElseThrow();
		assertThat(awake.state()).isEqualTo(ExecutionState.READY);
		assertThat(awake.waitingFor()).isNull();
		assertThat(row(id)).containsEntry("state", "ready").containsEntry("waiting_for", null);
	}

	@Test
	void isCancelledWithItsReason() {
		UUID id = client.invoke("echo", "kept", InvokeOptions.defaults().delay(Duration.ofHours(1)).header("a", "b"));

		client.cancel(id, "customer's wish \u0000");

		Execution execution = client.find(id).orElseThrow();
		assertThat(execution.state()).isEqualTo(ExecutionState.CANCELLED);
		assertThat(execution.state().isFinished()).isTrue();
		assertThat(execution.cancelReason()).isEqualTo("customer's wish \uFFFD");
		assertThat(execution.payload().asString()).isEqualTo("kept");
		assertThat(execution.headers()).containsEntry("a", "b");
		assertThat(execution.startedAt()).isNull();
		assertThat(execution.finishedAt()).isNotNull();
	}

}
