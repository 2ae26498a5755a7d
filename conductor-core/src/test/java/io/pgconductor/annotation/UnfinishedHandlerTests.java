package io.pgconductor.annotation;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.Future;

import io.pgconductor.task.InvalidTaskException;
import kotlin.coroutines.Continuation;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.reactivestreams.Publisher;
import org.springframework.scheduling.annotation.Async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for handlers that return before their work is done.
 */
class UnfinishedHandlerTests {

	@ParameterizedTest
	@ValueSource(classes = { AsyncMethod.class, MetaAsyncMethod.class, AsyncClass.class, AsyncSuperclass.class })
	void refusesAsync(Class<?> component) {
		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> AnnotatedTasks.of(component).close())
			.withMessageContainingAll(component.getSimpleName() + ".run of bean", "remove @Async");
	}

	@ParameterizedTest
	@ValueSource(classes = { ReturnsFuture.class, ReturnsCompletableFuture.class, ReturnsCompletionStage.class,
			ReturnsFlowPublisher.class, ReturnsPublisher.class, ReturnsMono.class })
	void refusesFuturesAndPublishers(Class<?> component) {
		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> AnnotatedTasks.of(component).close())
			.withMessageContainingAll(component.getSimpleName() + ".run of bean", "return type", "wait for");
	}

	@Test
	void refusesKotlinSuspendFunctions() {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(Suspends.class).close())
			.withMessageContainingAll("Suspends.run of bean", "suspend", "runBlocking");
	}

	@Test
	void acceptsAnyValue() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(ReturnsList.class)) {
			assertThat(tasks.run("run", null)).isEqualTo(List.of("a"));
		}
	}

	static class AsyncMethod {

		@Task
		@Async
		void run() {
		}

	}

	@Retention(RetentionPolicy.RUNTIME)
	@Async
	@interface InBackground {

	}

	static class MetaAsyncMethod {

		@Task
		@InBackground
		void run() {
		}

	}

	@Async
	static class AsyncClass {

		@Task
		void run() {
		}

	}

	static class AsyncSuperclass extends AsyncClass {

	}

	static class ReturnsFuture {

		@Task
		@Nullable Future<String> run() {
			return null;
		}

	}

	static class ReturnsCompletableFuture {

		@Task
		CompletableFuture<String> run() {
			return CompletableFuture.completedFuture("");
		}

	}

	static class ReturnsCompletionStage {

		@Task
		CompletionStage<String> run() {
			return CompletableFuture.completedFuture("");
		}

	}

	static class ReturnsFlowPublisher {

		@Task
		Flow.@Nullable Publisher<String> run() {
			return null;
		}

	}

	static class ReturnsPublisher {

		@Task
		@Nullable Publisher run() {
			return null;
		}

	}

	abstract static class Mono implements Publisher {

	}

	static class ReturnsMono {

		@Task
		@Nullable Mono run() {
			return null;
		}

	}

	static class Suspends {

		@Task
		@Nullable Object run(String payload, Continuation continuation) {
			return null;
		}

	}

	static class ReturnsList {

		@Task
		List<String> run() {
			return List.of("a");
		}

	}

}
