package io.pgconductor.execution;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.InvokeOptions;
import io.pgconductor.NonRetryableException;
import io.pgconductor.SuspensionSignal;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * How executions wait, and go on.
 */
class SuspensionIntegrationTests {

	private static final GivenHandlers handlers = new GivenHandlers("task");

	private static final GivenHandlers hasty = new GivenHandlers("hasty");

	private static final Duration TIMEOUT = Duration.ofSeconds(2);

	private static TestConductor test;

	private static Duration ahead = Duration.ZERO;

	private final AtomicInteger runs = new AtomicInteger();

	@BeforeAll
	static void start() {
		test = new TestConductor(SuspensionIntegrationTests.class);
		test.node(handlers.task(), hasty.task().with(TaskOptions.none().timeout(TIMEOUT)),
				TaskSpec.of("child", null, (event, context) -> "grown up"))
			.start();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	@Test
	void sleepsAndGoesOn() {
		UUID id = invoke((event, context) -> {
			this.runs.incrementAndGet();
			context.sleep("night", Duration.ofHours(8));
			return "morning";
		});
		Execution asleep = test.await(id, ExecutionState.WAITING);

		assertThat(Duration.between(asleep.startedAt(), asleep.runAt())).isBetween(Duration.ofHours(8),
				Duration.ofHours(8).plusSeconds(20));
		assertThat(asleep.steps()).isEmpty();
		assertThat(asleep.waitingFor()).isEqualTo("sleep");
		assertThat(waitingFor(id)).isEqualTo("sleep");
		travel(Duration.ofHours(7));
		assertThat(test.conductor().find(id)).contains(asleep);
		travel(Duration.ofHours(1).plusSeconds(1));
		Execution awake = test.await(id, ExecutionState.COMPLETED);

		assertThat(this.runs).hasValue(2);
		assertThat(awake.result().asString()).isEqualTo("morning");
		assertThat(awake.waitingFor()).isNull();
		assertThat(awake.steps()).singleElement()
			.satisfies((step) -> assertThat(step.name()).isEqualTo("night"))
			.satisfies((step) -> assertThat(OffsetDateTime.parse(step.result().asString()).toInstant())
				.isEqualTo(asleep.runAt())
				.isEqualTo(step.finishedAt()));
	}

	@Test
	void sleepsUntilATime() {
		Instant end = now().plus(Duration.ofDays(3)).plusNanos(123_456_000);
		UUID id = invoke((event, context) -> {
			this.runs.incrementAndGet();
			context.sleepUntil("weekend", end);
			return context.now().isBefore(end);
		});

		assertThat(test.await(id, ExecutionState.WAITING).runAt().getEpochSecond()).isEqualTo(end.getEpochSecond());
		travel(Duration.ofDays(3).plusSeconds(1));

		assertThat(test.await(id, ExecutionState.COMPLETED).result().asBoolean()).isFalse();
		assertThat(this.runs).hasValue(2);
	}

	@Test
	void doesNotSleepUntilATimeThatIsPast() {
		UUID id = invoke((event, context) -> {
			this.runs.incrementAndGet();
			context.sleepUntil("past", context.now().minusNanos(1));
			context.sleepUntil("ancient", Instant.parse("0001-01-01T00:00:00Z"));
			return null;
		});

		assertThat(test.await(id, ExecutionState.COMPLETED).steps()).isEmpty();
		assertThat(this.runs).hasValue(1);
	}

	@Test
	void sleepsOnWhenItIsWokenTooEarly() {
		UUID id = invoke((event, context) -> {
			this.runs.incrementAndGet();
			context.sleep("night", Duration.ofHours(8));
			return null;
		});
		Execution asleep = test.await(id, ExecutionState.WAITING);

		test.sql("update ${schema}.execution set phase = 'due' where id = ?").param(id).update();

		Awaitility.await().until(() -> this.runs.get() == 2);
		assertThat(test.await(id, ExecutionState.WAITING).runAt()).isEqualTo(asleep.runAt());
		travel(Duration.ofHours(8).plusSeconds(1));
		assertThat(test.await(id, ExecutionState.COMPLETED).attempt()).isOne();
		assertThat(this.runs).hasValue(3);
	}

	@Test
	void countsNoResumptionAsAnAttempt() {
		List<Integer> attempts = new ArrayList<>();
		UUID id = invoke((event, context) -> {
			attempts.add(context.attempt());
			for (int i = 0; i < 5; i++) {
				context.sleep("nap " + i, Duration.ZERO);
			}
			context.invoke("child", "child", null, String.class);
			return null;
		}, InvokeOptions.defaults().maxAttempts(1));

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(attempts).hasSize(7).containsOnly(1);
		assertThat(done.attempt()).isOne();
		assertThat(done.steps()).extracting(ExecutionStep::name)
			.containsExactly("nap 0", "nap 1", "nap 2", "nap 3", "nap 4", "child");
	}

	@Test
	void countsAFailureAfterAResumptionOnce() {
		List<String> attempts = new ArrayList<>();
		UUID id = invoke((event, context) -> {
			attempts.add("run " + context.attempt());
			context.sleep("first", Duration.ZERO);
			if (context.attempt() < 3) {
				attempts.add("fail " + context.attempt());
				throw new IllegalStateException("attempt " + context.attempt());
			}
			context.sleep("second", Duration.ZERO);
			return null;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isEqualTo(3);
		assertThat(attempts).containsExactly("run 1", "run 1", "fail 1", "run 2", "fail 2", "run 3", "run 3");
	}

	@Test
	void passesNothingButItsSignalThroughTheHandler() {
		List<String> passed = new ArrayList<>();
		AtomicReference<Throwable> signal = new AtomicReference<>();
		UUID id = invoke((event, context) -> {
			try {
				context.sleep("nap", Duration.ZERO);
				passed.add("woken");
			}
			catch (Exception ex) {
				passed.add("exception");
			}
			catch (Error ex) {
				signal.set(ex);
				throw ex;
			}
			finally {
				passed.add("finally");
			}
			return null;
		});

		test.await(id, ExecutionState.COMPLETED);

		assertThat(passed).containsExactly("finally", "woken", "finally");
		assertThat(signal.get()).isInstanceOf(SuspensionSignal.class)
			.hasMessageContaining("suspended at sleep 'nap'")
			.hasMessageContaining(id.toString());
		assertThat(signal.get().getStackTrace()).isEmpty();
	}

	@Test
	void failsAtOnceWhenItsSignalIsSwallowed() {
		UUID id = invoke((event, context) -> {
			this.runs.incrementAndGet();
			catchThrowable(() -> context.sleep("nap", Duration.ofHours(1)));
			return "as if nothing had happened";
		});

		Execution failed = test.await(id, ExecutionState.FAILED);

		assertThat(this.runs).hasValue(1);
		assertThat(failed.attempt()).isOne();
		assertThat(failed.result()).isNull();
		assertThat(failed.steps()).isEmpty();
		assertThat(failed.error().type()).isEqualTo(NonRetryableException.class.getName());
		assertThat(failed.error().message()).contains("The handler of Task 'task'")
			.contains("SuspensionSignal")
			.contains("let it pass")
			.contains("Throwable");
	}

	@Test
	void failsAtOnceWhenItsSignalIsReplaced() {
		UUID id = invoke((event, context) -> {
			try {
				return context.invoke("child", "child", null, String.class);
			}
			finally {
				close();
			}
		});

		Execution failed = test.await(id, ExecutionState.FAILED);

		assertThat(failed.attempt()).isOne();
		assertThat(failed.error().message()).contains("SuspensionSignal");
		assertThat(failed.error().stackTrace()).contains("Caused by: java.lang.IllegalStateException: cannot close");
		assertThat(failed.children()).isEmpty();
	}

	private static void close() {
		throw new IllegalStateException("cannot close");
	}

	@Test
	void isSuspendedByASignalThatIsWrapped() {
		UUID id = invoke((event, context) -> {
			try {
				context.sleep("nap", Duration.ZERO);
			}
			catch (Throwable ex) {
				throw new CompletionException(new IllegalStateException("wrapped twice", ex));
			}
			return "woken";
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.result().asString()).isEqualTo("woken");
		assertThat(done.attempt()).isOne();
		assertThat(done.error()).isNull();
	}

	@Test
	void throwsTheSameSignalAtEveryFurtherCall() {
		List<Throwable> thrown = new ArrayList<>();
		UUID id = invoke((event, context) -> {
			try {
				context.sleep("nap", Duration.ZERO);
				return "woken";
			}
			catch (SuspensionSignal ex) {
				thrown.add(ex);
				thrown.add(catchThrowable(() -> context.step("step", this.runs::incrementAndGet)));
				thrown.add(catchThrowable(() -> context.transaction("transaction", this.runs::incrementAndGet)));
				thrown.add(catchThrowable(() -> context.sleep("nap", Duration.ZERO)));
				thrown.add(catchThrowable(() -> context.sleepUntil("past", Instant.EPOCH)));
				thrown.add(catchThrowable(() -> context.invoke("child", "child", null, String.class)));
				thrown.add(catchThrowable(() -> context.invokeAll("all", "child", List.of(), String.class)));
				thrown.add(catchThrowable(context::checkpoint));
				thrown.add(catchThrowable(() -> context.progress(0.5, "too late")));
				thrown.add(catchThrowable(() -> context.cancel(context.executionId(), "too late")));
				throw ex;
			}
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(thrown).hasSize(10).allMatch((ex) -> ex == thrown.get(0));
		assertThat(this.runs).hasValue(0);
		assertThat(done.steps()).extracting(ExecutionStep::name).containsExactly("nap");
		assertThat(done.children()).isEmpty();
	}

	@Test
	void refusesToWaitInAnActiveTransaction() {
		List<Throwable> thrown = new ArrayList<>();
		UUID id = invoke((event, context) -> {
			test.transaction().executeWithoutResult((status) -> {
				thrown.add(catchThrowable(() -> context.sleep("sleep", Duration.ZERO)));
				thrown.add(catchThrowable(() -> context.sleepUntil("past", Instant.EPOCH)));
				thrown.add(catchThrowable(() -> context.invoke("child", "child", null, String.class)));
				thrown.add(catchThrowable(() -> context.invokeAll("all", "child", List.of(1), String.class)));
			});
			context.sleep("sleep", Duration.ZERO);
			return null;
		});

		test.await(id, ExecutionState.COMPLETED);

		assertThat(thrown).hasSize(8)
			.allSatisfy((ex) -> assertThat(ex).isInstanceOf(IllegalStateException.class)
				.hasMessageContaining("of task 'task' is within an active transaction")
				.hasMessageContaining("ctx.transaction"));
		assertThat(thrown.get(0)).hasMessageContaining("sleep 'sleep'");
		assertThat(thrown.get(2)).hasMessageContaining("invoke 'child'");
	}

	@Test
	void limitsTheTimeOfEachRunAndNotOfTheWhole() {
		UUID id = hasty.invoke(test.conductor(), (event, context) -> {
			for (int i = 0; i < 3; i++) {
				context.step("work " + i,
						() -> catchThrowable(() -> new CountDownLatch(1).await(800, TimeUnit.MILLISECONDS)));
				context.sleep("nap " + i, Duration.ZERO);
			}
			return null;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(Duration.between(done.createdAt(), done.finishedAt())).isGreaterThan(TIMEOUT);
		assertThat(done.attempt()).isOne();
		assertThat(done.error()).isNull();
	}

	@Test
	void limitsTheTimeOfAResumedRun() {
		UUID id = hasty.invoke(test.conductor(), (event, context) -> {
			context.sleep("nap", Duration.ZERO);
			if (context.attempt() == 1) {
				new CountDownLatch(1).await();
			}
			return null;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.error().message()).contains("timeout of " + TIMEOUT);
	}

	@Test
	void sleepsAlthoughItsTimeIsOverWhenItGoesToSleep() {
		UUID id = hasty.invoke(test.conductor(), (event, context) -> {
			try {
				context.sleep("nap", Duration.ZERO);
			}
			catch (SuspensionSignal ex) {
				catchThrowable(() -> new CountDownLatch(1).await());
				throw ex;
			}
			return null;
		});

		assertThat(test.await(id, ExecutionState.COMPLETED).attempt()).isOne();
	}

	@Test
	void describesEachRunInTheMdc() {
		List<Map<String, String>> seen = new ArrayList<>();
		UUID id = invoke((event, context) -> {
			seen.add(MDC.getCopyOfContextMap());
			context.sleep("nap", Duration.ZERO);
			if (context.attempt() == 1) {
				throw new IllegalStateException("first");
			}
			return context.logger().getName();
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		Map<String, String> first = Map.of("conductor.execution", id.toString(), "conductor.task", "task",
				"conductor.queue", "default", "conductor.attempt", "1");
		assertThat(seen).hasSize(3);
		assertThat(seen.get(0)).isEqualTo(first);
		assertThat(seen.get(1)).isEqualTo(first);
		assertThat(seen.get(2)).isNotEqualTo(first).containsEntry("conductor.attempt", "2");
		assertThat(done.result().asString()).isEqualTo("io.pgconductor.task.task");
	}

	@Test
	void tellsTheDatabasesTime() {
		// The machine may be slow, but not by days
		travel(Duration.ofDays(10));
		UUID id = invoke((event, context) -> {
			context.sleep("nap", Duration.ZERO);
			return Duration.between(context.now(), now()).abs().toMinutes();
		});

		assertThat(test.await(id, ExecutionState.COMPLETED).result().asInt()).isZero();
	}

	private static String waitingFor(UUID id) {
		return test.sql("select waiting_for from ${schema}.executions where id = ?")
			.param(id)
			.query(String.class)
			.single();
	}

	private static Instant now() {
		return test.sql("select ${schema}.now()").query(OffsetDateTime.class).single().toInstant();
	}

	private static void travel(Duration further) {
		ahead = ahead.plus(further);
		test.travel(ahead);
	}

	private static UUID invoke(TaskHandler handler) {
		return invoke(handler, InvokeOptions.defaults());
	}

	private static UUID invoke(TaskHandler handler, InvokeOptions options) {
		return handlers.invoke(test.conductor(), handler, options);
	}

}
