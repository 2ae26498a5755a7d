package io.pgconductor.annotation;

import java.io.IOException;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;

import io.pgconductor.SuspensionSignal;
import io.pgconductor.task.InvalidTaskException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.core.annotation.AliasFor;
import org.springframework.resilience.annotation.EnableResilientMethods;
import org.springframework.resilience.annotation.Retryable;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for handlers whose advice repeats what fails.
 */
class RetryableHandlerTests {

	@ParameterizedTest
	@ValueSource(classes = { OnMethod.class, OnClass.class, OnSuperclass.class, OnInterfaceMethod.class,
			OnInterface.class, Composed.class, ExcludesOthers.class, IncludesThrowable.class, IncludesError.class,
			IncludesTheSignal.class, MethodWins.class, OnFailureHandler.class })
	void refusesRetriesOfASuspension(Class<?> component) {
		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> AnnotatedTasks.of(component).close())
			.withMessageContainingAll(component.getSimpleName() + ".run of bean", "@Retryable", "suspension",
					"excludes = SuspensionSignal.class");
	}

	@ParameterizedTest
	@ValueSource(classes = { ExcludesTheSignal.class, ExcludesError.class, ExcludesThrowable.class,
			IncludesExceptions.class, ExclusionWins.class, ClassYields.class, ComposedWithExclusion.class })
	void acceptsRetriesThatLetASuspensionPass(Class<?> component) {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(component)) {
			assertThat(tasks.onlyTask().name()).isEqualTo("run");
		}
	}

	@ParameterizedTest
	@ValueSource(classes = { ExcludesTheSignal.class, ExcludesError.class, ExcludesThrowable.class,
			IncludesExceptions.class, ExclusionWins.class, ClassYields.class, ComposedWithExclusion.class })
	void aSuspensionPassesTheAdviceThatIsAccepted(Class<?> component) {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(component, Resilient.class)) {
			Suspending.calls = 0;

			assertThatExceptionOfType(SuspensionSignal.class).isThrownBy(() -> tasks.run("run", null));

			assertThat(Suspending.calls).isOne();
		}
	}

	@Test
	void springRetryRepeatsExceptionsOnly() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(SpringRetry.class)) {
			assertThat(tasks.registry().tasks()).hasSize(3);
		}
	}

	@ParameterizedTest
	@ValueSource(classes = { SpringRetryOfThrowable.class, SpringRetryOfAllBut.class })
	void refusesASpringRetryThatRepeatsErrors(Class<?> component) {
		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> AnnotatedTasks.of(component).close())
			.withMessageContainingAll(component.getSimpleName() + ".run of bean",
					"org.springframework.retry.annotation.Retryable", "noRetryFor = SuspensionSignal.class");
	}

	@EnableResilientMethods
	static class Resilient {

	}

	abstract static class Suspending {

		static int calls;

		void suspend() {
			calls++;
			throw new SuspensionSignal("test");
		}

	}

	static class OnMethod {

		@Task
		@Retryable
		void run() {
		}

	}

	@Retryable
	static class OnClass {

		@Task
		void run() {
		}

	}

	static class OnSuperclass extends OnClass {

	}

	interface RetryableMethod {

		@Retryable
		void run();

	}

	static class OnInterfaceMethod implements RetryableMethod {

		@Task
		@Override
		public void run() {
		}

	}

	@Retryable
	interface RetryableType {

	}

	static class OnInterface implements RetryableType {

		@Task
		void run() {
		}

	}

	@Retention(RetentionPolicy.RUNTIME)
	@Retryable(maxRetries = 7)
	@interface Stubborn {

		@AliasFor(annotation = Retryable.class, attribute = "excludes")
		Class<? extends Throwable>[] but() default {};

	}

	static class Composed {

		@Task
		@Stubborn
		void run() {
		}

	}

	static class ComposedWithExclusion extends Suspending {

		@Task
		@Stubborn(but = SuspensionSignal.class)
		void run() {
			suspend();
		}

	}

	static class ExcludesOthers {

		@Task
		@Retryable(excludes = { Exception.class, VirtualMachineError.class })
		void run() {
		}

	}

	static class IncludesThrowable {

		@Task
		@Retryable(Throwable.class)
		void run() {
		}

	}

	static class IncludesError {

		@Task
		@Retryable(includes = { IOException.class, Error.class })
		void run() {
		}

	}

	static class IncludesTheSignal {

		@Task
		@Retryable(includes = SuspensionSignal.class)
		void run() {
		}

	}

	@Retryable(excludes = SuspensionSignal.class)
	static class MethodWins {

		@Task
		@Retryable
		void run() {
		}

	}

	@Retryable
	static class ClassYields extends Suspending {

		@Task
		@Retryable(excludes = SuspensionSignal.class)
		void run() {
			suspend();
		}

	}

	static class OnFailureHandler {

		@Task
		void fine() {
		}

		@OnFailure
		@Retryable
		void run() {
		}

	}

	static class ExcludesTheSignal extends Suspending {

		@Task
		@Retryable(excludes = SuspensionSignal.class)
		void run() {
			suspend();
		}

	}

	static class ExcludesError extends Suspending {

		@Task
		@Retryable(excludes = { IOException.class, Error.class })
		void run() {
			suspend();
		}

	}

	static class ExcludesThrowable extends Suspending {

		@Task
		@Retryable(excludes = Throwable.class)
		void run() {
			suspend();
		}

	}

	static class IncludesExceptions extends Suspending {

		@Task
		@Retryable({ IOException.class, RuntimeException.class })
		void run() {
			suspend();
		}

	}

	static class ExclusionWins extends Suspending {

		@Task
		@Retryable(includes = Throwable.class, excludes = SuspensionSignal.class)
		void run() {
			suspend();
		}

	}

	static class SpringRetry {

		@Task
		@org.springframework.retry.annotation.Retryable
		void byDefault() {
		}

		@Task
		@org.springframework.retry.annotation.Retryable(retryFor = IOException.class)
		void some() {
		}

		@Task
		@org.springframework.retry.annotation.Retryable(noRetryFor = Error.class)
		void notErrors() {
		}

	}

	static class SpringRetryOfThrowable {

		@Task
		@org.springframework.retry.annotation.Retryable(retryFor = Throwable.class)
		void run() {
		}

	}

	static class SpringRetryOfAllBut {

		@Task
		@org.springframework.retry.annotation.Retryable(noRetryFor = IOException.class)
		void run() {
		}

	}

}
