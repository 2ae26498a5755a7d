package io.pgconductor.execution;

import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.SchemaName;
import io.pgconductor.TaskContext;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * Tasks whose attempts are one transaction with their completion.
 */
class TransactionalTaskIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(30);

	private static final TaskOptions TRANSACTIONAL = TaskOptions.none().transactional(true);

	private static final GivenHandlers handlers = new GivenHandlers("task");

	private static final GivenHandlers fleeting = new GivenHandlers("fleeting");

	private static final GivenHandlers hasty = new GivenHandlers("hasty");

	private static final GivenHandlers parents = new GivenHandlers("parent");

	private static final AtomicInteger numbers = new AtomicInteger();

	private static TestConductor test;

	private static JdbcClient outside;

	// Of each test's own, the mark of its effects
	private final int number = numbers.incrementAndGet();

	private final AtomicInteger runs = new AtomicInteger();

	@BeforeAll
	static void start() {
		test = new TestConductor(TransactionalTaskIntegrationTests.class);
		test.sql("create table ${schema}.effect (test int, n int)").update();
		test.sql("create table ${schema}.strict (n int unique deferrable initially deferred)").update();
		outside = JdbcClient.create(TestPostgres.shared().dataSource());
		test.node(tasks()).start();
	}

	private static TaskSpec[] tasks() {
		return new TaskSpec[] { handlers.task().with(TRANSACTIONAL),
				fleeting.task().with(TRANSACTIONAL.removeOnComplete(Retention.AT_ONCE).removeOnFail(Retention.AT_ONCE)),
				hasty.task().with(TRANSACTIONAL.timeout(Duration.ofSeconds(1))), parents.task(),
				TaskSpec.of("other", null, (event, context) -> null) };
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	@Test
	void commitsWithItsEffectsAndInvocations() {
		AtomicReference<UUID> invoked = new AtomicReference<>();
		List<Object> seen = new ArrayList<>();
		CountDownLatch mayLook = new CountDownLatch(1);
		UUID id = invoke((event, context) -> {
			effect(1);
			invoked.set(test.conductor().invoke("other", null));
			TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {

				@Override
				public void beforeCompletion() {
					seen.add(state(context.executionId()));
					seen.add(state(invoked.get()));
					seen.add(effects());
				}

				@Override
				public void afterCommit() {
					seen.add(state(context.executionId()));
					seen.add(effects());
					mayLook.countDown();
				}

			});
			return "done";
		});
		awaitLatch(mayLook);

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(seen).containsExactly("running", "none", 0, "completed", 1);
		assertThat(done.result().asString()).isEqualTo("done");
		assertThat(done.attempt()).isOne();
		test.await(invoked.get(), ExecutionState.COMPLETED);
	}

	@Test
	void leavesNothingOfAFailedAttempt() {
		List<UUID> invoked = new ArrayList<>();
		AtomicInteger steps = new AtomicInteger();
		UUID id = invoke((event, context) -> {
			effect(context.attempt());
			invoked.add(test.conductor().invoke("other", null));
			context.transaction("joined", () -> effect(context.attempt() * 10));
			int step = context.step("step", Integer.class, steps::incrementAndGet);
			failFirst(context);
			return step;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.error().message()).isEqualTo("first");
		assertThat(effectNumbers()).containsExactlyInAnyOrder(2, 20);
		assertThat(state(invoked.get(0))).isEqualTo("none");
		test.await(invoked.get(1), ExecutionState.COMPLETED);
		// Which was not part of the transaction
		assertThat(done.result().asInt()).isOne();
		assertThat(steps).hasValue(1);
		assertThat(done.steps()).extracting(ExecutionStep::name).containsExactlyInAnyOrder("joined", "step");
	}

	@Test
	void leavesNothingWhenItFailsForGood() {
		UUID id = invoke((event, context) -> {
			effect(1);
			throw new IllegalStateException("always");
		}, InvokeOptions.defaults().maxAttempts(2));

		Execution failed = test.await(id, ExecutionState.FAILED);

		assertThat(failed.attempt()).isEqualTo(2);
		assertThat(effects()).isZero();
	}

	@Test
	void failsWhenItsResultCannotBeStored() {
		UUID id = invoke((event, context) -> {
			effect(1);
			return "x".repeat(1024 * 1024);
		});

		Execution failed = test.await(id, ExecutionState.FAILED);

		assertThat(failed.error().message()).contains("result of task 'task'").contains("larger than");
		assertThat(effects()).isZero();
	}

	@Test
	void isRetriedWhenItsCommitFails() {
		test.sql("insert into ${schema}.strict values (?)").param(this.number).update();
		UUID id = invoke((event, context) -> {
			effect(1);
			if (context.attempt() == 1) {
				test.sql("insert into ${schema}.strict values (?)").param(this.number).update();
			}
			return null;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.error().stackTrace()).contains("strict_n_key");
		assertThat(effects()).isOne();
	}

	@Test
	void refusesToWait() {
		List<Throwable> thrown = new ArrayList<>();
		UUID id = invoke((event, context) -> {
			thrown.add(catchThrowable(() -> context.sleep("sleep", Duration.ZERO)));
			thrown.add(catchThrowable(() -> context.invoke("child", "other", null, String.class)));
			thrown.add(catchThrowable(() -> context.invokeAll("children", "other", List.of(1), String.class)));
			context.checkpoint();
			effect(1);
			return null;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(thrown).hasSize(3)
			.allSatisfy((ex) -> assertThat(ex).isInstanceOf(IllegalStateException.class)
				.hasMessageContaining("of task 'task' is within an active transaction"));
		assertThat(done.children()).isEmpty();
		assertThat(effects()).isOne();
	}

	@Test
	void isRepeatedAfterASerializationFailureWithoutSpendingAnAttempt() {
		AtomicInteger steps = new AtomicInteger();
		UUID id = invoke((event, context) -> {
			effect(this.runs.incrementAndGet());
			context.step("step", steps::incrementAndGet);
			context.transaction("joined", () -> effect(this.runs.get() * 10));
			if (this.runs.get() < 4) {
				throw new CannotAcquireLockException("test", new SQLException("could not serialize access", "40001"));
			}
			return context.attempt();
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isOne();
		assertThat(done.error()).isNull();
		assertThat(this.runs).hasValue(4);
		assertThat(steps).hasValue(1);
		assertThat(effectNumbers()).containsExactlyInAnyOrder(4, 40);
	}

	@Test
	void isRepeatedWhenItsCommitIsNotSerializable() {
		CountDownLatch bothHaveRead = new CountDownLatch(2);
		List<UUID> ids = List.of(1, 2).stream().map((n) -> invoke((event, context) -> {
			this.runs.incrementAndGet();
			test.sql("set transaction isolation level serializable").update();
			int count = test.sql("select count(*) from ${schema}.effect where test = ?")
				.param(this.number)
				.query(Integer.class)
				.single();
			bothHaveRead.countDown();
			awaitLatch(bothHaveRead);
			effect(count);
			return context.attempt();
		})).toList();

		for (UUID id : ids) {
			assertThat(test.await(id, ExecutionState.COMPLETED).result().asInt()).isOne();
		}
		assertThat(effectNumbers()).containsExactlyInAnyOrder(0, 1);
		assertThat(this.runs).hasValueGreaterThan(2);
	}

	@Test
	void isRolledBackWhenItIsCancelled() {
		CountDownLatch begun = new CountDownLatch(1);
		UUID id = invoke((event, context) -> {
			effect(1);
			begun.countDown();
			new CountDownLatch(1).await();
			return null;
		});
		awaitLatch(begun);

		assertThat(test.conductor().cancel(id, "enough")).isTrue();

		assertThat(test.await(id, ExecutionState.CANCELLED).cancelReason()).isEqualTo("enough");
		assertThat(effects()).isZero();
	}

	@Test
	void isRolledBackWhenItIsCancelledBeforeItCanBeTold() {
		UUID id = invoke((event, context) -> {
			effect(1);
			CompletableFuture.runAsync(() -> test.conductor().cancel(context.executionId(), "too late?")).join();
			return "done";
		});

		Execution cancelled = test.await(id, ExecutionState.CANCELLED);

		assertThat(cancelled.result()).isNull();
		assertThat(cancelled.cancelReason()).isEqualTo("too late?");
		assertThat(effects()).isZero();
	}

	@Test
	void isEitherCancelledOrCommitted() {
		int size = 150;
		List<UUID> ids = new ArrayList<>();
		List<Boolean> cancelled = new ArrayList<>();
		for (int i = 0; i < size; i++) {
			int n = i;
			UUID id = invoke((event, context) -> {
				effect(n);
				return null;
			});
			LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(ThreadLocalRandom.current().nextInt(6_000)));
			ids.add(id);
			cancelled.add(test.conductor().cancel(id));
		}

		Awaitility.await().atMost(LONG).until(() -> ids.stream().map(this::state).noneMatch("running"::equals));
		List<Integer> effects = effectNumbers();
		for (int i = 0; i < size; i++) {
			assertThat(state(ids.get(i))).isEqualTo(cancelled.get(i) ? "cancelled" : "completed");
			assertThat(effects.contains(i)).isEqualTo(!cancelled.get(i));
		}
		assertThat(effects).doesNotHaveDuplicates();
		assertThat(cancelled).contains(true, false);
	}

	@Test
	void isRolledBackWhenItTakesTooLong() {
		UUID id = hasty.invoke(test.conductor(), (event, context) -> {
			effect(context.attempt());
			if (context.attempt() == 1) {
				// It swallows its interruption
				catchThrowable(() -> new CountDownLatch(1).await());
			}
			return context.attempt();
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.error().message()).contains("timeout of PT1S");
		assertThat(effectNumbers()).containsExactly(2);
	}

	@Test
	void isRolledBackWhenItWasTakenOver() {
		CountDownLatch left = new CountDownLatch(1);
		UUID id = invoke((event, context) -> {
			effect(1);
			outside.sql(sql("update ${schema}.execution set claim_no = claim_no + 1 where id = ?"))
				.param(context.executionId())
				.update();
			TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {

				@Override
				public void afterCompletion(int status) {
					left.countDown();
				}

			});
			return null;
		});

		awaitLatch(left);

		assertThat(effects()).isZero();
		assertThat(state(id)).isEqualTo("running");
	}

	@Test
	void isRolledBackAndGivenBackAtAShutdown() {
		CountDownLatch begun = new CountDownLatch(1);
		GivenHandlers own = new GivenHandlers("own");
		Orchestrator node = test.node((builder) -> builder.shutdownTimeout(Duration.ZERO),
				own.task().with(TRANSACTIONAL));
		node.start();
		UUID id = own.invoke(test.conductor(), (event, context) -> {
			effect(this.runs.incrementAndGet());
			if (this.runs.get() == 1) {
				begun.countDown();
				new CountDownLatch(1).await();
			}
			return context.attempt();
		});
		awaitLatch(begun);

		node.stop();

		assertThat(state(id)).isEqualTo("ready");
		assertThat(effects()).isZero();
		node.start();
		assertThat(test.await(id, ExecutionState.COMPLETED).result().asInt()).isOne();
		assertThat(effectNumbers()).containsExactly(2);
		node.stop();
	}

	@Test
	void wakesItsParent() {
		UUID id = parents.invoke(test.conductor(), (event, context) -> {
			String one = context.invoke("one", "task", handlers.payload((childEvent, child) -> {
				effect(1);
				failFirst(child);
				return "one";
			}), String.class);
			List<Integer> many = context.invokeAll("many", "task",
					IntStream.range(2, 12).mapToObj((n) -> handlers.payload((childEvent, child) -> {
						effect(n);
						return n;
					})).toList(), Integer.class);
			return one + many;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.result().asString()).isEqualTo("one" + IntStream.range(2, 12).boxed().toList());
		assertThat(effectNumbers()).containsExactlyInAnyOrderElementsOf(IntStream.range(1, 12).boxed().toList());
		assertThat(done.children()).hasSize(11);
	}

	@Test
	void tellsItsParentThatItFailed() {
		UUID id = parents.invoke(test.conductor(), (event, context) -> {
			Throwable thrown = catchThrowable(
					() -> context.invoke("one", "task", handlers.payload((childEvent, child) -> {
						effect(1);
						throw new IllegalStateException("always");
					}), String.class));
			if (thrown instanceof Error suspension) {
				throw suspension;
			}
			return thrown.getMessage();
		});

		assertThat(test.await(id, ExecutionState.COMPLETED).result().asString()).contains("always");
		assertThat(effects()).isZero();
	}

	@Test
	void leavesNothingBehindThatIsNotKept() {
		AtomicReference<UUID> id = new AtomicReference<>();
		fleeting.invoke(test.conductor(), (event, context) -> {
			id.set(context.executionId());
			effect(1);
			context.step("step", this.runs::incrementAndGet);
			context.transaction("joined", this.runs::incrementAndGet);
			return "done";
		});

		Awaitility.await().atMost(LONG).until(() -> effects() == 1);

		assertThat(state(id.get())).isEqualTo("none");
		assertThat(test.sql("select count(*) from ${schema}.step where execution_id = ?")
			.param(id.get())
			.query(Integer.class)
			.single()).isZero();
	}

	@Test
	void leavesNothingBehindThatIsNotKeptWhenItIsAChild() {
		UUID id = parents.invoke(test.conductor(),
				(event, context) -> context.invoke("one", "fleeting", fleeting.payload((childEvent, child) -> {
					effect(1);
					return child.step("step", String.class, () -> "done");
				}), String.class));

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.result().asString()).isEqualTo("done");
		assertThat(done.children()).isEmpty();
		assertThat(effects()).isOne();
	}

	private void effect(int n) {
		test.sql("insert into ${schema}.effect values (?, ?)").param(this.number).param(n).update();
	}

	private int effects() {
		return effectNumbers().size();
	}

	private List<Integer> effectNumbers() {
		return outside.sql(sql("select n from ${schema}.effect where test = ?"))
			.param(this.number)
			.query(Integer.class)
			.list();
	}

	private String state(UUID id) {
		return outside.sql(sql("select state from ${schema}.executions where id = ?"))
			.param(id)
			.query(String.class)
			.optional()
			.orElse("none");
	}

	private static String sql(String sql) {
		return new SchemaName(test.schema()).sql(sql);
	}

	private static UUID invoke(TaskHandler handler) {
		return invoke(handler, InvokeOptions.defaults());
	}

	private static UUID invoke(TaskHandler handler, InvokeOptions options) {
		return handlers.invoke(test.conductor(), handler, options);
	}

	private static void failFirst(TaskContext context) {
		if (context.attempt() == 1) {
			throw new IllegalStateException("first");
		}
	}

	private static void awaitLatch(CountDownLatch latch) {
		Awaitility.await().atMost(LONG).pollInterval(Duration.ofMillis(5)).until(() -> latch.getCount() == 0);
	}

}
