package io.pgconductor.annotation;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Optional;

import io.pgconductor.EmittedEvent;
import io.pgconductor.Invocation;
import io.pgconductor.MisfirePolicy;
import io.pgconductor.OverlapPolicy;
import io.pgconductor.ScheduleTick;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.CronTimes;
import io.pgconductor.task.CronTrigger;
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
import org.springframework.scheduling.annotation.Async;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for {@link Cron @Cron}: which schedules a method has.
 */
class CronAnnotationTests {

	private static final ZoneId UTC = ZoneId.of("UTC");

	private static final ZoneId VIENNA = ZoneId.of("Europe/Vienna");

	private static final Instant NINE = Instant.parse("2026-03-02T09:00:00Z");

	@Test
	void aMethodWithoutATaskIsOneNamedAfterItself() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Alone.class)) {
			TaskSpec task = tasks.onlyTask();

			assertThat(task.name()).isEqualTo("clean-up");
			assertThat(task.queue()).isEqualTo("default");
			assertThat(task.maxAttempts()).isEqualTo(3);
			assertThat(task.triggers()).containsExactly(trigger("clean-up", "0 3 * * *", UTC));
			assertThat(tasks.run(task, tick("clean-up", null))).isEqualTo("clean");
		}
	}

	@Test
	void takesNameAndOptionsFromATaskOnTheSameMethodOrTheClass() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(WithTask.class)) {
			assertThat(tasks.registry().tasks()).hasSize(2);
			assertThat(tasks.task("send-digest").queue()).isEqualTo("mail");
			assertThat(tasks.task("send-digest").triggers()).containsExactly(trigger("send-digest", "0 9 * * *", UTC));
			assertThat(tasks.task("archive").queue()).isEqualTo("slow");
		}
	}

	@Test
	void readsAllAttributes() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Full.class)) {
			assertThat(tasks.onlyTask().triggers()).containsExactly(new CronTrigger("nightly",
					CronTimes.parse("0 0 3 * * MON-FRI", VIENNA), MisfirePolicy.SKIP, OverlapPolicy.SKIP));
		}
	}

	@Test
	void aMethodHasSeveral() {
		CronTrigger morning = trigger("morning", "0 9 * * *", VIENNA);
		CronTrigger evening = trigger("evening", "0 17 * * *", VIENNA);

		try (AnnotatedTasks tasks = AnnotatedTasks.of(Repeated.class)) {
			assertThat(tasks.task("repeated").triggers()).containsExactly(morning, evening);
			assertThat(tasks.task("in-a-container").triggers()).containsExactly(morning, evening);
			assertThat(tasks.task("one-unnamed").triggers()).containsExactly(trigger("one-unnamed", "@hourly", UTC),
					morning);
		}
	}

	@Test
	void worksAsMetaAnnotationWithAliases() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Composed.class)) {
			assertThat(tasks.task("plain").triggers()).containsExactly(trigger("nightly", "0 3 * * *", VIENNA));
			assertThat(tasks.task("adjusted").triggers())
				.containsExactly(trigger("nightly", "0 3 * * *", ZoneId.of("Asia/Tokyo")));
			assertThat(tasks.task("with-another").triggers()).containsExactly(trigger("with-another", "@hourly", UTC),
					trigger("nightly", "0 3 * * *", VIENNA));
			assertThat(tasks.task("twice-a-day").triggers()).containsExactly(trigger("first", "0 8 * * *", UTC),
					trigger("second", "0 20 * * *", UTC));
		}
	}

	@Test
	void findsTheAnnotationOnAnInterfaceOrSuperclass() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(ReportBean.class, Child.class)) {
			assertThat(tasks.task("report").triggers()).containsExactly(trigger("report", "0 6 * * *", UTC));
			assertThat(tasks.run(tasks.task("report"), tick("report", null))).isEqualTo("reported");
			assertThat(tasks.task("inherited").triggers()).containsExactly(trigger("inherited", "0 1 * * *", UTC));
		}
	}

	@Test
	void annotationsOfAnOverridingMethodReplaceTheInheritedOnes() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Child.class)) {
			assertThat(tasks.task("overridden").triggers()).containsExactly(trigger("overridden", "0 4 * * *", UTC));
			assertThat(tasks.task("repeated-as-it-is").triggers())
				.containsExactly(trigger("repeated-as-it-is", "0 5 * * *", UTC));
			assertThat(tasks.task("switched-off").triggers()).isEmpty();
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void isCalledThroughTheProxy(boolean ofClass) throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of((context) -> context.registerBean(Report.class, () -> {
			ProxyFactory factory = new ProxyFactory(new ReportBean());
			factory.setProxyTargetClass(ofClass);
			factory.addAdvice((MethodInterceptor) (invocation) -> "advised: " + invocation.proceed());
			return (Report) factory.getProxy();
		}))) {
			assertThat(tasks.run(tasks.task("report"), tick("report", null))).isEqualTo("advised: reported");
		}
	}

	@Test
	void attributesTakePlaceholders() {
		Map<String, Object> properties = Map.of("cron", "0 5 * * *", "name", "early", "zone", "Europe/Vienna");

		try (AnnotatedTasks tasks = AnnotatedTasks.withProperties(properties, WithPlaceholders.class)) {
			assertThat(tasks.onlyTask().triggers()).containsExactly(trigger("early", "0 5 * * *", VIENNA));
		}
		try (AnnotatedTasks tasks = AnnotatedTasks.of(WithPlaceholders.class)) {
			assertThat(tasks.onlyTask().triggers()).containsExactly(trigger("run", "0 4 * * *", UTC));
		}
	}

	@Test
	void aDashSwitchesItOff() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Disabled.class)) {
			assertThat(tasks.task("by-value").triggers()).isEmpty();
			assertThat(tasks.task("by-default").triggers()).isEmpty();
			assertThat(tasks.task("one-of-two").triggers()).containsExactly(trigger("other", "@daily", UTC));
		}
		try (AnnotatedTasks tasks = AnnotatedTasks.withProperties(Map.of("report.cron", " - "), Disabled.class)) {
			assertThat(tasks.task("by-default").triggers()).isEmpty();
		}
		try (AnnotatedTasks tasks = AnnotatedTasks.withProperties(Map.of("report.cron", "@daily"), Disabled.class)) {
			assertThat(tasks.task("by-default").triggers()).hasSize(1);
		}
	}

	@Test
	void aTaskThatIsSwitchedOffHasNone() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Map.of("clean-up", TaskOptions.none().enabled(false)),
				(context) -> context.register(Alone.class))) {
			assertThat(tasks.registry().tasks()).isEmpty();
		}
	}

	@Test
	void optionsFromOutsideKeepTheSchedules() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Map.of("clean-up", TaskOptions.none().queue("slow")),
				(context) -> context.register(Alone.class))) {
			assertThat(tasks.task("clean-up").queue()).isEqualTo("slow");
			assertThat(tasks.task("clean-up").triggers()).hasSize(1);
		}
	}

	@Test
	void aTickIsPassedAsWhatTheMethodTakes() throws Throwable {
		ScheduleTick<Order> tick = tick("morning", new Order("book"));

		try (AnnotatedTasks tasks = AnnotatedTasks.of(Receiving.class)) {
			assertThat(tasks.run(tasks.task("as-tick"), tick)).isEqualTo(NINE);
			assertThat(tasks.run(tasks.task("as-event"), tick)).isSameAs(tick);
			assertThat(tasks.run(tasks.task("as-payload"), tick)).isEqualTo(new Order("book"));
			assertThat(tasks.run(tasks.task("as-payload"), tick("morning", null))).isNull();
			assertThat(tasks.run(tasks.task("as-optional"), tick("morning", null))).isEqualTo(Optional.empty());
			assertThat(tasks.run(tasks.task("as-all"), tick)).isEqualTo(List.of(new Order("book"), tick));
		}
	}

	@Test
	void theTicksTypeArgumentIsThePayloadsType() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Receiving.class)) {
			assertThat(tasks.task("as-tick").payloadType()).isNull();
			assertThat(tasks.task("as-all").payloadType()).isEqualTo(Order.class);
			assertThat(tasks.task("generic").payloadType())
				.hasToString("java.util.List<" + Order.class.getName() + ">");
		}
	}

	@ParameterizedTest
	@CsvSource(delimiter = ';', quoteCharacter = '`', textBlock = """
			TooFewFields; @Cron(value = "0 9 * *"); it has 4 fields: use five
			BadField; @Cron(value = "0 25 * * *"); hour '25'
			BadMacro; @Cron(value = "@noon"); use one of @annually
			Impossible; @Cron(value = "0 0 30 2 *"); no date has the day of month '30', month '2'
			ImpossibleOfSix; @Cron(value = "0 0 0 31 4 *"); no date has
			BadPlaceholder; "${cron:whenever}" -> "whenever"; 1 field
			MissingProperty; @Cron(value = "${no.such.property}"); no.such.property
			Empty; @Cron(value = ""); a cron expression, or "-" for no schedule
			EmptyByPlaceholder; @Cron(value = "${none:}"); a cron expression, or "-"
			BadZone; @Cron(zone = "Europe/Wien"); such as Europe/Vienna
			BadZoneThough; @Cron(zone = "Mars"); such as Europe/Vienna
			BadName; @Cron(name = " x"); white space
			ControlCharacter; @Cron(name = "a\tb"); control characters
			TwoUnnamed; two of its @Cron have no name of their own; give each but one a name
			TwoUnnamedOneOff; two of its @Cron have no name of their own; give each but one a name
			NamedLikeItsTask; two of its @Cron have no name of their own; give each but one a name
			TwoOfOneName; two of its @Cron are named 'x'; a name of its own
			Failure; an @OnFailure method runs when a task has failed; remove @Cron, @OnEvent and @OnRowChange
			PrimitivePayload; it needs a payload, which a @Cron has none of; take it as Optional
			TakesEmittedEvent; it takes an EmittedEvent, but has a @Cron too; take a TaskEvent
			TakesInvocation; it takes an Invocation, but has other triggers too; take a TaskEvent
			TakesTickAndInvocation; it takes both ScheduleTick and Invocation, and no event is both; take a TaskEvent
			Asynchronous; asynchronous; remove @Async
			Static; static; instance method
			""")
	void refusesWhatCannotWork(String component, String problem, String remedy) throws ClassNotFoundException {
		Class<?> type = Class.forName(CronRefusals.class.getName() + "$" + component);

		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> AnnotatedTasks.of(type).close())
			.withMessageContainingAll("CronRefusals." + component + ".run of bean", component + "'",
					problem.replace("\\t", "\t"), remedy);
	}

	@Test
	void isReflective() {
		assertThat(Cron.class).hasAnnotation(Reflective.class);
		assertThat(Cron.Schedules.class).hasAnnotation(Reflective.class);
	}

	private static CronTrigger trigger(String name, String expression, ZoneId zone) {
		return new CronTrigger(name, CronTimes.parse(expression, zone), MisfirePolicy.RUN_ONCE, OverlapPolicy.ALLOW);
	}

	private static <P> ScheduleTick<P> tick(String name, @Nullable P payload) {
		return new ScheduleTick<>(name, NINE, payload);
	}

	record Order(String item) {
	}

	static class Alone {

		@Cron("0 3 * * *")
		String cleanUp() {
			return "clean";
		}

	}

	@TaskDefaults(queue = "slow")
	static class WithTask {

		@Task(name = "send-digest", queue = "mail")
		@Cron("0 9 * * *")
		void digest() {
		}

		@Cron("@weekly")
		void archive() {
		}

	}

	static class Full {

		@Cron(value = "0 0 3 * * MON-FRI", name = "nightly", zone = "Europe/Vienna", misfire = MisfirePolicy.SKIP,
				overlap = OverlapPolicy.SKIP)
		void run() {
		}

	}

	static class Repeated {

		@Cron(value = "0 9 * * *", name = "morning", zone = "Europe/Vienna")
		@Cron(value = "0 17 * * *", name = "evening", zone = "Europe/Vienna")
		void repeated() {
		}

		@Cron.Schedules({ @Cron(value = "0 9 * * *", name = "morning", zone = "Europe/Vienna"),
				@Cron(value = "0 17 * * *", name = "evening", zone = "Europe/Vienna") })
		void inAContainer() {
		}

		@Cron("@hourly")
		@Cron(value = "0 9 * * *", name = "morning", zone = "Europe/Vienna")
		void oneUnnamed() {
		}

	}

	@Retention(RetentionPolicy.RUNTIME)
	@Cron(value = "0 3 * * *", name = "nightly")
	@interface Nightly {

		@AliasFor(annotation = Cron.class, attribute = "zone")
		String in() default "Europe/Vienna";

	}

	@Retention(RetentionPolicy.RUNTIME)
	@Cron(value = "0 8 * * *", name = "first")
	@Cron(value = "0 20 * * *", name = "second")
	@interface TwiceADay {

	}

	static class Composed {

		@Nightly
		void plain() {
		}

		@Nightly(in = "Asia/Tokyo")
		void adjusted() {
		}

		@Nightly
		@Cron("@hourly")
		void withAnother() {
		}

		@TwiceADay
		void twiceADay() {
		}

	}

	interface Report {

		@Cron("0 6 * * *")
		String report();

	}

	static class ReportBean implements Report {

		@Override
		public String report() {
			return "reported";
		}

	}

	abstract static class Parent {

		@Cron("0 1 * * *")
		void inherited() {
		}

		@Cron("0 1 * * *")
		@Cron(value = "0 2 * * *", name = "second")
		void overridden() {
		}

		@Cron("0 5 * * *")
		void repeatedAsItIs() {
		}

		@Cron("0 1 * * *")
		void switchedOff() {
		}

	}

	static class Child extends Parent {

		@Override
		@Cron("0 4 * * *")
		void overridden() {
		}

		@Override
		@Cron("0 5 * * *")
		void repeatedAsItIs() {
		}

		@Override
		@Cron("-")
		void switchedOff() {
		}

	}

	static class WithPlaceholders {

		@Cron(value = "${cron:0 4 * * *}", name = "${name:}", zone = "${zone:}")
		void run() {
		}

	}

	static class Disabled {

		@Cron("-")
		void byValue() {
		}

		@Cron("${report.cron:-}")
		void byDefault() {
		}

		@Cron(Cron.DISABLED)
		@Cron(value = "@daily", name = "other")
		void oneOfTwo() {
		}

	}

	static class Receiving {

		@Cron("@daily")
		Instant asTick(ScheduleTick<?> tick) {
			return tick.scheduledAt();
		}

		@Cron("@daily")
		TaskEvent<?> asEvent(TaskEvent<?> event) {
			return event;
		}

		@Cron("@daily")
		@Nullable Order asPayload(@Nullable Order order) {
			return order;
		}

		@Cron("@daily")
		Optional<Order> asOptional(Optional<Order> order) {
			return order;
		}

		@Cron("@daily")
		List<?> asAll(TaskContext context, Order order, ScheduleTick<Order> tick) {
			return List.of(order, tick);
		}

		@Cron("@daily")
		void generic(ScheduleTick<List<? extends Order>> tick) {
		}

	}

	static class CronRefusals {

		static class TooFewFields {

			@Cron("0 9 * *")
			void run() {
			}

		}

		static class BadField {

			@Cron("0 25 * * *")
			void run() {
			}

		}

		static class BadMacro {

			@Cron("@noon")
			void run() {
			}

		}

		static class Impossible {

			@Cron("0 0 30 2 *")
			void run() {
			}

		}

		static class ImpossibleOfSix {

			@Cron("0 0 0 31 4 *")
			void run() {
			}

		}

		static class BadPlaceholder {

			@Cron("${cron:whenever}")
			void run() {
			}

		}

		static class MissingProperty {

			@Cron("${no.such.property}")
			void run() {
			}

		}

		static class Empty {

			@Cron("")
			void run() {
			}

		}

		static class EmptyByPlaceholder {

			@Cron("${none:}")
			void run() {
			}

		}

		static class BadZone {

			@Cron(value = "@daily", zone = "Europe/Wien")
			void run() {
			}

		}

		static class BadZoneThough {

			@Cron(value = "-", zone = "Mars")
			void run() {
			}

		}

		static class BadName {

			@Cron(value = "@daily", name = " x")
			void run() {
			}

		}

		static class ControlCharacter {

			@Cron(value = "@daily", name = "a\tb")
			void run() {
			}

		}

		static class TwoUnnamed {

			@Cron("@daily")
			@Cron("@weekly")
			void run() {
			}

		}

		static class TwoUnnamedOneOff {

			@Cron("${slow:-}")
			@Cron("@weekly")
			void run() {
			}

		}

		static class NamedLikeItsTask {

			@Cron("@daily")
			@Cron(value = "@weekly", name = "run")
			void run() {
			}

		}

		static class TwoOfOneName {

			@Cron(value = "@daily", name = "x")
			@Cron(value = "@weekly", name = "x")
			void run() {
			}

		}

		static class Failure {

			@Task
			void order() {
			}

			@OnFailure
			@Cron("@daily")
			void run() {
			}

		}

		static class PrimitivePayload {

			@Cron("@daily")
			void run(int count) {
			}

		}

		static class TakesEmittedEvent {

			@Cron("@daily")
			void run(EmittedEvent<?> event) {
			}

		}

		static class TakesInvocation {

			@Cron("@daily")
			void run(Invocation<?> event) {
			}

		}

		static class TakesTickAndInvocation {

			@Cron("@daily")
			void run(ScheduleTick<?> tick, Invocation<?> event) {
			}

		}

		static class Asynchronous {

			@Cron("@daily")
			@Async
			void run() {
			}

		}

		static class Static {

			@Cron("@daily")
			static void run() {
			}

		}

	}

}
