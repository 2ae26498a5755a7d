package io.pgconductor.autoconfigure;

import java.time.Duration;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

import io.pgconductor.client.ForeignTransaction;
import io.pgconductor.task.Batching;
import io.pgconductor.task.PayloadPath;
import io.pgconductor.task.RateLimit;
import io.pgconductor.task.Retention;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskWindow;
import io.pgconductor.worker.WorkerOptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.convert.ApplicationConversionService;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for {@link ConductorOptions} and {@link ConductorProperties}.
 */
class ConductorOptionsTests {

	@Test
	void hasTheDocumentedDefaults() {
		ConductorProperties properties = bind();
		ConductorOptions options = new ConductorOptions(properties);

		assertThat(properties.isEnabled()).isTrue();
		assertThat(properties.getSchema()).isEqualTo("conductor");
		assertThat(properties.getApplication()).isNull();
		assertThat(properties.isMigrate()).isTrue();
		assertThat(properties.getForeignTransaction()).isEqualTo(ForeignTransaction.FAIL);
		assertThat(properties.getNotifications().isEnabled()).isTrue();
		assertThat(properties.getWorker().isEnabled()).isTrue();
		assertThat(properties.getWorker().isVirtualThreads()).isTrue();
		assertThat(properties.getRetention().getCompleted()).isEqualTo(Retention.of(Duration.ofDays(7)));
		assertThat(properties.getRetention().getFailed()).isEqualTo(Retention.of(Duration.ofDays(30)));
		assertThat(properties.getRetention().getEvents()).isEqualTo(Retention.of(Duration.ofDays(7)));
		assertThat(options.misfireThreshold()).isEqualTo(Duration.ofSeconds(30));
		assertThat(options.maxPayloadSize()).isEqualTo(1024 * 1024);
		assertThat(options.maxFanInSize()).isEqualTo(16 * 1024 * 1024);
		assertThat(options.poolSize()).isEqualTo(4);
		assertThat(options.nodeTimeout()).isEqualTo(Duration.ofSeconds(30));
		assertThat(options.shutdownTimeout()).isEqualTo(Duration.ofSeconds(20));
		assertThat(options.defaultWorker()).isEqualTo(WorkerOptions.DEFAULT);
		assertThat(options.workers()).isEmpty();
		assertThat(options.tasks()).isEmpty();
	}

	@Test
	void bindsTheOptionsOfTheNode() {
		ConductorProperties properties = bind("conductor.schema=jobs", "conductor.application=shop",
				"conductor.migrate=false", "conductor.max-payload-size=64KB", "conductor.max-fan-in-size=2MB",
				"conductor.foreign-transaction=separate", "conductor.node-timeout=1m", "conductor.shutdown-timeout=0",
				"conductor.notifications.enabled=false", "conductor.pool.size=7", "conductor.retention.completed=0",
				"conductor.retention.failed=never", "conductor.retention.events=2d",
				"conductor.schedule.misfire-threshold=5m");
		ConductorOptions options = new ConductorOptions(properties);

		assertThat(properties.getSchema()).isEqualTo("jobs");
		assertThat(properties.getApplication()).isEqualTo("shop");
		assertThat(properties.isMigrate()).isFalse();
		assertThat(properties.getForeignTransaction()).isEqualTo(ForeignTransaction.SEPARATE);
		assertThat(properties.getNotifications().isEnabled()).isFalse();
		assertThat(properties.getRetention().getCompleted()).isEqualTo(Retention.AT_ONCE);
		assertThat(properties.getRetention().getFailed()).isEqualTo(Retention.NEVER);
		assertThat(properties.getRetention().getEvents()).isEqualTo(Retention.of(Duration.ofDays(2)));
		assertThat(options.misfireThreshold()).isEqualTo(Duration.ofMinutes(5));
		assertThat(options.maxPayloadSize()).isEqualTo(64 * 1024);
		assertThat(options.maxFanInSize()).isEqualTo(2 * 1024 * 1024);
		assertThat(options.nodeTimeout()).isEqualTo(Duration.ofMinutes(1));
		assertThat(options.shutdownTimeout()).isEqualTo(Duration.ZERO);
		assertThat(options.poolSize()).isEqualTo(7);
	}

