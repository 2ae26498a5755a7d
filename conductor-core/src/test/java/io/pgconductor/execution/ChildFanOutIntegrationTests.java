package io.pgconductor.execution;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

import io.pgconductor.ChildFailedException;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.InvokeOptions;
import io.pgconductor.NonRetryableException;
import io.pgconductor.TaskDefinition;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskSpec;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Executions that invoke many others at once.
 */
class ChildFanOutIntegrationTests extends AbstractChildTests {

	private static final TaskDefinition<Integer, Integer> DOUBLE = TaskDefinition.of("double", Integer.class,
			Integer.class);

	private static TaskSpec doubling() {
		return TaskSpec.of("double", Integer.class, (event, context) -> {
			LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(ThreadLocalRandom.current().nextInt(3000)));
			return event.payload(Integer.class) * 2;
		});
	}

	private static List<Integer> numbers(int count) {
		return IntStream.range(0, count).boxed().toList();
	}

	@Test
	void returnsResultsInTheOrderOfThePayloads() {
		AtomicInteger runs = new AtomicInteger();
		start(TaskSpec.of("gather", null, (event, context) -> {
			runs.incrementAndGet();
			return context.invokeAll("all", DOUBLE, numbers(300));
		}), doubling());

		Execution done = completed(this.client.invoke("gather", null));

		assertThat(done.result().valueStream().map((result) -> result.asInt() / 2)).isEqualTo(numbers(300));
		assertThat(runs).hasValue(2);
		assertThat(this.test.count("child_wait")).isZero();
	}

	@Test
	void returnsAtOnceWithoutPayloads() {
		AtomicInteger runs = new AtomicInteger();
		start(TaskSpec.of("gather", null, (event, context) -> {
			runs.incrementAndGet();
			List<Integer> none = context.invokeAll("none", DOUBLE, List.of());
			List<Integer> one = context.invokeAll("one", DOUBLE, List.of(21));
			return List.of(none, one);
		}), doubling());

		Execution done = completed(this.client.invoke("gather", null));

		assertThat(done.result()).hasToString("[[],[42]]");
		assertThat(done.children()).hasSize(1);
		assertThat(runs).hasValue(2);
	}

	@Test
	void cancelsTheRestAtTheFirstFailure() {
		CountDownLatch interrupted = new CountDownLatch(1);
		start(concurrency(20), TaskSpec.of("gather", null, (event, context) -> {
			try {
				return context.invokeAll("all", "mixed", numbers(20), Integer.class);
			}
			catch (ChildFailedException ex) {
				return List.of(ex.step(), ex.child(), ex.error().message());
			}
		}), TaskSpec.of("mixed", Integer.class, (event, context) -> {
			switch (event.payload(Integer.class)) {
				case 0:
					return 0;
				case 1:
					context.sleep("long", Duration.ofDays(1));
					return 1;
				case 2:
					try {
						return new CountDownLatch(1).await(1, TimeUnit.HOURS);
					}
					catch (InterruptedException ex) {
						interrupted.countDown();
						throw ex;
					}
				case 3:
					Awaitility.await().atMost(LONG).until(() -> this.test.count("step") == 2);
					throw new NonRetryableException("no 3");
				default:
					return new CountDownLatch(1).await(1, TimeUnit.HOURS);
			}
		}));

		Execution done = completed(this.client.invoke("gather", null));

		List<UUID> children = done.children();
		assertThat(done.result()).hasToString("[\"all\",\"" + children.get(3) + "\",\"no 3\"]");
		awaitAllEnded();
		assertThat(find(children.get(0)).state()).isEqualTo(ExecutionState.COMPLETED);
		assertThat(find(children.get(3)).state()).isEqualTo(ExecutionState.FAILED);
		assertThat(interrupted.getCount()).isZero();
		assertThat(children.stream().map(this::find).filter((child) -> child.state() == ExecutionState.CANCELLED))
			.hasSize(18)
			.allMatch((child) -> child.cancelReason().contains("another child of the same call has failed"));
	}

	@Test
	void boundsTheResultsTogether() {
		CountDownLatch bounded = new CountDownLatch(1);
		List<ChildFailedException> caught = new ArrayList<>();
		start(TaskSpec.of("gather", Integer.class, (event, context) -> {
			try {
				return context.invokeAll("all", "long", numbers(event.payload(Integer.class)), String.class).size();
			}
			catch (ChildFailedException ex) {
				caught.add(ex);
				throw ex;
			}
		}), on("children", TaskSpec.of("long", Integer.class, (event, context) -> {
			bounded.await();
			// With its quotes it takes a hundred bytes
			return "x".repeat(98);
		})));
		UUID within = this.client.invoke("gather", 10);
		UUID beyond = this.client.invoke("gather", 11);
		Awaitility.await().until(() -> this.test.count("child_wait") == 2);
		assertThat(this.test.sql("select distinct max_size from ${schema}.child_wait").query(Integer.class).list())
			.containsExactly(16 * 1024 * 1024);

		this.test.sql("update ${schema}.child_wait set max_size = 1000").update();
		bounded.countDown();

		assertThat(completed(within).result().asInt()).isEqualTo(10);
		Execution failed = failed(beyond);
		assertThat(failed.attempt()).isOne();
		assertThat(failed.error().message()).contains("'long'", "'all'", "1000 bytes", "conductor.max-fan-in-size");
		assertThat(caught).singleElement().satisfies((failure) -> {
			assertThat(failure.child()).isNull();
			assertThat(failure.step()).isEqualTo("all");
			assertThat(failure.error().message()).contains("conductor.max-fan-in-size");
		});
	}

	@Test
	void invokesNoneIfThereAreTooMany() {
		start(TaskSpec.of("gather", null, (event, context) -> context.invokeAll("all", DOUBLE, numbers(100_001))),
				doubling());

		Execution failed = failed(this.client.invoke("gather", null, InvokeOptions.defaults().maxAttempts(1)));

		assertThat(failed.error().message()).contains("'all'", "100001 children", "at most 100000");
		assertThat(failed.children()).isEmpty();
		assertThat(this.test.count("execution")).isZero();
		assertThat(this.test.count("child_wait")).isZero();
	}

	@Test
	void invokesNoneIfOnePayloadDoesNotSerialise() {
		start(TaskSpec.of("gather", null, (event, context) -> {
			context.step("before", Integer.class, () -> 1);
			return context.invokeAll("all", "double", List.of(1, new Object() {
				@SuppressWarnings("unused")
				public int getValue() {
					throw new IllegalStateException("no value");
				}
			}), Integer.class);
		}), doubling());

		Execution failed = failed(this.client.invoke("gather", null));

		assertThat(failed.attempt()).isOne();
		assertThat(failed.error().type()).isEqualTo(InvalidPayloadException.class.getName());
		assertThat(failed.error().message()).contains("'double'", "'all'", "no value");
		assertThat(failed.children()).isEmpty();
		assertThat(this.test.count("child_wait")).isZero();
	}

	@Test
	void invokesOnlyThoseWithoutResultAgainWhenAClientRetriesTheParent() {
		AtomicBoolean well = new AtomicBoolean();
		Map<Integer, AtomicInteger> runs = new ConcurrentHashMap<>();
		start(concurrency(20),
				TaskSpec.of("gather", null,
						(event, context) -> context.invokeAll("all", "fickle", numbers(20), Integer.class)),
				TaskSpec.of("fickle", Integer.class, (event, context) -> {
					int n = event.payload(Integer.class);
					runs.computeIfAbsent(n, (key) -> new AtomicInteger()).incrementAndGet();
					if (n == 7 && !well.get()) {
						Awaitility.await().atMost(LONG).until(() -> this.test.count("step") == 19);
						throw new NonRetryableException("not yet");
					}
					return n * n;
				}));
		UUID id = this.client.invoke("gather", null);
		assertThat(failed(id).children()).hasSize(20);

		well.set(true);
		assertThat(this.client.retry(id)).isTrue();

		Execution done = completed(id);
		assertThat(done.result().valueStream().map((result) -> result.asInt()))
			.isEqualTo(numbers(20).stream().map((n) -> n * n).toList());
		assertThat(done.children()).hasSize(21);
		runs.forEach((n, count) -> assertThat(count).hasValue((n == 7) ? 2 : 1));
		assertThat(runs).hasSize(20);
	}

	@Test
	void gathersTenThousandChildrenOfTwoNodesAndLeavesNothing() {
		int size = 10_000;
		AtomicInteger parentRuns = new AtomicInteger();
		AtomicInteger childRuns = new AtomicInteger();
		List<Integer> results = new ArrayList<>();
		TaskSpec parent = TaskSpec.of("gather", null, (event, context) -> {
			parentRuns.incrementAndGet();
			results.addAll(context.invokeAll("all", "echo", numbers(size), Integer.class));
			return null;
		});
		TaskSpec child = TaskSpec.of("echo", Integer.class, (event, context) -> {
			childRuns.incrementAndGet();
			return event.payload(Integer.class);
		});
		for (int node = 0; node < 2; node++) {
			start((builder) -> builder.retention(Retention.AT_ONCE, Retention.AT_ONCE), parent, child);
		}

		this.client.invoke("gather", null);
		Awaitility.await().atMost(LONG).until(() -> results.size() == size);
		awaitAllEnded();

		assertThat(results).isEqualTo(numbers(size));
		assertThat(childRuns).hasValue(size);
		assertThat(parentRuns).hasValue(2);
		assertThat(this.test.count("finished_execution")).isZero();
		assertThat(this.test.count("step")).isZero();
		assertThat(this.test.count("child_wait")).isZero();
	}

}
