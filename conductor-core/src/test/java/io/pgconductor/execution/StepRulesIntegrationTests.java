package io.pgconductor.execution;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.NonRetryableException;
import io.pgconductor.TaskContext;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.TestConductor;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * What a handler may not do with its context, and what it is told then.
 */
class StepRulesIntegrationTests {

	private static final GivenHandlers handlers = new GivenHandlers("task");

	private static TestConductor test;

	@BeforeAll
	static void start() {
		test = new TestConductor(StepRulesIntegrationTests.class);
		test.node(handlers.task(), TaskSpec.of("child", null, (event, context) -> "grown up")).start();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	@Test
	void refusesANameThatWasUsedBefore() {
		List<Throwable> thrown = thrownBy((context, calls) -> {
			context.step("same", () -> {
			});
			calls.add(() -> context.step("same", Integer.class, () -> 1));
			calls.add(() -> context.transaction("same", () -> {
			}));
			calls.add(() -> context.sleep("same", Duration.ofHours(1)));
			calls.add(() -> context.sleepUntil("same", Instant.EPOCH));
			calls.add(() -> context.invoke("same", "child", null, String.class));
			calls.add(() -> context.invokeAll("same", "child", List.of(1, 2), String.class));
		});

		assertThat(thrown).hasSize(6)
			.allSatisfy((ex) -> assertThat(ex).isInstanceOf(IllegalStateException.class)
				.hasMessageContaining("Step 'same' of task 'task'")
				.hasMessageContaining("used before in this run"));
	}

	@Test
	void refusesANameThatAFailedStepHasUsed() {
		List<Throwable> thrown = thrownBy((context, calls) -> {
			ThrowingCallable fragile = () -> context.step("fragile", () -> {
				throw new IllegalArgumentException("broken");
			});
			calls.add(fragile);
			calls.add(fragile);
		});

		assertThat(thrown.get(0)).isInstanceOf(IllegalArgumentException.class);
		assertThat(thrown.get(1)).hasMessageContaining("used before");
	}

	@Test
	void refusesTheSameNameOnAResumedRun() {
		UUID id = invoke((event, context) -> {
			context.step("same", () -> {
			});
			context.sleep("nap", Duration.ZERO);
			context.step("same", () -> {
			});
			return null;
		});

		Execution failed = test.await(id, ExecutionState.FAILED);

		assertThat(failed.error().message()).contains("Step 'same' of task 'task'").contains("used before");
		assertThat(failed.attempt()).isEqualTo(3);
	}

	@Test
	void refusesWhatIsNoName() {
		List<String> names = List.of("", " ", "\t", "a\nb", "a\u0000b", "\u007f", "x".repeat(201),
				"half a duck: \uD83E", "\uDD86 the other half");
		List<Throwable> thrown = thrownBy((context, calls) -> names.forEach((name) -> {
			calls.add(() -> context.step(name, () -> {
			}));
			calls.add(() -> context.transaction(name, () -> {
			}));
			calls.add(() -> context.sleep(name, Duration.ofHours(1)));
			calls.add(() -> context.invoke(name, "child", null, String.class));
		}));

		assertThat(thrown).hasSize(4 * names.size())
			.allSatisfy((ex) -> assertThat(ex).isInstanceOf(IllegalArgumentException.class)
				.hasMessageContaining("is not the name of a step")
				.hasMessageContaining("1 to 200 characters"));
	}

	@Test
	void acceptsAnyOtherName() {
		List<String> names = List.of("x".repeat(200), "🦆", "O'Brien \"quoted\" \\ %s {} :name ?", "a", "A",
				"${schema}");
		AtomicInteger runs = new AtomicInteger();
		UUID id = invoke((event, context) -> {
			for (String name : names) {
				context.step(name, runs::incrementAndGet);
			}
			context.sleep("nap: " + names.get(2), Duration.ZERO);
			return context.attempt();
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(runs).hasValue(names.size());
		assertThat(done.steps()).extracting(ExecutionStep::name).containsAll(names);
	}

	@Test
	void refusesToBeUsedOnAnotherThread() {
		List<Throwable> thrown = new ArrayList<>();
		AtomicReference<List<Object>> readable = new AtomicReference<>();
		UUID id = invoke((event, context) -> {
			List<ThrowingCallable> calls = List.of(() -> context.step("a", () -> {
			}), () -> context.step("b", Integer.class, () -> 1), () -> context.transaction("c", () -> {
			}), () -> context.sleep("d", Duration.ofHours(1)), () -> context.sleepUntil("e", Instant.EPOCH),
					() -> context.invoke("f", "child", null, String.class),
					() -> context.invokeAll("g", "child", List.of(1), String.class), context::checkpoint,
					() -> context.progress(0.5, "half"), () -> context.cancel(context.executionId(), "why not"));
			CompletableFuture.runAsync(() -> {
				calls.forEach((call) -> thrown.add(catchThrowable(call)));
				readable.set(List.of(context.isCancelled(), context.executionId(), context.attempt()));
				thrown.add(catchThrowable(TaskContext::current));
			}).join();
			return TaskContext.current() == context;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(thrown).hasSize(11).allMatch(IllegalStateException.class::isInstance);
		assertThat(thrown.subList(0, 10)).allSatisfy((ex) -> assertThat(ex).hasMessageContaining(id.toString())
			.hasMessageContaining("belongs to the thread that runs its handler"));
		assertThat(readable.get()).containsExactly(false, id, 1);
		assertThat(done.steps()).isEmpty();
		assertThat(done.children()).isEmpty();
		assertThat(done.result().asBoolean()).isTrue();
	}

	@Test
	void recordsAStepWhoseBodyUsesOtherThreads() {
		UUID id = invoke((event, context) -> context.step("parallel", Integer.class,
				() -> CompletableFuture.supplyAsync(() -> 1)
					.thenCombine(CompletableFuture.supplyAsync(() -> 2), Integer::sum)
					.join()));

		assertThat(test.await(id, ExecutionState.COMPLETED).result().asInt()).isEqualTo(3);
	}

	@Test
	void runsStepsWithinSteps() {
		AtomicInteger innerRuns = new AtomicInteger();
		AtomicInteger outerRuns = new AtomicInteger();
		UUID id = invoke((event, context) -> {
			String result = context.step("outer", String.class, () -> {
				int inner = context.step("inner", Integer.class, innerRuns::incrementAndGet);
				if (outerRuns.incrementAndGet() == 1) {
					throw new IllegalStateException("first");
				}
				return "inner " + inner;
			});
			if (context.attempt() == 2) {
				throw new IllegalStateException("second");
			}
			return result;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isEqualTo(3);
		assertThat(innerRuns).hasValue(1);
		assertThat(outerRuns).hasValue(2);
		assertThat(done.result().asString()).isEqualTo("inner 1");
		assertThat(done.steps()).extracting(ExecutionStep::name).containsExactly("inner", "outer");
	}

	@Test
	void refusesToWaitWithinAStep() {
		List<Throwable> thrown = thrownBy((context, calls) -> {
			context.step("outer", () -> {
				calls.add(() -> context.step("inner", () -> {
				}));
				List<ThrowingCallable> waits = List.of(() -> context.sleep("sleep", Duration.ZERO),
						() -> context.sleepUntil("past", Instant.EPOCH),
						() -> context.invoke("child", "child", null, String.class),
						() -> context.invokeAll("children", "child", List.of(), String.class));
				waits.forEach((wait) -> {
					Throwable refusal = catchThrowable(wait);
					calls.add(() -> {
						throw refusal;
					});
				});
			});
			// It is no step's business afterwards
			calls.add(context::checkpoint);
		});

		assertThat(thrown.get(0)).isNull();
		assertThat(thrown.get(5)).isNull();
		assertThat(thrown.subList(1, 5)).allSatisfy((ex) -> assertThat(ex).isInstanceOf(IllegalStateException.class)
			.hasMessageContaining("of task 'task' is within step 'outer'")
			.hasMessageContaining("wait before or after it"));
	}

	@Test
	void waitsAfterAStepThatThrew() {
		UUID id = invoke((event, context) -> {
			catchThrowable(() -> context.step("fragile", () -> {
				throw new IllegalStateException("broken");
			}));
			context.sleep("nap", Duration.ZERO);
			return context.invoke("child", "child", null, String.class);
		});

		assertThat(test.await(id, ExecutionState.COMPLETED).result().asString()).isEqualTo("grown up");
	}

	@Test
	void failsAtOnceWhenAStepHasBecomeSomethingElse() {
		assertThat(errorAfter((context) -> context.step("same", () -> {
		}), (context) -> context.sleep("same", Duration.ZERO))).contains("recorded as 'step'")
			.contains("used as 'sleep' now");
		assertThat(errorAfter((context) -> context.step("same", () -> {
		}), (context) -> context.invoke("same", "child", null, String.class))).contains("recorded as 'step'")
			.contains("used as 'child' now");
		assertThat(
				errorAfter((context) -> context.sleep("same", Duration.ZERO), (context) -> context.step("same", () -> {
				})))
			.contains("recorded as 'sleep'")
			.contains("used as 'step' now");
		assertThat(errorAfter((context) -> context.invoke("same", "child", null, String.class),
				(context) -> context.invokeAll("same", "child", List.of(1), String.class)))
			.contains("recorded as 'child'")
			.contains("used as 'children' now");
		assertThat(errorAfter((context) -> context.invokeAll("same", "child", List.of(1, 2), String.class),
				(context) -> context.transaction("same", () -> {
				})))
			.contains("recorded as 'children'")
			.contains("used as 'step' now");
	}

	@Test
	void takesAStepForATransactionalOneAndBack() {
		AtomicInteger runs = new AtomicInteger();
		UUID id = invoke((event, context) -> {
			if (context.attempt() == 1) {
				context.step("a", runs::incrementAndGet);
				context.transaction("b", runs::incrementAndGet);
				throw new IllegalStateException("first");
			}
			context.transaction("a", runs::incrementAndGet);
			context.step("b", runs::incrementAndGet);
			return null;
		});

		test.await(id, ExecutionState.COMPLETED);

		assertThat(runs).hasValue(2);
	}

	@Test
	void refusesTimesOutOfRange() {
		List<Throwable> thrown = thrownBy((context, calls) -> {
			calls.add(() -> context.sleep("a", Duration.ofNanos(-1)));
			calls.add(() -> context.sleep("b", Duration.ofDays(366 * 1000 + 1)));
			calls.add(() -> context.sleepUntil("c", Instant.parse("+10000-01-01T00:00:00Z")));
			calls.add(() -> context.sleepUntil("d", Instant.parse("0000-12-31T23:59:59Z")));
			calls.add(() -> context.sleepUntil("e", Instant.MAX));
			calls.add(() -> context.invoke("f", "child", null, String.class, Duration.ZERO));
			calls.add(() -> context.invokeAll("g", "child", List.of(1), String.class, Duration.ofSeconds(-1)));
			// The mistaken calls have used no names up
			calls.add(() -> context.step("a", () -> {
			}));
		});

		assertThat(thrown.get(7)).isNull();
		assertThat(thrown.subList(0, 7)).allMatch(IllegalArgumentException.class::isInstance);
		assertThat(thrown.get(0)).hasMessageContaining("sleep 'a'").hasMessageContaining("PT-0.000000001S");
		assertThat(thrown.get(2)).hasMessageContaining("sleep 'c'").hasMessageContaining("years 1 to 9999");
		assertThat(thrown.get(5)).hasMessageContaining("timeout of 'f'").hasMessageContaining("positive");
	}

	private static String errorAfter(Consumer<TaskContext> first, Consumer<TaskContext> second) {
		AtomicInteger passed = new AtomicInteger();
		UUID id = invoke((event, context) -> {
			if (passed.get() == 0) {
				first.accept(context);
				passed.set(context.attempt());
				throw new IllegalStateException("once");
			}
			second.accept(context);
			return null;
		});
		Execution failed = test.await(id, ExecutionState.FAILED);
		assertThat(failed.attempt()).isEqualTo(2);
		assertThat(failed.error().type()).isEqualTo(NonRetryableException.class.getName());
		assertThat(failed.error().message()).contains("'same' of execution " + id + " (task 'task')")
			.contains("another name");
		return failed.error().message();
	}

	@FunctionalInterface
	private interface Calls {

		void prepare(TaskContext context, List<ThrowingCallable> calls);

	}

	private static List<Throwable> thrownBy(Calls calls) {
		List<Throwable> thrown = new ArrayList<>();
		UUID id = invoke((event, context) -> {
			List<ThrowingCallable> prepared = new ArrayList<>();
			calls.prepare(context, prepared);
			prepared.forEach((call) -> thrown.add(catchThrowable(call)));
			return null;
		});
		test.await(id, ExecutionState.COMPLETED);
		return thrown;
	}

	private static UUID invoke(TaskHandler handler) {
		return handlers.invoke(test.conductor(), handler);
	}

}
