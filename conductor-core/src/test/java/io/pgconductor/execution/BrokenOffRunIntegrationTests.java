package io.pgconductor.execution;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.OrchestratorInfo.State;
import io.pgconductor.StepBody;
import io.pgconductor.TaskContextHolder;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * Runs that end early because their node stops or dies, and what follows.
 */
class BrokenOffRunIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(30);

	private final GivenHandlers handlers = new GivenHandlers("task");

	private final CountDownLatch begun = new CountDownLatch(1);

	private final AtomicInteger runs = new AtomicInteger();

	private TestConductor test;

	private Orchestrator node;

	@BeforeEach
	void install() {
		this.test = new TestConductor(BrokenOffRunIntegrationTests.class);
		// Its heartbeats come every second
		this.node = this.test.node((builder) -> builder.nodeTimeout(Duration.ofSeconds(6)), this.handlers.task());
		this.node.start();
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void leavesALoopAtItsNextCheckpointWhenTheNodeStops() {
		AtomicBoolean mayEnd = new AtomicBoolean();
		AtomicBoolean interrupted = new AtomicBoolean();
		UUID id = this.handlers.invoke(this.test.conductor(), (event, context) -> {
			context.step("step", this.runs::incrementAndGet);
			try {
				while (!mayEnd.get()) {
					context.checkpoint();
					this.begun.countDown();
					pause();
				}
			}
			finally {
				interrupted.set(Thread.currentThread().isInterrupted());
			}
			return "to the end";
		});
		awaitBegin();

		this.node.stop();

		assertThat(interrupted).isFalse();
		Execution released = find(id);
		assertThat(released.state()).isEqualTo(ExecutionState.READY);
		assertThat(released.attempt()).isZero();
		assertThat(released.error()).isNull();
		assertThat(released.steps()).extracting(ExecutionStep::name).containsExactly("step");
		mayEnd.set(true);
		this.node.start();
		Execution done = this.test.await(id, ExecutionState.COMPLETED);
		assertThat(done.attempt()).isOne();
		assertThat(this.runs).hasValue(1);
	}

	@Test
	void leavesAtTheNextStepWhenTheNodeStops() {
		List<Integer> attempts = new ArrayList<>();
		UUID id = this.handlers.invoke(this.test.conductor(), (event, context) -> {
			attempts.add(context.attempt());
			context.sleep("nap", Duration.ZERO);
			for (int i = 0; i < 1_000_000; i++) {
				context.step("step " + i, () -> {
					this.runs.incrementAndGet();
					this.begun.countDown();
				});
				if (attempts.size() > 2) {
					return i;
				}
			}
			return null;
		}, InvokeOptions.defaults().maxAttempts(1));
		awaitBegin();

		this.node.stop();

		Execution released = find(id);
		int stepsBefore = this.runs.get();
		assertThat(released.state()).isEqualTo(ExecutionState.READY);
		assertThat(released.steps()).hasSize(stepsBefore + 1);
		this.node.start();
		Execution done = this.test.await(id, ExecutionState.COMPLETED);
		assertThat(done.attempt()).isOne();
		assertThat(attempts).containsExactly(1, 1, 1);
		assertThat(this.runs).hasValue(stepsBefore);
	}

	@Test
	void givesAnInterruptedResumedRunBack() {
		Orchestrator hasty = this.test.node((builder) -> builder.shutdownTimeout(Duration.ZERO), this.handlers.task());
		this.node.stop();
		hasty.start();
		UUID id = this.handlers.invoke(this.test.conductor(), (event, context) -> {
			context.sleep("nap", Duration.ZERO);
			if (this.runs.incrementAndGet() == 1) {
				this.begun.countDown();
				new CountDownLatch(1).await();
			}
			return context.attempt();
		}, InvokeOptions.defaults().maxAttempts(1));
		awaitBegin();

		hasty.stop();
		hasty.start();

		assertThat(this.test.await(id, ExecutionState.COMPLETED).attempt()).isOne();
		assertThat(this.runs).hasValue(2);
	}

	@Test
	void finishesAHandlerThatReachesNoBoundary() {
		UUID id = this.handlers.invoke(this.test.conductor(), (event, context) -> {
			context.step("step", this.begun::countDown);
			Awaitility.await().atMost(LONG).until(() -> this.node.info().state() == State.STOPPING);
			return "to the end";
		});
		awaitBegin();

		this.node.stop();

		assertThat(find(id).state()).isEqualTo(ExecutionState.COMPLETED);
		assertThat(find(id).result().asString()).isEqualTo("to the end");
	}

	@Test
	void recordsASuspensionDuringTheShutdown() {
		UUID id = this.handlers.invoke(this.test.conductor(), (event, context) -> {
			try {
				context.sleep("night", Duration.ofHours(8));
			}
			finally {
				if (this.runs.incrementAndGet() == 1) {
					this.begun.countDown();
					Awaitility.await().atMost(LONG).until(() -> this.node.info().state() == State.STOPPING);
				}
			}
			return context.attempt();
		});
		awaitBegin();

		this.node.stop();

		assertThat(find(id).state()).isEqualTo(ExecutionState.WAITING);
		this.node.start();
		this.test.travel(Duration.ofHours(9));
		assertThat(this.test.await(id, ExecutionState.COMPLETED).attempt()).isOne();
	}

	@Test
	void runsAgainWhatSwallowsItsEndAtAShutdown() {
		UUID id = this.handlers.invoke(this.test.conductor(), (event, context) -> {
			boolean first = this.runs.incrementAndGet() == 1;
			this.begun.countDown();
			while (first && catchThrowable(context::checkpoint) == null) {
				pause();
			}
			return first ? "half" : "whole";
		});
		awaitBegin();

		this.node.stop();

		assertThat(find(id).state()).isEqualTo(ExecutionState.READY);
		assertThat(find(id).attempt()).isZero();
		this.node.start();
		assertThat(this.test.await(id, ExecutionState.COMPLETED).result().asString()).isEqualTo("whole");
	}

	@Test
	void countsTheAttemptThatACrashEndsAfterAResumption() {
		List<Integer> attempts = new ArrayList<>();
		UUID id = this.handlers.invoke(this.test.conductor(), (event, context) -> {
			attempts.add(context.attempt());
			context.sleep("nap", Duration.ZERO);
			int step = context.step("step", Integer.class, this.runs::incrementAndGet);
			if (context.attempt() == 1) {
				this.begun.countDown();
				new CountDownLatch(1).await();
			}
			context.sleep("another nap", Duration.ZERO);
			return step;
		});
		awaitBegin();

		declareDead();
		Execution done = this.test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.result().asInt()).isOne();
		assertThat(attempts).containsExactly(1, 1, 2, 2);
		assertThat(this.runs).hasValue(1);
	}

	@Test
	void failsWhenItsNodeDiesDuringTheLastAttempt() {
		UUID id = this.handlers.invoke(this.test.conductor(), (event, context) -> {
			this.runs.incrementAndGet();
			if (context.attempt() == 1) {
				throw new IllegalStateException("first");
			}
			context.step("step", () -> {
			});
			context.sleep("nap", Duration.ZERO);
			this.begun.countDown();
			new CountDownLatch(1).await();
			return null;
		}, InvokeOptions.defaults().maxAttempts(2));
		awaitBegin();

		declareDead();
		Execution failed = this.test.await(id, ExecutionState.FAILED);

		assertThat(failed.attempt()).isEqualTo(2);
		assertThat(failed.maxAttempts()).isEqualTo(2);
		assertThat(failed.error().message()).contains("attempt 2 of 2 died").contains("no attempt is left");
		assertThat(failed.steps()).extracting(ExecutionStep::name).containsExactly("step", "nap");
		assertThat(this.runs).hasValue(3);
	}

	@Test
	void goesOnFromItsStepsWhenItIsRetriedAfterItsNodeDied() {
		AtomicInteger steps = new AtomicInteger();
		UUID id = this.handlers.invoke(this.test.conductor(), (event, context) -> {
			context.step("step", steps::incrementAndGet);
			if (this.runs.incrementAndGet() == 1) {
				this.begun.countDown();
				new CountDownLatch(1).await();
			}
			return context.attempt();
		}, InvokeOptions.defaults().maxAttempts(1));
		awaitBegin();
		declareDead();
		this.test.await(id, ExecutionState.FAILED);

		assertThat(this.test.conductor().retry(id)).isTrue();

		assertThat(this.test.await(id, ExecutionState.COMPLETED).attempt()).isOne();
		assertThat(steps).hasValue(1);
	}

	private static void pause() {
		LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
	}

	private void declareDead() {
		UUID id = this.node.info().id();
		Awaitility.await().atMost(LONG).pollInterval(Duration.ofMillis(10)).until(() -> {
			this.test
				.sql("update ${schema}.node set alive_until = now() - interval '1 second' "
						+ "where id = ? and dead_at is null")
				.param(id)
				.update();
			return this.test.sql("select dead_at is not null from ${schema}.node where id = ?")
				.param(id)
				.query(Boolean.class)
				.single();
		});
	}

	private void awaitBegin() {
		Awaitility.await().atMost(LONG).pollInterval(Duration.ofMillis(5)).until(() -> this.begun.getCount() == 0);
	}

	private Execution find(UUID id) {
		return this.test.conductor().find(id).orElseThrow();
	}

	@ParameterizedTest
	@ValueSource(booleans = { false, true })
	void remembersNoStepThatHasSwallowedItsEnd(boolean transactional) {
		StepBody<String, RuntimeException> unstopped = () -> {
			int run = this.runs.incrementAndGet();
			this.begun.countDown();
			try {
				while (run == 1) {
					TaskContextHolder.get().checkpoint();
					pause();
				}
				return "whole";
			}
			catch (Throwable ex) {
				return "fallback";
			}
		};
		UUID id = this.handlers.invoke(this.test.conductor(), (event, context) -> transactional
				? context.transaction("step", String.class, unstopped) : context.step("step", String.class, unstopped));
		awaitBegin();

		this.node.stop();

		assertThat(find(id).state()).isEqualTo(ExecutionState.READY);
		assertThat(find(id).steps()).isEmpty();
		this.node.start();
		assertThat(this.test.await(id, ExecutionState.COMPLETED).result().asString()).isEqualTo("whole");
	}

}
