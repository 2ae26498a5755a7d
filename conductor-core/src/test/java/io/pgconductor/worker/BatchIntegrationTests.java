package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import io.pgconductor.ConductorClient;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.NonRetryableException;
import io.pgconductor.Orchestrator;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.BatchHandler;
import io.pgconductor.task.Batching;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.PayloadPath;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.awaitility.Awaitility.await;

/**
 * Tasks whose handler gets many executions at once.
 */
class BatchIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(30);

	private final List<List<Integer>> batches = Collections.synchronizedList(new ArrayList<>());

	private TestConductor test;

	private ConductorClient client;

	@BeforeEach
	void start() {
		this.test = new TestConductor(BatchIntegrationTests.class);
		this.client = this.test.conductor();
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	private TaskSpec task(int size, Duration timeout, BatchHandler handler) {
		BatchHandler noting = (events, context) -> {
			this.batches.add(events.stream().map((event) -> (Integer) event.payload()).toList());
			return handler.handle(events, context);
		};
		return TaskSpec.of("batch", Integer.class, noting)
			.with(TaskOptions.none().batch(new Batching(size, timeout)).retryPolicy(GivenHandlers.AT_ONCE));
	}

	private static List<?> doubled(List<TaskEvent<?>> events) {
		return events.stream().map((event) -> 2 * (Integer) event.payload()).toList();
	}

	private List<UUID> invoke(int count) {
		return this.client.invokeAll("batch", IntStream.range(0, count).mapToObj(Invoke::of).toList());
	}

	private Execution find(UUID id) {
		return this.client.find(id).orElseThrow();
	}

	@Test
	void runsFullBatchesAndThenTheRest() {
		List<UUID> ids = invoke(5);

		this.test.node(task(3, LONG, (events, context) -> doubled(events))).drain();

		assertThat(this.batches).containsExactly(List.of(0, 1, 2), List.of(3, 4));
		assertThat(ids).extracting((id) -> find(id).result().asInt()).containsExactly(0, 2, 4, 6, 8);
	}

	@Test
	void runsWhatHasWaitedLongEnough() {
		this.test.node(task(100, Duration.ofMillis(50), (events, context) -> null)).start();

		List<UUID> ids = invoke(3);

		ids.forEach((id) -> this.test.await(id, ExecutionState.COMPLETED));
		assertThat(this.batches.stream().mapToInt(List::size).sum()).isEqualTo(3);
		assertThat(find(ids.get(0)).result()).isNull();
	}

	@Test
	void gathersLargeBatches() {
		this.test.node(task(100, LONG, (events, context) -> null)).start();

		invoke(1000);

		await().until(() -> this.batches.size() == 10);
		assertThat(this.batches).allSatisfy((batch) -> assertThat(batch).hasSize(100));
	}

	@Test
	void sharesAQueueWithOtherTasks() {
		AtomicInteger plain = new AtomicInteger();
		this.test
			.node(task(10, LONG, (events, context) -> null),
					TaskSpec.of("plain", null, (event, context) -> plain.incrementAndGet()))
			.start();

		invoke(100);
		this.client.invokeAll("plain", IntStream.range(0, 100).mapToObj(Invoke::of).toList());

		await().until(() -> plain.get() == 100 && this.batches.size() == 10);
	}

	@Test
	void anExceptionFailsAll() {
		AtomicInteger calls = new AtomicInteger();
		List<UUID> ids = invoke(3);

		this.test.node(task(3, LONG, (events, context) -> {
			calls.incrementAndGet();
			throw new IllegalStateException("as told");
		})).drain();

		assertThat(calls).hasValue(3);
		assertThat(ids).allSatisfy((id) -> {
			assertThat(find(id).state()).isEqualTo(ExecutionState.FAILED);
			assertThat(find(id).error().message()).isEqualTo("as told");
			assertThat(find(id).attempt()).isEqualTo(3);
		});
	}

	@Test
	void aWrongNumberOfResultsFailsAll() {
		List<UUID> ids = invoke(3);

		this.test.node(task(3, LONG, (events, context) -> List.of(1, 2))).drain();

		assertThat(ids).allSatisfy((id) -> assertThat(find(id).error().message()).contains("got 3 executions")
			.contains("returned 2 results"));
	}

	@Test
	void oneMayFailByItself() {
		List<UUID> ids = invoke(3);

		this.test.node(task(3, LONG, (events, context) -> {
			for (int i = 0; i < events.size(); i++) {
				if (Integer.valueOf(1).equals(events.get(i).payload())) {
					context.fail(i, new NonRetryableException("only this one"));
				}
			}
			return doubled(events);
		})).drain();

		assertThat(ids).extracting((id) -> find(id).state())
			.containsExactly(ExecutionState.COMPLETED, ExecutionState.FAILED, ExecutionState.COMPLETED);
		assertThat(find(ids.get(1)).error().message()).isEqualTo("only this one");
	}

	@Test
	void anUnreadablePayloadFailsAlone() {
		UUID bad = this.client.invoke("batch", "no number");
		List<UUID> ids = invoke(2);

		this.test.node(task(3, LONG, (events, context) -> doubled(events))).drain();

		assertThat(find(bad).state()).isEqualTo(ExecutionState.FAILED);
		assertThat(ids).allSatisfy((id) -> assertThat(find(id).state()).isEqualTo(ExecutionState.COMPLETED));
		assertThat(this.batches).containsExactly(List.of(0, 1));
	}

	@Test
	void sleepReschedulesAll() {
		List<UUID> ids = invoke(3);
		AtomicInteger calls = new AtomicInteger();
		TaskSpec task = task(3, LONG, (events, context) -> {
			if (calls.incrementAndGet() == 1) {
				context.sleep(Duration.ofHours(1));
			}
			return doubled(events);
		});
		this.test.node(task).drain();
		assertThat(ids).allSatisfy((id) -> assertThat(find(id).state()).isEqualTo(ExecutionState.WAITING));

		this.test.travel(Duration.ofHours(2));
		this.test.node(task).drain();

		assertThat(ids).allSatisfy((id) -> {
			assertThat(find(id).state()).isEqualTo(ExecutionState.COMPLETED);
			assertThat(find(id).attempt()).isEqualTo(1);
		});
		assertThat(this.batches).hasSize(2);
	}

	@Test
	void aStopRunsWhatWaitsForOthers() {
		Orchestrator node = this.test.node(task(100, LONG, (events, context) -> doubled(events)));
		node.start();
		List<UUID> ids = invoke(5);
		ids.forEach((id) -> this.test.await(id, ExecutionState.RUNNING));
		assertThat(this.batches).isEmpty();

		node.stop();

		assertThat(ids).allSatisfy((id) -> assertThat(find(id).state()).isEqualTo(ExecutionState.COMPLETED));
		assertThat(this.batches).containsExactly(List.of(0, 1, 2, 3, 4));
	}

	@Test
	void oneIsCancelledWhileItWaitsForOthers() {
		this.test.node(task(3, LONG, (events, context) -> doubled(events))).start();
		UUID cancelled = this.client.invoke("batch", 7);
		this.test.await(cancelled, ExecutionState.RUNNING);

		assertThat(this.client.cancel(cancelled)).isTrue();

		this.test.await(cancelled, ExecutionState.CANCELLED);
		invoke(3);
		await().until(() -> this.batches.contains(List.of(0, 1, 2)));
	}

	@Test
	void oneIsCancelledWhileTheBatchRuns() throws InterruptedException {
		CountDownLatch running = new CountDownLatch(1);
		CountDownLatch goOn = new CountDownLatch(1);
		List<Boolean> interrupted = Collections.synchronizedList(new ArrayList<>());
		this.test.node(task(2, LONG, (events, context) -> {
			running.countDown();
			goOn.await();
			interrupted.add(context.isCancelled());
			interrupted.add(context.isCancelled(1));
			return doubled(events);
		})).start();
		List<UUID> ids = invoke(2);
		running.await();

		this.client.cancel(ids.get(1));
		await()
			.until(() -> this.test.sql("select count(*) from ${schema}.execution where cancel_requested_at is not null")
				.query(Long.class)
				.single() == 1);
		// Told within a second
		await().pollDelay(Duration.ofMillis(1500)).until(() -> true);
		goOn.countDown();

		assertThat(this.test.await(ids.get(0), ExecutionState.COMPLETED).result().asInt()).isZero();
		this.test.await(ids.get(1), ExecutionState.CANCELLED);
		assertThat(interrupted).containsExactly(false, true);
	}

	@Test
	void aTimeoutBreaksTheBatchOff() {
		List<UUID> ids = invoke(2);

		this.test.node(task(2, LONG, (events, context) -> {
			new CountDownLatch(1).await();
			return null;
		}).with(TaskOptions.none().timeout(Duration.ofMillis(50)).maxAttempts(1))).drain();

		assertThat(ids).allSatisfy((id) -> assertThat(find(id).error().message()).contains("timeout"));
	}

	@Test
	void aLimitCountsBatches() {
		AtomicInteger running = new AtomicInteger();
		AtomicInteger most = new AtomicInteger();
		TaskSpec task = task(10, Duration.ofMillis(100), (events, context) -> {
			most.accumulateAndGet(running.incrementAndGet(), Math::max);
			running.decrementAndGet();
			return null;
		}).with(TaskOptions.none().concurrency(1));
		Orchestrator node = this.test.node(task);
		node.start();
		node.stop();
		invoke(100);
		node.start();

		await().until(() -> this.batches.stream().mapToInt(List::size).sum() == 100);

		assertThat(most).hasValue(1);
		assertThat(this.batches).hasSizeLessThanOrEqualTo(20);
	}

	@Test
	void keysAreNotMixedIfOneAtATimeRuns() {
		record Job(String tenant, int number) {
		}
		List<List<Job>> jobs = Collections.synchronizedList(new ArrayList<>());
		BatchHandler handler = (events, context) -> {
			jobs.add(events.stream().map((event) -> (Job) event.payload()).toList());
			return null;
		};
		TaskSpec task = TaskSpec.of("batch", Job.class, handler)
			.with(TaskOptions.none()
				.batch(new Batching(5, Duration.ofMillis(50)))
				.concurrency(1)
				.concurrencyKey(PayloadPath.parse("tenant")));
		this.test.node(task).start();

		this.client.invokeAll("batch",
				IntStream.range(0, 60).mapToObj((i) -> Invoke.of(new Job("t" + i % 3, i))).toList());

		await().until(() -> jobs.stream().mapToInt(List::size).sum() == 60);
		assertThat(jobs).allSatisfy((batch) -> assertThat(batch.stream().map(Job::tenant).distinct()).hasSize(1));
	}

	@Test
	void isNoExecutionOfItsOwn() {
		List<Throwable> thrown = Collections.synchronizedList(new ArrayList<>());
		invoke(1);

		this.test.node(task(1, LONG, (events, context) -> {
			try {
				TaskContext.current();
			}
			catch (IllegalStateException ex) {
				thrown.add(ex);
			}
			return null;
		})).drain();

		assertThat(thrown).hasSize(1);
	}

	@Test
	void refusesWhatCannotBeABatch() {
		TaskSpec plain = TaskSpec.of("plain", null, (event, context) -> null)
			.with(TaskOptions.none().batch(new Batching(2, LONG)));
		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> this.test.node(plain))
			.withMessageContaining("Task 'plain'")
			.withMessageContaining("List");
		TaskSpec transactional = task(2, LONG, (events, context) -> null).with(TaskOptions.none().transactional(true));
		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> this.test.node(transactional))
			.withMessageContaining("transactional");
		BatchHandler handler = (events, context) -> null;
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> this.test.node(TaskSpec.of("sizeless", null, handler)))
			.withMessageContaining("size");
		assertThatIllegalStateException().isThrownBy(() -> handler.handle((TaskEvent<?>) null, (TaskContext) null));
	}

	@Test
	void cancellingMembersAsTheyStartLosesNone() {
		this.test.node(task(4, Duration.ofMillis(1), (events, context) -> null)).start();
		List<UUID> all = new ArrayList<>();
		for (int round = 0; round < 200; round++) {
			List<UUID> ids = invoke(4);
			this.client.cancel(ids.get(round % 4));
			all.addAll(ids);
		}
		await().atMost(Duration.ofSeconds(30)).until(() -> this.test.count("execution") == 0);
		assertThat(all)
			.allSatisfy((id) -> assertThat(find(id).state()).isIn(ExecutionState.COMPLETED, ExecutionState.CANCELLED));
	}

}
