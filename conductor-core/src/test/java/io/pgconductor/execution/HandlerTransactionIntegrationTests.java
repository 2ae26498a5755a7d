package io.pgconductor.execution;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.NonRetryableException;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Handlers that are in a transaction of their own.
 */
class HandlerTransactionIntegrationTests {

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(HandlerTransactionIntegrationTests.class);
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void canBeCancelledAndTellProgressAfterAStepThatJoined() throws InterruptedException {
		CountDownLatch stepped = new CountDownLatch(1);
		CountDownLatch forever = new CountDownLatch(1);
		TaskSpec task = TaskSpec.of("joining", null, (event, context) -> {
			this.test.transaction().executeWithoutResult((status) -> {
				context.transaction("first", () -> {
				});
				context.progress(0.5, "half");
				stepped.countDown();
				awaitUninterrupted(forever);
			});
			return null;
		});
		this.test.node(task).start();
		UUID id = this.test.conductor().invoke("joining", null);
		stepped.await();

		Awaitility.await().until(() -> this.test.conductor().find(id).orElseThrow().progress() != null);
		assertThat(this.test.conductor().cancel(id, "enough")).isTrue();

		Execution cancelled = this.test.await(id, ExecutionState.CANCELLED);
		assertThat(cancelled.cancelReason()).isEqualTo("enough");
		assertThat(cancelled.steps()).isEmpty();
	}

	private static void awaitUninterrupted(CountDownLatch latch) {
		try {
			latch.await();
		}
		catch (InterruptedException ex) {
			throw new NonRetryableException("interrupted", ex);
		}
	}

	@Test
	void rollsBackWhatItDidWhenItWasTakenOver() {
		this.test.sql("create table ${schema}.effect (id int)").update();
		AtomicInteger runs = new AtomicInteger();
		TaskSpec task = TaskSpec.of("joining", null, (event, context) -> {
			this.test.transaction().executeWithoutResult((status) -> {
				context.transaction("first", () -> this.test.sql("insert into ${schema}.effect values (1)").update());
				if (runs.incrementAndGet() == 1) {
					// As a rescue does, and a claim of another node
					this.test.elsewhere("update ${schema}.execution set claim_no = claim_no + 1, claimed_by = null");
				}
			});
			return null;
		});
		this.test.node(task).start();

		UUID id = this.test.conductor().invoke("joining", null);

		this.test.await(id, ExecutionState.COMPLETED);
		assertThat(runs).hasValue(2);
		assertThat(this.test.count("effect")).isOne();
	}

	@Test
	void cancelsItselfAlthoughItsTransactionIsRolledBack() {
		AtomicInteger runs = new AtomicInteger();
		TaskSpec task = TaskSpec.of("suicidal", null, (event, context) -> {
			runs.incrementAndGet();
			return context.cancel(context.executionId(), "by myself");
		}).with(TaskOptions.none().transactional(true));
		this.test.node(task).start();

		UUID id = this.test.conductor().invoke("suicidal", null);

		assertThat(this.test.await(id, ExecutionState.CANCELLED).cancelReason()).isEqualTo("by myself");
		assertThat(runs).hasValue(1);
	}

	@Test
	void failsWhenItCancelsItselfInItsOwnTransaction() {
		AtomicInteger runs = new AtomicInteger();
		TaskSpec task = TaskSpec.of("suicidal", null, (event, context) -> {
			runs.incrementAndGet();
			return this.test.conductor().cancel(context.executionId());
		}).with(TaskOptions.none().transactional(true).maxAttempts(1));
		this.test.node(task).start();

		UUID id = this.test.conductor().invoke("suicidal", null);

		assertThat(this.test.await(id, ExecutionState.FAILED).error().message()).contains("cancelled");
		assertThat(runs).hasValue(1);
	}

	@Test
	void isToldOfACancellationAfterItsTimeout() throws InterruptedException {
		CountDownLatch timedOut = new CountDownLatch(1);
		AtomicInteger interruptions = new AtomicInteger();
		TaskSpec task = TaskSpec.of("stubborn", null, (event, context) -> {
			while (!context.isCancelled()) {
				try {
					new CountDownLatch(1).await();
				}
				catch (InterruptedException ex) {
					interruptions.incrementAndGet();
					timedOut.countDown();
				}
			}
			return null;
		}).with(TaskOptions.none().timeout(Duration.ofMillis(100)));
		this.test.node(task).start();
		UUID id = this.test.conductor().invoke("stubborn", null);
		timedOut.await();

		this.test.conductor().cancel(id);

		this.test.await(id, ExecutionState.CANCELLED);
		assertThat(interruptions).hasValue(2);
	}

}
