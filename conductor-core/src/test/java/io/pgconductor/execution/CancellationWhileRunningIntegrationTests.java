package io.pgconductor.execution;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Conductor;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.NonRetryableException;
import io.pgconductor.Orchestrator;
import io.pgconductor.RetryAfterException;
import io.pgconductor.SuspensionSignal;
import io.pgconductor.TaskContext;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.WorkerOptions;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.support.JdbcUtils;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Cancelling what a node holds: it is told, and ends cancelled whatever it does.
 */
class CancellationWhileRunningIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(20);

	private static final Map<UUID, CountDownLatch> started = new ConcurrentHashMap<>();

	private static final Map<UUID, CountDownLatch> mayEnd = new ConcurrentHashMap<>();

	private static final Map<UUID, Object> observed = new ConcurrentHashMap<>();

	private static final Set<UUID> called = ConcurrentHashMap.newKeySet();

	private static TestConductor test;

	private static Conductor client;

	@BeforeAll
	static void start() {
		test = new TestConductor(CancellationWhileRunningIntegrationTests.class);
		client = test.conductor();
		test.node(TaskSpec.of("block", Blocking.class, (event, context) -> {
			started(context);
			return block(context, event.payload(Blocking.class));
		}), TaskSpec.of("end", Ending.class, (event, context) -> {
			started(context);
			await(mayEnd(context.executionId()));
			return event.payload(Ending.class).end(context);
		}), TaskSpec.of("child", null, (event, context) -> null),
				TaskSpec.of("suicide", String.class, (event, context) -> {
					UUID self = context.executionId();
					return observed.put(self,
							List.of(context.cancel(self, event.payload(String.class)), context.cancel(self, "again")));
				}), TaskSpec.of("cleaning up", UUID.class, (event, context) -> {
					started(context);
					return cleanUp(context, event.payload(UUID.class));
				}))
			.start();
	}

	private static Object block(TaskContext context, Blocking blocking) throws Exception {
		try {
			blocking.blocker.block(context);
			return "went on";
		}
		catch (InterruptedException ex) {
			observed.put(context.executionId(), context.isCancelled());
			throw ex;
		}
	}

	private static Object cleanUp(TaskContext context, UUID other) {
		while (!context.isCancelled() || mayEnd(context.executionId()).getCount() > 0) {
			Thread.onSpinWait();
		}
		try {
			boolean cancelled = context.cancel(other, "with it");
			return observed.put(context.executionId(),
					cancelled + ", interrupted: " + Thread.currentThread().isInterrupted());
		}
		catch (RuntimeException ex) {
			return observed.put(context.executionId(), ex);
		}
	}

	@AfterAll
	static void stop() {
		mayEnd.values().forEach(CountDownLatch::countDown);
		test.close();
	}

	private static void started(TaskContext context) {
		started.computeIfAbsent(context.executionId(), (id) -> new CountDownLatch(1)).countDown();
	}

	private static CountDownLatch mayEnd(UUID id) {
		return mayEnd.computeIfAbsent(id, (key) -> new CountDownLatch(1));
	}

	private static void awaitStarted(UUID id) {
		await(started.computeIfAbsent(id, (key) -> new CountDownLatch(1)));
	}

	/**
	 * Wait like code that doesn't care about interruptions.
	 */
	private static void await(CountDownLatch latch) {
		long deadline = System.nanoTime() + LONG.toNanos();
		while (latch.getCount() > 0) {
			assertThat(System.nanoTime()).isLessThan(deadline);
			Thread.interrupted();
			LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
		}
	}

	@FunctionalInterface
	interface Blocker {

		void block(TaskContext context) throws Exception;

	}

	/**
	 * Where a thread can wait that is interrupted.
	 */
	enum Blocking {

		LATCH((context) -> new CountDownLatch(1).await()),

		QUEUE((context) -> new LinkedBlockingQueue<>().take()),

		FUTURE((context) -> new CompletableFuture<>().get()),

		CONDITION((context) -> {
			ReentrantLock lock = new ReentrantLock();
			lock.lock();
			lock.newCondition().await();
		}),

		STEP((context) -> context.step("wait", () -> new CountDownLatch(1).await())),

		TRANSACTION((context) -> context.transaction("wait", () -> new CountDownLatch(1).await())),

		AFTER_A_STEP((context) -> {
			context.step("first", Integer.class, () -> 1);
			context.progress(0.5, "half");
			new CountDownLatch(1).await();
		});

		private final Blocker blocker;

		Blocking(Blocker blocker) {
			this.blocker = blocker;
		}

	}

	@ParameterizedTest
	@EnumSource
	void interruptsBlockingCode(Blocking blocking) {
		UUID id = client.invoke("block", blocking);
		awaitStarted(id);

		assertThat(client.cancel(id, "stop it")).isTrue();

		Execution cancelled = test.await(id, ExecutionState.CANCELLED);
		assertThat(observed.get(id)).isEqualTo(true);
		assertThat(cancelled.cancelReason()).isEqualTo("stop it");
		assertThat(cancelled.result()).isNull();
		assertThat(cancelled.attempt()).isOne();
		assertThat(client.cancel(id, "again")).isFalse();
		assertThat(client.find(id)).contains(cancelled);
	}

	@Test
	void showsTheReasonWhileTheHandlerGoesOn() {
		UUID id = client.invoke("end", Ending.RETURN);
		awaitStarted(id);

		assertThat(client.cancel(id, "it's \"enough\"\u0000")).isTrue();
		assertThat(client.cancel(id, "again")).isFalse();

		Execution running = client.find(id).orElseThrow();
		assertThat(running.state()).isEqualTo(ExecutionState.RUNNING);
		assertThat(running.cancelReason()).isEqualTo("it's \"enough\"\uFFFD");
		assertThat(running.finishedAt()).isNull();
		mayEnd(id).countDown();
		assertThat(test.await(id, ExecutionState.CANCELLED).cancelReason()).isEqualTo("it's \"enough\"\uFFFD");
	}

	@Test
	void isCancelledBySqlWithoutAReason() {
		UUID id = client.invoke("block", Blocking.LATCH);
		awaitStarted(id);
		String sql = "select ${schema}.cancel(:id)";

		assertThat(test.sql(sql).param("id", id).query(Boolean.class).single()).isTrue();
		test.sql(sql).param("id", id).query(Boolean.class).single();

		assertThat(test.await(id, ExecutionState.CANCELLED).cancelReason()).isNull();
		assertThat(observed.get(id)).isEqualTo(true);
	}

	/**
	 * What a handler does in the end.
	 */
	enum Ending {

		RETURN {

			@Override
			Object end(TaskContext context) {
				return "done";
			}

		},

		THROW {

			@Override
			Object end(TaskContext context) {
				throw new IllegalStateException("failed");
			}

		},

		RETRY {

			@Override
			Object end(TaskContext context) {
				throw new RetryAfterException(Duration.ZERO);
			}

		},

		FAIL {

			@Override
			Object end(TaskContext context) {
				throw new NonRetryableException("failed for good");
			}

		},

		ERROR {

			@Override
			Object end(TaskContext context) {
				throw new StackOverflowError("deep");
			}

		},

		CHECKPOINT {

			@Override
			Object end(TaskContext context) {
				context.checkpoint();
				return "done";
			}

		},

		STEP {

			@Override
			Object end(TaskContext context) {
				return context.step("step", String.class, () -> "done");
			}

		},

		SLEEP {

			@Override
			Object end(TaskContext context) {
				context.sleep("night", Duration.ofHours(1));
				return "done";
			}

		},

		NAP {

			@Override
			Object end(TaskContext context) {
				context.sleep("nap", Duration.ZERO);
				return "done";
			}

		},

		INVOKE {

			@Override
			Object end(TaskContext context) {
				return context.invoke("call", "child", null, String.class);
			}

		},

		INVOKE_WITH_TIMEOUT {

			@Override
			Object end(TaskContext context) {
				return context.invoke("call", "child", null, String.class, Duration.ofHours(1));
			}

		},

		SWALLOW_THE_SIGNAL {

			@Override
			Object end(TaskContext context) {
				try {
					context.sleep("night", Duration.ofHours(1));
				}
				catch (SuspensionSignal ex) {
					observed.put(context.executionId(), ex);
				}
				return "done";
			}

		},

		UNSTORABLE_RESULT {

			@Override
			Object end(TaskContext context) {
				return "\u0000";
			}

		};

		abstract Object end(TaskContext context);

	}

	@ParameterizedTest
	@EnumSource
	void endsCancelledWhateverItDoesWhenItWasTold(Ending ending) {
		TaskSpec told = TaskSpec.of("told " + ending, null, (event, context) -> {
			started(context);
			while (!context.isCancelled()) {
				LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
			}
			// The handler may have taken it
			Thread.interrupted();
			return ending.end(context);
		});
		Orchestrator node = test.node(told);
		node.start();
		UUID id = client.invoke(told.name(), null);
		awaitStarted(id);

		assertThat(client.cancel(id, "whatever it does")).isTrue();

		assertEndsCancelled(id);
		assertThat(test.count("step where execution_id = '" + id + "'")).isZero();
		node.stop();
	}

	@ParameterizedTest
	@EnumSource
	void endsCancelledWhateverItDoesBeforeItIsTold(Ending ending) {
		UUID id = client.invoke("end", ending);
		awaitStarted(id);

		test.transaction().executeWithoutResult((status) -> {
			// It would be told in a moment else
			test.sql("set local conductor.notify = off").update();
			assertThat(client.cancel(id, "whatever it does")).isTrue();
		});
		mayEnd(id).countDown();

		assertEndsCancelled(id);
	}

	private void assertEndsCancelled(UUID id) {
		Execution cancelled = test.await(id, ExecutionState.CANCELLED);
		assertThat(cancelled.cancelReason()).isEqualTo("whatever it does");
		assertThat(cancelled.result()).isNull();
		assertThat(cancelled.children()).isEmpty();
		assertThat(cancelled.attempt()).isOne();
		assertThat(test.count("execution where id = '" + id + "'")).isZero();
		assertThat(test.count("child_wait where parent_id = '" + id + "'")).isZero();
	}

	@Test
	void cancelsItselfUndisturbed() {
		for (int round = 0; round < 30; round++) {
			UUID id = client.invoke("suicide", "I have seen \"enough\"");

			Execution cancelled = test.await(id, ExecutionState.CANCELLED);

			assertThat(observed.get(id)).isEqualTo(List.of(true, false));
			assertThat(cancelled.cancelReason()).isEqualTo("I have seen \"enough\"");
			assertThat(cancelled.result()).isNull();
		}
	}

	@Test
	void letsAHandlerThatWasInterruptedCancelOthers() throws SQLException {
		UUID other = client.invoke("child", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		UUID id = client.invoke("cleaning up", other);
		awaitStarted(id);
		assertThat(client.cancel(id, "first")).isTrue();
		HikariDataSource pool = (HikariDataSource) test.dataSource();
		List<Connection> all = new ArrayList<>();
		while (all.size() < pool.getMaximumPoolSize()) {
			all.add(pool.getConnection());
		}

		// Now it has to wait for a connection
		mayEnd(id).countDown();
		Awaitility.await()
			.atMost(LONG)
			.until(() -> pool.getHikariPoolMXBean().getThreadsAwaitingConnection() > 0 || observed.containsKey(id));
		all.forEach(JdbcUtils::closeConnection);

		test.await(id, ExecutionState.CANCELLED);
		assertThat(observed.get(id)).isEqualTo("true, interrupted: true");
		assertThat(client.find(other).orElseThrow().cancelReason()).isEqualTo("with it");
	}

	@Test
	void leavesNothingOfWhatIsNotKept() {
		Orchestrator node = test.node((builder) -> builder.retention(Retention.AT_ONCE, Retention.AT_ONCE),
				TaskSpec.of("forgettable", null, (event, context) -> {
					context.step("step", Integer.class, () -> 1);
					started(context);
					await(mayEnd(context.executionId()));
					return "done";
				}));
		node.start();
		UUID id = client.invoke("forgettable", null);
		awaitStarted(id);

		assertThat(client.cancel(id, "forget it")).isTrue();
		mayEnd(id).countDown();

		Awaitility.await().atMost(LONG).until(() -> client.find(id).isEmpty());
		assertThat(test.count("step where execution_id = '" + id + "'")).isZero();
		assertThat(client.cancel(id)).isFalse();
		node.stop();
	}

	@Test
	void keepsACancelledOneAsLongAsAFailedOne() {
		Orchestrator node = test.node(
				(builder) -> builder.retention(Retention.AT_ONCE, Retention.of(Duration.ofDays(3))),
				TaskSpec.of("half forgettable", null, (event, context) -> {
					started(context);
					await(mayEnd(context.executionId()));
					return "done";
				}));
		node.start();
		UUID id = client.invoke("half forgettable", null);
		awaitStarted(id);

		assertThat(client.cancel(id, "remember")).isTrue();
		mayEnd(id).countDown();

		test.await(id, ExecutionState.CANCELLED);
		assertThat(test
			.count("finished_execution where expires_at - finished_at = interval '3 days' and id = '" + id + "'"))
			.isOne();
		node.stop();
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void tellsAHandlerOnAnotherNodeWithinASecond(boolean notifications) {
		try (TestConductor own = new TestConductor(CancellationWhileRunningIntegrationTests.class)) {
			BlockingQueue<Long> toldAt = new LinkedBlockingQueue<>();
			WorkerOptions polling = WorkerOptions.DEFAULT.withPollInterval(Duration.ofMillis(50));
			own.node((builder) -> builder.notifications(notifications).defaultWorker(polling),
					TaskSpec.of("running", null, (event, context) -> {
						started(context);
						try {
							new CountDownLatch(1).await();
							return null;
						}
						finally {
							toldAt.add(System.nanoTime());
						}
					}))
				.start();
			own.node((builder) -> builder.notifications(notifications).defaultWorker(polling),
					TaskSpec.of("cancelling", UUID.class, (event, context) -> {
						long calledAt = System.nanoTime();
						assertThat(context.cancel(event.payload(UUID.class), "from afar")).isTrue();
						return calledAt;
					}))
				.start();
			List<Duration> delays = new ArrayList<>();

			for (int round = 0; round < 5; round++) {
				UUID id = own.conductor().invoke("running", null);
				awaitStarted(id);
				UUID canceller = own.conductor().invoke("cancelling", id);
				long calledAt = own.await(canceller, ExecutionState.COMPLETED).result().asLong();
				own.await(id, ExecutionState.CANCELLED);
				delays.add(Duration.ofNanos(toldAt.remove() - calledAt));
			}

			// Some of them may have met a busy machine
			assertThat(delays.stream().sorted().toList().get(2)).isLessThan(Duration.ofSeconds(1));
		}
	}

	@Test
	void neverCallsTheHandlerOfOneThatWaitsBehindASlowOne() {
		try (TestConductor own = new TestConductor(CancellationWhileRunningIntegrationTests.class)) {
			CountDownLatch slow = mayEnd(UUID.randomUUID());
			own.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(1)),
					TaskSpec.of("work", Integer.class, (event, context) -> {
						called.add(context.executionId());
						if (event.payload(Integer.class) == 100) {
							await(slow);
						}
						return null;
					}))
				.start();
			own.conductor().invokeAll("work", IntStream.range(0, 100).mapToObj(Invoke::of).toList());
			Awaitility.await().atMost(LONG).until(() -> own.count("finished_execution") == 100);
			List<UUID> ids = own.conductor().invokeAll("work", IntStream.range(100, 110).mapToObj(Invoke::of).toList());
			UUID behind = Awaitility.await()
				.atMost(LONG)
				.until(() -> anyClaimedBehind(own, ids.get(0)), Objects::nonNull);

			assertThat(own.conductor().cancel(behind, "before it begins")).isTrue();

			own.await(behind, ExecutionState.CANCELLED);
			assertThat(own.conductor().find(ids.get(0)).orElseThrow().state()).isEqualTo(ExecutionState.RUNNING);
			slow.countDown();
			Awaitility.await().atMost(LONG).until(() -> own.count("execution") == 0);
			assertThat(ids).filteredOn((id) -> !called.contains(id)).containsExactly(behind);
			assertThat(own.count("finished_execution where state = 'completed'")).isEqualTo(109);
		}
	}

	private static UUID anyClaimedBehind(TestConductor own, UUID slow) {
		return own.sql(
				"select id from ${schema}.execution where claimed_by is not null and id <> ? order by random() limit 1")
			.param(slow)
			.query(UUID.class)
			.optional()
			.orElse(null);
	}

	@Test
	void endsWhatItRunsCancelledWhenTheNodeStops() {
		try (TestConductor own = new TestConductor(CancellationWhileRunningIntegrationTests.class)) {
			AtomicInteger calls = new AtomicInteger();
			Orchestrator node = own.node((builder) -> builder.shutdownTimeout(Duration.ofMillis(100)),
					TaskSpec.of("task", null, (event, context) -> {
						calls.incrementAndGet();
						started(context);
						new CountDownLatch(1).await();
						return null;
					}));
			node.start();
			UUID id = own.conductor().invoke("task", null);
			awaitStarted(id);

			own.transaction().executeWithoutResult((status) -> {
				own.sql("set local conductor.notify = off").update();
				assertThat(own.conductor().cancel(id, "just before the stop")).isTrue();
			});
			node.stop();

			Execution cancelled = own.conductor().find(id).orElseThrow();
			assertThat(cancelled.state()).isEqualTo(ExecutionState.CANCELLED);
			assertThat(cancelled.cancelReason()).isEqualTo("just before the stop");
			node.start();
			UUID next = own.conductor().invoke("task", null);
			awaitStarted(next);
			assertThat(calls).hasValue(2);
		}
	}

	@Test
	void endsCancelledWithoutAnotherRunWhenItsNodeHasDied() {
		try (TestConductor own = new TestConductor(CancellationWhileRunningIntegrationTests.class)) {
			TaskSpec task = TaskSpec.of("task", null, (event, context) -> called.add(context.executionId()));
			register(own, task);
			UUID first = claimedByADeadNode(own, 1);
			UUID last = claimedByADeadNode(own, 3);
			assertThat(own.conductor().cancel(first, "first attempt")).isTrue();
			assertThat(own.conductor().cancel(last, "last attempt")).isTrue();

			own.node((builder) -> builder.nodeTimeout(Duration.ofSeconds(2)), task).start();

			assertThat(own.await(first, ExecutionState.CANCELLED).cancelReason()).isEqualTo("first attempt");
			Execution cancelled = own.await(last, ExecutionState.CANCELLED);
			assertThat(cancelled.cancelReason()).isEqualTo("last attempt");
			assertThat(cancelled.attempt()).isEqualTo(3);
			assertThat(cancelled.error()).isNull();
			assertThat(called).doesNotContain(first, last);
			assertThat(own.count("execution")).isZero();
		}
	}

	@Test
	void endsCancelledWhenItsNodeHasDiedAlthoughNobodyServesItsTask() {
		try (TestConductor own = new TestConductor(CancellationWhileRunningIntegrationTests.class)) {
			register(own, TaskSpec.of("task", null, (event, context) -> null));
			UUID id = claimedByADeadNode(own, 1);
			assertThat(own.conductor().cancel(id, "first")).isTrue();

			own.node((builder) -> builder.nodeTimeout(Duration.ofSeconds(2)),
					TaskSpec.of("other", null, (event, context) -> null))
				.start();

			assertThat(own.await(id, ExecutionState.CANCELLED).cancelReason()).isEqualTo("first");
			assertThat(own.conductor().cancel(id, "second")).isFalse();
		}
	}

	@Test
	void countsAsCancelledBetweenTheDeathOfItsNodeAndItsEnd() {
		try (TestConductor own = new TestConductor(CancellationWhileRunningIntegrationTests.class)) {
			register(own, TaskSpec.of("task", null, (event, context) -> null));
			UUID id = claimedByADeadNode(own, 1);
			assertThat(own.conductor().cancel(id, "first")).isTrue();
			own.sql("update ${schema}.execution set claimed_by = null").update();

			assertThat(own.conductor().cancel(id, "second")).isFalse();

			assertThat(own.await(id, ExecutionState.CANCELLED).cancelReason()).isEqualTo("first");
		}
	}

	private static void register(TestConductor own, TaskSpec task) {
		Orchestrator registering = own.node(task);
		registering.start();
		registering.stop();
	}

	private static UUID claimedByADeadNode(TestConductor own, int attempt) {
		UUID id = own.conductor().invoke("task", null, InvokeOptions.defaults().maxAttempts(3));
		own.sql("""
				update ${schema}.execution set phase = 'due', claimed_by = ${schema}.uuid_v7(), claimed_at = now(),
				    claim_no = :attempt, attempt = :attempt
				where id = :id
				""").param("attempt", attempt).param("id", id).update();
		return id;
	}

}
