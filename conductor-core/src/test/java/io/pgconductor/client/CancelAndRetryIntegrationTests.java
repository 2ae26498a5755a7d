package io.pgconductor.client;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;

import io.pgconductor.ConductorClient;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.InvokeOptions;
import io.pgconductor.RetryAfterException;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Ending executions that have not begun, and beginning again those that have ended.
 */
class CancelAndRetryIntegrationTests {

	private static final Set<UUID> run = ConcurrentHashMap.newKeySet();

	private static final Map<String, CountDownLatch> latches = new ConcurrentHashMap<>();

	private static final Set<String> healed = ConcurrentHashMap.newKeySet();

	private static TestConductor test;

	private static ConductorClient client;

	@BeforeAll
	static void start() {
		test = new TestConductor(CancelAndRetryIntegrationTests.class);
		client = test.conductor();
		TaskSpec note = TaskSpec.of("note", null, (event, context) -> {
			run.add(context.executionId());
			return null;
		});
		test.node(note,
				TaskSpec.of("fleeting", null, note.handler())
					.with(TaskOptions.none().removeOnComplete(Retention.AT_ONCE).removeOnFail(Retention.AT_ONCE)),
				TaskSpec.of("block", String.class, (event, context) -> {
					latches.get(event.payload()).await();
					return null;
				}), TaskSpec.of("sick", String.class, (event, context) -> {
					if (healed.contains(event.payload())) {
						return context.attempt();
					}
					throw new RetryAfterException(Duration.ZERO, "attempt " + context.attempt(), null);
				}), TaskSpec.of("flaky", null, (event, context) -> {
					throw new RetryAfterException(Duration.ofHours(1));
				}))
			.start();
	}

	@AfterAll
	static void stop() {
		latches.values().forEach(CountDownLatch::countDown);
		test.close();
	}

	private static void assertCancelled(UUID id, String reason) {
		assertThat(client.cancel(id, reason)).isTrue();

		Execution execution = client.find(id).orElseThrow();
		assertThat(execution.state()).isEqualTo(ExecutionState.CANCELLED);
		assertThat(execution.cancelReason()).isEqualTo(reason);
		assertThat(client.cancel(id, "again")).isFalse();
		assertThat(client.find(id).orElseThrow().cancelReason()).isEqualTo(reason);
	}

	@Test
	void cancelsWhatIsReady() {
		assertCancelled(client.invoke("note", null, InvokeOptions.defaults().queue("unserved")), "why not");
	}

	@Test
	void cancelsWhatIsDelayed() {
		UUID id = client.invoke("note", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));

