package io.pgconductor.annotation;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;

import io.pgconductor.BatchContext;
import io.pgconductor.Invocation;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.BatchHandler;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for methods that take batches.
 */
class BatchAnnotationTests {

	private static final BatchContext CONTEXT = (BatchContext) Proxy.newProxyInstance(
			BatchAnnotationTests.class.getClassLoader(), new Class<?>[] { BatchContext.class },
			(proxy, method, args) -> {
				throw new UnsupportedOperationException(method.getName());
			});

	private static @Nullable List<?> run(TaskSpec task, Object... payloads) throws Throwable {
		List<TaskEvent<?>> events = new ArrayList<>();
		for (Object payload : payloads) {
			events.add(new Invocation<>(payload, (type) -> payload));
		}
		return ((BatchHandler) task.handler()).handle(events, CONTEXT);
	}

	@Test
	void givesPayloadsInTheirOrder() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Batches.class)) {
			assertThat(tasks.task("payloads").payloadType()).isEqualTo(String.class);
			assertThat(run(tasks.task("payloads"), "a", "b")).isEqualTo(List.of("A", "B"));
		}
	}

	@Test
	void givesEventsAndTheContext() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Batches.class)) {
			assertThat(tasks.task("events").payloadType()).isEqualTo(Integer.class);
			assertThat(run(tasks.task("events"), 1, 2)).isNull();

			Batches batches = tasks.context().getBean(Batches.class);
			assertThat(batches.events).extracting(TaskEvent::payload).isEqualTo(List.of(1, 2));
			assertThat(batches.context).isSameAs(CONTEXT);
		}
	}

	@ParameterizedTest
	@CsvSource({ "PlainPayload,List<P>", "OneContext,BatchContext", "RawList,type of the payload",
			"OneResult,one result for each execution", "TwoTypes,same type", "Transactional,cannot be transactional",
			"NotABatch,@Batch(size = …)" })
	void refusesOtherMethods(String component, String remedy) throws ClassNotFoundException {
		Class<?> type = Class.forName(BatchAnnotationTests.class.getName() + "$" + component);

		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> AnnotatedTasks.of(type).close())
			.withMessageContainingAll("BatchAnnotationTests." + component + ".run", remedy);
	}

	static class Batches {

		private @Nullable List<TaskEvent<Integer>> events;

		private @Nullable BatchContext context;

		@Task(batch = @Batch(size = 10))
		List<String> payloads(List<String> payloads) {
			return payloads.stream().map(String::toUpperCase).toList();
		}

		@Task(batch = @Batch(size = 10))
		void events(BatchContext context, List<TaskEvent<Integer>> events) {
			this.context = context;
			this.events = events;
		}

	}

	static class PlainPayload {

		@Task(batch = @Batch(size = 10))
		void run(String payload) {
		}

	}

	static class OneContext {

		@Task(batch = @Batch(size = 10))
		void run(List<String> payloads, TaskContext context) {
		}

	}

	@SuppressWarnings("rawtypes")
	static class RawList {

		@Task(batch = @Batch(size = 10))
		void run(List payloads) {
		}

	}

	static class OneResult {

		@Task(batch = @Batch(size = 10))
		String run(List<String> payloads) {
			return "";
		}

	}

	static class TwoTypes {

		@Task(batch = @Batch(size = 10))
		void run(List<String> payloads, List<TaskEvent<Integer>> events) {
		}

	}

	static class Transactional {

		@Task(batch = @Batch(size = 10), transactional = true)
		void run(List<String> payloads) {
		}

	}

	static class NotABatch {

		@Task
		void run(BatchContext context) {
		}

	}

}
