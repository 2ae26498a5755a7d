package io.pgconductor.execution;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionProgress;
import io.pgconductor.ExecutionState;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.RecordingDataSource;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * How far an execution is, as its handler tells.
 */
class ProgressIntegrationTests {

	private static final String UPDATE = "set progress = ";

	private static final GivenHandlers handlers = new GivenHandlers("task");

	private static TestConductor test;

	private static HikariDataSource enginePool;

	private static RecordingDataSource engine;

	private final CountDownLatch mayEnd = new CountDownLatch(1);

	@BeforeAll
	static void start() {
		test = new TestConductor(ProgressIntegrationTests.class);
		enginePool = test.pool("engine", 5);
		engine = new RecordingDataSource(enginePool);
		test.node(engine, (builder) -> {
		}, handlers.task()).start();
	}

	@AfterAll
	static void stop() {
		test.close();
		enginePool.close();
	}

	@AfterEach
	void end() {
		this.mayEnd.countDown();
	}

	@Test
	void isVisibleWhileTheExecutionRuns() {
		UUID id = invoke((event, context) -> {
			context.progress(0.25, "1 of 4");
			this.mayEnd.await();
			return null;
		});

		Execution running = awaitProgress(id, 0.25);

		assertThat(running.state()).isEqualTo(ExecutionState.RUNNING);
		assertThat(running.progress().message()).isEqualTo("1 of 4");
		assertThat(test
			.sql("select progress || ' ' || progress_message || ' ' || state from ${schema}.executions where id = ?")
			.param(id)
			.query(String.class)
			.single()).isEqualTo("0.25 1 of 4 running");
		this.mayEnd.countDown();
		assertThat(test.await(id, ExecutionState.COMPLETED).progress()).isNull();
	}

	@Test
	void isUnknownUntilTheHandlerTells() {
		UUID id = invoke((event, context) -> {
			this.mayEnd.await();
			return null;
		});

		assertThat(test.await(id, ExecutionState.RUNNING).progress()).isNull();
	}

	@Test
	void isWrittenAFewTimesHoweverOftenTheHandlerTells() {
		engine.clear();
		UUID id = invoke((event, context) -> {
			for (int i = 1; i <= 1000; i++) {
				context.progress(i / 1000.0, i + " of 1000");
				LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
			}
			this.mayEnd.await();
			return null;
		});

		Execution told = awaitProgress(id, 1);

		assertThat(told.progress().message()).isEqualTo("1000 of 1000");
		long runMillis = Duration.between(told.startedAt(), now()).toMillis();
		assertThat(engine.executed(UPDATE)).hasSizeBetween(2, (int) (runMillis / 350) + 2);
	}

	@Test
	void isNotWrittenForWhatEndsAtOnce() {
		engine.clear();
		List<UUID> ids = new ArrayList<>();
		for (int i = 0; i < 50; i++) {
			ids.add(invoke((event, context) -> {
				for (int j = 0; j <= 100; j++) {
					context.progress(j / 100.0, null);
				}
				return null;
			}));
		}

		ids.forEach((id) -> test.await(id, ExecutionState.COMPLETED));

		// The watch may have come by
		assertThat(engine.executed(UPDATE)).hasSizeLessThan(15);
	}

	@Test
	void isKeptWhileTheExecutionWaits() {
		UUID id = invoke((event, context) -> {
			if (context.attempt() == 1) {
				context.progress(0.4, "asleep");
				context.sleep("night", Duration.ofHours(8));
			}
			return null;
		});

		assertThat(test.await(id, ExecutionState.WAITING).progress()).isEqualTo(new ExecutionProgress(0.4, "asleep"));
		assertThat(test.sql("select progress from ${schema}.executions where id = ?")
			.param(id)
			.query(Double.class)
			.single()).isEqualTo(0.4);
	}

