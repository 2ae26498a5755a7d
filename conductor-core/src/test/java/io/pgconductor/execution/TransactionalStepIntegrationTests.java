package io.pgconductor.execution;

import java.io.IOException;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.SchemaName;
import io.pgconductor.StepAction;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.dao.CannotAcquireLockException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.UnexpectedRollbackException;
import org.springframework.transaction.support.TransactionTemplate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * Steps that are one transaction with their record.
 */
class TransactionalStepIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(30);

	private static final GivenHandlers handlers = new GivenHandlers("task");

	private static final AtomicInteger numbers = new AtomicInteger();

	private static TestConductor test;

	private static JdbcClient outside;

	// Of each test's own, the mark of its effects
	private final int number = numbers.incrementAndGet();

	private final AtomicInteger runs = new AtomicInteger();

	@BeforeAll
	static void start() {
		test = new TestConductor(TransactionalStepIntegrationTests.class);
		test.sql("create table ${schema}.effect (test int, n int)").update();
		test.sql("create table ${schema}.account (test int, name text, amount int)").update();
		outside = JdbcClient.create(TestPostgres.shared().dataSource());
		test.node(handlers.task(), TaskSpec.of("other", null, (event, context) -> null)).start();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	@BeforeEach
	void openAccounts() {
		test.sql("insert into ${schema}.account values (:test, 'a', 0), (:test, 'b', 0)")
			.param("test", this.number)
			.update();
	}

	@Test
	void commitsItsEffectsAndItsRecordTogether() {
		AtomicReference<Execution> during = new AtomicReference<>();
		AtomicInteger effectsDuring = new AtomicInteger();
		UUID id = invoke((event, context) -> {
			Integer result = context.transaction("transfer", Integer.class, () -> {
				effect(1);
				effectsDuring.set(effects());
				during.set(test.conductor().find(context.executionId()).orElseThrow());
				return this.runs.incrementAndGet();
			});
			assertThat(effects()).isOne();
			failFirst(context.attempt());
			return result;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(effectsDuring).hasValue(0);
		assertThat(during.get().steps()).isEmpty();
		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.result().asInt()).isOne();
		assertThat(this.runs).hasValue(1);
		assertThat(effects()).isOne();
	}

	@Test
	void leavesNeitherWhenItsBodyThrows() {
		AtomicReference<Throwable> caught = new AtomicReference<>();
		IOException thrown = new IOException("checked");
		UUID id = invoke((event, context) -> {
			try {
				context.transaction("transfer", () -> {
					effect(1);
					if (this.runs.incrementAndGet() == 1) {
						throw thrown;
					}
				});
			}
			catch (IOException ex) {
				caught.set(ex);
				assertThat(effects()).isZero();
				assertThat(test.conductor().find(context.executionId()).orElseThrow().steps()).isEmpty();
				throw ex;
			}
			return null;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(caught.get()).isSameAs(thrown);
		assertThat(this.runs).hasValue(2);
		assertThat(effects()).isOne();
		assertThat(done.steps()).extracting(ExecutionStep::name).containsExactly("transfer");
	}

	@Test
	void leavesNeitherWhenItsResultIsTooLarge() {
		UUID id = invoke((event, context) -> context.transaction("transfer", String.class, () -> {
			effect(1);
			return "x".repeat(1024 * 1024);
		}));

		Execution failed = test.await(id, ExecutionState.FAILED);

		assertThat(failed.error().type()).isEqualTo(InvalidPayloadException.class.getName());
		assertThat(failed.error().message()).contains("result of step 'transfer'");
		assertThat(failed.steps()).isEmpty();
		assertThat(effects()).isZero();
	}

	@Test
	void joinsTheActiveTransaction() {
		UUID id = invoke((event, context) -> test.transaction().execute((status) -> {
			effect(1);
			context.transaction("transfer", () -> {
				this.runs.incrementAndGet();
				effect(2);
			});
			failFirst(context.attempt());
			return null;
		}));

		Execution done = test.await(id, ExecutionState.COMPLETED);

		// What was rolled back is to be done again
		assertThat(this.runs).hasValue(2);
		assertThat(effects()).isEqualTo(2);
		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.steps()).hasSize(1);
	}

	@Test
	void isJoinedByTransactionalServicesAndTheClient() {
		TransactionTemplate own = test.transaction();
		own.setPropagationBehavior(TransactionDefinition.PROPAGATION_REQUIRES_NEW);
		AtomicReference<UUID> invoked = new AtomicReference<>();
		UUID id = invoke((event, context) -> {
			context.transaction("transfer", () -> {
				test.transaction().executeWithoutResult((status) -> effect(1));
				own.executeWithoutResult((status) -> effect(context.attempt() * 100));
				invoked.set(test.conductor().invoke("other", null));
				failFirst(context.attempt());
			});
			return null;
		});
		test.await(id, ExecutionState.COMPLETED);

		assertThat(effectNumbers()).containsExactlyInAnyOrder(1, 100, 200);
		test.await(invoked.get(), ExecutionState.COMPLETED);
	}

	@Test
	void leavesNeitherWhenANestedServiceDemandsTheRollback() {
		UUID id = invoke((event, context) -> {
			context.transaction("transfer", () -> {
				effect(1);
				catchThrowable(() -> test.transaction().executeWithoutResult((status) -> {
					effect(2);
					failFirst(context.attempt());
				}));
			});
			return null;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.error().type()).isEqualTo(UnexpectedRollbackException.class.getName());
		assertThat(effectNumbers()).containsExactlyInAnyOrder(1, 2);
		assertThat(done.steps()).hasSize(1);
	}

	@Test
	void nests() {
		UUID id = invoke((event, context) -> {
			catchThrowable(() -> context.transaction("outer", () -> {
				context.transaction("inner", () -> effect(1));
				context.step("step", this.runs::incrementAndGet);
				failFirst(context.attempt());
			}));
			failFirst(context.attempt());
			return null;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(effects()).isOne();
		assertThat(this.runs).hasValue(1);
		assertThat(done.steps()).extracting(ExecutionStep::name).containsExactlyInAnyOrder("outer", "inner", "step");
	}

	@Test
	void isRepeatedAfterASerializationFailure() {
		UUID[] ids = invokeTwo((name, start) -> {
			test.sql("set transaction isolation level serializable").update();
			int sum = test.sql("select sum(amount) from ${schema}.account where test = ?")
				.param(this.number)
				.query(Integer.class)
				.single();
			start.run();
			test.sql("update ${schema}.account set amount = ? where test = ? and name = ?")
				.param(sum + 1)
				.param(this.number)
				.param(name)
				.update();
		});

		for (UUID id : ids) {
			assertThat(test.await(id, ExecutionState.COMPLETED).attempt()).isOne();
		}
		// One has seen what the other one did, as if it had come later
		assertThat(amounts()).containsExactlyInAnyOrder(1, 2);
		assertThat(this.runs).hasValueGreaterThan(2);
	}

	@Test
	void isRepeatedAfterADeadlock() {
		UUID[] ids = invokeTwo((name, start) -> {
			increment(name);
			start.run();
			increment(name.equals("a") ? "b" : "a");
		});

		for (UUID id : ids) {
			assertThat(test.await(id, ExecutionState.COMPLETED).attempt()).isOne();
		}
		assertThat(amounts()).containsExactly(2, 2);
		assertThat(this.runs).hasValueGreaterThan(2);
	}

	@Test
	void isRepeatedWithAllTheStepsWithin() {
		AtomicInteger steps = new AtomicInteger();
		UUID id = invoke((event, context) -> {
			context.step("before", steps::incrementAndGet);
			return context.transaction("transfer", Integer.class, () -> {
				int step = context.step("step", Integer.class, steps::incrementAndGet);
				context.transaction("inner", () -> effect(step));
				if (this.runs.incrementAndGet() < 3) {
					throw serializationFailure();
				}
				assertThat(catchThrowable(() -> context.step("before", steps::incrementAndGet)))
					.hasMessageContaining("used before");
				return step;
			});
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isOne();
		assertThat(this.runs).hasValue(3);
		assertThat(steps).hasValue(2);
		assertThat(effectNumbers()).containsExactly(2);
		assertThat(done.steps()).extracting(ExecutionStep::name)
			.containsExactlyInAnyOrder("before", "step", "inner", "transfer");
	}

	@Test
	void failsWhenItsRepetitionsAreInVain() {
		UUID id = invoke((event, context) -> {
			context.transaction("transfer", () -> {
				effect(1);
				this.runs.incrementAndGet();
				throw serializationFailure();
			});
			return null;
		}, InvokeOptions.defaults().maxAttempts(1));

		Execution failed = test.await(id, ExecutionState.FAILED);

		assertThat(failed.error().type()).isEqualTo(CannotAcquireLockException.class.getName());
		assertThat(this.runs).hasValue(10);
		assertThat(effects()).isZero();
	}

	@Test
	void isNotRepeatedInATransactionThatIsNotItsOwn() {
		UUID id = invoke((event, context) -> {
			test.transaction().executeWithoutResult((status) -> context.transaction("transfer", () -> {
				effect(1);
				if (this.runs.incrementAndGet() == 1) {
					throw serializationFailure();
				}
			}));
			return null;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isEqualTo(2);
		assertThat(this.runs).hasValue(2);
		assertThat(effects()).isOne();
	}

	@Test
	void isRolledBackWhenTheExecutionWasTakenOver() {
		AtomicBoolean wentOn = new AtomicBoolean();
		CountDownLatch left = new CountDownLatch(1);
		UUID id = invoke((event, context) -> {
			try {
				context.transaction("transfer", () -> {
					effect(1);
					outside.sql(sql("update ${schema}.execution set claim_no = claim_no + 1 where id = ?"))
						.param(context.executionId())
						.update();
				});
				wentOn.set(true);
			}
			finally {
				left.countDown();
			}
			return null;
		});

		awaitLatch(left);

		assertThat(wentOn).isFalse();
		assertThat(effects()).isZero();
		assertThat(test.conductor().find(id).orElseThrow().steps()).isEmpty();
	}

	@Test
	void isRolledBackByACancellationThatInterruptsIt() {
		CountDownLatch begun = new CountDownLatch(1);
		UUID id = invoke((event, context) -> {
			context.transaction("transfer", () -> {
				effect(1);
				begun.countDown();
				new CountDownLatch(1).await();
			});
			return null;
		});
		awaitLatch(begun);

		test.conductor().cancel(id, "enough");

		Execution cancelled = test.await(id, ExecutionState.CANCELLED);
		assertThat(cancelled.cancelReason()).isEqualTo("enough");
		assertThat(cancelled.steps()).isEmpty();
		assertThat(effects()).isZero();
	}

	@Test
	void happensOnceHoweverOftenTheExecutionIsTakenAway() {
		int size = 200;
		Orchestrator second = test.node(handlers.task());
		second.start();

		int invoked = 0;
		while (this.runs.get() < invoked + 30) {
			assertThat(invoked).as("Executions of which too few were taken away").isLessThan(20_000);
			int first = invoked;
			List<UUID> ids = new ArrayList<>();
			// All at once, so that many are held
			test.transaction()
				.executeWithoutResult(
						(status) -> IntStream.range(first, first + size).mapToObj((i) -> invoke((event, context) -> {
							this.runs.incrementAndGet();
							context.transaction("first", () -> effect(2 * i));
							LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
							context.transaction("second", () -> effect(2 * i + 1));
							return null;
						}, InvokeOptions.defaults().maxAttempts(1_000_000))).forEach(ids::add));
			AtomicBoolean over = new AtomicBoolean();
			CompletableFuture<Void> thief = CompletableFuture.runAsync(() -> takeAway(size, over));
			invoked += size;
			int effects = 2 * invoked;
			Awaitility.await().atMost(LONG).until(() -> thief.isDone() || effects() == effects);
			over.set(true);
			thief.orTimeout(30, TimeUnit.SECONDS).join();
			ids.forEach((id) -> test.await(id, ExecutionState.COMPLETED));
		}
		second.stop();

		assertThat(effectNumbers())
			.containsExactlyInAnyOrderElementsOf(IntStream.range(0, 2 * invoked).boxed().toList());
	}

	// As a rescue does with what a dead node holds
	private static void takeAway(int times, AtomicBoolean over) {
		int taken = 0;
		while (taken < times && !over.get()) {
			taken += outside.sql(sql("""
					with rescued as (
					    update ${schema}.execution set claimed_by = null, phase = 'due', waiting_for = null
					    where ctid = any (array (
					        select ctid from ${schema}.execution where claimed_by is not null and random() < 0.3
					        limit 1 for update skip locked))
					    returning queue
					)
					select count(*) + 0 * count(${schema}.wake('queue:' || queue)) from rescued
					""")).query(Integer.class).single();
		}
	}

	private UUID[] invokeTwo(Transfer transfer) {
		CyclicBarrier barrier = new CyclicBarrier(2);
		return List.of("a", "b").stream().map((name) -> {
			AtomicBoolean again = new AtomicBoolean();
			return invoke((event, context) -> {
				context.transaction("transfer", () -> {
					this.runs.incrementAndGet();
					transfer.run(name, () -> {
						if (!again.getAndSet(true)) {
							barrier.await(30, TimeUnit.SECONDS);
						}
					});
				});
				return null;
			});
		}).toArray(UUID[]::new);
	}

	@FunctionalInterface
	private interface Transfer {

		void run(String name, StepAction<Exception> awaitOther) throws Exception;

	}

	private static CannotAcquireLockException serializationFailure() {
		return new CannotAcquireLockException("test", new SQLException("could not serialize access", "40001"));
	}

	private void increment(String account) {
		test.sql("update ${schema}.account set amount = amount + 1 where test = ? and name = ?")
			.param(this.number)
			.param(account)
			.update();
	}

	private List<Integer> amounts() {
		return test.sql("select amount from ${schema}.account where test = ? order by name")
			.param(this.number)
			.query(Integer.class)
			.list();
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

	private static String sql(String sql) {
		return new SchemaName(test.schema()).sql(sql);
	}

	private static UUID invoke(TaskHandler handler) {
		return invoke(handler, InvokeOptions.defaults());
	}

	private static UUID invoke(TaskHandler handler, InvokeOptions options) {
		return handlers.invoke(test.conductor(), handler, options);
	}

	private static void failFirst(int attempt) {
		if (attempt == 1) {
			throw new IllegalStateException("first");
		}
	}

	private static void awaitLatch(CountDownLatch latch) {
		Awaitility.await().atMost(LONG).until(() -> latch.getCount() == 0);
	}

}
