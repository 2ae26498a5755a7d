package io.pgconductor.worker;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.NonRetryableException;
import io.pgconductor.RetryAfterException;
import io.pgconductor.TaskContext;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.assertj.core.data.Offset;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * How attempts end, and what follows.
 */
class AttemptIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(30);

	private static final RetryPolicy AT_ONCE = new RetryPolicy(List.of(Duration.ZERO), 0, Set.of());

	private final AtomicInteger runs = new AtomicInteger();

	private TestConductor test;

	enum Colour {

		RED, GREEN

	}

	record Painting(Colour colour, int width) {
	}

	@JsonTypeInfo(use = JsonTypeInfo.Id.CLASS)
	interface Shape {

	}

	record Circle(int radius) implements Shape {
	}

	@BeforeEach
	void install() {
		this.test = new TestConductor(AttemptIntegrationTests.class);
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void retriesOnTheDefaultScheduleByTheTimeOfTheDatabase() {
		start(TaskSpec.of("task", null, this::fail));
		UUID id = this.test.conductor().invoke("task", null, InvokeOptions.defaults().maxAttempts(12));
		List<Duration> schedule = List.of(Duration.ofSeconds(15), Duration.ofSeconds(30), Duration.ofMinutes(1),
				Duration.ofMinutes(2), Duration.ofMinutes(5), Duration.ofMinutes(10), Duration.ofMinutes(20),
				Duration.ofMinutes(40), Duration.ofHours(1), Duration.ofHours(2), Duration.ofHours(2));
		Duration travelled = Duration.ZERO;

		for (int i = 0; i < schedule.size(); i++) {
			int attempt = i + 1;
			Awaitility.await()
				.atMost(LONG)
				.until(() -> find(id).attempt() == attempt && find(id).state() == ExecutionState.SCHEDULED);
			Duration delay = Duration.ofMillis(this.test.sql("""
					select extract(epoch from run_at - ${schema}.now()) * 1000
					from ${schema}.execution""").query(Long.class).single());
			assertThat(delay.toMillis()).isCloseTo(schedule.get(i).toMillis(),
					Offset.offset(schedule.get(i).toMillis() / 10 + 10_000));
			assertThat(find(id).error().message()).isEqualTo("test " + attempt);
			travelled = travelled.plus(delay).plusSeconds(1);
			this.test.travel(travelled);
			wakePromoter();
		}

		Execution failed = this.test.await(id, ExecutionState.FAILED);
		assertThat(failed.attempt()).isEqualTo(12);
		assertThat(this.runs).hasValue(12);
	}

	@Test
	void storesTheErrorWithItsTypeMessageAndABoundedTrace() {
		start(TaskSpec.of("task", null, (event, context) -> recurse(5000)));
		UUID id = this.test.conductor().invoke("task", null, InvokeOptions.defaults().maxAttempts(1));

		Execution failed = this.test.await(id, ExecutionState.FAILED);

		assertThat(failed.error().type()).isEqualTo(IOException.class.getName());
		assertThat(failed.error().message()).startsWith("deep ").hasSizeLessThan(5000);
		assertThat(failed.error().stackTrace()).contains("AttemptIntegrationTests.recurse").hasSizeLessThan(20_000);
		assertThat(failed.result()).isNull();
	}

	@Test
	void endsAtOnceWhatIsNotToBeRetried() {
		start(TaskSpec.of("non-retryable", null, (event, context) -> {
			throw new NonRetryableException("never");
		}), TaskSpec.of("excluded", null, (event, context) -> {
			throw new IllegalArgumentException("excluded");
		}).with(options(AT_ONCE.withNoRetryFor(Set.of(RuntimeException.class)), null)));
		UUID nonRetryable = this.test.conductor().invoke("non-retryable", null);
		UUID excluded = this.test.conductor().invoke("excluded", null);

		assertThat(this.test.await(nonRetryable, ExecutionState.FAILED).attempt()).isOne();
		Execution failed = this.test.await(excluded, ExecutionState.FAILED);
		assertThat(failed.attempt()).isOne();
		assertThat(failed.error().type()).isEqualTo(IllegalArgumentException.class.getName());
	}

	@Test
	void retriesWhenTheFailureSaysSo() {
		start(TaskSpec.of("task", null, (event, context) -> {
			throw new RetryAfterException(Duration.ofHours(3));
		}));
		UUID id = this.test.conductor().invoke("task", null);

		Execution scheduled = this.test.await(id, ExecutionState.SCHEDULED);

		assertThat(scheduled.runAt()).isBetween(Instant.now().plus(Duration.ofMinutes(170)),
				Instant.now().plus(Duration.ofMinutes(190)));
		assertThat(scheduled.attempt()).isOne();
	}

	@Test
	void failsAPayloadThatCannotBeReadAndGoesOn() {
		start(TaskSpec.of("paint", Painting.class, (event, context) -> this.runs.incrementAndGet()),
				TaskSpec.of("draw", Shape.class, (event, context) -> this.runs.incrementAndGet()));
		UUID removedConstant = sqlInvoke("paint", "{\"colour\": \"BLUE\", \"width\": 1}");
		UUID otherType = sqlInvoke("paint", "[1, 2]");
		UUID removedClass = sqlInvoke("draw", "{\"@class\": \"io.pgconductor.Removed\", \"radius\": 1}");
		UUID good = this.test.conductor().invoke("paint", new Painting(Colour.RED, 2));
		UUID alsoGood = this.test.conductor().invoke("draw", new Circle(2));

		Execution failed = this.test.await(removedConstant, ExecutionState.FAILED);
		assertThat(failed.attempt()).isOne();
		assertThat(failed.error().type()).isEqualTo("io.pgconductor.InvalidPayloadException");
		assertThat(failed.error().message()).contains("payload of task 'paint'").contains("BLUE").contains("colour");
		assertThat(this.test.await(otherType, ExecutionState.FAILED).error().message()).contains("Painting");
		assertThat(this.test.await(removedClass, ExecutionState.FAILED).error().message())
			.contains("payload of task 'draw'")
			.contains("io.pgconductor.Removed");
		this.test.await(good, ExecutionState.COMPLETED);
		this.test.await(alsoGood, ExecutionState.COMPLETED);
		assertThat(this.runs).hasValue(2);
	}

	@Test
	void failsOnErrorsOfTheVirtualMachineToo() {
		start(TaskSpec.of("task", null, (event, context) -> {
			throw (this.runs.incrementAndGet() % 2 == 0) ? new NoClassDefFoundError("gone")
					: new StackOverflowError("deep");
		}).with(options(AT_ONCE, null)));

		UUID id = this.test.conductor().invoke("task", null);

		assertThat(this.test.await(id, ExecutionState.FAILED).attempt()).isEqualTo(3);
		assertThat(find(id).error().type()).isEqualTo(StackOverflowError.class.getName());
	}

	@Test
	void failsWhatThrowsAnExceptionThatCannotBeDescribed() {
		start(TaskSpec.of("task", null, (event, context) -> {
			throw new RuntimeException() {

				@Override
				public String getMessage() {
					throw new IllegalStateException("no message");
				}

				@Override
				public String toString() {
					throw new IllegalStateException("no description");
				}

			};
		}), TaskSpec.of("other", null, (event, context) -> null));

		UUID id = this.test.conductor().invoke("task", null);

		this.test.await(id, ExecutionState.FAILED);
		this.test.await(this.test.conductor().invoke("other", null), ExecutionState.COMPLETED);
	}

	@Test
	void interruptsAnAttemptThatTakesTooLongAndCountsIt() {
		AtomicReference<Throwable> interruption = new AtomicReference<>();
		start(TaskSpec.of("task", null, (event, context) -> {
			if (context.attempt() == 2) {
				return "quick";
			}
			try {
				new CountDownLatch(1).await();
			}
			catch (InterruptedException ex) {
				interruption.set(ex);
				throw ex;
			}
			return "never";
		}).with(options(AT_ONCE, Duration.ofMillis(200))));
		UUID id = this.test.conductor().invoke("task", null);

		Execution completed = this.test.await(id, ExecutionState.COMPLETED);

		assertThat(completed.attempt()).isEqualTo(2);
		assertThat(completed.result().asString()).isEqualTo("quick");
		assertThat(interruption.get()).isInstanceOf(InterruptedException.class);
		assertThat(completed.error().type()).isEqualTo("java.util.concurrent.TimeoutException");
		assertThat(completed.error().message()).contains("timeout of PT0.2S");
	}

	@Test
	void neverInterruptsTheNextExecutionOnTheThread() {
		AtomicInteger leaks = new AtomicInteger();
		TaskSpec edgy = TaskSpec.of("edgy", null, (event, context) -> {
			// About as long as its timeout: sometimes it is interrupted, sometimes just
			// not
			long nanos = TimeUnit.MICROSECONDS.toNanos(ThreadLocalRandom.current().nextInt(3000, 7000));
			for (long end = System.nanoTime() + nanos; System.nanoTime() < end;) {
				Thread.onSpinWait();
			}
			return null;
		}).with(TaskOptions.none().maxAttempts(1).timeout(Duration.ofMillis(5)));
		TaskSpec innocent = TaskSpec.of("innocent", null, (event, context) -> {
			if (Thread.currentThread().isInterrupted()) {
				leaks.incrementAndGet();
			}
			LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
			if (Thread.interrupted()) {
				leaks.incrementAndGet();
			}
			// Nor does what a handler leaves behind reach the next one
			Thread.currentThread().interrupt();
			return null;
		});
		this.test
			.node((builder) -> builder.virtualThreads(false).defaultWorker(WorkerOptions.DEFAULT.withConcurrency(2)),
					edgy, innocent)
			.start();
		this.test.transaction().executeWithoutResult((status) -> {
			for (int i = 0; i < 400; i++) {
				this.test.conductor().invoke("edgy", null);
				this.test.conductor().invoke("innocent", null);
			}
		});

		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 800);

		assertThat(leaks).hasValue(0);
		assertThat(statesOf("innocent")).containsExactly("completed");
		assertThat(statesOf("edgy")).isSubsetOf("completed", "failed");
	}

	@Test
	void completesWhatWasCompletedBeforeATimeoutThatIsLongOver() {
		start(TaskSpec.of("task", Integer.class, (event, context) -> null)
			.with(options(AT_ONCE, Duration.ofSeconds(1))));

		this.test.conductor().invokeAll("task", IntStream.range(0, 500).mapToObj(Invoke::of).toList());

		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 500);
		assertThat(statesOf("task")).containsExactly("completed");
	}

	private void start(TaskSpec... tasks) {
		this.test.node(tasks).start();
	}

	private @Nullable Object fail(Object event, TaskContext context) {
		this.runs.incrementAndGet();
		throw new IllegalStateException("test " + context.attempt());
	}

	private static Object recurse(int depth) throws IOException {
		if (depth == 0) {
			throw new IOException("deep " + "x".repeat(10_000));
		}
		return recurse(depth - 1);
	}

	private static TaskOptions options(RetryPolicy retryPolicy, @Nullable Duration timeout) {
		return TaskOptions.none().retryPolicy(retryPolicy).timeout(timeout);
	}

	private void wakePromoter() {
		this.test.sql("select pg_notify('${schema}:wake', 'promoter')").query().listOfRows();
	}

	private UUID sqlInvoke(String task, String payload) {
		return this.test.sql("select ${schema}.invoke(?, ?::jsonb)")
			.param(task)
			.param(payload)
			.query(UUID.class)
			.single();
	}

	private List<String> statesOf(String task) {
		return this.test.sql("select distinct state from ${schema}.finished_execution where task = ?")
			.param(task)
			.query(String.class)
			.list();
	}

	private Execution find(UUID id) {
		return this.test.conductor().find(id).orElseThrow();
	}

}
