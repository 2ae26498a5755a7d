package io.pgconductor.execution;

import java.io.IOException;
import java.math.BigDecimal;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.TaskContext;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.core.ParameterizedTypeReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * What a step returns, when it runs and when it is remembered.
 */
class StepResultIntegrationTests {

	private static final GivenHandlers handlers = new GivenHandlers("task");

	private static TestConductor test;

	@BeforeAll
	static void start() {
		test = new TestConductor(StepResultIntegrationTests.class);
		test.node(handlers.task()).start();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	private enum Colour {

		RED {

			@Override
			public String toString() {
				return "#f00";
			}

		}

	}

	private record Line(String article, int pieces, BigDecimal price, Instant at, Colour colour) {
	}

	private static final class Odd {

		@SuppressWarnings("unused")
		public int getValue() {
			throw new IllegalStateException("odd");
		}

	}

	@Test
	void returnsOnALaterAttemptWhatItReturnedOnTheFirst() {
		Line line = new Line("duck", 3, new BigDecimal("12.50"), Instant.parse("2026-02-03T04:05:06.789Z"), Colour.RED);
		AtomicInteger runs = new AtomicInteger();
		List<List<Object>> seen = new ArrayList<>();
		UUID id = invoke((event, context) -> {
			List<Object> results = new ArrayList<>();
			results.add(context.step("number", Long.class, () -> counted(runs, Long.MAX_VALUE)));
			results.add(context.step("primitive", boolean.class, () -> counted(runs, true)));
			results.add(context.step("record", Line.class, () -> counted(runs, line)));
			results.add(context.step("list", new ParameterizedTypeReference<List<Line>>() {
			}, () -> counted(runs, List.of(line, line))));
			results.add(context.step("map", new ParameterizedTypeReference<Map<String, List<Instant>>>() {
			}, () -> counted(runs, Map.of("a", List.of(line.at())))));
			results.add(context.step("text", String.class, () -> counted(runs, "NUL \u0000 duck 🦆 \"quoted\" \\")));
			seen.add(results);
			return failFirst(context);
		});

		test.await(id, ExecutionState.COMPLETED);

		assertThat(runs).hasValue(6);
		assertThat(seen).hasSize(2);
		assertThat(seen.get(1)).isEqualTo(seen.get(0)).contains(line, List.of(line, line), Long.MAX_VALUE);
	}

	@Test
	void remembersThatAStepReturnedNothing() {
		AtomicInteger runs = new AtomicInteger();
		List<Object> seen = new ArrayList<>();
		UUID id = invoke((event, context) -> {
			seen.add(context.step("null", String.class, () -> counted(runs, null)));
			seen.add(context.step("generic-null", new ParameterizedTypeReference<List<String>>() {
			}, () -> counted(runs, null)));
			context.step("void", runs::incrementAndGet);
			return failFirst(context);
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(runs).hasValue(3);
		assertThat(seen).containsExactlyElementsOf(Collections.nCopies(4, null));
		assertThat(done.steps()).extracting(ExecutionStep::name).containsExactly("null", "generic-null", "void");
		assertThat(done.steps()).allMatch((step) -> step.result() == null);
	}

	@Test
	void showsStepsWithTheirResultsWhileTheExecutionGoesOn() {
		AtomicReference<Execution> seen = new AtomicReference<>();
		UUID id = invoke((event, context) -> {
			context.step("one", Integer.class, () -> 1);
			context.step("two", new ParameterizedTypeReference<List<Integer>>() {
			}, () -> List.of(1, 2));
			seen.set(test.conductor().find(context.executionId()).orElseThrow());
			return null;
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(seen.get().state()).isEqualTo(ExecutionState.RUNNING);
		assertThat(seen.get().steps()).extracting((step) -> step.name() + step.result())
			.containsExactly("one1", "two[1,2]");
		assertThat(done.steps()).isEqualTo(seen.get().steps());
		assertThat(done.steps()).allMatch((step) -> !step.finishedAt().isBefore(done.createdAt()));
	}

	@Test
	void runsAgainWhatThrewAndPassesItsExceptionAsItIs() {
		IOException thrown = new IOException("checked");
		AtomicInteger runs = new AtomicInteger();
		AtomicReference<Throwable> caught = new AtomicReference<>();
		UUID id = invoke((event, context) -> {
			try {
				return context.step("fragile", String.class, () -> {
					if (runs.incrementAndGet() == 1) {
						throw thrown;
					}
					return "mended";
				});
			}
			catch (IOException ex) {
				caught.set(ex);
				assertThat(test.conductor().find(context.executionId()).orElseThrow().steps()).isEmpty();
				throw ex;
			}
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(caught.get()).isSameAs(thrown);
		assertThat(runs).hasValue(2);
		assertThat(done.result().asString()).isEqualTo("mended");
		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.error().type()).isEqualTo(IOException.class.getName());
	}

	@Test
	void goesOnAfterAStepWhoseExceptionTheHandlerCatches() {
		UUID id = invoke((event, context) -> {
			Throwable thrown = catchThrowable(() -> context.step("fragile", () -> {
				throw new IllegalStateException("broken");
			}));
			return context.step("remedy", String.class, thrown::getMessage);
		});

		Execution done = test.await(id, ExecutionState.COMPLETED);

		assertThat(done.result().asString()).isEqualTo("broken");
		assertThat(done.steps()).extracting(ExecutionStep::name).containsExactly("remedy");
	}

	@Test
	void failsAtOnceWithAResultThatIsTooLarge() {
		AtomicInteger runs = new AtomicInteger();
		UUID id = invoke((event, context) -> context.step("report", String.class, () -> {
			runs.incrementAndGet();
			return "x".repeat(1024 * 1024 - 1);
		}));

		Execution failed = test.await(id, ExecutionState.FAILED);

		assertThat(runs).hasValue(1);
		assertThat(failed.attempt()).isOne();
		assertThat(failed.steps()).isEmpty();
		assertThat(failed.error().type()).isEqualTo(InvalidPayloadException.class.getName());
		assertThat(failed.error().message()).contains("result of step 'report' of task 'task'")
			.contains("larger than 1048576 bytes")
			.contains("conductor.max-payload-size");
	}

	@Test
	void storesAResultThatIsAsLargeAsAllowed() {
		String large = "x".repeat(1024 * 1024 - 2);
		UUID id = invoke((event, context) -> {
			String result = context.step("report", String.class, () -> large);
			failFirst(context);
			return large.equals(result);
		});

		assertThat(test.await(id, ExecutionState.COMPLETED).result().asBoolean()).isTrue();
	}

	@Test
	void failsAtOnceWithAResultThatCannotBeWritten() {
		UUID id = invoke((event, context) -> context.step("odd", Odd.class, Odd::new));

		Execution failed = test.await(id, ExecutionState.FAILED);

		assertThat(failed.attempt()).isOne();
		assertThat(failed.error().message()).contains("result of step 'odd' of task 'task'")
			.contains("cannot be written as JSON");
	}

	@Test
	void failsAloneWhenAStoredResultFitsItsTypeNoMore() {
		UUID unlucky = invoke((event, context) -> {
			if (context.attempt() == 1) {
				context.step("amount", String.class, () -> "seven");
				throw new IllegalStateException("first");
			}
			return context.step("amount", Integer.class, () -> 7);
		});
		UUID lucky = invoke((event, context) -> {
			int amount = context.step("amount", Integer.class, () -> 7);
			failFirst(context);
			return amount;
		});

		Execution failed = test.await(unlucky, ExecutionState.FAILED);

		assertThat(failed.attempt()).isEqualTo(2);
		assertThat(failed.error().type()).isEqualTo(InvalidPayloadException.class.getName());
		assertThat(failed.error().message()).contains("result of step 'amount' of task 'task'")
			.contains("cannot be read as java.lang.Integer");
		assertThat(test.await(lucky, ExecutionState.COMPLETED).result().asInt()).isEqualTo(7);
	}

	@Test
	void readsAStoredResultWhoseTypeHasGrown() {
		UUID id = invoke((event, context) -> {
			if (context.attempt() == 1) {
				context.step("line", Map.class, () -> Map.of("article", "duck", "dropped", 1));
				throw new IllegalStateException("first");
			}
			return context.step("line", Line.class, () -> null).article();
		});

		assertThat(test.await(id, ExecutionState.COMPLETED).result().asString()).isEqualTo("duck");
	}

	private static UUID invoke(TaskHandler handler) {
		return handlers.invoke(test.conductor(), handler);
	}

	private static <T> T counted(AtomicInteger runs, T result) {
		runs.incrementAndGet();
		return result;
	}

	private static Object failFirst(TaskContext context) {
		if (context.attempt() == 1) {
			throw new IllegalStateException("first");
		}
		return null;
	}

}
