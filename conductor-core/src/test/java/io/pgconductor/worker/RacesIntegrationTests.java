package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Two who want the same execution: exactly one gets it.
 */
class RacesIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(60);

	private final Map<Integer, AtomicInteger> runs = new ConcurrentHashMap<>();

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(RacesIntegrationTests.class);
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void runsEachOfTenThousandOnceOnTwoNodes() {
		int size = 10_000;
		this.test.node(TaskSpec.of("task", Integer.class, (event, context) -> run(event.payload()))).start();
		this.test.node(TaskSpec.of("task", Integer.class, (event, context) -> run(event.payload()))).start();

		for (int batch = 0; batch < 10; batch++) {
			int first = batch * size / 10;
			this.test.conductor()
				.invokeAll("task", IntStream.range(first, first + size / 10).mapToObj(Invoke::of).toList());
		}

		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == size);
		assertThat(this.runs).hasSize(size);
		assertThat(this.runs.values()).allMatch((count) -> count.get() == 1);
		assertThat(this.test.count("execution")).isZero();
		assertThat(this.test.sql("select distinct state || attempt from ${schema}.finished_execution")
			.query(String.class)
			.list()).containsExactly("completed1");
	}

	@Test
	void leavesTasksToTheNodeThatKnowsThem() {
		int size = 300;
		Orchestrator generalist = this.test.node(TaskSpec.of("common", Integer.class, (e, c) -> run(e.payload())));
		Orchestrator specialist = this.test.node(TaskSpec.of("common", Integer.class, (e, c) -> run(e.payload())),
				TaskSpec.of("special", Integer.class, (e, c) -> run(e.payload())));
		specialist.start();
		specialist.stop();
		generalist.start();

		List<UUID> special = this.test.conductor()
			.invokeAll("special", IntStream.range(size, 2 * size).mapToObj(Invoke::of).toList());
		this.test.conductor().invokeAll("common", IntStream.range(0, size).mapToObj(Invoke::of).toList());
		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == size);

		assertThat(special).allMatch((id) -> find(id).state() == ExecutionState.READY && find(id).attempt() == 0);
		specialist.start();
		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 2 * size);
		assertThat(this.runs).hasSize(2 * size);
		assertThat(this.runs.values()).allMatch((count) -> count.get() == 1);
	}

	@Test
	void eitherCancelsOrCompletes() {
		this.test.node(TaskSpec.of("task", Integer.class, (event, context) -> run(event.payload()))).start();
		List<UUID> ids = new ArrayList<>();
		List<Boolean> cancelled = new ArrayList<>();

		for (int i = 0; i < 400; i++) {
			UUID id = this.test.conductor().invoke("task", i);
			pause(i % 4 * 400);
			ids.add(id);
			cancelled.add(this.test.conductor().cancel(id, "race"));
		}

		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 400);
		for (int i = 0; i < 400; i++) {
			assertEither(find(ids.get(i)), cancelled.get(i), i);
		}
	}

	@Test
	void eitherCancelsOrCompletesAmongManyCancellers() {
		this.test.node(TaskSpec.of("task", Integer.class, (event, context) -> run(event.payload()))).start();
		this.test.node(TaskSpec.of("task", Integer.class, (event, context) -> run(event.payload()))).start();
		List<UUID> ids = this.test.conductor()
			.invokeAll("task", IntStream.range(0, 1000).mapToObj(Invoke::of).toList());
		Map<UUID, AtomicInteger> cancelled = new ConcurrentHashMap<>();
		ids.forEach((id) -> cancelled.put(id, new AtomicInteger()));

		CompletableFuture<?>[] cancellers = IntStream.range(0, 3)
			.mapToObj((canceller) -> CompletableFuture.runAsync(() -> {
				for (int i = ids.size() - 1; i >= 0; i--) {
					if (this.test.conductor().cancel(ids.get(i))) {
						cancelled.get(ids.get(i)).incrementAndGet();
					}
				}
			}, (task) -> new Thread(task).start()))
			.toArray(CompletableFuture[]::new);
		CompletableFuture.allOf(cancellers).orTimeout(60, TimeUnit.SECONDS).join();

		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 1000);
		for (int i = 0; i < ids.size(); i++) {
			int times = cancelled.get(ids.get(i)).get();
			assertThat(times).isLessThanOrEqualTo(1);
			assertEither(find(ids.get(i)), times == 1, i);
		}
	}

	@Test
	void eitherCancelsOrCompletesWhatIsRetried() {
		RetryPolicy soon = new RetryPolicy(List.of(Duration.ZERO, Duration.ofMillis(5)), 1, Set.of());
		this.test.node(TaskSpec.of("task", Integer.class, (event, context) -> {
			run(event.payload());
			if (context.attempt() < 3) {
				throw new IllegalStateException("once more");
			}
			return null;
		}).with(TaskOptions.none().retryPolicy(soon))).start();
		List<UUID> ids = new ArrayList<>();
		List<Boolean> cancelled = new ArrayList<>();

		for (int i = 0; i < 300; i++) {
			ids.add(this.test.conductor().invoke("task", i));
			boolean success = false;
			for (int attempt = 0; attempt < 3 && !success; attempt++) {
				pause(ThreadLocalRandom.current().nextInt(3000));
				success = this.test.conductor().cancel(ids.get(i), "race");
			}
			cancelled.add(success);
		}

		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 300);
		for (int i = 0; i < 300; i++) {
			Execution execution = find(ids.get(i));
			assertThat(execution.state())
				.isEqualTo(cancelled.get(i) ? ExecutionState.CANCELLED : ExecutionState.COMPLETED);
			int runs = this.runs.getOrDefault(i, new AtomicInteger()).get();
			// The last attempt may have been cancelled before it could begin
			assertThat(runs).isBetween(execution.attempt() - (cancelled.get(i) ? 1 : 0), execution.attempt());
		}
	}

	@Test
	void takesNoExecutionFromTwoNodesThatStopAndStartUnderLoad() {
		int size = 3000;
		TaskSpec task = TaskSpec.of("task", Integer.class, (event, context) -> {
			pause(500);
			return run(event.payload());
		});
		Orchestrator steady = this.test.node(task);
		Orchestrator restless = this.test.node(task);
		steady.start();
		this.test.conductor()
			.invokeAll("task",
					IntStream.range(0, size)
						.mapToObj((i) -> Invoke.of(i, InvokeOptions.defaults().maxAttempts(1)))
						.toList());

		for (int round = 0; round < 5; round++) {
			restless.start();
			pause(50_000);
			restless.stop();
		}

		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == size);
		assertThat(this.runs).hasSize(size);
		assertThat(this.runs.values()).allMatch((count) -> count.get() == 1);
		assertThat(this.test.sql("select distinct state || attempt from ${schema}.finished_execution")
			.query(String.class)
			.list()).containsExactly("completed1");
	}

	private int run(Object payload) {
		return this.runs.computeIfAbsent((Integer) payload, (n) -> new AtomicInteger()).incrementAndGet();
	}

	private void assertEither(Execution execution, boolean cancelled, int payload) {
		assertThat(execution.state()).isEqualTo(cancelled ? ExecutionState.CANCELLED : ExecutionState.COMPLETED);
		int runs = this.runs.getOrDefault(payload, new AtomicInteger()).get();
		assertThat(runs).isLessThanOrEqualTo(execution.attempt());
		if (!cancelled) {
			assertThat(runs).isOne();
		}
	}

	private static void pause(int micros) {
		LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(micros));
	}

	private Execution find(UUID id) {
		return this.test.conductor().find(id).orElseThrow();
	}

}
