package io.pgconductor.execution;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import io.pgconductor.ExecutionState;
import io.pgconductor.NonRetryableException;
import io.pgconductor.TaskFailure;
import io.pgconductor.task.Retention;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.core.ResolvableType;

import static org.assertj.core.api.Assertions.assertThat;

class FailureTaskIntegrationTests {

	private record Order(String number) {
	}

	private final BlockingQueue<TaskFailure<?>> failures = new LinkedBlockingQueue<>();

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(FailureTaskIntegrationTests.class);
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void isInvokedWithPayloadAndErrorOnceNoAttemptIsLeft() throws InterruptedException {
		this.test.node(failing(new IllegalStateException("no stock"), TaskOptions.none()), failureTask()).start();

		UUID id = this.test.conductor().invoke("order", new Order("7"));
		this.test.await(id, ExecutionState.FAILED);

		TaskFailure<?> failure = this.failures.poll(20, TimeUnit.SECONDS);
		assertThat(failure).isNotNull();
		assertThat(failure.execution()).isEqualTo(id);
		assertThat(failure.task()).isEqualTo("order");
		assertThat(failure.payload()).isEqualTo(new Order("7"));
		assertThat(failure.error().message()).isEqualTo("no stock");
		assertThat(this.failures).isEmpty();
	}

	@Test
	void isInvokedAboutWhatIsNotKept() throws InterruptedException {
		this.test
			.node(failing(new NonRetryableException("bad"), TaskOptions.none().removeOnFail(Retention.AT_ONCE)),
					failureTask())
			.start();

		UUID id = this.test.conductor().invoke("order", null);

		TaskFailure<?> failure = this.failures.poll(20, TimeUnit.SECONDS);
		assertThat(failure).isNotNull();
		assertThat(failure.execution()).isEqualTo(id);
		assertThat(failure.payload()).isNull();
		assertThat(this.test.conductor().find(id)).isEmpty();
	}

	@Test
	void isInvokedAboutAnExecutionWhoseNodeDied() throws InterruptedException {
		UUID id = this.test.conductor().invoke("order", new Order("7"));
		this.test.sql("""
				update ${schema}.execution
				set phase = 'due', queue = 'default', priority = 0, max_attempts = 1, attempt = 1, claim_no = 1,
				    claimed_at = now(), claimed_by = gen_random_uuid()
				""").update();

		this.test.node(failing(new IllegalStateException("not called"), TaskOptions.none()), failureTask()).start();

		TaskFailure<?> failure = this.failures.poll(20, TimeUnit.SECONDS);
		assertThat(failure).isNotNull();
		assertThat(failure.error().message()).contains("died");
		assertThat(this.test.await(id, ExecutionState.FAILED).attempt()).isEqualTo(1);
	}

	@Test
	void isNotInvokedAboutACancelledExecution() {
		TaskSpec sleeping = TaskSpec.of("order", Order.class, (event, context) -> {
			context.sleep("night", Duration.ofHours(8));
			return null;
		}).withOnFailure("order-failed");
		this.test.node(sleeping, failureTask()).start();
		UUID id = this.test.conductor().invoke("order", new Order("7"));
		this.test.await(id, ExecutionState.WAITING);

		this.test.conductor().cancel(id);

		this.test.await(id, ExecutionState.CANCELLED);
		assertThat(this.test.count("execution")).isZero();
		assertThat(this.failures).isEmpty();
	}

	private static TaskSpec failing(RuntimeException failure, TaskOptions options) {
		RetryPolicy atOnce = new RetryPolicy(List.of(Duration.ZERO), 0, Set.of());
		return TaskSpec.of("order", Order.class, (event, context) -> {
			throw failure;
		}).with(options).with(TaskOptions.none().retryPolicy(atOnce)).withOnFailure("order-failed");
	}

	private TaskSpec failureTask() {
		return TaskSpec.of("order-failed",
				ResolvableType.forClassWithGenerics(TaskFailure.class, Order.class).getType(), (event, context) -> {
					this.failures.add((TaskFailure<?>) event.payload());
					return null;
				});
	}

}
