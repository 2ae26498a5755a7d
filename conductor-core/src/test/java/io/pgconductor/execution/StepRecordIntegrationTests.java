package io.pgconductor.execution;

import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import javax.sql.DataSource;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.Orchestrator;
import io.pgconductor.TaskContext;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.RecordingDataSource;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.UnreliableDataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * How steps are recorded: by how many statements, on whose connections, and what becomes
 * of records when connections, transactions or nodes are lost.
 */
class StepRecordIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(30);

	private static final String RECORD = ".step (execution_id";

	private final AtomicInteger runs = new AtomicInteger();

	private TestConductor test;

	private HikariDataSource enginePool;

	@BeforeEach
	void install() {
		this.test = new TestConductor(StepRecordIntegrationTests.class);
		this.enginePool = this.test.pool("engine", 5);
	}

	@AfterEach
	void close() {
		this.test.close();
		this.enginePool.close();
	}

	@Test
	void recordsEachStepOfAFirstAttemptByOneStatementAndReadsNothing() {
		RecordingDataSource engine = new RecordingDataSource(this.enginePool);
		List<List<String>> statements = new ArrayList<>();
		start(engine, (event, context) -> {
			engine.clear();
			for (int i = 0; i < 3; i++) {
				context.step("step " + i, this.runs::incrementAndGet);
			}
			statements.add(engine.executedHere());
			return null;
		});

		this.test.await(this.test.conductor().invoke("task", null), ExecutionState.COMPLETED);

		assertThat(statements.get(0)).hasSize(3).allMatch((sql) -> sql.contains("insert into") && sql.contains(RECORD));
	}

	@Test
	void readsAllStepsOfAResumedExecutionByOneQuery() {
		RecordingDataSource engine = new RecordingDataSource(this.enginePool);
		List<List<String>> statements = new ArrayList<>();
		start(engine, (event, context) -> {
			engine.clear();
			for (int i = 0; i < 3; i++) {
				context.step("step " + i, this.runs::incrementAndGet);
				context.sleep("nap " + i, Duration.ZERO);
			}
			context.step("last", this.runs::incrementAndGet);
			statements.add(engine.executedHere());
			return null;
		});

		this.test.await(this.test.conductor().invoke("task", null), ExecutionState.COMPLETED);

		assertThat(this.runs).hasValue(4);
		assertThat(statements.get(0)).hasSize(2);
		assertThat(statements.get(0).get(0)).contains("select").contains("from " + this.test.schema() + ".step");
		assertThat(statements.get(0).get(1)).contains("insert into").contains(RECORD);
	}

	@Test
	void asksNothingForAHandlerWithoutSteps() {
		RecordingDataSource engine = new RecordingDataSource(this.enginePool);
		List<String> statements = new ArrayList<>();
		start(engine, (event, context) -> {
			engine.clear();
			context.checkpoint();
			context.progress(0.5, null);
			statements.addAll(engine.executedHere());
			return failFirst(context);
		});

		Execution done = this.test.await(this.test.conductor().invoke("task", null), ExecutionState.COMPLETED);

		assertThat(done.attempt()).isEqualTo(2);
		assertThat(statements).isEmpty();
	}

	@Test
	void keepsTheRecordWhenTheHandlersTransactionIsRolledBack() {
		this.test.sql("create table ${schema}.effect (n int)").update();
		start(this.enginePool, (event, context) -> this.test.transaction().execute((status) -> {
			this.test.sql("insert into ${schema}.effect values (1)").update();
			int result = context.step("step", Integer.class, this.runs::incrementAndGet);
			failFirst(context);
			return result;
		}));

		Execution done = this.test.await(this.test.conductor().invoke("task", null), ExecutionState.COMPLETED);

		assertThat(this.runs).hasValue(1);
		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.result().asInt()).isOne();
		assertThat(this.test.count("effect")).isOne();
	}

	@Test
	void recordsStepsWhileHandlersHoldAllConnectionsOfTheApplication() {
		CountDownLatch holding = new CountDownLatch(10);
		start(this.enginePool, (event, context) -> this.test.transaction().execute((status) -> {
			this.test.sql("select 1").query(Integer.class).single();
			holding.countDown();
			awaitLatch(holding);
			return context.step("step", Integer.class, this.runs::incrementAndGet);
		}));

		List<UUID> ids = IntStream.range(0, 10).mapToObj((i) -> this.test.conductor().invoke("task", i)).toList();

		Awaitility.await().atMost(LONG).until(() -> this.runs.get() == 10);
		assertThat(ids).allMatch((id) -> this.test.await(id, ExecutionState.COMPLETED).attempt() == 1);
	}

	@Test
	void goesOnWhenTheAnswerToARecordIsLost() {
		UnreliableDataSource engine = new UnreliableDataSource(this.enginePool, RECORD);
		start(engine, (event, context) -> {
			engine.lose(1);
			context.step("first", this.runs::incrementAndGet);
			engine.lose(3);
			return context.step("second", Integer.class, this.runs::incrementAndGet);
		});

		Execution done = this.test.await(this.test.conductor().invoke("task", null), ExecutionState.COMPLETED);

		assertThat(engine.lost()).isEqualTo(4);
		assertThat(this.runs).hasValue(2);
		assertThat(done.attempt()).isOne();
		assertThat(done.result().asInt()).isEqualTo(2);
		assertThat(done.steps()).extracting(ExecutionStep::name).containsExactly("first", "second");
	}

	@Test
	void goesOnWhenTheAnswerToTheReadingOfStepsIsLost() {
		UnreliableDataSource engine = new UnreliableDataSource(this.enginePool, "select name, part, kind");
		start(engine, (event, context) -> {
			context.step("step", this.runs::incrementAndGet);
			engine.lose(1);
			context.sleep("nap", Duration.ZERO);
			return null;
		});

		Execution done = this.test.await(this.test.conductor().invoke("task", null), ExecutionState.COMPLETED);

		assertThat(engine.lost()).isOne();
		assertThat(this.runs).hasValue(1);
		assertThat(done.attempt()).isOne();
	}

	@Test
	void waitsWithARecordUntilTheDatabaseCanBeReached() {
		UnreliableDataSource engine = new UnreliableDataSource(this.enginePool, RECORD);
		AtomicInteger refused = new AtomicInteger();
		start(engine, (event, context) -> context.step("step", Integer.class, () -> {
			Thread handlerThread = Thread.currentThread();
			engine.onConnect(() -> {
				if (Thread.currentThread() == handlerThread && refused.incrementAndGet() <= 3) {
					throw new SQLException("The connection is refused");
				}
				return true;
			});
			return this.runs.incrementAndGet();
		}));

		Execution done = this.test.await(this.test.conductor().invoke("task", null), ExecutionState.COMPLETED);

		assertThat(refused).hasValueGreaterThan(3);
		assertThat(this.runs).hasValue(1);
		assertThat(done.attempt()).isOne();
		assertThat(done.steps()).hasSize(1);
	}

	@Test
	void recordsAStepDuringWhichTheExecutionTimedOutAndLeavesAtTheNext() {
		start(this.enginePool, (event, context) -> {
			context.step("long", () -> {
				if (this.runs.incrementAndGet() == 1) {
					catchThrowable(() -> new CountDownLatch(1).await());
				}
			});
			context.step("next", () -> assertThat(context.attempt()).isEqualTo(2));
			return null;
		}, TaskOptions.none().timeout(Duration.ofSeconds(1)));

		Execution done = this.test.await(this.test.conductor().invoke("task", null), ExecutionState.COMPLETED);

		assertThat(this.runs).hasValue(1);
		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.error().message()).contains("timeout");
	}

	@Test
	void recordsNoStepOnceAnotherNodeHasTheExecution() {
		CountDownLatch inStep = new CountDownLatch(1);
		CountDownLatch mayEnd = new CountDownLatch(1);
		AtomicBoolean wentOn = new AtomicBoolean();
		TaskHandler handler = (event, context) -> {
			boolean first = this.runs.incrementAndGet() == 1;
			String result = context.step("step", String.class, () -> {
				if (first) {
					inStep.countDown();
					awaitLatch(mayEnd);
				}
				return first ? "late" : "in time";
			});
			if (first) {
				wentOn.set(true);
			}
			return result;
		};
		Orchestrator stalled = start(this.enginePool, handler);
		UUID id = this.test.conductor().invoke("task", null);
		awaitLatch(inStep);

		declareDead(stalled);
		Execution done = this.test.await(id, ExecutionState.COMPLETED);
		mayEnd.countDown();
		stalled.stop();

		assertThat(wentOn).isFalse();
		assertThat(done.result().asString()).isEqualTo("in time");
		assertThat(done.attempt()).isEqualTo(2);
		assertThat(this.test.conductor().find(id)).contains(done);
		assertThat(done.steps()).extracting((step) -> step.result().asString()).containsExactly("in time");
	}

	@Test
	void recordsNoStepUnderAnEarlierClaim() {
		AtomicBoolean wentOn = new AtomicBoolean();
		CountDownLatch left = new CountDownLatch(1);
		start(this.enginePool, (event, context) -> {
			try {
				context.step("step",
						() -> this.test.sql("update ${schema}.execution set claim_no = claim_no + 1").update());
				wentOn.set(true);
			}
			finally {
				left.countDown();
			}
			return null;
		});

		this.test.conductor().invoke("task", null);
		awaitLatch(left);

		assertThat(wentOn).isFalse();
		assertThat(this.test.count("step")).isZero();
	}

	@Test
	void forgetsTheStepsOfWhatIsNotKept() {
		start(this.enginePool, (event, context) -> {
			context.step("step", this.runs::incrementAndGet);
			context.transaction("transaction", this.runs::incrementAndGet);
			if (context.attempt() == 1) {
				context.sleep("nap", Duration.ZERO);
			}
			return null;
		}, TaskOptions.none().removeOnComplete(Retention.AT_ONCE));

		this.test.conductor().invoke("task", null);

		Awaitility.await().atMost(LONG).until(() -> this.runs.get() == 2 && this.test.count("execution") == 0);
		assertThat(this.test.count("finished_execution")).isZero();
		assertThat(this.test.count("step")).isZero();
	}

	private Orchestrator start(DataSource engine, TaskHandler handler) {
		return start(engine, handler, TaskOptions.none());
	}

	private Orchestrator start(DataSource engine, TaskHandler handler, TaskOptions options) {
		TaskSpec task = TaskSpec.of("task", null, handler)
			.with(options.orElse(TaskOptions.none().retryPolicy(GivenHandlers.AT_ONCE)));
		// Its heartbeats come every second
		Orchestrator node = this.test.node(engine, (builder) -> builder.nodeTimeout(Duration.ofSeconds(6)), task);
		node.start();
		return node;
	}

	private void declareDead(Orchestrator node) {
		UUID id = node.info().id();
		Awaitility.await().atMost(LONG).pollInterval(Duration.ofMillis(10)).until(() -> {
			this.test.sql(
					"update ${schema}.node set alive_until = now() - interval '1 second' where id = ? and dead_at is null")
				.param(id)
				.update();
			return this.test.sql("select dead_at is not null from ${schema}.node where id = ?")
				.param(id)
				.query(Boolean.class)
				.single();
		});
	}

	private static Object failFirst(TaskContext context) {
		if (context.attempt() == 1) {
			throw new IllegalStateException("first");
		}
		return null;
	}

	private static void awaitLatch(CountDownLatch latch) {
		try {
			assertThat(latch.await(LONG.toSeconds(), TimeUnit.SECONDS)).isTrue();
		}
		catch (InterruptedException ex) {
			Awaitility.await().atMost(LONG).until(() -> latch.getCount() == 0);
		}
	}

}
