package io.pgconductor.annotation;

import java.io.IOException;
import java.lang.annotation.Annotation;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Set;

import io.pgconductor.task.Batching;
import io.pgconductor.task.DailyHours;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.RateLimit;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.task.TaskWindow;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.aot.hint.annotation.Reflective;
import org.springframework.context.support.PropertySourcesPlaceholderConfigurer;
import org.springframework.core.env.MapPropertySource;

import static io.pgconductor.task.Retention.AT_ONCE;
import static io.pgconductor.task.Retention.NEVER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for {@link AnnotatedOptions} and the precedence of options.
 */
class AnnotatedOptionsTests {

	private static final ZoneId VIENNA = ZoneId.of("Europe/Vienna");

	@Test
	void defaultsAreTheDocumentedOnes() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Plain.class)) {
			TaskSpec task = tasks.onlyTask();

			assertThat(task.queue()).isEqualTo("default");
			assertThat(task.priority()).isZero();
			assertThat(task.maxAttempts()).isEqualTo(3);
			assertThat(task.retryPolicy()).isEqualTo(RetryPolicy.DEFAULT);
			assertThat(task.timeout()).isNull();
			assertThat(task.window()).isNull();
			assertThat(task.transactional()).isFalse();
			assertThat(task.removeOnComplete()).isNull();
			assertThat(task.removeOnFail()).isNull();
			assertThat(task.aliases()).isEmpty();
		}
	}

	@Test
	void readsAllAttributes() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Full.class)) {
			TaskSpec task = tasks.task("full");

			assertThat(task.queue()).isEqualTo("mail");
			assertThat(task.priority()).isEqualTo(-5);
			assertThat(task.maxAttempts()).isEqualTo(5);
			assertThat(task.retryPolicy().backoff()).containsExactly(Duration.ofSeconds(1), Duration.ofSeconds(3),
					Duration.ofSeconds(9), Duration.ofSeconds(10));
			assertThat(task.retryPolicy().jitter()).isEqualTo(0.5);
			assertThat(task.retryPolicy().noRetryFor()).containsExactly(IOException.class);
			assertThat(task.timeout()).isEqualTo(Duration.ofSeconds(30));
			assertThat(task.window()).isEqualTo(TaskWindow.parse("22:00-06:00", VIENNA));
			assertThat(task.transactional()).isTrue();
			assertThat(task.removeOnComplete()).isEqualTo(AT_ONCE);
			assertThat(task.removeOnFail()).isEqualTo(NEVER);
			assertThat(task.aliases()).containsExactly("old-full");
		}
	}

	@Test
	void readsLimitsAndBatches() {
		try (AnnotatedTasks tasks = AnnotatedTasks.withProperties(Map.of("rate", "100/1m", "key", "number"),
				Limited.class)) {
			TaskSpec limited = tasks.task("limited");
			TaskSpec inherited = tasks.task("inherited");
			TaskSpec batched = tasks.task("batched");

			assertThat(limited.concurrency()).isEqualTo(2);
			assertThat(limited.concurrencyKey()).hasToString("number");
			assertThat(limited.rateLimit()).isEqualTo(new RateLimit(100, Duration.ofMinutes(1)));
			assertThat(limited.rateLimitKey()).hasToString("number");
			assertThat(inherited.concurrency()).isEqualTo(7);
			assertThat(inherited.rateLimit()).isNull();
			assertThat(batched.batch()).isEqualTo(new Batching(50, Duration.ofSeconds(2)));
		}
	}

	@Test
	void propertiesWinOverLimitsAndBatches() {
		Map<String, TaskOptions> properties = Map.of("batched",
				TaskOptions.none().concurrency(1).batch(new Batching(9, Duration.ZERO)));

		try (AnnotatedTasks tasks = AnnotatedTasks.of(properties, (context) -> {
			context.getEnvironment()
				.getPropertySources()
				.addFirst(new MapPropertySource("test", Map.of("rate", "1/1s", "key", "number")));
			context.register(Limited.class);
		})) {
			assertThat(tasks.task("batched").batch()).isEqualTo(new Batching(9, Duration.ZERO));
			assertThat(tasks.task("batched").concurrency()).isEqualTo(1);
		}
	}

	@Test
	void classDefaultsApplyWhereTheMethodSaysNothing() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(WithDefaults.class)) {
			TaskSpec inherited = tasks.task("inherits");
			TaskSpec overriding = tasks.task("overrides");

			assertThat(inherited.queue()).isEqualTo("slow");
			assertThat(inherited.priority()).isEqualTo(7);
			assertThat(inherited.maxAttempts()).isEqualTo(9);
			assertThat(inherited.retryPolicy().backoff()).containsExactly(Duration.ofMinutes(1));
			assertThat(inherited.timeout()).isEqualTo(Duration.ofHours(1));
			assertThat(inherited.removeOnComplete()).isEqualTo(NEVER);
			assertThat(inherited.removeOnFail()).isEqualTo(AT_ONCE);
			assertThat(overriding.queue()).isEqualTo("fast");
			assertThat(overriding.priority()).isZero();
			assertThat(overriding.maxAttempts()).isEqualTo(1);
			assertThat(overriding.retryPolicy())
				.isEqualTo(RetryPolicy.DEFAULT.withNoRetryFor(Set.of(IOException.class)));
			assertThat(overriding.timeout()).isEqualTo(Duration.ofSeconds(1));
			assertThat(overriding.removeOnComplete()).isEqualTo(AT_ONCE);
			assertThat(overriding.removeOnFail()).isEqualTo(NEVER);
		}
	}

	@Test
	void classDefaultsAreInheritedAndMetaAnnotated() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(InheritsDefaults.class, ComposedDefaults.class)) {
			assertThat(tasks.task("child").queue()).isEqualTo("parent");
			assertThat(tasks.task("composed").queue()).isEqualTo("meta");
		}
	}

	@Test
	void propertiesWinOverMethodAndClass() {
		TaskOptions options = TaskOptions.none().queue("configured").maxAttempts(42);

		try (AnnotatedTasks tasks = AnnotatedTasks.of(Map.of("Overrides", options),
				(context) -> context.register(WithDefaults.class))) {
			TaskSpec task = tasks.task("overrides");

			assertThat(task.queue()).isEqualTo("configured");
			assertThat(task.maxAttempts()).isEqualTo(42);
			assertThat(task.timeout()).isEqualTo(Duration.ofSeconds(1));
			assertThat(tasks.task("inherits").queue()).isEqualTo("slow");
		}
	}

	@Test
	void hoursAndZoneOfAWindowMayComeFromDifferentPlaces() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(NightWorkInVienna.class, ZoneOnly.class, WindowOnly.class)) {
			assertThat(tasks.task("of-class").window()).isEqualTo(TaskWindow.parse("22:00-06:00", VIENNA));
			assertThat(tasks.task("other-hours").window()).isEqualTo(TaskWindow.parse("12:00-13:00", VIENNA));
			assertThat(tasks.task("other-zone").window())
				.isEqualTo(TaskWindow.parse("22:00-06:00", ZoneId.of("Asia/Tokyo")));
			assertThat(tasks.task("always").window()).isEqualTo(TaskWindow.parse("00:00-24:00", VIENNA));
			assertThat(tasks.task("no-window").window()).isNull();
			assertThat(tasks.task("default-zone").window())
				.isEqualTo(TaskWindow.parse("12:00-13:00", ZoneId.of("UTC")));
			assertThat(tasks.task("utc").window()).isEqualTo(TaskWindow.parse("12:00-13:00", ZoneId.of("UTC")));
		}
	}

	@Test
	void propertiesReplaceHoursAndZoneOneByOne() {
		ZoneId tokyo = ZoneId.of("Asia/Tokyo");
		Map<String, TaskOptions> properties = Map.of("of-class", TaskOptions.none().zone(tokyo), "other-hours",
				TaskOptions.none().hours(DailyHours.parse("01:00-02:00")), "no-window",
				TaskOptions.none().hours(DailyHours.parse("03:00-04:00")));

		try (AnnotatedTasks tasks = AnnotatedTasks.of(properties,
				(context) -> context.register(NightWorkInVienna.class, ZoneOnly.class))) {
			assertThat(tasks.task("of-class").window()).isEqualTo(TaskWindow.parse("22:00-06:00", tokyo));
			assertThat(tasks.task("other-hours").window()).isEqualTo(TaskWindow.parse("01:00-02:00", VIENNA));
			assertThat(tasks.task("no-window").window()).isEqualTo(TaskWindow.parse("03:00-04:00", VIENNA));
		}
	}

	@Test
	void refusesAZoneWithoutAWindow() {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.of(ZoneWithoutWindow.class).close())
			.withMessageContainingAll("ZoneWithoutWindow.run of bean", "@Task(zone) has no window", "add window");
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks
				.of(Map.of("plain", TaskOptions.none().zone(VIENNA)), (context) -> context.register(Plain.class))
				.close())
			.withMessageContainingAll("'plain'", "Europe/Vienna", "give a window too");
	}

	@Test
	void aZoneMayWaitForAWindowFromAProperty() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(WindowFromProperty.class)) {
			assertThat(tasks.onlyTask().window()).isNull();
		}
		try (AnnotatedTasks tasks = AnnotatedTasks.withProperties(Map.of("night", "23:00-05:00"),
				WindowFromProperty.class)) {
			assertThat(tasks.onlyTask().window()).isEqualTo(TaskWindow.parse("23:00-05:00", VIENNA));
		}
	}

	@Test
	void oneTrueMakesATaskTransactionalUnlessAPropertySaysNo() {
		Map<String, TaskOptions> properties = Map.of("no-longer", TaskOptions.none().transactional(false), "plain",
				TaskOptions.none().transactional(true));

		try (AnnotatedTasks tasks = AnnotatedTasks.of(properties,
				(context) -> context.register(TransactionalClass.class, Plain.class))) {
			assertThat(tasks.task("by-class").transactional()).isTrue();
			assertThat(tasks.task("still").transactional()).isTrue();
			assertThat(tasks.task("no-longer").transactional()).isFalse();
			assertThat(tasks.task("plain").transactional()).isTrue();
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void stringsTakePlaceholders(boolean withConfigurer) {
		Map<String, Object> properties = Map.of("name", "resolved", "queue", "q1", "timeout", "7d", "keep", "12h",
				"old", "former", "first", "2s", "last", "PT8S");

		try (AnnotatedTasks tasks = AnnotatedTasks.withProperties(properties, WithPlaceholders.class,
				withConfigurer ? PropertySourcesPlaceholderConfigurer.class : Plain.class)) {
			TaskSpec task = tasks.task("resolved-task");

			assertThat(task.queue()).isEqualTo("q1");
			assertThat(task.timeout()).isEqualTo(Duration.ofDays(7));
			assertThat(task.removeOnComplete()).isEqualTo(io.pgconductor.task.Retention.of(Duration.ofHours(12)));
			assertThat(task.removeOnFail()).isEqualTo(NEVER);
			assertThat(task.aliases()).containsExactly("former");
			assertThat(task.retryPolicy().backoff()).containsExactly(Duration.ofSeconds(2), Duration.ofSeconds(4),
					Duration.ofSeconds(8));
		}
	}

	@Test
	void anEmptyPlaceholderCountsAsNotSet() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(EmptyPlaceholders.class)) {
			TaskSpec task = tasks.task("empty");

			assertThat(task.queue()).isEqualTo("default");
			assertThat(task.timeout()).isNull();
			assertThat(task.aliases()).isEmpty();
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void refusesPlaceholdersThatNothingResolves(boolean withConfigurer) {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks
				.of(UnknownPlaceholder.class, withConfigurer ? PropertySourcesPlaceholderConfigurer.class : Plain.class)
				.close())
			.withMessageContainingAll("UnknownPlaceholder.run of bean", "@Task(name = \"${no.such.property}\")",
					"no.such.property");
	}

	@ParameterizedTest
	@CsvSource({ "500ms,PT0.5S", "15s,PT15S", "5m,PT5M", "2h,PT2H", "7d,PT168H", "1h30m,PT1H30M", "P1D,PT24H",
			"PT3S,PT3S", "250,PT0.25S", "' 1s ',PT1S" })
	void readsDurations(String text, Duration expected) {
		try (AnnotatedTasks tasks = AnnotatedTasks.withProperties(Map.of("t", text), TimeoutFromProperty.class)) {
			assertThat(tasks.onlyTask().timeout()).isEqualTo(expected);
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "5 apples", "0", "-5s", "1x", "99999999999999999d", "never" })
	void refusesBadTimeouts(String text) {
		assertThatExceptionOfType(InvalidTaskException.class)
			.isThrownBy(() -> AnnotatedTasks.withProperties(Map.of("t", text), TimeoutFromProperty.class).close())
			.withMessageContainingAll("TimeoutFromProperty.run of bean",
					"@Task(timeout = \"${t}\" -> \"" + text + "\")", "duration");
	}

	@ParameterizedTest
	@CsvSource({ "BadQueue,@Task(queue = \"no spaces\"),letters", "BadName,@Task(name = \" x\"),white space",
			"BadAlias,@Task(aliases = \"x \"),white space", "BadMaxAttempts,@Task(maxAttempts = 0),at least 1",
			"NegativeMaxAttempts,@Task(maxAttempts = -1),at least 1",
			"BadRetention,@Task(removeOnComplete = \"soon\"),never",
			"NegativeRetention,@Task(removeOnFail = \"-1d\"),negative",
			"BadInitial,@Task(retry.initial = \"quickly\"),duration", "ZeroInitial,@Task(retry),initial",
			"BadMultiplier,@Task(retry),multiplier", "BadJitter,@Task(retry),jitter", "BadMax,@Task(retry),max",
			"EndlessMax,@Task(retry),max", "BadWindow,@Task(window = \"22-6\"),22:00-06:00",
			"EmptyWindow,@Task(window = \"08:00-08:00\"),leave the window out",
			"BadZone,@Task(zone = \"Europe/Wien\"),Europe/Vienna",
			"BadDefaultZone,@TaskDefaults(zone = \"CET?\"),Europe/Vienna",
			"BadDefaults,@TaskDefaults(queue = \"?\"),letters", "NoConcurrency,@Task(concurrency = 0),1 to 10000",
			"NegativeConcurrency,@Task(concurrency = -1),1 to 10000",
			"HugeConcurrency,@Task(concurrency = 10001),1 to 10000",
			"BadConcurrencyKey,@Task(concurrencyKey = \"a..b\"),tenant.id", "BadRate,@Task(rateLimit = \"100\"),100/1m",
			"ZeroRate,@Task(rateLimit = \"0/1m\"),1 to 1", "EmptyBatch,@Task(batch),between 1 and",
			"LongBatch,@Task(batch),1 minute", "BatchWithoutSize,@Task(batch.timeout = \"1s\"),size" })
	void refusesBadValues(String component, String attribute, String remedy) throws ClassNotFoundException {
		Class<?> type = Class.forName(AnnotatedOptionsTests.class.getName() + "$" + component);

		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> AnnotatedTasks.of(type).close())
			.withMessageContainingAll("AnnotatedOptionsTests." + component + ".run of bean", attribute, remedy);
	}

	@Test
	void aLoneInitialDelayMayBeLongerThanTheDefaultMaximum() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(LongInitial.class)) {
			assertThat(tasks.onlyTask().retryPolicy().backoff()).containsExactly(Duration.ofDays(1));
		}
	}

	@Test
	void aLoneJitterAppliesToTheStandardSchedule() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(OnlyJitter.class)) {
			assertThat(tasks.onlyTask().retryPolicy())
				.isEqualTo(new RetryPolicy(RetryPolicy.DEFAULT.backoff(), 0, Set.of()));
		}
	}

	@Test
	void isReflective() {
		for (Class<? extends Annotation> type : List.of(Task.class, TaskDefaults.class)) {
			assertThat(type).hasAnnotation(Reflective.class);
		}
	}

	static class Plain {

		@Task
		void plain() {
		}

	}

	static class Full {

		@Task(name = "full", aliases = "old-full", queue = "mail", priority = -5, maxAttempts = 5,
				retry = @Retry(initial = "1s", multiplier = 3, max = "10s", jitter = 0.5,
						noRetryFor = { IOException.class, IOException.class }),
				timeout = "30s", window = "22:00-06:00", zone = "Europe/Vienna", transactional = true,
				removeOnComplete = "0", removeOnFail = "never")
		void run() {
		}

	}

	@TaskDefaults(concurrency = 7)
	static class Limited {

		record Job(int number) {
		}

		@Task(concurrency = 2, concurrencyKey = "${key}", rateLimit = "${rate}", rateLimitKey = "${key}")
		void limited(Job job) {
		}

		@Task
		void inherited() {
		}

		@Task(batch = @Batch(size = 50, timeout = "2s"))
		void batched(List<Job> jobs) {
		}

	}

	static class NoConcurrency {

		@Task(concurrency = 0)
		void run() {
		}

	}

	static class NegativeConcurrency {

		@Task(concurrency = -1)
		void run() {
		}

	}

	static class HugeConcurrency {

		@Task(concurrency = 10_001)
		void run() {
		}

	}

	static class BadConcurrencyKey {

		@Task(concurrency = 1, concurrencyKey = "a..b")
		void run() {
		}

	}

	static class BadRate {

		@Task(rateLimit = "100")
		void run() {
		}

	}

	static class ZeroRate {

		@Task(rateLimit = "0/1m")
		void run() {
		}

	}

	static class EmptyBatch {

		@Task(batch = @Batch(size = 0))
		void run(List<String> payloads) {
		}

	}

	static class LongBatch {

		@Task(batch = @Batch(size = 1, timeout = "2m"))
		void run(List<String> payloads) {
		}

	}

	static class BatchWithoutSize {

		@Task(batch = @Batch(timeout = "1s"))
		void run(List<String> payloads) {
		}

	}

	@TaskDefaults(queue = "slow", priority = 7, maxAttempts = 9, retry = @Retry(initial = "1m", multiplier = 1),
			timeout = "1h", removeOnComplete = "never", removeOnFail = "0")
	static class WithDefaults {

		@Task
		void inherits() {
		}

		@Task(queue = "fast", priority = 0, maxAttempts = 1, retry = @Retry(noRetryFor = IOException.class),
				timeout = "1s", removeOnComplete = "0", removeOnFail = "never")
		void overrides() {
		}

	}

	@TaskDefaults(queue = "parent")
	abstract static class Parent {

	}

	static class InheritsDefaults extends Parent {

		@Task
		void child() {
		}

	}

	@Retention(RetentionPolicy.RUNTIME)
	@TaskDefaults(queue = "meta")
	@interface MetaDefaults {

	}

	@MetaDefaults
	static class ComposedDefaults {

		@Task
		void composed() {
		}

	}

	static class WithPlaceholders {

		@Task(name = "${name}-task", queue = "${queue}", timeout = "${timeout}", removeOnComplete = "${keep}",
				removeOnFail = "${keep.failed:never}", aliases = "${old}",
				retry = @Retry(initial = "${first}", max = "${last}"))
		void run() {
		}

	}

	static class EmptyPlaceholders {

		@Task(name = "${no.name:}", queue = "${no.queue:}", timeout = "${no.timeout:}", aliases = "${no.alias:}")
		void empty() {
		}

	}

	static class UnknownPlaceholder {

		@Task(name = "${no.such.property}")
		void run() {
		}

	}

	static class TimeoutFromProperty {

		@Task(timeout = "${t}")
		void run() {
		}

	}

	static class BadQueue {

		@Task(queue = "no spaces")
		void run() {
		}

	}

	static class BadName {

		@Task(name = " x")
		void run() {
		}

	}

	static class BadAlias {

		@Task(aliases = "x ")
		void run() {
		}

	}

	static class BadMaxAttempts {

		@Task(maxAttempts = 0)
		void run() {
		}

	}

	static class NegativeMaxAttempts {

		@Task(maxAttempts = -1)
		void run() {
		}

	}

	static class BadRetention {

		@Task(removeOnComplete = "soon")
		void run() {
		}

	}

	static class NegativeRetention {

		@Task(removeOnFail = "-1d")
		void run() {
		}

	}

	static class BadInitial {

		@Task(retry = @Retry(initial = "quickly"))
		void run() {
		}

	}

	static class ZeroInitial {

		@Task(retry = @Retry(initial = "0"))
		void run() {
		}

	}

	static class BadMultiplier {

		@Task(retry = @Retry(multiplier = 0.5))
		void run() {
		}

	}

	static class BadJitter {

		@Task(retry = @Retry(jitter = 2))
		void run() {
		}

	}

	static class BadMax {

		@Task(retry = @Retry(initial = "1m", max = "1s"))
		void run() {
		}

	}

	static class EndlessMax {

		@Task(retry = @Retry(max = "100000d"))
		void run() {
		}

	}

	@TaskDefaults(queue = "?")
	static class BadDefaults {

		@Task
		void run() {
		}

	}

	static class BadWindow {

		@Task(window = "22-6")
		void run() {
		}

	}

	static class EmptyWindow {

		@Task(window = "08:00-08:00")
		void run() {
		}

	}

	static class BadZone {

		@Task(window = "22:00-06:00", zone = "Europe/Wien")
		void run() {
		}

	}

	@TaskDefaults(zone = "CET?")
	static class BadDefaultZone {

		@Task
		void run() {
		}

	}

	static class ZoneWithoutWindow {

		@Task(zone = "Europe/Vienna")
		void run() {
		}

	}

	static class WindowFromProperty {

		@Task(window = "${night:}", zone = "Europe/Vienna")
		void run() {
		}

	}

	@TaskDefaults(window = "22:00-06:00", zone = "Europe/Vienna")
	static class NightWorkInVienna {

		@Task
		void ofClass() {
		}

		@Task(window = "12:00-13:00")
		void otherHours() {
		}

		@Task(zone = "Asia/Tokyo")
		void otherZone() {
		}

		@Task(window = "00:00-24:00")
		void always() {
		}

	}

	static class WindowOnly {

		@Task(window = "12:00-13:00")
		void defaultZone() {
		}

	}

	@TaskDefaults(zone = "Europe/Vienna")
	static class ZoneOnly {

		@Task
		void noWindow() {
		}

		@Task(window = "12:00-13:00", zone = "UTC")
		void utc() {
		}

	}

	@TaskDefaults(transactional = true)
	static class TransactionalClass {

		@Task
		void byClass() {
		}

		@Task(transactional = false)
		void still() {
		}

		@Task
		void noLonger() {
		}

	}

	static class LongInitial {

		@Task(retry = @Retry(initial = "1d", multiplier = 1))
		void run() {
		}

	}

	static class OnlyJitter {

		@Task(retry = @Retry(jitter = 0))
		void run() {
		}

	}

}
