package io.pgconductor.execution;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import io.pgconductor.ChildFailedException;
import io.pgconductor.ConductorException;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What the end of one execution means for those it is related to, and for nobody else.
 */
class RelativesIntegrationTests {

	private static final TaskSpec SLEEPING = TaskSpec.of("sleeping", null, (event, context) -> {
		context.sleep("night", Duration.ofHours(8));
		return null;
	});

	private final TestConductor test = new TestConductor(RelativesIntegrationTests.class);

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void holdsUpNobodyElseWhenARelativeIsLocked() throws InterruptedException {
		CountDownLatch fail = new CountDownLatch(1);
		TaskSpec child = TaskSpec.of("child", Integer.class, (event, context) -> {
			if (event.payload(Integer.class) == 0) {
				fail.await();
				throw new IllegalStateException("no");
			}
			context.sleep("night", Duration.ofHours(8));
			return null;
		}).with(TaskOptions.none().maxAttempts(1));
		TaskSpec parent = TaskSpec.of("parent", null,
				(event, context) -> context.invokeAll("children", "child", List.of(0, 1), Void.class));
		this.test.node(parent, child, SLEEPING).start();
		UUID id = this.test.conductor().invoke("parent", null);
		UUID sibling = Awaitility.await()
			.until(() -> this.test.conductor().find(id).orElseThrow().children(), (children) -> children.size() == 2)
			.get(1);
		this.test.await(sibling, ExecutionState.WAITING);

		this.test.transaction().executeWithoutResult((status) -> {
			this.test.sql("select id from ${schema}.execution where id = ? for update")
				.param(sibling)
				.query(UUID.class)
				.single();
			fail.countDown();
			List<UUID> others = this.test.elsewhere(() -> this.test.conductor()
				.invokeAll("sleeping", IntStream.range(0, 50).mapToObj((i) -> Invoke.of(null)).toList()));
			Awaitility.await()
				.atMost(Duration.ofSeconds(20))
				.until(() -> this.test
					.sql("select count(*) from ${schema}.executions where state = 'waiting' and id = any (?)")
					.param(others.toArray(UUID[]::new))
					.query(Long.class)
					.single() == others.size());
		});

		this.test.await(id, ExecutionState.FAILED);
		this.test.await(sibling, ExecutionState.CANCELLED);
	}

	@Test
	void leavesAChildAloneThatSomebodyHasRetried() {
		AtomicBoolean mended = new AtomicBoolean();
		CountDownLatch end = new CountDownLatch(1);
		TaskSpec child = TaskSpec.of("child", null, (event, context) -> {
			if (!mended.get()) {
				throw new IllegalStateException("no");
			}
			context.sleep("night", Duration.ofHours(8));
			return null;
		}).with(TaskOptions.none().maxAttempts(1));
		TaskSpec parent = TaskSpec.of("parent", null, (event, context) -> {
			try {
				context.invoke("child", "child", null, Void.class);
			}
			catch (ChildFailedException ex) {
				context.step("wait", () -> end.await());
			}
			return null;
		});
		this.test.node(parent, child).start();
		UUID id = this.test.conductor().invoke("parent", null);
		UUID childId = Awaitility.await()
			.until(() -> this.test.conductor().find(id).orElseThrow().children(), (children) -> children.size() == 1)
			.get(0);
		this.test.await(childId, ExecutionState.FAILED);

		mended.set(true);
		assertThat(this.test.conductor().retry(childId)).isTrue();
		this.test.await(childId, ExecutionState.WAITING);
		end.countDown();
		this.test.await(id, ExecutionState.COMPLETED);

		Execution retried = this.test.conductor().find(childId).orElseThrow();
		assertThat(retried.state()).isEqualTo(ExecutionState.WAITING);
		assertThat(retried.parent()).isEqualTo(id);
	}

	@Test
	void doesNotRetryAParentThatWrapsTheFailureOfItsChild() {
		AtomicInteger runs = new AtomicInteger();
		TaskSpec parent = TaskSpec.of("parent", null, (event, context) -> {
			runs.incrementAndGet();
			try {
				return context.invoke("child", "child", null, Void.class);
			}
			catch (ChildFailedException ex) {
				throw new IllegalStateException("wrapped", ex);
			}
		}).with(atOnce());
		this.test.node(parent, failing("child")).start();

		UUID id = this.test.conductor().invoke("parent", null);

		assertThat(this.test.await(id, ExecutionState.FAILED).attempt()).isOne();
		assertThat(runs).hasValue(2);
	}

	@Test
	void refusesAnotherNumberOfPayloadsOnAReplay() {
		AtomicInteger payloads = new AtomicInteger(2);
		TaskSpec parent = TaskSpec.of("parent", null, (event, context) -> context.invokeAll("children", "child",
				IntStream.range(0, payloads.getAndIncrement()).boxed().toList(), Integer.class));
		TaskSpec child = TaskSpec.of("child", Integer.class, (event, context) -> event.payload(Integer.class));
		this.test.node(parent, child).start();

		UUID id = this.test.conductor().invoke("parent", null);

		assertThat(this.test.await(id, ExecutionState.FAILED).error().message()).contains("'children'")
			.contains("invoked 2 children")
			.contains("3 payloads now");
	}

	@Test
	void boundsResultsTogetherAlsoAfterARetry() {
		try (TestConductor bounded = new TestConductor(RelativesIntegrationTests.class,
				(builder) -> builder.maxFanInSize(1000))) {
			TaskSpec parent = TaskSpec.of("parent", null,
					(event, context) -> context.invokeAll("children", "child", List.of(1, 2, 3), String.class));
			TaskSpec child = TaskSpec.of("child", Integer.class, (event, context) -> "x".repeat(500));
			bounded.node(parent, child).start();
			UUID id = bounded.conductor().invoke("parent", null);
			assertThat(bounded.await(id, ExecutionState.FAILED).error().message())
				.contains("conductor.max-fan-in-size");

			bounded.conductor().retry(id);

			assertThat(bounded.await(id, ExecutionState.FAILED).error().message())
				.contains("conductor.max-fan-in-size");
			assertThat(bounded.conductor().find(id).orElseThrow().children()).hasSize(6);
		}
	}

	@Test
	void refusesPayloadsThatAreTooLargeTogether() {
		try (TestConductor bounded = new TestConductor(RelativesIntegrationTests.class,
				(builder) -> builder.maxFanInSize(1000))) {
			TaskSpec parent = TaskSpec.of("parent", null, (event, context) -> context.invokeAll("children", "child",
					// In characters they were not too large
					List.of("x".repeat(500), "ä".repeat(250)), String.class));
			bounded.node(parent, failing("child")).start();

			UUID id = bounded.conductor().invoke("parent", null);

			assertThat(bounded.await(id, ExecutionState.FAILED).error().message()).contains("payloads of 'children'")
				.contains("conductor.max-fan-in-size");
			assertThat(bounded.conductor().find(id).orElseThrow().children()).isEmpty();
		}
	}

	private static TaskSpec failing(String name) {
		return TaskSpec.of(name, null, (event, context) -> {
			throw new ConductorException("no");
		}).with(TaskOptions.none().maxAttempts(1));
	}

	private static TaskOptions atOnce() {
		return TaskOptions.none().retryPolicy(new RetryPolicy(List.of(Duration.ZERO), 0, Set.of()));
	}

}