	@Test
	void completesTheOptionsOfAQueueFromTheDefaultOnes() {
		ConductorOptions options = options("conductor.worker.default.concurrency=20",
				"conductor.worker.default.poll-interval=5s", "conductor.worker.default.fetch-batch-size=50",
				"conductor.worker.default.flush-interval=10ms", "conductor.worker.queues.mail.concurrency=2",
				"conductor.worker.queues.[a.b].flush-interval=0");

		WorkerOptions defaults = new WorkerOptions(20, Duration.ofSeconds(5), 50, Duration.ofMillis(10));
		assertThat(options.defaultWorker()).isEqualTo(defaults);
		assertThat(options.workers()).containsExactlyInAnyOrderEntriesOf(
				Map.of("mail", defaults.withConcurrency(2), "a.b", defaults.withFlushInterval(Duration.ZERO)));
	}

	@Test
	void readsWorkersThatServeSeveralQueues() {
		ConductorOptions options = options("conductor.worker.default.poll-interval=5s",
				"conductor.worker.shared.small.concurrency=4", "conductor.worker.shared.[other one].concurrency=2",
				"conductor.worker.queues.mail.shared=small", "conductor.worker.queues.mail.weight=3",
				"conductor.worker.queues.[a.b].shared=small", "conductor.worker.queues.log.shared=other one",
				"conductor.worker.queues.report.concurrency=1");

		WorkerOptions defaults = options.defaultWorker();
		assertThat(options.workers()).containsOnlyKeys("report");
		assertThat(options.sharedWorkers()).containsExactlyInAnyOrderEntriesOf(
				Map.of("small", defaults.withConcurrency(4), "other one", defaults.withConcurrency(2)));
		assertThat(options.weights("small")).containsExactlyInAnyOrderEntriesOf(Map.of("mail", 3, "a.b", 1));
		assertThat(options.weights("other one")).containsExactlyEntriesOf(Map.of("log", 1));
	}

	@ParameterizedTest
	@CsvSource({ "concurrency, 5, conductor.worker.shared.small.concurrency",
			"poll-interval, 1s, conductor.worker.shared.small.poll-interval",
			"fetch-batch-size, 5, conductor.worker.shared.small.fetch-batch-size",
			"flush-interval, 1s, conductor.worker.shared.small.flush-interval", "weight, 0, between 1 and 1000",
			"weight, 1001, between 1 and 1000",
			"shared, large, there is no such worker: set conductor.worker.shared.large.concurrency" })
	void refusesAnOptionOfAQueueThatSharesItsWorker(String option, String value, String reason) {
		ConductorOptions options = options("conductor.worker.shared.small.concurrency=4",
				"conductor.worker.queues.log.shared=small", "conductor.worker.queues.[a.b].shared=small",
				"conductor.worker.queues.[a.b]." + option + "=" + value);

		assertThatExceptionOfType(InvalidConfigurationPropertyValueException.class).isThrownBy(() -> validate(options))
			.satisfies((ex) -> {
				assertThat(ex.getName()).isEqualTo("conductor.worker.queues.[a.b]." + option);
				assertThat(ex.getReason()).contains(reason);
			});
	}

	@Test
	void refusesASharedWorkerThatServesNothing() {
		ConductorOptions options = options("conductor.worker.shared.small.concurrency=4");

		assertThatExceptionOfType(InvalidConfigurationPropertyValueException.class).isThrownBy(() -> validate(options))
			.satisfies((ex) -> {
				assertThat(ex.getName()).isEqualTo("conductor.worker.shared.small");
				assertThat(ex.getReason()).contains("conductor.worker.queues.<queue>.shared=small");
			});
	}

