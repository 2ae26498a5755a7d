package io.pgconductor.annotation;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import io.pgconductor.EmittedEvent;
import io.pgconductor.Invocation;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.MisfirePolicy;
import io.pgconductor.OverlapPolicy;
import io.pgconductor.ScheduleTick;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.CronTimes;
import io.pgconductor.task.CronTrigger;
import io.pgconductor.task.EventTrigger;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import org.aopalliance.intercept.MethodInterceptor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.aot.hint.annotation.Reflective;
import org.springframework.core.annotation.AliasFor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for {@link OnEvent @OnEvent}: what a method subscribes to, and what it receives
 * if it has triggers of several kinds.
 */
class OnEventAnnotationTests {

	private static final UUID ID = UUID.fromString("01890a5d-ac96-774b-bcce-b302099a8057");

	private static final Instant NINE = Instant.parse("2026-03-02T09:00:00Z");

	@Test
	void aMethodWithoutATaskIsOneNamedAfterItself() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Alone.class)) {
			TaskSpec task = tasks.onlyTask();

			assertThat(task.name()).isEqualTo("welcome-user");
			assertThat(task.payloadType()).isEqualTo(User.class);
			assertThat(task.triggers()).containsExactly(new EventTrigger("user.created", false, null, null));
			assertThat(tasks.run(task, emitted("user.created", new User("ada")))).isEqualTo("welcome ada");
		}
	}

	@Test
	void takesNameAndOptionsFromATaskOnTheSameMethodOrTheClass() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(WithTask.class)) {
			assertThat(tasks.registry().tasks()).hasSize(2);
			assertThat(tasks.task("welcome").queue()).isEqualTo("mail");
			assertThat(tasks.task("welcome").triggers())
				.containsExactly(new EventTrigger("user.created", false, null, null));
			assertThat(tasks.task("index").queue()).isEqualTo("slow");
		}
	}

	@Test
	void readsAllAttributes() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Full.class)) {
			assertThat(tasks.task("prefix").triggers())
				.containsExactly(new EventTrigger("order.", true, "$.total > 100", List.of("id", "total")));
			assertThat(tasks.task("everything").triggers()).containsExactly(new EventTrigger("", true, null, null));
		}
	}

	@Test
	void aMethodHasSeveral() {
		EventTrigger placed = new EventTrigger("order.placed", false, null, null);
		EventTrigger paid = new EventTrigger("order.paid", false, "$.total > 0", null);

		try (AnnotatedTasks tasks = AnnotatedTasks.of(Repeated.class)) {
			assertThat(tasks.task("repeated").triggers()).containsExactly(placed, paid);
			assertThat(tasks.task("in-a-container").triggers()).containsExactly(placed, paid);
			assertThat(tasks.task("name-and-prefix").triggers()).containsExactly(placed,
					new EventTrigger("order.placed", true, null, null));
		}
	}

	@Test
	void worksAsMetaAnnotationWithAliases() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Composed.class)) {
			assertThat(tasks.task("big").triggers())
				.containsExactly(new EventTrigger("order.placed", false, "$.total > 100", null));
			assertThat(tasks.task("huge").triggers())
				.containsExactly(new EventTrigger("order.placed", false, "$.total > 1000", null));
		}
	}

	@Test
	void findsTheAnnotationOnAnInterfaceWithAGenericPayload() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(UserListener.class)) {
			TaskSpec task = tasks.onlyTask();

			assertThat(task.payloadType()).isEqualTo(User.class);
			assertThat(task.triggers()).containsExactly(new EventTrigger("created", false, null, null));
			assertThat(tasks.run(task, emitted("created", new User("ada")))).isEqualTo("heard of ada");
		}
	}

	@Test
	void annotationsOfAnOverridingMethodReplaceTheInheritedOnes() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Child.class)) {
			assertThat(tasks.task("inherited").triggers()).containsExactly(new EventTrigger("a", false, null, null));
			assertThat(tasks.task("overridden").triggers()).containsExactly(new EventTrigger("b", false, null, null));
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void isCalledThroughTheProxy(boolean ofClass) throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of((context) -> context.registerBean(Listener.class, () -> {
			ProxyFactory factory = new ProxyFactory(new UserListener());
			factory.setProxyTargetClass(ofClass);
			factory.addAdvice((MethodInterceptor) (invocation) -> "advised: " + invocation.proceed());
			return (Listener<?>) factory.getProxy();
		}))) {
			assertThat(tasks.run(tasks.task("hear"), emitted("created", new User("ada"))))
				.isEqualTo("advised: heard of ada");
		}
	}

	@Test
	void attributesTakePlaceholders() {
		Map<String, Object> properties = Map.of("event", "order.placed", "least", "50", "field", "total");

		try (AnnotatedTasks tasks = AnnotatedTasks.withProperties(properties, WithPlaceholders.class)) {
			assertThat(tasks.onlyTask().triggers())
				.containsExactly(new EventTrigger("order.placed", false, "$.total > 50", List.of("id", "total")));
		}
	}

	@Test
	void aTaskThatIsSwitchedOffHasNone() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Map.of("welcome-user", TaskOptions.none().enabled(false)),
				(context) -> context.register(Alone.class))) {
			assertThat(tasks.registry().tasks()).isEmpty();
		}
	}

	@Test
	void triggersOfAllKindsAreToldApart() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(AllKinds.class)) {
			TaskSpec task = tasks.onlyTask();

			assertThat(task.payloadType()).isNull();
			assertThat(task.triggers())
				.containsExactly(
						new CronTrigger("nightly", CronTimes.parse("0 3 * * *", ZoneId.of("UTC")),
								MisfirePolicy.RUN_ONCE, OverlapPolicy.ALLOW),
						new EventTrigger("order.", true, null, null));
			assertThat(tasks.run(task, tick("nightly"))).isEqualTo("tick " + NINE);
			assertThat(tasks.run(task, emitted("order.placed", null))).isEqualTo("order.placed " + ID + " " + NINE);
			assertThat(tasks.run(task, (Object) null)).isEqualTo("conductor.invoke");
		}
	}

	@Test
	void thePayloadIsReadAsTheTypeThatFitsTheTrigger() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(AnyPayload.class)) {
			EmittedEvent<?> event = new EmittedEvent<>("user.created", ID, NINE, "{}",
					(type) -> new User("of " + type));

			assertThat(tasks.run(tasks.onlyTask(), event)).isEqualTo("of " + User.class);
		}
	}

	@Test
	void theEventsTypeArgumentIsThePayloadsType() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Typed.class)) {
			assertThat(tasks.task("one").payloadType()).isEqualTo(User.class);
			assertThat(tasks.task("many").payloadType())
				.hasToString("java.util.Map<java.lang.String, java.util.List<" + User.class.getName() + ">>");
			assertThat(tasks.task("open").payloadType()).isNull();
			assertThat(tasks.task("count").payloadRequired()).isTrue();
		}
	}

	@Test
	void saysWhatItTakesWhenItIsCalledForSomethingElse() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Typed.class)) {
			assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(() -> tasks.run("one", new User("ada")))
				.withMessageContainingAll("Typed.one of bean", "takes EmittedEvent only",
						"called for Invocation (conductor.invoke", "have it take a TaskEvent");
			assertThatExceptionOfType(InvalidPayloadException.class)
				.isThrownBy(() -> tasks.run(tasks.task("one"), tick("nightly")))
				.withMessageContainingAll("called for ScheduleTick", "nightly");
			assertThatExceptionOfType(InvalidPayloadException.class)
				.isThrownBy(() -> tasks.run(tasks.task("count"), emitted("user.counted", null)))
				.withMessageContainingAll("Typed.count", "int count");
		}
	}

	@ParameterizedTest
	@CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
			Empty; @OnEvent(value = ""); give it the name of an event
			EmptyByPlaceholder; @OnEvent(value = "${none:}"); give it the name of an event
			StarInside; @OnEvent(value = "order.*.placed"); it has a *
			TwoStars; @OnEvent(value = "order.**"); it has a *
			WhiteSpace; @OnEvent(value = "order placed "); no white space at either end
			ControlCharacter; use 1 to 200 characters; no control characters
			TooLong; @OnEvent(value = ; use 1 to 200 characters
			MissingProperty; @OnEvent(filter = "$.total > ${least}"); least
			Twice; it subscribes to 'order.placed' twice; join the filters with ||
			TwiceAPrefix; it subscribes to 'order.*' twice; join the filters with ||
			Failure; an @OnFailure method runs when a task has failed; remove @Cron, @OnEvent and @OnRowChange
			TakesTick; it takes a ScheduleTick, but has an @OnEvent too; take a TaskEvent
			TakesInvocation; it takes an Invocation, but has other triggers too; take a TaskEvent
			TakesEventAndTick; it takes both EmittedEvent and ScheduleTick, and no event is both; take a TaskEvent
			DifferentPayloads; different types; TaskEvent<?>
			""")
	void refusesWhatCannotWork(String component, String problem, String remedy) throws ClassNotFoundException {
		Class<?> type = Class.forName(OnEventRefusals.class.getName() + "$" + component);

		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> AnnotatedTasks.of(type).close())
			.withMessageContainingAll("OnEventRefusals." + component + ".run of bean", component + "'", problem,
					remedy);
	}

	@Test
	void isReflective() {
		assertThat(OnEvent.class).hasAnnotation(Reflective.class);
		assertThat(OnEvent.Subscriptions.class).hasAnnotation(Reflective.class);
	}

	private static <P> EmittedEvent<P> emitted(String name, @Nullable P payload) {
		return new EmittedEvent<>(name, ID, NINE, payload);
	}

	private static ScheduleTick<?> tick(String name) {
		return new ScheduleTick<>(name, NINE, null);
	}

	record User(String name) {
	}

	static class Alone {

		@OnEvent("user.created")
		String welcomeUser(User user) {
			return "welcome " + user.name();
		}

	}

	@TaskDefaults(queue = "slow")
	static class WithTask {

		@Task(name = "welcome", queue = "mail")
		@OnEvent("user.created")
		void sendWelcome(User user) {
		}

		@OnEvent("user.created")
		void index(User user) {
		}

	}

	static class Full {

		@OnEvent(value = "order.*", filter = "$.total > 100", fields = { "id", "total" })
		void prefix() {
		}

		@OnEvent("*")
		void everything() {
		}

	}

	static class Repeated {

		@OnEvent("order.placed")
		@OnEvent(value = "order.paid", filter = "$.total > 0")
		void repeated() {
		}

		@OnEvent.Subscriptions({ @OnEvent("order.placed"), @OnEvent(value = "order.paid", filter = "$.total > 0") })
		void inAContainer() {
		}

		@OnEvent("order.placed")
		@OnEvent("order.placed*")
		void nameAndPrefix() {
		}

	}

	@Retention(RetentionPolicy.RUNTIME)
	@OnEvent("order.placed")
	@interface OnBigOrder {

		@AliasFor(annotation = OnEvent.class, attribute = "filter")
		String when() default "$.total > 100";

	}

	static class Composed {

		@OnBigOrder
		void big() {
		}

		@OnBigOrder(when = "$.total > 1000")
		void huge() {
		}

	}

	interface Listener<P> {

		@OnEvent("created")
		String hear(P payload);

	}

	static class UserListener implements Listener<User> {

		@Override
		public String hear(User user) {
			return "heard of " + user.name();
		}

	}

	abstract static class Parent {

		@OnEvent("a")
		void inherited() {
		}

		@OnEvent("a")
		void overridden() {
		}

	}

	static class Child extends Parent {

		@Override
		@OnEvent("b")
		void overridden() {
		}

	}

	static class WithPlaceholders {

		@OnEvent(value = "${event}", filter = "$.total > ${least}", fields = { "id", "${field}", "${none:}" })
		void run() {
		}

	}

	static class AllKinds {

		@Task
		@OnEvent("order.*")
		@Cron(value = "0 3 * * *", name = "nightly")
		String run(TaskEvent<?> event) {
			if (event instanceof ScheduleTick<?> tick) {
				return "tick " + tick.scheduledAt();
			}
			if (event instanceof EmittedEvent<?> emitted) {
				return emitted.name() + " " + emitted.id() + " " + emitted.emittedAt();
			}
			return event.name();
		}

	}

	static class AnyPayload {

		@OnEvent("user.created")
		@Nullable String run(TaskEvent<?> event) {
			User user = event.payload(User.class);
			return (user != null) ? user.name() : null;
		}

	}

	static class Typed {

		@OnEvent("user.created")
		void one(EmittedEvent<User> event) {
		}

		@OnEvent("users.created")
		void many(EmittedEvent<Map<String, List<User>>> event) {
		}

		@OnEvent("user.removed")
		void open(EmittedEvent<?> event) {
		}

		@OnEvent("user.counted")
		int count(int count) {
			return count;
		}

	}

	static class OnEventRefusals {

		static class Empty {

			@OnEvent("")
			void run() {
			}

		}

		static class EmptyByPlaceholder {

			@OnEvent("${none:}")
			void run() {
			}

		}

		static class StarInside {

			@OnEvent("order.*.placed")
			void run() {
			}

		}

		static class TwoStars {

			@OnEvent("order.**")
			void run() {
			}

		}

		static class WhiteSpace {

			@OnEvent("order placed ")
			void run() {
			}

		}

		static class ControlCharacter {

			@OnEvent("order\nplaced")
			void run() {
			}

		}

		static class TooLong {

			private static final String TEN = "0123456789";

			private static final String HUNDRED = TEN + TEN + TEN + TEN + TEN + TEN + TEN + TEN + TEN + TEN;

			@OnEvent(HUNDRED + HUNDRED + "1")
			void run() {
			}

		}

		static class MissingProperty {

			@OnEvent(value = "order.placed", filter = "$.total > ${least}")
			void run() {
			}

		}

		static class Twice {

			@OnEvent("order.placed")
			@OnEvent(value = "order.placed", filter = "$.total > 100")
			void run() {
			}

		}

		static class TwiceAPrefix {

			@OnEvent("order.*")
			@OnEvent("${prefix:order.}*")
			void run() {
			}

		}

		static class Failure {

			@Task
			void order() {
			}

			@OnFailure
			@OnEvent("order.placed")
			void run() {
			}

		}

		static class TakesTick {

			@OnEvent("order.placed")
			@Cron("@daily")
			void run(ScheduleTick<?> tick) {
			}

		}

		static class TakesInvocation {

			@OnEvent("order.placed")
			void run(Invocation<?> invocation) {
			}

		}

		static class TakesEventAndTick {

			@OnEvent("order.placed")
			void run(EmittedEvent<?> event, ScheduleTick<?> tick) {
			}

		}

		static class DifferentPayloads {

			@OnEvent("order.placed")
			void run(EmittedEvent<String> event, User user) {
			}

		}

	}

}
