package io.pgconductor.execution;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.stream.IntStream;

import io.pgconductor.Conductor;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.RetryAfterException;
import io.pgconductor.SchemaName;
import io.pgconductor.TaskContext;
import io.pgconductor.jdbc.ExecutionUpkeep;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.WorkerOptions;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Cancellation at the very moment of something else: who was told that it is cancelled
 * finds it cancelled, and nobody else does.
 */
class CancellationRacesIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(60);

	private static final int ROUNDS = 300;

	private static final int LONGEST_LEAD = 50_000;

	private static final int CANCELLERS = 3;

	// More would have ended long before anybody looks at them
	private static final WorkerOptions AS_MANY_AS_CANCELLERS = WorkerOptions.DEFAULT.withConcurrency(CANCELLERS);

	private final Map<UUID, AtomicInteger> runs = new ConcurrentHashMap<>();

	private final Map<UUID, AtomicInteger> cancellations = new ConcurrentHashMap<>();

	private final AtomicInteger leaks = new AtomicInteger();

	private final AtomicInteger lead = new AtomicInteger(1000);

	/**
	 * Executions whose moment has come.
	 */
	private final BlockingQueue<UUID> moments = new LinkedBlockingQueue<>();

	private TestConductor test;

	private Conductor client;

	@BeforeEach
	void install() {
		this.test = new TestConductor(CancellationRacesIntegrationTests.class);
		this.client = this.test.conductor();
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	/**
	 * A task that counts its runs, and whose threads must come without an interruption.
	 */
	private TaskSpec task(String name, TaskHandler handler) {
		return TaskSpec.of(name, null, (event, context) -> {
			if (Thread.currentThread().isInterrupted() && !context.isCancelled()) {
				this.leaks.incrementAndGet();
			}
			this.runs.computeIfAbsent(context.executionId(), (id) -> new AtomicInteger()).incrementAndGet();
			return handler.handle(event, context);
		});
	}

	private void momentOf(TaskContext context) {
		this.moments.add(context.executionId());
	}

	private List<UUID> invoke(String task, int count, InvokeOptions options) {
		return this.client.invokeAll(task, IntStream.range(0, count).mapToObj((i) -> Invoke.of(i, options)).toList());
	}

	private boolean cancel(UUID id) {
		boolean cancelled = this.client.cancel(id, "race");
		this.cancellations.computeIfAbsent(id, (key) -> new AtomicInteger()).addAndGet(cancelled ? 1 : 0);
		return cancelled;
	}

	/**
	 * Wait for a time that lets each side win about as often as the other.
	 */
	private void approach() {
		pause(2 * this.lead.get());
	}

	private void approachedAndWon(boolean won) {
		this.lead.updateAndGet((micros) -> won ? Math.min(LONGEST_LEAD, micros + micros / 8 + 1) : micros - micros / 8);
	}

	private boolean approachAndCancel(UUID id) {
		approach();
		boolean cancelled = cancel(id);
		approachedAndWon(cancelled);
		return cancelled;
	}

	private static void pause(int maxMicros) {
		LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(ThreadLocalRandom.current().nextInt(maxMicros + 1)));
	}

	/**
	 * Do something with each execution whose moment comes, in some threads.
	 */
	private void atEachMoment(int count, Consumer<UUID> action) {
		CountDownLatch left = new CountDownLatch(count);
		AtomicReference<RuntimeException> failure = new AtomicReference<>();
		inThreads(CANCELLERS, (thread) -> {
			while (left.getCount() > 0 && failure.get() == null) {
				UUID id = this.moments.poll(20, TimeUnit.MILLISECONDS);
				if (id != null) {
					try {
						action.accept(id);
					}
					catch (RuntimeException ex) {
						failure.set(ex);
					}
					left.countDown();
				}
			}
			return null;
		});
		assertThat(failure.get()).isNull();
	}

	/**
	 * Race some times, and more often as long as something is missing.
	 */
	private static void repeat(int atLeast, BooleanSupplier missing, Runnable race) {
		for (int round = 0; round < atLeast || (round < 20 && missing.getAsBoolean()); round++) {
			race.run();
		}
	}

	@FunctionalInterface
	interface Body {

		Object run(int thread) throws Exception;

	}

	private static void inThreads(int threads, Body body) {
		CompletableFuture<?>[] futures = IntStream.range(0, threads)
			.mapToObj((thread) -> CompletableFuture.runAsync(() -> {
				try {
					body.run(thread);
				}
				catch (Exception ex) {
					throw new IllegalStateException(ex);
				}
			}, (task) -> new Thread(task).start()))
			.toArray(CompletableFuture[]::new);
		CompletableFuture.allOf(futures).orTimeout(60, TimeUnit.SECONDS).join();
	}

	private void awaitNothingLive() {
		Awaitility.await().atMost(LONG).until(() -> this.test.count("execution") == 0);
		assertThat(this.test.count("child_wait where error is null")).isZero();
		assertThat(this.leaks).hasValue(0);
	}

	/**
	 * Assert that everything has ended, and as it was said.
	 */
	private void assertEither(Collection<UUID> ids) {
		awaitNothingLive();
		Set<ExecutionState> seen = ConcurrentHashMap.newKeySet();
		for (UUID id : ids) {
			int times = this.cancellations.get(id).get();
			assertThat(times).isLessThanOrEqualTo(1);
			Execution execution = this.client.find(id).orElseThrow();
			assertThat(execution.state()).isEqualTo((times == 1) ? ExecutionState.CANCELLED : ExecutionState.COMPLETED);
			assertThat(execution.cancelReason()).isEqualTo((times == 1) ? "race" : null);
			if (execution.attempt() == 0) {
				assertThat(this.runs).doesNotContainKey(id);
			}
			seen.add(execution.state());
		}
		// Who wins is up to the machine
		assertThat(seen).isNotEmpty();
	}

	private void assertAllCancelled(Collection<UUID> ids) {
		awaitNothingLive();
		for (UUID id : ids) {
			assertThat(this.cancellations.get(id)).hasValue(1);
			assertThat(this.client.find(id).orElseThrow().state()).isEqualTo(ExecutionState.CANCELLED);
		}
	}

	@Test
	void withAClaim() {
		TaskSpec note = task("note", (event, context) -> "done");
		this.test.node(note).start();
		this.test.node(note).start();
		List<UUID> ids = new ArrayList<>();

		inThreads(3, (thread) -> {
			for (int round = 0; round < ROUNDS; round++) {
				UUID id = this.client.invoke("note", null);
				synchronized (ids) {
					ids.add(id);
				}
				approachAndCancel(id);
			}
			return null;
		});

		assertEither(ids);
		ids.forEach((id) -> assertThat(this.runs.getOrDefault(id, new AtomicInteger()).get()).isLessThanOrEqualTo(1));
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void withACompletion(boolean kept) {
		this.test.node((builder) -> builder.retention(kept ? Retention.NEVER : Retention.AT_ONCE, Retention.NEVER)
			.defaultWorker(AS_MANY_AS_CANCELLERS), task("task", (event, context) -> {
				if (context.executionId().hashCode() % 2 == 0) {
					context.step("step", Integer.class, () -> 1);
				}
				momentOf(context);
				pause(3000);
				return "done";
			})).start();
		List<UUID> ids = new ArrayList<>();

		repeat(2, () -> cancelled(ids).isEmpty() || cancelled(ids).size() == ids.size(), () -> {
			ids.addAll(invoke("task", ROUNDS, InvokeOptions.defaults()));
			atEachMoment(ROUNDS, this::approachAndCancel);
		});

		if (kept) {
			assertEither(ids);
		}
		else {
			awaitNothingLive();
			List<UUID> cancelled = cancelled(ids);
			assertThat(cancelled).isNotEmpty().hasSizeLessThan(ids.size());
			assertThat(this.test.sql("select id from ${schema}.finished_execution where state = 'cancelled'")
				.query(UUID.class)
				.list()).containsExactlyInAnyOrderElementsOf(cancelled);
			assertThat(this.test.count("finished_execution")).isEqualTo(cancelled.size());
			assertThat(cancelled)
				.containsAll(this.test.sql("select execution_id from ${schema}.step").query(UUID.class).list());
		}
		assertThat(this.runs.values()).allMatch((count) -> count.get() == 1);
	}

	private List<UUID> cancelled(List<UUID> ids) {
		return ids.stream().filter((id) -> this.cancellations.get(id).get() == 1).toList();
	}

	@Test
	void withACompletionInATransactionThatEndsLater() {
		this.test.node((builder) -> builder.defaultWorker(AS_MANY_AS_CANCELLERS), task("task", (event, context) -> {
			momentOf(context);
			pause(8000);
			return "done";
		})).start();
		List<UUID> ids = new ArrayList<>();
		Map<UUID, Boolean> rolledBack = new ConcurrentHashMap<>();

		repeat(1, () -> !rolledBack.containsValue(true), () -> {
			ids.addAll(invoke("task", ROUNDS, InvokeOptions.defaults()));
			atEachMoment(ROUNDS, (id) -> rolledBack.put(id, cancelInATransaction(id)));
		});

		assertEither(ids);
		assertThat(rolledBack).containsValue(true);
	}

	/**
	 * Cancel in a transaction that ends later, and now and then is rolled back.
	 * @return whether something was cancelled, and that rolled back
	 */
	private boolean cancelInATransaction(UUID id) {
		approach();
		boolean commit = ThreadLocalRandom.current().nextInt(4) > 0;
		boolean won = Boolean.TRUE.equals(this.test.transaction().execute((status) -> {
			boolean cancelled = this.client.cancel(id, "race");
			pause(4000);
			if (!commit) {
				status.setRollbackOnly();
			}
			return cancelled;
		}));
		approachedAndWon(won);
		this.cancellations.put(id, new AtomicInteger((won && commit) ? 1 : 0));
		return won && !commit;
	}

	@Test
	void withASleepThatBegins() {
		this.test.node(task("task", (event, context) -> {
			momentOf(context);
			context.sleep("night", Duration.ofHours(8));
			return "morning";
		})).start();
		List<UUID> ids = invoke("task", ROUNDS, InvokeOptions.defaults());

		atEachMoment(ids.size(), (id) -> {
			pause(2000);
			cancel(id);
		});

		assertAllCancelled(ids);
		assertThat(this.runs.values()).allMatch((count) -> count.get() == 1);
	}

	@Test
	void withASleepThatEnds() {
		this.test.node(task("task", (event, context) -> {
			if (this.runs.get(context.executionId()).get() == 1) {
				momentOf(context);
			}
			context.sleep("nap", Duration.ofMillis(ThreadLocalRandom.current().nextInt(10)));
			return "awake";
		})).start();
		List<UUID> ids = invoke("task", ROUNDS, InvokeOptions.defaults());

		atEachMoment(ids.size(), this::approachAndCancel);

		assertEither(ids);
		assertThat(this.runs.values()).allMatch((count) -> count.get() <= 2);
	}

	@Test
	void withChildrenThatAreInvoked() {
		this.test.node(task("parent", (event, context) -> {
			momentOf(context);
			return context.invokeAll("call", "child", List.of(1, 2), String.class);
		}), task("child", (event, context) -> {
			context.sleep("night", Duration.ofHours(8));
			return "morning";
		})).start();
		List<UUID> ids = invoke("parent", ROUNDS, InvokeOptions.defaults());

		atEachMoment(ids.size(), (id) -> {
			pause(6000);
			cancel(id);
		});

		assertAllCancelled(ids);
		assertThat(this.test.count("finished_execution where state <> 'cancelled'")).isZero();
		assertThat(this.test.count("finished_execution where task = 'child'")).isPositive();
	}

	@Test
	void withChildrenThatEnd() {
		this.test.node(task("parent", (event, context) -> {
			if (this.runs.get(context.executionId()).get() == 1) {
				momentOf(context);
			}
			return context.invokeAll("call", "child", List.of(1, 2, 3), String.class);
		}), task("child", (event, context) -> "done")).start();
		List<UUID> ids = invoke("parent", ROUNDS, InvokeOptions.defaults());

		atEachMoment(ids.size(), this::approachAndCancel);

		assertEither(ids);
		for (UUID id : ids) {
			Execution parent = this.client.find(id).orElseThrow();
			if (parent.state() == ExecutionState.COMPLETED) {
				assertThat(parent.children()).hasSize(3)
					.allMatch((child) -> this.client.find(child).orElseThrow().state() == ExecutionState.COMPLETED);
			}
		}
	}

	@Test
	void withTheCancellationOfAChildAndAGrandchild() {
		Map<UUID, UUID> parents = new ConcurrentHashMap<>();
		this.test.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(4)),
				task("top", (event, context) -> context.invoke("call", "middle", null, String.class)),
				task("middle", (event, context) -> {
					parents.put(context.executionId(), context.parent().orElseThrow());
					return context.invoke("call", "bottom", null, String.class);
				}), task("bottom", (event, context) -> {
					UUID middle = context.parent().orElseThrow();
					parents.put(context.executionId(), middle);
					this.moments.addAll(List.of(context.executionId(), parents.get(middle), middle));
					context.sleep("night", Duration.ofHours(8));
					return "morning";
				}))
			.start();
		List<UUID> ids = invoke("top", ROUNDS / 2, InvokeOptions.defaults());

		atEachMoment(ids.size() * 3, (id) -> {
			pause(1500);
			cancel(id);
		});

		awaitNothingLive();
		assertThat(parents).hasSize(ids.size() * 2);
		this.cancellations.forEach((id, times) -> {
			Execution execution = this.client.find(id).orElseThrow();
			boolean childFailed = execution.state() == ExecutionState.FAILED;
			assertThat(times.get()).isEqualTo("race".equals(execution.cancelReason()) ? 1 : 0);
			if (childFailed) {
				assertThat(execution.error().message()).contains("was cancelled: race");
			}
			else {
				assertThat(execution.state()).isEqualTo(ExecutionState.CANCELLED);
				assertThat(execution.cancelReason()).isIn("race", "its parent was cancelled", "its parent has ended");
			}
		});
	}

	@Test
	void withARetry() {
		this.test.node(task("task", (event, context) -> {
			if (context.attempt() == 1) {
				momentOf(context);
			}
			throw new RetryAfterException(
					(context.attempt() % 2 == 0) ? Duration.ZERO : Duration.ofMillis(1 + context.attempt() % 3));
		})).start();
		List<UUID> ids = invoke("task", ROUNDS, InvokeOptions.defaults().maxAttempts(100_000));

		atEachMoment(ids.size(), (id) -> {
			pause(8000);
			cancel(id);
		});

		assertAllCancelled(ids);
		ids.forEach((id) -> assertThat(this.runs.get(id).get())
			.isBetween(this.client.find(id).orElseThrow().attempt() - 1, this.client.find(id).orElseThrow().attempt()));
	}

	@Test
	void withARescue() {
		this.test.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(1)),
				task("task", (event, context) -> {
					pause(3000);
					return "done";
				}))
			.start();
		ExecutionUpkeep upkeep = new ExecutionUpkeep(JdbcClient.create(this.test.dataSource()),
				new SchemaName(this.test.schema()));
		AtomicInteger ghostly = new AtomicInteger();
		List<UUID> ids = new ArrayList<>();

		repeat(2, () -> ghostly.get() <= ROUNDS, () -> ids.addAll(raceWithARescue(upkeep, ghostly)));

		assertEither(ids);
		assertThat(ghostly).hasValueGreaterThan(ROUNDS);
		assertThat(this.runs.values()).allMatch((count) -> count.get() == 1);
	}

	private List<UUID> raceWithARescue(ExecutionUpkeep upkeep, AtomicInteger ghostly) {
		AtomicBoolean done = new AtomicBoolean();
		List<UUID> ids = invoke("task", ROUNDS, InvokeOptions.defaults().maxAttempts(100_000));
		inThreads(4, (thread) -> {
			while (thread == 0 && !done.get()) {
				ghostly.addAndGet(claimByADeadNode());
				pause(500);
			}
			while (thread == 1 && !done.get()) {
				// The rescue itself, without waiting for nodes to be declared dead
				upkeep.rescue(10)
					.cancelled()
					.stream()
					.filter((id) -> id.hashCode() % 2 == 0)
					.forEach(upkeep::cancelRescued);
			}
			for (int i = thread - 2; thread >= 2 && i < ids.size(); i += 2) {
				approachAndCancel(ids.get(i));
				done.set(i >= ids.size() - 2);
			}
			return null;
		});
		while (upkeep.rescue(1000).rescued() > 0) {
			continue;
		}
		return ids;
	}

	private int claimByADeadNode() {
		return this.test.sql("""
				update ${schema}.execution
				set claimed_by = ${schema}.uuid_v7(), claimed_at = now(), claim_no = claim_no + 1, attempt = attempt + 1
				where id in (
				    select id from ${schema}.execution where phase = 'due' and claimed_by is null
				    order by random() limit 20 for update skip locked)
				""").update();
	}

	@Test
	void withNodesThatStopAndStart() {
		TaskSpec task = task("task", (event, context) -> {
			pause(2000);
			return "done";
		});
		this.test.node(task).start();
		Orchestrator restless = this.test.node(task);
		AtomicBoolean done = new AtomicBoolean();
		List<UUID> ids = invoke("task", ROUNDS * 10, InvokeOptions.defaults().maxAttempts(1));

		inThreads(2, (thread) -> {
			while (thread == 0 && !done.get()) {
				restless.start();
				pause(20_000);
				restless.stop();
			}
			for (int i = 0; thread == 1 && i < ids.size(); i++) {
				cancel(ids.get(i));
			}
			done.set(done.get() || thread == 1);
			return null;
		});

		assertEither(ids);
		assertThat(this.runs.values()).allMatch((count) -> count.get() == 1);
	}

	@Test
	void withAnotherCancellation() {
		this.test.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(50)),
				task("sleep", (event, context) -> {
					context.sleep("night", Duration.ofHours(8));
					return "morning";
				}), task("block", (event, context) -> {
					momentOf(context);
					new CountDownLatch(1).await();
					return "done";
				}))
			.start();
		List<UUID> ids = new ArrayList<>(invoke("sleep", 100, InvokeOptions.defaults()));
		ids.addAll(invoke("sleep", 100, InvokeOptions.defaults().delay(Duration.ofHours(1))));
		ids.addAll(invoke("block", 50, InvokeOptions.defaults()));
		Awaitility.await()
			.atMost(LONG)
			.until(() -> this.moments.size() == 50 && this.test.count("executions where state = 'waiting'") == 100);

		CyclicBarrier together = new CyclicBarrier(3);
		inThreads(3, (thread) -> {
			for (UUID id : ids) {
				together.await(10, TimeUnit.SECONDS);
				cancel(id);
			}
			return null;
		});

		assertAllCancelled(ids);
	}

}