	@Test
	void isKeptAcrossAResumptionThatTellsNothingAndAFailure() {
		UUID id = invoke((event, context) -> {
			if (context.attempt() == 1) {
				context.progress(0.4, null);
				context.sleep("nap", Duration.ZERO);
				throw new IllegalStateException("first");
			}
			this.mayEnd.await();
			return null;
		});

		Awaitility.await()
			.until(() -> find(id), (found) -> found.state() == ExecutionState.RUNNING && found.attempt() == 2);

		assertThat(find(id).progress()).isEqualTo(new ExecutionProgress(0.4, null));
	}

	@Test
	void takesAnyMessage() {
		assertThat(messageOf("NUL \u0000 in it")).isEqualTo("NUL \uFFFD in it");
		assertThat(messageOf("🦆 \"quoted\" O'Brien \\ {1} \n")).isEqualTo("🦆 \"quoted\" O'Brien \\ {1} \n");
		assertThat(messageOf("")).isEmpty();
		assertThat(messageOf("x".repeat(1000))).isEqualTo("x".repeat(1000));
		assertThat(messageOf("x".repeat(100_000))).hasSizeBetween(1000, 1001).startsWith("x".repeat(999));
	}

	@Test
	void takesAMessageThatIsCutWithinACharacterOrIsNoText() {
		assertThat(messageOf("x".repeat(999) + "🦆")).startsWith("x".repeat(999)).hasSizeBetween(999, 1001);
		assertThat(messageOf("half a duck: \uD83E.")).startsWith("half a duck: ").endsWith(".");
	}

	@Test
	void refusesWhatIsNoFraction() {
		List<Throwable> thrown = new ArrayList<>();
		UUID id = invoke((event, context) -> {
			for (double fraction : new double[] { -0.001, 1.001, Double.NaN, Double.POSITIVE_INFINITY, 40 }) {
				thrown.add(catchThrowable(() -> context.progress(fraction, null)));
			}
			context.progress(-0.0, "");
			context.progress(0, "");
			context.progress(1, "");
			return null;
		});

		test.await(id, ExecutionState.COMPLETED);

		assertThat(thrown).hasSize(5)
			.allSatisfy((ex) -> assertThat(ex).isInstanceOf(IllegalArgumentException.class)
				.hasMessageContaining("progress must be from 0 to 1"));
		assertThat(thrown.get(4)).hasMessageContaining("40");
	}

	@Test
	void isToldWithinAStepAndATransaction() {
		UUID id = invoke((event, context) -> {
			context.step("step", () -> context.progress(0.3, "in the step"));
			test.transaction().executeWithoutResult((status) -> {
				context.progress(0.6, "in the transaction");
				Awaitility.await().until(() -> find(context.executionId()).progress() != null);
				status.setRollbackOnly();
			});
			this.mayEnd.await();
			return null;
		});

		assertThat(awaitProgress(id, 0.6).progress().message()).isEqualTo("in the transaction");
	}

	@Test
	void isNotWrittenUnderAnEarlierClaim() {
		engine.clear();
		UUID id = invoke((event, context) -> {
			test.sql("update ${schema}.execution set claim_no = claim_no + 1 where id = ?")
				.param(context.executionId())
				.update();
			context.progress(0.9, "late");
			this.mayEnd.await();
			return null;
		});

		Awaitility.await().until(() -> !engine.executed(UPDATE).isEmpty());

		assertThat(find(id).progress()).isNull();
	}

	private String messageOf(String message) {
		UUID id = invoke((event, context) -> {
			context.progress(0.5, message);
			context.sleep("night", Duration.ofHours(8));
			return null;
		});
		return test.await(id, ExecutionState.WAITING).progress().message();
	}

	private static Execution awaitProgress(UUID id, double fraction) {
		return Awaitility.await()
			.until(() -> find(id), (found) -> found.progress() != null && found.progress().fraction() == fraction);
	}

	private static Instant now() {
		return test.sql("select ${schema}.now()").query(OffsetDateTime.class).single().toInstant();
	}

	private static Execution find(UUID id) {
		return test.conductor().find(id).orElseThrow();
	}

	private static UUID invoke(TaskHandler handler) {
		return handlers.invoke(test.conductor(), handler);
	}

}
