package io.pgconductor.autoconfigure;

import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

import io.pgconductor.QueueName;
import io.pgconductor.autoconfigure.ConductorProperties.Task;
import io.pgconductor.autoconfigure.ConductorProperties.Worker;
import io.pgconductor.task.Batching;
import io.pgconductor.task.DailyHours;
import io.pgconductor.task.PayloadPath;
import io.pgconductor.task.RateLimit;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.worker.OrchestratorBuilder;
import io.pgconductor.worker.WorkerOptions;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;

/**
 * The properties as the engine understands them. A value that cannot work is refused by
 * the name of its property.
 */
final class ConductorOptions {

	// Those of @Retry
	private static final Duration RETRY_INITIAL = Duration.ofSeconds(15);

	private static final double RETRY_MULTIPLIER = 2;

	private static final Duration RETRY_MAX = Duration.ofHours(2);

	private final ConductorProperties properties;

	ConductorOptions(ConductorProperties properties) {
		this.properties = properties;
	}

	long maxPayloadSize() {
		long size = this.properties.getMaxPayloadSize().toBytes();
		check(size > 0, "conductor.max-payload-size", this.properties.getMaxPayloadSize(), "it must be positive");
		return size;
	}

	long maxFanInSize() {
		long size = this.properties.getMaxFanInSize().toBytes();
		check(size > 0, "conductor.max-fan-in-size", this.properties.getMaxFanInSize(), "it must be positive");
		return size;
	}

	int poolSize() {
		int size = this.properties.getPool().getSize();
		// Installing the schema takes three, the one that is held for good included
		check(size >= 2, "conductor.pool.size", size, "it must be at least 2");
		return size;
	}

	Duration nodeTimeout() {
		Duration timeout = this.properties.getNodeTimeout();
		check(timeout.compareTo(Duration.ofSeconds(1)) >= 0, "conductor.node-timeout", timeout,
				"it must be at least 1s");
		return timeout;
	}

	Duration shutdownTimeout() {
		Duration timeout = this.properties.getShutdownTimeout();
		check(!timeout.isNegative(), "conductor.shutdown-timeout", timeout, "it must not be negative");
		return timeout;
	}

	Duration misfireThreshold() {
		Duration threshold = this.properties.getSchedule().getMisfireThreshold();
		check(threshold.compareTo(Duration.ofSeconds(1)) >= 0, "conductor.schedule.misfire-threshold", threshold,
				"it must be at least 1s");
		return threshold;
	}

	WorkerOptions defaultWorker() {
		Worker.Defaults defaults = this.properties.getWorker().getDefault();
		return with(WorkerOptions.DEFAULT, "conductor.worker.default", defaults.getConcurrency(),
				defaults.getPollInterval(), defaults.getFetchBatchSize(), defaults.getFlushInterval());
	}

	Map<String, WorkerOptions> workers() {
		WorkerOptions defaults = defaultWorker();
		Map<String, WorkerOptions> workers = new LinkedHashMap<>();
		this.properties.getWorker().getQueues().forEach((queue, options) -> {
			String prefix = queueProperty(queue);
			valid(prefix, queue, () -> QueueName.validate(queue));
			if (options.getShared() == null) {
				check(options.getWeight() == null, prefix + ".weight", options.getWeight(),
						"it is the share of a worker that serves several queues: set " + prefix + ".shared, too");
				workers.put(queue, with(defaults, prefix, options));
			}
		});
		return workers;
	}

	/**
	 * Return how workers work that serve several queues.
	 * @return the options by the workers' names
	 */
	Map<String, WorkerOptions> sharedWorkers() {
		WorkerOptions defaults = defaultWorker();
		Map<String, WorkerOptions> workers = new LinkedHashMap<>();
		this.properties.getWorker().getShared().forEach((name, options) -> {
			String prefix = sharedProperty(name);
			check(!weights(name).isEmpty(), prefix, name,
					"no queue uses it: set conductor.worker.queues.<queue>.shared=" + name);
			workers.put(name, with(defaults, prefix, options));
		});
		this.properties.getWorker().getQueues().forEach((queue, options) -> {
			String shared = options.getShared();
			check(shared == null || workers.containsKey(shared), queueProperty(queue) + ".shared", shared,
					"there is no such worker: set " + sharedProperty(String.valueOf(shared)) + ".concurrency");
		});
		return workers;
	}

