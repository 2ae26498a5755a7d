package io.pgconductor.annotation;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

import io.pgconductor.ExecutionError;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import io.pgconductor.TaskFailure;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.JsonMapping;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import org.aopalliance.intercept.MethodInterceptor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.aot.hint.annotation.Reflective;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.core.annotation.AliasFor;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for {@link OnFailure}: which tasks its methods follow, and what they receive.
 */
class OnFailureTests {

	private static final UUID EXECUTION = UUID.fromString("01890a5d-ac96-774b-bcce-b302099a8057");

	private static final JsonMapping JSON = new JsonMapping(JsonMapping.mapperBuilder().build(), 10_000);

	@Test
	void isATaskOfItsOwnThatFollowsTheTaskItNames() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Named.class)) {
			TaskSpec handler = tasks.task("give-up");

			assertThat(tasks.task("order").onFailure()).isEqualTo("give-up");
			assertThat(tasks.task("mail").onFailure()).isNull();
			assertThat(handler.onFailure()).isNull();
			assertThat(handler.source()).contains("Named.giveUp of bean");
			assertThat(handler.payloadRequired()).isTrue();
			assertThat(tasks.registry().tasks()).extracting(TaskSpec::name).containsExactly("mail", "order", "give-up");
		}
	}

	@Test
	void followsAllTasksThatNoOtherNames() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(WithDefault.class)) {
			assertThat(tasks.task("first").onFailure()).isEqualTo("special");
			assertThat(tasks.task("second").onFailure()).isEqualTo("general");
			assertThat(tasks.task("third").onFailure()).isEqualTo("general");
			assertThat(tasks.task("general").onFailure()).isNull();
			assertThat(tasks.task("special").onFailure()).isNull();
		}
	}

	@Test
	void namesTakePlaceholders() {
		Map<String, Object> properties = Map.of("first", "order", "own", "undo");

		try (AnnotatedTasks tasks = AnnotatedTasks.withProperties(properties, WithPlaceholders.class)) {
			assertThat(tasks.task("order").onFailure()).isEqualTo("undo-order");
			assertThat(tasks.task("other").onFailure()).isNull();
		}
	}

	@Test
	void otherBeansAreNotConcerned() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(WithDefault.class, Unconcerned.class)) {
			assertThat(tasks.task("unconcerned").onFailure()).isNull();
		}
	}

	@Test
	void receivesWhatThePayloadOfTheFailureHolds() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Receiving.class)) {
			Order order = new Order("book");
			ExecutionError error = new ExecutionError("java.io.IOException", "no route", "at …");

			for (String name : List.of("in-this-order", "in-that-order")) {
				List<?> received = received(tasks, name, "{\"item\":\"book\"}");

				assertThat(received.get(0)).isEqualTo(order);
				assertThat(received.get(1)).isEqualTo(error);
				assertThat(received.get(2)).isSameAs(AnnotatedTasks.CONTEXT);
				assertThat(received.get(3)).isEqualTo(new TaskFailure<>(EXECUTION, "order", order, error));
			}
		}
	}

	@Test
	void aPayloadIsReadAsTheTypeThatTheMethodDeclares() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Receiving.class)) {
			String json = "{\"item\":\"book\"}";

			assertThat(tasks.task("in-this-order").payloadType())
				.hasToString(new ParameterizedTypeReference<TaskFailure<Order>>() {
				}.getType().getTypeName());
			assertThat(received(tasks, "by-type-argument", json)).containsExactly(new Order("book"));
			assertThat(received(tasks, "as-optional", json)).containsExactly(Optional.of(new Order("book")));
			assertThat(received(tasks, "as-anything", json)).containsExactly(Map.of("item", "book"));
			assertThat(received(tasks, "open", json)).containsExactly(Map.of("item", "book"));
			assertThat(received(tasks, "as-tree", json).get(0)).hasToString(json);
			assertThat(received(tasks, "nothing", json)).isEmpty();
		}
	}

	@Test
	void aTaskInvokedWithNothingFailsWithoutPayload() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Receiving.class)) {
			assertThat(received(tasks, "in-this-order", "null").get(0)).isNull();
			assertThat(received(tasks, "as-optional", "null")).containsExactly(Optional.empty());
			assertThatExceptionOfType(InvalidPayloadException.class)
				.isThrownBy(() -> received(tasks, "primitive", "null"))
				.withMessageContainingAll("Receiving.primitive", "int count");
			assertThat(received(tasks, "primitive", "3")).containsExactly(3);
		}
	}

	@Test
	void saysWhatItNeedsIfItIsInvokedByHand() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Receiving.class)) {
			assertThatExceptionOfType(InvalidPayloadException.class)
				.isThrownBy(() -> tasks.run("in-this-order", new Order("book")))
				.withMessageContainingAll("Receiving.inThisOrder", "TaskFailure", "Order");
		}
	}

	@Test
	void optionsComeFromTheClassATaskOnTheSameMethodAndProperties() {
		TaskOptions configured = TaskOptions.none().priority(9);

		try (AnnotatedTasks tasks = AnnotatedTasks.of(Map.of("give-up", configured),
				(context) -> context.register(WithOptions.class))) {
			TaskSpec handler = tasks.task("give-up");

			assertThat(handler.queue()).isEqualTo("slow");
			assertThat(handler.maxAttempts()).isEqualTo(20);
			assertThat(handler.timeout()).isEqualTo(Duration.ofSeconds(5));
			assertThat(handler.priority()).isEqualTo(9);
			assertThat(tasks.task("bail-out")).isSameAs(handler);
			assertThat(tasks.task("order").onFailure()).isEqualTo("give-up");
			assertThat(tasks.task("order").maxAttempts()).isEqualTo(2);
			assertThat(tasks.registry().tasks()).hasSize(2);
		}
	}

	@Test
	void theNameMayBeThatOfTheTaskAnnotation() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(NamedByTask.class)) {
			assertThat(tasks.task("order").onFailure()).isEqualTo("undo");
		}
	}

	@Test
	void worksAsMetaAnnotation() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Composed.class)) {
			assertThat(tasks.task("order").onFailure()).isEqualTo("composed");
		}
	}

	@Test
	void worksAcrossTheClassesOfABean() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Inheriting.class)) {
			assertThat(tasks.task("inherited").onFailure()).isEqualTo("undo");
			assertThat(tasks.task("own").onFailure()).isEqualTo("undo");
			assertThat(received(tasks, "undo", "\"x\"")).containsExactly("overridden", "x");
		}
	}

	@Test
	void isCalledThroughTheProxy() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of((context) -> context.registerBean(Named.class, () -> {
			ProxyFactory factory = new ProxyFactory(new Named());
			factory.setProxyTargetClass(true);
			factory.addAdvice((MethodInterceptor) (invocation) -> Arrays.asList("advised", invocation.proceed()));
			return (Named) factory.getProxy();
		}))) {
			assertThat(received(tasks, "give-up", "{\"item\":\"book\"}")).containsExactly("advised", "gave up book");
		}
	}

	@ParameterizedTest
	@CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
			TwoForOneTask; run; task 'order' has two @OnFailure methods; 'also'
			TwoDefaults; run; task 'order' has two @OnFailure methods; 'also'
			UnknownTask; run; 'oder', which is no task of the same bean; use 'mail', 'order'
			NamesItself; run; 'run', which is no task of the same bean; 'order'
			NamesAnother; run; 'other', which is no task of the same bean; 'order'
			NoTasks; run; the same bean, which has none; move it to the bean
			NothingLeft; run; never be called; name the tasks it is for
			NamedTwice; run; 'one' by @OnFailure and 'two' by @Task; remove one
			OtherPayload; run; Integer as the payload of task 'order'; use the same type
			OtherGenericPayload; run; List<java.lang.Integer> as the payload of task 'order'; use the same type
			PayloadOfSome; run; String as the payload of task 'mail'; name the tasks it is for
			WithEvent; run; neither payload, ExecutionError, TaskContext nor TaskFailure<P>; TaskEvent
			TwoPayloads; run; would both be the payload; one type
			TwoTypes; run; different types; TaskFailure<?>
			BadName; run; @OnFailure(name = " x"); white space
			BadTaskName; run; @OnFailure(value = " x"); white space
			Static; run; static; instance method
			""")
	void refusesWhatCannotWork(String component, String method, String problem, String remedy)
			throws ClassNotFoundException {
		Class<?> type = Class.forName(OnFailureTests.class.getName() + "$" + component);

		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(type, Unrelated.class).close())
			.withMessageContainingAll(
					"OnFailureTests." + component + "." + method + " of bean 'onFailureTests." + component + "'",
					problem, remedy);
	}

	@Test
	void tasksDoNotReceiveFailures() {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(TaskWithFailure.class).close())
			.withMessageContainingAll("neither payload, TaskContext nor TaskEvent<P>", "ExecutionError");
	}

	@Test
	void aWiderTypeReceivesThePayload() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(WiderPayload.class)) {
			assertThat(tasks.task("order").onFailure()).isEqualTo("give-up");
			assertThat(tasks.task("any").onFailure()).isEqualTo("give-up");
		}
	}

	@Test
	void isReflective() {
		assertThat(OnFailure.class).hasAnnotation(Reflective.class);
	}

	@SuppressWarnings("unchecked")
	private static List<@Nullable Object> received(AnnotatedTasks tasks, String name, String payload) throws Throwable {
		TaskSpec task = tasks.task(name);
		Type type = task.payloadType();
		assertThat(type).isNotNull();
		Object failure = JSON.read("""
				{"execution": "%s", "task": "order", "payload": %s,
				 "error": {"type": "java.io.IOException", "message": "no route", "stackTrace": "at …"}}
				""".formatted(EXECUTION, payload), type, "payload");
		return (List<@Nullable Object>) Objects.requireNonNull(tasks.run(task, failure));
	}

	record Order(String item) {

	}

	static class Named {

		@Task
		void order(Order order) {
		}

		@Task
		void mail(String payload) {
		}

		@OnFailure("order")
		Object giveUp(Order order) {
			return "gave up " + order.item();
		}

	}

	static class WithDefault {

		@Task
		void first() {
		}

		@Task
		void second() {
		}

		@Task
		void third() {
		}

		@OnFailure
		void general() {
		}

		@OnFailure("first")
		void special() {
		}

	}

	static class WithPlaceholders {

		@Task("${first}")
		void one() {
		}

		@Task
		void other() {
		}

		@OnFailure(value = { "${first}", "${none:}" }, name = "${own}-order")
		void run() {
		}

	}

	static class Unconcerned {

		@Task
		void unconcerned() {
		}

	}

	static class Unrelated {

		@Task("other")
		void elsewhere() {
		}

	}

	static class Receiving {

		@Task
		void order() {
		}

		@Task
		void count() {
		}

		@OnFailure("order")
		List<?> inThisOrder(@Nullable Order order, ExecutionError error, TaskContext context,
				TaskFailure<Order> failure) {
			return Arrays.asList(order, error, context, failure);
		}

		@Task
		void task1() {
		}

		@OnFailure("task1")
		List<?> inThatOrder(TaskFailure<Order> failure, TaskContext context, ExecutionError error, Order order) {
			return Arrays.asList(order, error, context, failure);
		}

		@Task
		void task2() {
		}

		@OnFailure("task2")
		List<?> byTypeArgument(TaskFailure<Order> failure) {
			return Arrays.asList(failure.payload());
		}

		@Task
		void task3() {
		}

		@OnFailure("task3")
		List<?> asOptional(Optional<Order> order) {
			return List.of(order);
		}

		@Task
		void task4() {
		}

		@OnFailure("task4")
		List<?> asAnything(Object payload) {
			return List.of(payload);
		}

		@Task
		void task5() {
		}

		@OnFailure("task5")
		List<?> open(TaskFailure<?> failure) {
			return Arrays.asList(failure.payload());
		}

		@Task
		void task6(Order order) {
		}

		@OnFailure("task6")
		List<?> asTree(JsonNode payload) {
			return List.of(payload);
		}

		@Task
		void task7() {
		}

		@OnFailure("task7")
		List<?> nothing() {
			return List.of();
		}

		@OnFailure("count")
		List<?> primitive(int count) {
			return List.of(count);
		}

	}

	@TaskDefaults(queue = "slow", maxAttempts = 2, timeout = "5s", priority = 3)
	static class WithOptions {

		@Task
		void order() {
		}

		@OnFailure
		@Task(maxAttempts = 20, priority = 4, aliases = "bail-out")
		void giveUp() {
		}

	}

	static class NamedByTask {

		@Task
		void order() {
		}

		@OnFailure
		@Task("undo")
		void giveUp() {
		}

	}

	@Retention(RetentionPolicy.RUNTIME)
	@OnFailure(name = "composed")
	@interface Undoing {

		@AliasFor(annotation = OnFailure.class, attribute = "value")
		String[] tasks();

	}

	static class Composed {

		@Task
		void order() {
		}

		@Undoing(tasks = "order")
		void run() {
		}

	}

	abstract static class Base<P> {

		@Task
		void inherited(P payload) {
		}

		@OnFailure
		List<?> undo(P payload) {
			return List.of();
		}

	}

	static class Inheriting extends Base<String> {

		@Task
		void own(String payload) {
		}

		@Override
		List<?> undo(String payload) {
			return List.of("overridden", payload);
		}

	}

	static class TwoForOneTask {

		@Task
		void order() {
		}

		@OnFailure("order")
		void also() {
		}

		@OnFailure("order")
		void run() {
		}

	}

	static class TwoDefaults {

		@Task
		void order() {
		}

		@OnFailure
		void also() {
		}

		@OnFailure
		void run() {
		}

	}

	static class UnknownTask {

		@Task
		void order() {
		}

		@Task
		void mail() {
		}

		@OnFailure("oder")
		void run() {
		}

	}

	static class NamesItself {

		@Task
		void order() {
		}

		@OnFailure("run")
		void run() {
		}

	}

	static class NamesAnother {

		@Task
		void order() {
		}

		@OnFailure("other")
		void run() {
		}

	}

	static class NoTasks {

		@OnFailure
		void run() {
		}

	}

	static class NothingLeft {

		@Task
		void order() {
		}

		@OnFailure("order")
		void special() {
		}

		@OnFailure
		void run() {
		}

	}

	static class NamedTwice {

		@Task
		void order() {
		}

		@OnFailure(name = "one")
		@Task("two")
		void run() {
		}

	}

	static class OtherPayload {

		@Task
		void order(Order order) {
		}

		@OnFailure
		void run(int count) {
		}

	}

	static class OtherGenericPayload {

		@Task
		void order(List<Order> orders) {
		}

		@OnFailure
		void run(TaskFailure<List<Integer>> failure) {
		}

	}

	static class PayloadOfSome {

		@Task
		void order(String payload) {
		}

		@Task
		void mail(Order payload) {
		}

		@OnFailure
		void run(String payload) {
		}

	}

	static class WithEvent {

		@Task
		void order() {
		}

		@OnFailure
		void run(TaskEvent<?> event) {
		}

	}

	static class TwoPayloads {

		@Task
		void order() {
		}

		@OnFailure
		void run(String first, String second) {
		}

	}

	static class TwoTypes {

		@Task
		void order() {
		}

		@OnFailure
		void run(String payload, TaskFailure<Order> failure) {
		}

	}

	static class BadName {

		@Task
		void order() {
		}

		@OnFailure(name = " x")
		void run() {
		}

	}

	static class BadTaskName {

		@Task
		void order() {
		}

		@OnFailure(" x")
		void run() {
		}

	}

	static class Static {

		@Task
		void order() {
		}

		@OnFailure
		static void run() {
		}

	}

	static class TaskWithFailure {

		@Task
		void run(ExecutionError error) {
		}

	}

	static class WiderPayload {

		@Task
		void order(Integer payload) {
		}

		@Task
		void any(TaskEvent<?> event) {
		}

		@OnFailure
		void giveUp(Number payload) {
		}

	}

}
