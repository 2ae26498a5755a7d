package io.pgconductor.execution;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.InvokeOptions;
import io.pgconductor.NonRetryableException;
import io.pgconductor.RetryAfterException;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What follows a failure, and what is remembered then.
 */
class RetryIntegrationTests {

	private static final GivenHandlers handlers = new GivenHandlers("task");

	private static final GivenHandlers choosy = new GivenHandlers("choosy");

	private static TestConductor test;

	private static Duration ahead = Duration.ZERO;

	private final AtomicInteger runs = new AtomicInteger();

	private final AtomicInteger steps = new AtomicInteger();

	@BeforeAll
	static void start() {
		test = new TestConductor(RetryIntegrationTests.class);
		test.node(handlers.task(), choosy.task()
			.with(TaskOptions.none()
				.retryPolicy(
						GivenHandlers.AT_ONCE.withNoRetryFor(Set.of(IOException.class, IllegalStateException.class)))))
			.start();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	@Test
	void waitsAsLongAsTheHandlerAsksFor() {
		UUID id = invoke((event, context) -> {
			context.step("step", this.steps::incrementAndGet);
			context.sleep("nap", Duration.ZERO);
			if (context.attempt() == 1) {
				throw new RetryAfterException(Duration.ofHours(2), "limited", null);
			}
			return null;
		});
		Execution scheduled = test.await(id, ExecutionState.SCHEDULED);

		assertThat(Duration.between(scheduled.startedAt(), scheduled.runAt())).isBetween(Duration.ofHours(2),
				Duration.ofHours(2).plusSeconds(20));
		assertThat(scheduled.attempt()).isOne();
		assertThat(scheduled.error().message()).isEqualTo("limited");
		assertThat(scheduled.steps()).extracting(ExecutionStep::name).containsExactly("step", "nap");
		travel(Duration.ofHours(2).minusSeconds(60));
		assertThat(find(id).state()).isEqualTo(ExecutionState.SCHEDULED);
		travel(Duration.ofSeconds(61));
		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isEqualTo(2);
		assertThat(this.steps).hasValue(1);
	}

	@Test
	void failsAtTheLastAttemptWhateverTheHandlerAsksFor() {
		UUID id = invoke((event, context) -> {
			throw new RetryAfterException((context.attempt() == 1) ? Duration.ZERO : Duration.ofHours(1));
		}, InvokeOptions.defaults().maxAttempts(2));

		Execution failed = test.await(id, ExecutionState.FAILED);

		assertThat(failed.attempt()).isEqualTo(2);
		assertThat(failed.error().type()).isEqualTo(RetryAfterException.class.getName());
	}

	@Test
	void failsWhenAllAttemptsAreSpent() {
		List<Integer> attempts = new ArrayList<>();
		UUID id = invoke((event, context) -> {
			attempts.add(context.attempt());
			context.step("step " + context.attempt(), this.steps::incrementAndGet);
			throw new IllegalStateException("attempt " + context.attempt() + " of " + context.maxAttempts());
		}, InvokeOptions.defaults().maxAttempts(4));

		Execution failed = test.await(id, ExecutionState.FAILED);

		assertThat(attempts).containsExactly(1, 2, 3, 4);
		assertThat(failed.attempt()).isEqualTo(4);
		assertThat(failed.error().message()).isEqualTo("attempt 4 of 4");
		assertThat(failed.steps()).hasSize(4);
	}

	@Test
	void doesNotRetryWhatIsNotRetryable() {
		UUID id = invoke((event, context) -> {
			context.step("step", () -> {
				throw new NonRetryableException("hopeless");
			});
			return null;
		});

		Execution failed = test.await(id, ExecutionState.FAILED);

		assertThat(failed.attempt()).isOne();
		assertThat(failed.error().message()).isEqualTo("hopeless");
	}

	@Test
	void doesNotRetryTheTypesThatTheTaskNames() {
		UUID named = choosy.invoke(test.conductor(), (event, context) -> {
			throw new IllegalStateException("named");
		});
		UUID subtype = choosy.invoke(test.conductor(), (event, context) -> {
			context.sleep("nap", Duration.ZERO);
			context.step("step", () -> {
				throw new FileNotFoundException("subtype");
			});
			return null;
		});
		UUID other = choosy.invoke(test.conductor(), (event, context) -> {
			if (context.attempt() == 1) {
				throw new IllegalArgumentException("other");
			}
			return null;
		});

		assertThat(test.await(named, ExecutionState.FAILED).attempt()).isOne();
		assertThat(test.await(subtype, ExecutionState.FAILED).attempt()).isOne();
		assertThat(test.await(other, ExecutionState.COMPLETED).attempt()).isEqualTo(2);
	}

	@Test
	void goesOnFromItsStepsWhenTheClientRetriesAFailedExecution() {
		List<Integer> attempts = new ArrayList<>();
		UUID id = invoke((event, context) -> {
			attempts.add(context.attempt());
			int charge = context.step("charge", Integer.class, this.steps::incrementAndGet);
			context.transaction("reserve", this.steps::incrementAndGet);
			context.sleep("nap", Duration.ZERO);
			if (attempts.size() < 6) {
				throw new IllegalStateException("run " + attempts.size());
			}
			return charge;
		}, InvokeOptions.defaults().maxAttempts(2));
		Execution failed = test.await(id, ExecutionState.FAILED);
		assertThat(attempts).containsExactly(1, 1, 2);

		assertThat(test.conductor().retry(id)).isTrue();
		Awaitility.await().until(() -> attempts.size() == 5);
		assertThat(test.await(id, ExecutionState.FAILED).attempt()).isEqualTo(2);
		assertThat(test.conductor().retry(id)).isTrue();
		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(attempts).containsExactly(1, 1, 2, 1, 2, 1);
		assertThat(this.steps).hasValue(2);
		assertThat(done.result().asInt()).isOne();
		assertThat(done.steps()).isEqualTo(failed.steps());
		assertThat(done.attempt()).isOne();
	}

	@Test
	void goesOnFromItsStepsWhenTheClientRetriesACancelledExecution() {
		CountDownLatch begun = new CountDownLatch(1);
		UUID id = invoke((event, context) -> {
			context.step("step", this.steps::incrementAndGet);
			if (this.runs.incrementAndGet() == 1) {
				begun.countDown();
				new CountDownLatch(1).await();
			}
			return context.attempt();
		}, InvokeOptions.defaults().maxAttempts(1));
		Awaitility.await().until(() -> begun.getCount() == 0);
		test.conductor().cancel(id);
		Execution cancelled = test.await(id, ExecutionState.CANCELLED);

		assertThat(test.conductor().retry(id)).isTrue();
		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(cancelled.steps()).hasSize(1);
		assertThat(done.attempt()).isOne();
		assertThat(done.cancelReason()).isNull();
		assertThat(this.steps).hasValue(1);
		assertThat(this.runs).hasValue(2);
	}

	@Test
	void sleepsOnWhenTheClientRetriesWhatWasCancelledInItsSleep() {
		UUID id = invoke((event, context) -> {
			context.step("step", this.steps::incrementAndGet);
			this.runs.incrementAndGet();
			context.sleep("night", Duration.ofHours(8));
			return null;
		});
		Execution asleep = test.await(id, ExecutionState.WAITING);
		test.conductor().cancel(id);
		test.await(id, ExecutionState.CANCELLED);

		assertThat(test.conductor().retry(id)).isTrue();
		Awaitility.await().until(() -> this.runs.get() == 2);
		assertThat(test.await(id, ExecutionState.WAITING).runAt()).isEqualTo(asleep.runAt());
		travel(Duration.ofHours(8).plusSeconds(1));
		test.await(id, ExecutionState.COMPLETED);

		assertThat(this.steps).hasValue(1);
		assertThat(this.runs).hasValue(3);
	}

	@Test
	void doesNotSleepAgainWhenTheNightIsOverAtTheRetry() {
		UUID id = invoke((event, context) -> {
			this.runs.incrementAndGet();
			context.sleep("night", Duration.ofHours(8));
			return null;
		});
		test.await(id, ExecutionState.WAITING);
		test.conductor().cancel(id);
		test.await(id, ExecutionState.CANCELLED);
		travel(Duration.ofHours(9));

		assertThat(test.conductor().retry(id)).isTrue();
		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(this.runs).hasValue(2);
		assertThat(done.steps()).extracting(ExecutionStep::name).containsExactly("night");
	}

	private static void travel(Duration further) {
		ahead = ahead.plus(further);
		test.travel(ahead);
	}

	private static Execution find(UUID id) {
		return test.conductor().find(id).orElseThrow();
	}

	private static UUID invoke(TaskHandler handler) {
		return invoke(handler, InvokeOptions.defaults());
	}

	private static UUID invoke(TaskHandler handler, InvokeOptions options) {
		return handlers.invoke(test.conductor(), handler, options);
	}

}
