package io.pgconductor.annotation;

import java.io.InputStream;
import java.lang.reflect.GenericArrayType;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.stream.Stream;

import io.pgconductor.ConductorClient;
import io.pgconductor.Invocation;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.context.ApplicationContext;
import org.springframework.core.ParameterizedTypeReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for {@link HandlerParameters}.
 */
class HandlerParametersTests {

	private static final Order ORDER = new Order("book");

	@Test
	void aHandlerNeedsNoParameters() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Accepted.class)) {
			assertThat(tasks.task("nothing").payloadType()).isNull();
			assertThat(tasks.run("nothing", ORDER)).isEqualTo("done");
		}
	}

	@Test
	void aVoidHandlerHasNoResult() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Accepted.class)) {
			assertThat(tasks.run("no-result", null)).isNull();
		}
	}

	@Test
	void parametersComeInAnyOrder() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Accepted.class)) {
			for (String name : List.of("payload-first", "context-first", "event-first")) {
				TaskSpec task = tasks.task(name);

				List<?> received = (List<?>) tasks.run(task, ORDER);

				assertThat(task.payloadType()).isEqualTo(Order.class);
				assertThat(received).element(0).isSameAs(ORDER);
				assertThat(received).element(1).isSameAs(AnnotatedTasks.CONTEXT);
				assertThat(received).element(2).isInstanceOf(Invocation.class);
			}
		}
	}

	@Test
	void noPayloadIsNull() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Accepted.class)) {
			assertThat(tasks.task("plain").payloadRequired()).isFalse();
			assertThat(tasks.run("plain", null)).isNull();
		}
	}

	@Test
	void anOptionalPayloadIsWrapped() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Accepted.class)) {
			assertThat(tasks.task("optional").payloadType()).isEqualTo(Order.class);
			assertThat(tasks.task("optional").payloadRequired()).isFalse();
			assertThat(tasks.run("optional", ORDER)).isEqualTo(Optional.of(ORDER));
			assertThat(tasks.run("optional", null)).isEqualTo(Optional.empty());
		}
	}

	@Test
	void aPrimitiveNeedsAPayload() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Accepted.class)) {
			assertThat(tasks.task("primitive").payloadType()).isEqualTo(Integer.class);
			assertThat(tasks.task("primitive").payloadRequired()).isTrue();
			assertThat(tasks.run("primitive", 3)).isEqualTo(3);
			assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(() -> tasks.run("primitive", null))
				.withMessageContainingAll("Accepted.primitive", "int count");
		}
	}

	@Test
	void theEventsTypeArgumentIsThePayloadsType() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Accepted.class)) {
			assertThat(tasks.task("event").payloadType()).isEqualTo(Order.class);
			assertThat(tasks.run("event", ORDER)).isSameAs(ORDER);
			assertThat(tasks.task("invocation").payloadType()).isEqualTo(Order.class);
			assertThat(tasks.run("invocation", ORDER)).isSameAs(ORDER);
		}
	}

	@Test
	void anEventWithoutTypeArgumentLeavesThePayloadOpen() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Accepted.class)) {
			for (String name : List.of("any-event", "raw-event")) {
				assertThat(tasks.task(name).payloadType()).isNull();
				assertThat(tasks.run(name, ORDER)).isEqualTo("payload as java.lang.String");
			}
		}
	}

	@Test
	void anOpenEventGoesWithAnyPayload() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Accepted.class)) {
			assertThat(tasks.task("open-event-and-payload").payloadType()).isEqualTo(Order.class);
			assertThat(tasks.run("open-event-and-payload", ORDER)).isSameAs(ORDER);
			assertThat(tasks.task("event-and-primitive").payloadType()).isEqualTo(Integer.class);
			assertThat(tasks.task("event-and-primitive").payloadRequired()).isTrue();
		}
	}

	@Test
	void genericPayloadsKeepTheirTypeArguments() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Accepted.class)) {
			assertThat(tasks.task("orders").payloadType()).isEqualTo(new ParameterizedTypeReference<List<Order>>() {
			}.getType());
			assertThat(tasks.task("wildcards").payloadType())
				.isEqualTo(new ParameterizedTypeReference<Map<String, Order>>() {
				}.getType());
			assertThat(tasks.task("array").payloadType()).isEqualTo(Order[].class);
		}
	}

	@Test
	void typeVariablesOfSuperclassesAreReplaced() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Bound.class)) {
			assertThat(tasks.task("one").payloadType()).isEqualTo(new ParameterizedTypeReference<List<Order>>() {
			}.getType());
			assertThat(tasks.task("many").payloadType())
				.isEqualTo(new ParameterizedTypeReference<Map<String, List<Order>>>() {
				}.getType());
			assertThat(tasks.task("event").payloadType()).isEqualTo(new ParameterizedTypeReference<List<Order>>() {
			}.getType());
			assertThat(tasks.task("array").payloadType()).isInstanceOfSatisfying(GenericArrayType.class,
					(array) -> assertThat(array.getGenericComponentType())
						.isEqualTo(new ParameterizedTypeReference<List<Order>>() {
						}.getType()));
		}
	}

	@ParameterizedTest
	@ValueSource(classes = { Unbound.class, UnboundMethod.class })
	void refusesTypeVariablesThatNothingBinds(Class<?> component) {
		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> AnnotatedTasks.of(component).close())
			.withMessageContainingAll(component.getSimpleName() + ".", "type variable", "'");
	}

	@Test
	void refusesTwoPayloads() {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(TwoPayloads.class).close())
			.withMessageContainingAll("HandlerParametersTests.TwoPayloads.run of bean", "'HandlerParametersTests.Order",
					"'List<String> names'", "one type");
	}

	@ParameterizedTest
	@ValueSource(classes = { EventOfOtherType.class, PayloadOfOtherType.class, EventsOfDifferentTypes.class })
	void refusesPayloadAndEventOfDifferentTypes(Class<?> component) {
		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> AnnotatedTasks.of(component).close())
			.withMessageContainingAll(component.getSimpleName() + ".run of bean", "different types", "TaskEvent<");
	}

	@ParameterizedTest
	@ValueSource(classes = { SpringType.class, ConductorType.class, ListOfEvents.class, OptionalContext.class,
			FunctionalType.class, RunnableType.class, StreamType.class, InputStreamType.class, ThreadType.class,
			BeanType.class })
	void refusesTypesThatAreNeverPayloads(Class<?> component) {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(component, BeanService.class).close())
			.withMessageContainingAll(component.getSimpleName() + ".run of bean", "'", "TaskContext", "Inject");
	}

	@Test
	void refusesAnOptionalOfAnything() {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(RawOptional.class).close())
			.withMessageContainingAll("RawOptional.run of bean", "Optional payload", "give Optional a type");
	}

	record Order(String item) {
	}

	static class BeanService {

	}

	static class Accepted {

		@Task
		String nothing() {
			return "done";
		}

		@Task
		void noResult() {
		}

		@Task
		List<Object> payloadFirst(Order order, TaskContext context, TaskEvent<Order> event) {
			return List.of(order, context, event);
		}

		@Task
		List<Object> contextFirst(TaskContext context, TaskEvent<?> event, Order order) {
			return List.of(order, context, event);
		}

		@Task
		List<Object> eventFirst(Invocation<Order> event, Order order, TaskContext context) {
			return List.of(order, context, event);
		}

		@Task
		@Nullable Order plain(@Nullable Order order) {
			return order;
		}

		@Task
		Optional<Order> optional(Optional<Order> order) {
			return order;
		}

		@Task
		int primitive(int count) {
			return count;
		}

		@Task
		@Nullable Order event(TaskEvent<Order> event) {
			return event.payload();
		}

		@Task
		@Nullable Order invocation(Invocation<? extends Order> invocation) {
			return invocation.payload();
		}

		@Task
		@Nullable String anyEvent(TaskEvent<?> event) {
			return event.payload(String.class);
		}

		@Task
		@SuppressWarnings({ "rawtypes", "unchecked" })
		@Nullable Object rawEvent(TaskEvent event) {
			return event.payload(new ParameterizedTypeReference<String>() {
			});
		}

		@Task
		@Nullable Object openEventAndPayload(TaskEvent<?> event, Order order) {
			return event.payload();
		}

		@Task
		void eventAndPrimitive(TaskEvent<Integer> event, int count) {
		}

		@Task
		void orders(List<Order> orders) {
		}

		@Task
		void wildcards(Map<String, ? extends Order> orders) {
		}

		@Task
		void array(Order[] orders) {
		}

	}

	abstract static class Generic<P, Q> {

		@Task
		void one(P payload) {
		}

		@Task
		void many(Map<Q, P> payload) {
		}

		@Task
		void event(TaskEvent<P> event) {
		}

		@Task
		void array(P[] payload) {
		}

	}

	abstract static class HalfBound<R> extends Generic<List<R>, String> {

	}

	static class Bound extends HalfBound<Order> {

	}

	static class Unbound<P> {

		@Task
		void run(P payload) {
		}

	}

	static class UnboundMethod {

		@Task
		<P> void run(List<P> payload) {
		}

	}

	static class TwoPayloads {

		@Task
		void run(Order order, List<String> names) {
		}

	}

	static class EventOfOtherType {

		@Task
		void run(Order order, TaskEvent<String> event) {
		}

	}

	static class PayloadOfOtherType {

		@Task
		void run(TaskEvent<String> event, Order order) {
		}

	}

	static class EventsOfDifferentTypes {

		@Task
		void run(TaskEvent<String> event, Invocation<Order> invocation) {
		}

	}

	static class SpringType {

		@Task
		void run(ApplicationContext context) {
		}

	}

	static class ConductorType {

		@Task
		void run(ConductorClient client) {
		}

	}

	static class ListOfEvents {

		@Task
		void run(List<TaskEvent<Order>> events) {
		}

	}

	static class OptionalContext {

		@Task
		void run(Optional<TaskContext> context) {
		}

	}

	static class FunctionalType {

		@Task
		void run(Supplier<Order> supplier) {
		}

	}

	static class RunnableType {

		@Task
		void run(Runnable runnable) {
		}

	}

	static class StreamType {

		@Task
		void run(Stream<Order> orders) {
		}

	}

	static class InputStreamType {

		@Task
		void run(InputStream input) {
		}

	}

	static class ThreadType {

		@Task
		void run(Thread thread) {
		}

	}

	static class BeanType {

		@Task
		void run(BeanService service) {
		}

	}

	static class RawOptional {

		@Task
		void run(@SuppressWarnings("rawtypes") Optional payload) {
		}

	}

}