	@Test
	void readsTheOptionsOfTasks() {
		ConductorOptions options = options("conductor.tasks.send-email.enabled=false",
				"conductor.tasks.send-email.queue=mail", "conductor.tasks.send-email.priority=-3",
				"conductor.tasks.send-email.max-attempts=7", "conductor.tasks.send-email.timeout=90s",
				"conductor.tasks.send-email.window=22:00-06:00", "conductor.tasks.send-email.zone=Europe/Vienna",
				"conductor.tasks.send-email.transactional=true", "conductor.tasks.send-email.remove-on-complete=0",
				"conductor.tasks.send-email.remove-on-fail=never", "conductor.tasks.[user.created].priority=1",
				"conductor.tasks.[user.created].transactional=false");

		assertThat(options.tasks()).containsExactlyInAnyOrderEntriesOf(Map.of("send-email",
				TaskOptions.none()
					.enabled(false)
					.queue("mail")
					.priority(-3)
					.maxAttempts(7)
					.timeout(Duration.ofSeconds(90))
					.window(TaskWindow.parse("22:00-06:00", ZoneId.of("Europe/Vienna")))
					.transactional(true)
					.removeOnComplete(Retention.AT_ONCE)
					.removeOnFail(Retention.NEVER),
				"user.created", TaskOptions.none().priority(1).transactional(false)));
	}

	@Test
	void readsLimitsAndBatchesOfTasks() {
		ConductorOptions options = options("conductor.tasks.a.concurrency=2",
				"conductor.tasks.a.concurrency-key=tenant.id", "conductor.tasks.a.rate-limit=100/1m",
				"conductor.tasks.a.rate-limit-key=host", "conductor.tasks.b.batch.size=50",
				"conductor.tasks.c.batch.size=5", "conductor.tasks.c.batch.timeout=2s");

		assertThat(options.tasks()).containsExactlyInAnyOrderEntriesOf(Map.of("a",
				TaskOptions.none()
					.concurrency(2)
					.concurrencyKey(PayloadPath.parse("tenant.id"))
					.rateLimit(RateLimit.parse("100/1m"))
					.rateLimitKey(PayloadPath.parse("host")),
				"b", TaskOptions.none().batch(new Batching(50, Batching.DEFAULT_TIMEOUT)), "c",
				TaskOptions.none().batch(new Batching(5, Duration.ofSeconds(2)))));
	}

	@Test
	void readsDelaysBetweenAttempts() {
		ConductorOptions options = options("conductor.tasks.a.retry.initial=1s", "conductor.tasks.a.retry.multiplier=3",
				"conductor.tasks.a.retry.max=5s", "conductor.tasks.a.retry.jitter=0");

		assertThat(retryPolicy(options, "a")).isEqualTo(new RetryPolicy(
				List.of(Duration.ofSeconds(1), Duration.ofSeconds(3), Duration.ofSeconds(5)), 0, Set.of()));
	}

	@Test
	void completesDelaysLikeTheAnnotation() {
		ConductorOptions options = options("conductor.tasks.a.retry.max=40s", "conductor.tasks.b.retry.initial=3h",
				"conductor.tasks.c.retry.jitter=0.5");

		assertThat(retryPolicy(options, "a")).isEqualTo(new RetryPolicy(
				List.of(Duration.ofSeconds(15), Duration.ofSeconds(30), Duration.ofSeconds(40)), 0.1, Set.of()));
		assertThat(retryPolicy(options, "b")).isEqualTo(new RetryPolicy(List.of(Duration.ofHours(3)), 0.1, Set.of()));
		assertThat(retryPolicy(options, "c")).isEqualTo(new RetryPolicy(RetryPolicy.DEFAULT.backoff(), 0.5, Set.of()));
	}

	private static RetryPolicy retryPolicy(ConductorOptions options, String task) {
		TaskOptions taskOptions = options.tasks().get(task);
		assertThat(taskOptions).isNotNull();
		assertThat(taskOptions.retryPolicy()).isNotNull();
		return taskOptions.retryPolicy();
	}