	/**
	 * Return the queues of a worker that serves several.
	 * @param sharedWorker the worker's name
	 * @return the weights by queue
	 */
	Map<String, Integer> weights(String sharedWorker) {
		Map<String, Integer> weights = new LinkedHashMap<>();
		this.properties.getWorker().getQueues().forEach((queue, options) -> {
			if (sharedWorker.equals(options.getShared())) {
				weights.put(queue, weight(queue, options, sharedProperty(sharedWorker)));
			}
		});
		return weights;
	}

	private static int weight(String queue, Worker.Queue options, String sharedProperty) {
		String prefix = queueProperty(queue);
		checkOnlyShared(prefix + ".concurrency", options.getConcurrency(), sharedProperty + ".concurrency");
		checkOnlyShared(prefix + ".poll-interval", options.getPollInterval(), sharedProperty + ".poll-interval");
		checkOnlyShared(prefix + ".fetch-batch-size", options.getFetchBatchSize(),
				sharedProperty + ".fetch-batch-size");
		checkOnlyShared(prefix + ".flush-interval", options.getFlushInterval(), sharedProperty + ".flush-interval");
		int weight = Objects.requireNonNullElse(options.getWeight(), 1);
		check(weight >= 1 && weight <= OrchestratorBuilder.MAX_WEIGHT, prefix + ".weight", weight,
				"it must be between 1 and " + OrchestratorBuilder.MAX_WEIGHT);
		return weight;
	}

	private static void checkOnlyShared(String property, @Nullable Object value, String sharedProperty) {
		check(value == null, property, value, "the queue has no worker of its own: set " + sharedProperty);
	}

	private static String queueProperty(String queue) {
		return nameInMap("conductor.worker.queues", queue);
	}

	private static String sharedProperty(String name) {
		return nameInMap("conductor.worker.shared", name);
	}

	private static WorkerOptions with(WorkerOptions options, String prefix, Worker.Overrides overrides) {
		return with(options, prefix, overrides.getConcurrency(), overrides.getPollInterval(),
				overrides.getFetchBatchSize(), overrides.getFlushInterval());
	}

	private static WorkerOptions with(WorkerOptions options, String prefix, @Nullable Integer concurrency,
			@Nullable Duration pollInterval, @Nullable Integer fetchBatchSize, @Nullable Duration flushInterval) {
		WorkerOptions result = options;
		if (concurrency != null) {
			WorkerOptions base = result;
			result = valid(prefix + ".concurrency", concurrency, () -> base.withConcurrency(concurrency));
		}
		if (pollInterval != null) {
			WorkerOptions base = result;
			result = valid(prefix + ".poll-interval", pollInterval, () -> base.withPollInterval(pollInterval));
		}
		if (fetchBatchSize != null) {
			WorkerOptions base = result;
			result = valid(prefix + ".fetch-batch-size", fetchBatchSize, () -> base.withFetchBatchSize(fetchBatchSize));
		}
		if (flushInterval != null) {
			WorkerOptions base = result;
			result = valid(prefix + ".flush-interval", flushInterval, () -> base.withFlushInterval(flushInterval));
		}
		return result;
	}

	Map<String, TaskOptions> tasks() {
		Map<String, TaskOptions> tasks = new LinkedHashMap<>();
		this.properties.getTasks().forEach((name, task) -> tasks.put(name, options(name, task)));
		return tasks;
	}

	private static TaskOptions options(String name, Task task) {
		String prefix = taskProperty(name);
		String queue = task.getQueue();
		if (queue != null) {
			valid(prefix + ".queue", queue, () -> QueueName.validate(queue));
		}
		Integer maxAttempts = task.getMaxAttempts();
		check(maxAttempts == null || maxAttempts >= 1, prefix + ".max-attempts", maxAttempts, "it must be at least 1");
		Duration timeout = task.getTimeout();
		check(timeout == null || (!timeout.isNegative() && !timeout.isZero()), prefix + ".timeout", timeout,
				"it must be positive");
		return TaskOptions.none()
			.enabled(task.getEnabled())
			.queue(queue)
			.priority(task.getPriority())
			.maxAttempts(maxAttempts)
			.retryPolicy(retryPolicy(prefix + ".retry", task.getRetry()))
			.timeout(timeout)
			.hours(hours(prefix + ".window", task.getWindow()))
			.zone(zone(prefix + ".zone", task.getZone()))
			.transactional(task.getTransactional())
			.removeOnComplete(task.getRemoveOnComplete())
			.removeOnFail(task.getRemoveOnFail())
			.concurrency(concurrency(prefix + ".concurrency", task.getConcurrency()))
			.concurrencyKey(parsed(prefix + ".concurrency-key", task.getConcurrencyKey(), PayloadPath::parse))
			.rateLimit(parsed(prefix + ".rate-limit", task.getRateLimit(), RateLimit::parse))
			.rateLimitKey(parsed(prefix + ".rate-limit-key", task.getRateLimitKey(), PayloadPath::parse))
			.batch(batch(prefix + ".batch", task.getBatch()));
	}

