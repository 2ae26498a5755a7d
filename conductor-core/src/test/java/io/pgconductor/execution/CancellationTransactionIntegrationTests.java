package io.pgconductor.execution;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

import io.pgconductor.Conductor;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.NonRetryableException;
import io.pgconductor.RetryAfterException;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.WorkerOptions;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.transaction.support.TransactionTemplate;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Cancelling as a part of a transaction of the application, which may take its time, and
 * may be rolled back.
 */
class CancellationTransactionIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(20);

	private final CountDownLatch mayEnd = new CountDownLatch(1);

	private final Map<UUID, TaskContext> running = new ConcurrentHashMap<>();

	private TestConductor test;

	private Conductor client;

	@BeforeEach
	void install() {
		this.test = new TestConductor(CancellationTransactionIntegrationTests.class);
		this.client = this.test.conductor();
	}

	@AfterEach
	void close() {
		this.mayEnd.countDown();
		this.test.close();
	}

	private void startNode(boolean notifications) {
		TaskSpec note = TaskSpec.of("note", null, (event, context) -> "done");
		TaskSpec end = TaskSpec.of("end", Ending.class, this::end);
		TaskSpec parent = TaskSpec.of("parent", Ending.class,
				(event, context) -> context.invoke("call", "end", event.payload(), String.class));
		WorkerOptions worker = WorkerOptions.DEFAULT.withConcurrency(30).withPollInterval(Duration.ofMillis(50));
		this.test.node((builder) -> builder.notifications(notifications).defaultWorker(worker), note, end, parent,
				TaskSpec.of("sleep", null, (event, context) -> {
					context.sleep("night", Duration.ofHours(8));
					return "done";
				}))
			.start();
		this.test
			.node((builder) -> builder.notifications(notifications)
				.defaultWorker(worker)
				.retention(Retention.AT_ONCE, Retention.NEVER), TaskSpec.of("discarded", Ending.class, this::end))
			.start();
	}

	/**
	 * How the attempt ends that is cancelled.
	 */
	enum Ending {

		RETURN, RETURN_WITH_STEPS, FAIL, RETRY, SLEEP, INVOKE

	}

	private Object end(TaskEvent<?> event, TaskContext context) {
		Ending ending = event.payload(Ending.class);
		if (ending == Ending.RETURN_WITH_STEPS) {
			context.step("step", Integer.class, () -> 1);
		}
		this.running.put(context.executionId(), context);
		while (this.mayEnd.getCount() > 0) {
			LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
			Thread.interrupted();
		}
		return switch (ending) {
			case RETURN, RETURN_WITH_STEPS -> "done";
			case FAIL -> throw new NonRetryableException("failed");
			case RETRY -> throw new RetryAfterException(Duration.ofHours(1));
			case SLEEP -> {
				context.sleep("night", Duration.ofHours(1));
				yield "done";
			}
			case INVOKE -> context.invoke("call", "sleep", null, String.class);
		};
	}

	private void awaitRunning(UUID id) {
		await(() -> this.running.containsKey(id));
	}

	private static void await(BooleanSupplier condition) {
		Awaitility.await().atMost(LONG).until(condition::getAsBoolean);
	}

	@Test
	void cancelsNothingWhenItIsRolledBack() {
		startNode(true);
		UUID sleeping = this.test.await(this.client.invoke("sleep", null), ExecutionState.WAITING).id();
		UUID parent = this.client.invoke("parent", Ending.RETURN);
		UUID runningOne = this.client.invoke("end", Ending.RETURN);
		awaitRunning(runningOne);
		await(() -> this.running.size() == 2);
		UUID child = this.client.find(parent).orElseThrow().children().get(0);

		this.test.transaction().executeWithoutResult((status) -> {
			assertThat(this.client.cancel(sleeping, "not meant")).isTrue();
			assertThat(this.client.cancel(parent, "not meant")).isTrue();
			assertThat(sqlCancel(runningOne)).isTrue();
			assertThat(this.client.find(sleeping).orElseThrow().state()).isEqualTo(ExecutionState.CANCELLED);
			assertThat(this.client.cancel(sleeping)).isFalse();
			assertThat(this.client.cancel(runningOne)).isFalse();
			status.setRollbackOnly();
		});
		// What runs would be told within a second
		Awaitility.await()
			.during(Duration.ofMillis(1200))
			.atMost(LONG)
			.until(() -> this.running.values().stream().noneMatch(TaskContext::isCancelled));
		this.mayEnd.countDown();

		assertThat(this.client.find(sleeping).orElseThrow().state()).isEqualTo(ExecutionState.WAITING);
		for (UUID id : List.of(runningOne, child, parent)) {
			Execution completed = this.test.await(id, ExecutionState.COMPLETED);
			assertThat(completed.result().asString()).isEqualTo("done");
			assertThat(completed.cancelReason()).isNull();
		}
		assertThat(this.client.cancel(sleeping, "meant")).isTrue();
	}

	private boolean sqlCancel(UUID id) {
		return this.test.sql("select ${schema}.cancel(:id, 'by SQL')").param("id", id).query(Boolean.class).single();
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void letsNoOutcomeSlipThroughWhileItIsOpen(boolean notifications) throws Exception {
		startNode(notifications);
		Map<UUID, UUID> parents = new HashMap<>();
		List<UUID> cancelled = new ArrayList<>();
		for (Ending ending : Ending.values()) {
			cancelled.add(this.client.invoke("end", ending));
			cancelled.add(this.client.invoke("discarded", ending));
			UUID parent = this.test.await(this.client.invoke("parent", ending), ExecutionState.WAITING).id();
			parents.put(this.client.find(parent).orElseThrow().children().get(0), parent);
		}
		cancelled.addAll(parents.keySet());
		await(() -> this.running.size() == cancelled.size());

		inTransaction(() -> cancelled.forEach((id) -> assertThat(this.client.cancel(id, "in the end")).isTrue()),
				() -> {
					this.mayEnd.countDown();
					// Longer than what waits for a lock at first, and than what tries
					// again
					assertOthersGoOn(Duration.ofMillis(1200));
					assertThat(cancelled)
						.allMatch((id) -> this.client.find(id).orElseThrow().state() == ExecutionState.RUNNING);
				}, true);

		assertThat(cancelled).allSatisfy((id) -> {
			Execution execution = this.test.await(id, ExecutionState.CANCELLED);
			assertThat(execution.cancelReason()).isEqualTo("in the end");
			assertThat(execution.result()).isNull();
			assertThat(execution.children()).isEmpty();
			assertThat(execution.attempt()).isOne();
		});
		assertThat(parents.values()).map((parent) -> this.test.await(parent, ExecutionState.FAILED).error().message())
			.allMatch((message) -> message.contains("in the end"));
		await(() -> this.test.count("execution") == 0);
		assertThat(this.test.count("child_wait where error is null")).isZero();
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void letsOutcomesThroughWhenItIsRolledBackAfterSomeTime(boolean notifications) throws Exception {
		startNode(notifications);
		UUID kept = this.client.invoke("end", Ending.RETURN);
		UUID discarded = this.client.invoke("discarded", Ending.RETURN_WITH_STEPS);
		UUID retried = this.client.invoke("end", Ending.RETRY);
		UUID parent = this.client.invoke("parent", Ending.RETURN);
		await(() -> this.running.size() == 4);
		UUID child = this.client.find(parent).orElseThrow().children().get(0);

		inTransaction(() -> List.of(kept, discarded, retried, child).forEach((id) -> {
			assertThat(this.client.cancel(id, "not meant")).isTrue();
		}), () -> {
			this.mayEnd.countDown();
			assertOthersGoOn(Duration.ofMillis(600));
		}, false);

		this.test.await(kept, ExecutionState.COMPLETED);
		this.test.await(parent, ExecutionState.COMPLETED);
		this.test.await(retried, ExecutionState.SCHEDULED);
		await(() -> this.client.find(discarded).isEmpty());
		assertThat(this.test.count("finished_execution where cancel_reason is not null")).isZero();
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void holdsUpNobodyElseWhileItHasEndedAWaitingExecution(boolean notifications) throws Exception {
		startNode(notifications);
		UUID sleeping = this.test.await(this.client.invoke("sleep", null), ExecutionState.WAITING).id();
		UUID parent = this.client.invoke("parent", Ending.SLEEP);
		await(() -> this.running.size() == 1);
		this.mayEnd.countDown();
		await(() -> this.test.count("executions where state = 'waiting'") == 3);

		inTransaction(() -> {
			assertThat(this.client.cancel(sleeping)).isTrue();
			assertThat(sqlCancel(this.client.find(parent).orElseThrow().children().get(0))).isTrue();
		}, () -> assertOthersGoOn(Duration.ofMillis(600)), true);

		assertThat(this.client.find(sleeping).orElseThrow().state()).isEqualTo(ExecutionState.CANCELLED);
		assertThat(this.test.await(parent, ExecutionState.FAILED).error().message()).contains("by SQL");
	}

	@Test
	void tellsOthersWhileItHoldsOneThatReportsProgress() throws Exception {
		this.test.node(TaskSpec.of("busy", null, (event, context) -> {
			this.running.put(context.executionId(), context);
			for (int i = 0; this.mayEnd.getCount() > 0 && !context.isCancelled(); i++) {
				context.progress(0.5, "round " + i);
				LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
			}
			return null;
		})).start();
		UUID held = this.client.invoke("busy", null);
		UUID other = this.client.invoke("busy", null);
		UUID third = this.client.invoke("busy", null);
		await(() -> this.running.size() == 3);
		AtomicReference<String> shown = new AtomicReference<>();

		inTransaction(() -> assertThat(this.client.cancel(held)).isTrue(), () -> {
			Awaitility.await().atMost(LONG).until(() -> progressOf(third) != null);
			shown.set(progressOf(third));
			assertThat(this.client.cancel(other)).isTrue();
			Awaitility.await()
				.atMost(LONG)
				.until(() -> this.client.find(other).orElseThrow().state() == ExecutionState.CANCELLED);
			Awaitility.await().atMost(LONG).until(() -> !progressOf(third).equals(shown.get()));
			assertThat(this.running.get(held).isCancelled()).isFalse();
		}, true);

		this.test.await(held, ExecutionState.CANCELLED);
	}

	private String progressOf(UUID id) {
		return this.test.sql("select progress_message from ${schema}.execution where id = ?")
			.param(id)
			.query(String.class)
			.optional()
			.orElse(null);
	}

	@Test
	void letsAnotherCancellationWaitForItsOutcome() throws Exception {
		startNode(true);
		UUID rolledBack = this.test.await(this.client.invoke("sleep", null), ExecutionState.WAITING).id();
		UUID committed = this.test.await(this.client.invoke("sleep", null), ExecutionState.WAITING).id();
		AtomicReference<CompletableFuture<Boolean>> second = new AtomicReference<>();

		for (boolean commit : new boolean[] { true, false }) {
			UUID id = commit ? committed : rolledBack;
			inTransaction(() -> assertThat(this.client.cancel(id, "first")).isTrue(), () -> {
				second.set(CompletableFuture.supplyAsync(() -> this.client.cancel(id, "second")));
				await(this::isSomebodyWaitingForALock);
				assertThat(second.get()).isNotDone();
			}, commit);

			assertThat(second.get().get(10, TimeUnit.SECONDS)).isEqualTo(!commit);
			assertThat(this.client.find(id).orElseThrow().cancelReason()).isEqualTo(commit ? "first" : "second");
		}
	}

	private boolean isSomebodyWaitingForALock() {
		return this.test
			.sql("select exists (select from pg_locks where not granted and pid in "
					+ "(select pid from pg_stat_activity where query like :query))")
			.param("query", "%" + this.test.schema() + "%")
			.query(Boolean.class)
			.single();
	}

	@Test
	void belongsToTheTransactionOfAStep() {
		AtomicReference<Throwable> failure = new AtomicReference<>();
		this.test.node(TaskSpec.of("sleep", null, (event, context) -> {
			context.sleep("night", Duration.ofHours(8));
			return null;
		}), TaskSpec.of("canceller", Ids.class, (event, context) -> {
			Ids ids = event.payload(Ids.class);
			try {
				context.transaction("rolled back", () -> {
					assertThat(context.cancel(ids.kept(), "not meant")).isTrue();
					throw new IllegalStateException("no");
				});
			}
			catch (IllegalStateException ex) {
				failure.set(ex);
			}
			context.transaction("committed", () -> {
				assertThat(context.cancel(ids.cancelled(), "meant")).isTrue();
			});
			return null;
		})).start();
		UUID kept = this.test.await(this.client.invoke("sleep", null), ExecutionState.WAITING).id();
		UUID cancelled = this.test.await(this.client.invoke("sleep", null), ExecutionState.WAITING).id();

		this.test.await(this.client.invoke("canceller", new Ids(kept, cancelled)), ExecutionState.COMPLETED);

		assertThat(failure.get()).hasMessage("no");
		assertThat(this.client.find(kept).orElseThrow().state()).isEqualTo(ExecutionState.WAITING);
		assertThat(this.client.find(cancelled).orElseThrow().cancelReason()).isEqualTo("meant");
	}

	record Ids(UUID kept, UUID cancelled) {
	}

	private void assertOthersGoOn(Duration time) {
		long end = System.nanoTime() + time.toNanos();
		do {
			List<UUID> others = this.client.invokeAll("note", IntStream.range(0, 20).mapToObj(Invoke::of).toList());
			for (UUID other : others) {
				this.test.await(other, ExecutionState.COMPLETED);
			}
		}
		while (System.nanoTime() - end < 0);
	}

	/**
	 * Do something in a transaction that stays open while another thread does something.
	 */
	private void inTransaction(Runnable action, Runnable meanwhile, boolean commit) throws Exception {
		CountDownLatch done = new CountDownLatch(1);
		CountDownLatch mayCommit = new CountDownLatch(1);
		CompletableFuture<Void> transaction = CompletableFuture.runAsync(() -> {
			TransactionTemplate template = this.test.transaction();
			template.executeWithoutResult((status) -> {
				action.run();
				done.countDown();
				await(() -> mayCommit.getCount() == 0);
				if (!commit) {
					status.setRollbackOnly();
				}
			});
		}, (task) -> new Thread(task).start());
		try {
			await(() -> done.getCount() == 0 || transaction.isDone());
			assertThat(transaction).isNotDone();
			meanwhile.run();
		}
		finally {
			mayCommit.countDown();
		}
		transaction.get(10, TimeUnit.SECONDS);
	}

}