	@ParameterizedTest
	@CsvSource({ "conductor.max-payload-size, 0B, positive", "conductor.max-fan-in-size, 0B, positive",
			"conductor.pool.size, 1, at least 2", "conductor.node-timeout, 10ms, at least 1s",
			"conductor.shutdown-timeout, -1s, not be negative", "conductor.schedule.misfire-threshold, -1s, it must",
			"conductor.worker.default.concurrency, 0, between 1 and",
			"conductor.worker.default.poll-interval, 0, positive",
			"conductor.worker.default.fetch-batch-size, 0, between 1 and",
			"conductor.worker.default.flush-interval, -1s, not be negative",
			"conductor.worker.queues.mail.concurrency, 0, between 1 and",
			"conductor.worker.queues.[a.b].poll-interval, 0, positive",
			"conductor.worker.queues.mail.weight, 2, set conductor.worker.queues.mail.shared",
			"conductor.tasks.send-email.queue, not a queue, not a queue name",
			"conductor.tasks.send-email.max-attempts, 0, at least 1", "conductor.tasks.[a.b].timeout, 0s, positive",
			"conductor.tasks.a.window, 22-6, HH:mm-HH:mm",
			"conductor.tasks.[a.b].window, 08:00-08:00, at the same time",
			"conductor.tasks.a.zone, Europe/Wien, Europe/Vienna", "conductor.tasks.a.retry.initial, 0s, positive",
			"conductor.tasks.a.retry.multiplier, 0.5, at least 1",
			"conductor.tasks.a.retry.max, 1s, at least the initial delay",
			"conductor.tasks.a.retry.jitter, 2, between 0 and 1", "conductor.tasks.a.concurrency, 0, between 1 and",
			"conductor.tasks.a.concurrency, 10001, between 1 and", "conductor.tasks.a.concurrency-key, a..b, tenant.id",
			"conductor.tasks.a.rate-limit, 100, 100/1m", "conductor.tasks.[a.b].rate-limit, 1/25h, 1 day",
			"conductor.tasks.a.rate-limit-key, .a, tenant.id", "conductor.tasks.a.batch.size, 0, between 1 and",
			"conductor.tasks.a.batch.timeout, 1s, conductor.tasks.a.batch.size" })
	void refusesAValueByTheNameOfItsProperty(String property, String value, String reason) {
		ConductorProperties properties = bind(property + "=" + value);

		assertThatExceptionOfType(InvalidConfigurationPropertyValueException.class)
			.isThrownBy(() -> validate(new ConductorOptions(properties)))
			.satisfies((ex) -> {
				assertThat(ex.getName()).isEqualTo(property);
				assertThat(ex.getReason()).contains(reason);
			});
	}

	@Test
	void refusesANameThatIsNoQueueName() {
		ConductorOptions options = options("conductor.worker.queues.[a b].concurrency=1");

		assertThatExceptionOfType(InvalidConfigurationPropertyValueException.class).isThrownBy(options::workers)
			.satisfies((ex) -> assertThat(ex.getName()).isEqualTo("conductor.worker.queues.[a b]"));
	}

	private static void validate(ConductorOptions options) {
		options.maxPayloadSize();
		options.maxFanInSize();
		options.poolSize();
		options.nodeTimeout();
		options.shutdownTimeout();
		options.misfireThreshold();
		options.defaultWorker();
		options.workers();
		options.sharedWorkers();
		options.tasks();
	}

	private static ConductorOptions options(String... properties) {
		return new ConductorOptions(bind(properties));
	}

	private static ConductorProperties bind(String... properties) {
		Map<String, String> source = new LinkedHashMap<>();
		for (String property : properties) {
			int equals = property.indexOf('=');
			source.put(property.substring(0, equals), property.substring(equals + 1));
		}
		ApplicationConversionService conversionService = new ApplicationConversionService();
		conversionService.addConverter(new RetentionConverter());
		return new Binder(List.of(new MapConfigurationPropertySource(source)), null, conversionService)
			.bindOrCreate("conductor", ConductorProperties.class);
	}

}