	private static @Nullable Integer concurrency(String property, @Nullable Integer concurrency) {
		check(concurrency == null || (concurrency >= 1 && concurrency <= TaskOptions.MOST_CONCURRENT), property,
				concurrency, "it must be between 1 and " + TaskOptions.MOST_CONCURRENT);
		return concurrency;
	}

	private static @Nullable Batching batch(String prefix, Task.Batch batch) {
		Integer size = batch.getSize();
		Duration timeout = batch.getTimeout();
		if (size == null) {
			check(timeout == null, prefix + ".timeout", timeout, "a batch needs a size: set " + prefix + ".size, too");
			return null;
		}
		valid(prefix + ".size", size, () -> new Batching(size, Batching.DEFAULT_TIMEOUT));
		return (timeout != null) ? valid(prefix + ".timeout", timeout, () -> new Batching(size, timeout))
				: new Batching(size, Batching.DEFAULT_TIMEOUT);
	}

	private static <T> @Nullable T parsed(String property, @Nullable String value, Function<String, T> parser) {
		return (value != null) ? valid(property, value, () -> parser.apply(value)) : null;
	}

	private static @Nullable DailyHours hours(String property, @Nullable String window) {
		return parsed(property, window, DailyHours::parse);
	}

	private static @Nullable ZoneId zone(String property, @Nullable String zone) {
		if (zone == null) {
			return null;
		}
		try {
			return ZoneId.of(zone);
		}
		catch (DateTimeException ex) {
			throw new InvalidConfigurationPropertyValueException(property, zone,
					"it must be the name of a time zone, such as Europe/Vienna or UTC");
		}
	}

	private static @Nullable RetryPolicy retryPolicy(String prefix, Task.Retry retry) {
		boolean standardDelays = retry.getInitial() == null && retry.getMultiplier() == null && retry.getMax() == null;
		if (standardDelays && retry.getJitter() == null) {
			return null;
		}
		double jitter = Objects.requireNonNullElse(retry.getJitter(), RetryPolicy.DEFAULT.jitter());
		check(jitter >= 0 && jitter <= 1, prefix + ".jitter", jitter, "it must be between 0 and 1");
		if (standardDelays) {
			return new RetryPolicy(RetryPolicy.DEFAULT.backoff(), jitter, Set.of());
		}
		Duration initial = Objects.requireNonNullElse(retry.getInitial(), RETRY_INITIAL);
		check(!initial.isNegative() && !initial.isZero(), prefix + ".initial", initial, "it must be positive");
		double multiplier = Objects.requireNonNullElse(retry.getMultiplier(), RETRY_MULTIPLIER);
		check(multiplier >= 1 && !Double.isInfinite(multiplier), prefix + ".multiplier", multiplier,
				"it must be at least 1");
		Duration max = Objects.requireNonNullElse(retry.getMax(), longer(initial, RETRY_MAX));
		check(max.compareTo(initial) >= 0, prefix + ".max", max, "it must be at least the initial delay, " + initial);
		return RetryPolicy.exponential(initial, multiplier, max, jitter, Set.of());
	}

	private static Duration longer(Duration first, Duration second) {
		return (first.compareTo(second) > 0) ? first : second;
	}

	static String taskProperty(String name) {
		return nameInMap("conductor.tasks", name);
	}

	private static String nameInMap(String prefix, String key) {
		return prefix + "." + (key.matches("[a-z0-9-]+") ? key : "[" + key + "]");
	}

	private static void check(boolean valid, String property, @Nullable Object value, String reason) {
		if (!valid) {
			throw new InvalidConfigurationPropertyValueException(property, value, reason);
		}
	}

	private static <T> T valid(String property, Object value, Supplier<T> result) {
		try {
			return result.get();
		}
		catch (IllegalArgumentException ex) {
			throw new InvalidConfigurationPropertyValueException(property, value, ex.getMessage());
		}
	}

}