		assertCancelled(id, "too \"late\" 🦆");
	}

	@Test
	void cancelsWithoutReason() {
		assertCancelled(client.invoke("note", null, InvokeOptions.defaults().queue("unserved")), null);
	}

	@Test
	void cancelsWhatAwaitsARetryKeepingItsError() {
		UUID id = client.invoke("flaky", null);
		test.await(id, ExecutionState.SCHEDULED);

		assertCancelled(id, "enough");

		Execution execution = client.find(id).orElseThrow();
		assertThat(execution.attempt()).isOne();
		assertThat(execution.error().message()).contains("PT1H");
	}

	@Test
	void cancelsWhatIsHeld() {
		assertCancelled(client.invoke("unheard-of", null), "nobody does it");
	}

	@Test
	void retriesWhatRunsOnlyAfterItsEnd() {
		latches.put("running", new CountDownLatch(1));
		UUID id = client.invoke("block", "running");
		test.await(id, ExecutionState.RUNNING);

		assertThat(client.retry(id)).isFalse();
		assertThat(client.cancel(id)).isTrue();
		test.await(id, ExecutionState.CANCELLED);
		latches.get("running").countDown();
		assertThat(client.retry(id)).isTrue();

		test.await(id, ExecutionState.COMPLETED);
	}

	@Test
	void leavesWhatIsFinishedOrUnknown() {
		UUID completed = client.invoke("note", null);
		test.await(completed, ExecutionState.COMPLETED);
		UUID failed = client.invoke("sick", "leavesWhatIsFinished", InvokeOptions.defaults().maxAttempts(1));
		test.await(failed, ExecutionState.FAILED);

		assertThat(client.cancel(completed)).isFalse();
		assertThat(client.cancel(failed)).isFalse();
		assertThat(client.cancel(UUID.randomUUID())).isFalse();
		assertThat(client.find(completed).orElseThrow().state()).isEqualTo(ExecutionState.COMPLETED);
		assertThat(client.find(failed).orElseThrow().state()).isEqualTo(ExecutionState.FAILED);
	}

	@Test
	void keepsNothingOfWhatATaskKeepsNothingOf() {
		UUID id = client.invoke("fleeting", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));

		assertThat(client.cancel(id)).isTrue();

		assertThat(client.find(id)).isEmpty();
		assertThat(client.cancel(id)).isFalse();
		assertThat(client.retry(id)).isFalse();
	}

	@Test
	void eitherCancelsOrCompletesWhenBothRace() {
		Map<UUID, Boolean> cancelled = new ConcurrentHashMap<>();

		CompletableFuture.allOf(IntStream.range(0, 4).mapToObj((thread) -> CompletableFuture.runAsync(() -> {
			for (int i = 0; i < 150; i++) {
				UUID id = client.invoke("note", i);
				cancelled.put(id, client.cancel(id));
			}
		})).toArray(CompletableFuture[]::new)).join();

		cancelled.forEach((id, wasCancelled) -> {
			Execution execution = test.await(id, wasCancelled ? ExecutionState.CANCELLED : ExecutionState.COMPLETED);
			// What was cancelled after its claim may have run
			if (!wasCancelled || execution.attempt() == 0) {
				assertThat(run.contains(id)).isEqualTo(!wasCancelled);
			}
		});
		assertThat(cancelled.values()).contains(true);
	}

	@Test
	void cancelsOnceHoweverManyTry() {
		for (int round = 0; round < 20; round++) {
			UUID id = client.invoke("note", null, InvokeOptions.defaults().queue("unserved"));

			long cancelled = IntStream.range(0, 4)
				.mapToObj((i) -> CompletableFuture.supplyAsync(() -> client.cancel(id, "by " + i)))
				.toList()
				.stream()
				.filter(CompletableFuture::join)
				.count();

			assertThat(cancelled).isOne();
		}
	}

	@Test
	void retriesWhatFailedWithAllItsAttempts() {
		UUID id = client.invoke("sick", "retriesWhatFailed",
				InvokeOptions.defaults().priority(5).header("a", "b").maxAttempts(2));
		Execution failed = test.await(id, ExecutionState.FAILED);
		assertThat(failed.attempt()).isEqualTo(2);
		assertThat(failed.error().message()).isEqualTo("attempt 2");

		assertThat(client.retry(id)).isTrue();
		await().until(() -> client.find(id).orElseThrow().state() == ExecutionState.FAILED
				&& client.find(id).orElseThrow().finishedAt().isAfter(failed.finishedAt()));
		assertThat(client.find(id).orElseThrow().attempt()).isEqualTo(2);
		healed.add("retriesWhatFailed");
		assertThat(client.retry(id)).isTrue();

		Execution completed = test.await(id, ExecutionState.COMPLETED);
		assertThat(completed.attempt()).isOne();
		assertThat(completed.result().asInt()).isOne();
		assertThat(completed.priority()).isEqualTo(5);
		assertThat(completed.headers()).containsEntry("a", "b");
		assertThat(completed.maxAttempts()).isEqualTo(2);
		assertThat(completed.createdAt()).isEqualTo(failed.createdAt());
		assertThat(completed.runAt()).isAfter(failed.runAt());
		assertThat(client.retry(id)).isFalse();
	}

	@Test
	void countsClaimsOnAcrossARetry() {
		UUID id = client.invoke("sick", "countsClaims", InvokeOptions.defaults().maxAttempts(3));
		test.await(id, ExecutionState.FAILED);
		assertThat(test.count("finished_execution where claim_no = 3 and id = '" + id + "'")).isOne();

		healed.add("countsClaims");
		client.retry(id);

		test.await(id, ExecutionState.COMPLETED);
		assertThat(test.count("finished_execution where claim_no = 4 and id = '" + id + "'")).isOne();
	}

	@Test
	void retriesWhatWasCancelled() {
		UUID id = client.invoke("note", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		client.cancel(id, "too early");

		assertThat(client.retry(id)).isTrue();

		Execution execution = test.await(id, ExecutionState.COMPLETED);
		assertThat(execution.cancelReason()).isNull();
		assertThat(run).contains(id);
	}

	@Test
	void retriesOnceHoweverManyTry() {
		UUID id = client.invoke("note", null, InvokeOptions.defaults().queue("unserved"));
		for (int round = 0; round < 20; round++) {
			client.cancel(id);

			long retried = IntStream.range(0, 4)
				.mapToObj((i) -> CompletableFuture.supplyAsync(() -> client.retry(id)))
				.toList()
				.stream()
				.filter(CompletableFuture::join)
				.count();

			assertThat(retried).isOne();
			assertThat(client.find(id).orElseThrow().state()).isEqualTo(ExecutionState.READY);
		}
	}

	@Test
	void retriesNothingElse() {
		UUID completed = client.invoke("note", null);
		test.await(completed, ExecutionState.COMPLETED);
		UUID ready = client.invoke("note", null, InvokeOptions.defaults().queue("unserved"));

		assertThat(client.retry(completed)).isFalse();
		assertThat(client.retry(ready)).isFalse();
		assertThat(client.retry(UUID.randomUUID())).isFalse();
	}

	@Test
	void retriesInTheTaskWhatWasCancelledBeforeTheTaskWasKnown() {
		UUID before = client.invoke("to-come", null);
		UUID delayed = client.invoke("to-come", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		client.cancel(before);
		assertThat(client.retry(before)).isTrue();
		assertThat(client.find(before).orElseThrow().state()).isEqualTo(ExecutionState.READY);
		client.cancel(before);

		test.node(TaskSpec.of("to-come", null, (event, context) -> null)
			.with(TaskOptions.none().queue("late").priority(8).maxAttempts(9))).start();
		client.cancel(delayed);
		assertThat(client.retry(before)).isTrue();
		assertThat(client.retry(delayed)).isTrue();

		for (UUID id : List.of(before, delayed)) {
			Execution execution = test.await(id, ExecutionState.COMPLETED);
			assertThat(execution.queue()).isEqualTo("late");
			assertThat(execution.priority()).isEqualTo(8);
			assertThat(execution.maxAttempts()).isEqualTo(9);
		}
	}

}
