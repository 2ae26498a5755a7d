package io.pgconductor.worker;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.pgconductor.ExecutionState;

/**
 * {@link ConductorMetrics} that are Micrometer's.
 * <ul>
 * <li>{@code conductor.execution}: timer of how long attempts ran, by {@code task},
 * {@code queue} and {@code outcome}
 * <li>{@code conductor.execution.wait}: timer of how long they had waited since they were
 * due, by {@code task} and {@code queue}
 * <li>{@code conductor.claim.size}, {@code conductor.flush.size}: summaries of how many
 * executions were claimed and recorded at once, by {@code queue}
 * <li>{@code conductor.running}: gauge of the handlers that run, by {@code queue}
 * <li>{@code conductor.queue.depth}: gauge of the executions in the database, by
 * {@code queue} and {@code state}
 * <li>{@code conductor.invocation.unregistered}: counter of executions that were enqueued
 * for a task that no worker has ever registered, by {@code task}
 * </ul>
 *
 * @since 0.1.0
 */
public final class MicrometerConductorMetrics implements ConductorMetrics {

	/**
	 * Names of unregistered tasks come from callers, perhaps without end.
	 */
	private static final int MAX_UNREGISTERED_TASKS = 100;

	private static final String OTHER = "other";

	private final MeterRegistry registry;

	// Looking a meter up in the registry by its tags costs more than an attempt should
	private final Map<Attempt, Timer> executions = new ConcurrentHashMap<>();

	private final Map<Waiting, Timer> waits = new ConcurrentHashMap<>();

	private final Map<String, DistributionSummary> claims = new ConcurrentHashMap<>();

	private final Map<String, DistributionSummary> flushes = new ConcurrentHashMap<>();

	private final Map<String, Counter> unregistered = new ConcurrentHashMap<>();

	private final Map<Tags, DoubleSupplier> running = new ConcurrentHashMap<>();

	private final Map<Tags, DoubleSupplier> depths = new ConcurrentHashMap<>();

	/**
	 * Create the metrics.
	 * @param registry holds the meters
	 */
	public MicrometerConductorMetrics(MeterRegistry registry) {
		this.registry = registry;
	}

	@Override
	public void attemptEnded(String task, String queue, String outcome, Duration waited, Duration ran) {
		this.executions.computeIfAbsent(new Attempt(task, queue, outcome), this::executionTimer).record(ran);
		this.waits.computeIfAbsent(new Waiting(task, queue), this::waitTimer).record(waited);
	}

	private Timer executionTimer(Attempt attempt) {
		return Timer.builder("conductor.execution")
			.description("Time that attempts of executions ran")
			.tags("task", attempt.task(), "queue", attempt.queue(), "outcome", attempt.outcome())
			.register(this.registry);
	}

	private Timer waitTimer(Waiting waiting) {
		return Timer.builder("conductor.execution.wait")
			.description("Time that executions waited from being due to being started")
			.tags("task", waiting.task(), "queue", waiting.queue())
			.register(this.registry);
	}

	@Override
	public void claimed(String queue, int size) {
		this.claims.computeIfAbsent(queue, (name) -> summary("conductor.claim.size", "claimed", name)).record(size);
	}

	@Override
	public void flushed(String queue, int size) {
		this.flushes.computeIfAbsent(queue, (name) -> summary("conductor.flush.size", "recorded", name)).record(size);
	}

	private DistributionSummary summary(String name, String what, String queue) {
		return DistributionSummary.builder(name)
			.description("Executions that were " + what + " at once")
			.baseUnit("executions")
			.tag("queue", queue)
			.register(this.registry);
	}

	@Override
	public void watchRunning(String queue, IntSupplier running) {
		watch(this.running, "conductor.running", "Handlers that run", Tags.of("queue", queue), running::getAsInt);
	}

	@Override
	public void watchDepth(String queue, ExecutionState state, LongSupplier depth) {
		watch(this.depths, "conductor.queue.depth", "Executions in the database",
				Tags.of("queue", queue, "state", state.name().toLowerCase(Locale.ROOT)), depth::getAsLong);
	}

	/**
	 * Register a gauge, or turn it to another source: an orchestrator that is started
	 * again has new workers.
	 */
	private void watch(Map<Tags, DoubleSupplier> sources, String name, String description, Tags tags,
			DoubleSupplier source) {
		if (sources.put(tags, source) == null) {
			Gauge.builder(name, sources, (current) -> current.get(tags).getAsDouble())
				.description(description)
				.baseUnit("executions")
				.tags(tags)
				.strongReference(true)
				.register(this.registry);
		}
	}

	@Override
	public void unregisteredTaskInvoked(String task) {
		String tag = (this.unregistered.size() < MAX_UNREGISTERED_TASKS || this.unregistered.containsKey(task)) ? task
				: OTHER;
		this.unregistered.computeIfAbsent(tag, this::unregisteredCounter).increment();
	}

	private Counter unregisteredCounter(String task) {
		return Counter.builder("conductor.invocation.unregistered")
			.description("Executions enqueued for a task that no worker has ever registered")
			.tag("task", task)
			.register(this.registry);
	}

	private record Attempt(String task, String queue, String outcome) {

	}

	private record Waiting(String task, String queue) {

	}

}
