package io.pgconductor.benchmark;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

import io.pgconductor.InvokeOptions;
import io.pgconductor.task.TaskSpec;

/**
 * What sleeping executions cost the node that runs them, and how soon many of them go on
 * that are due at the same time.
 */
final class Sleepers implements Scenario {

	private static final String LONG_SLEEPER = "bench-sleeper";

	private static final String SHORT_SLEEPER = "bench-short-sleeper";

	private static final Duration LONG = Duration.ofDays(1);

	private static final int WARM_UP = 2_000;

	private static final int SHARE = 10;

	private static final int QUIET_SECONDS = 20;

	private static final int COLLECTIONS = 5;

	private final AtomicInteger asleep = new AtomicInteger();

	private final AtomicInteger awake = new AtomicInteger();

	private final AtomicReference<Instant> wakeUpTime = new AtomicReference<>(Instant.EPOCH);

	private volatile Instant firstAwakeAt = Instant.MAX;

	private volatile Instant lastAwakeAt = Instant.MIN;

	@Override
	public String name() {
		return "sleepers";
	}

	@Override
	public void run(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		TaskSpec longSleeper = EngineNode.task(LONG_SLEEPER, (event, context) -> {
			this.asleep.incrementAndGet();
			context.sleep("long", LONG);
			return null;
		});
		TaskSpec shortSleeper = EngineNode.task(SHORT_SLEEPER, (event, context) -> {
			this.asleep.incrementAndGet();
			context.sleepUntil("short", this.wakeUpTime.get());
			wokenUp();
			return null;
		});
		try (EngineNode node = new EngineNode(database, (event, context) -> null, longSleeper, shortSleeper)) {
			node.start();
			sleep(database, LONG_SLEEPER, WARM_UP);
			double secondsEach = fallAsleep(database, options.executions(), report);
			wakeUp(database, Math.max(options.executions() / SHARE, 1), secondsEach, report);
		}
	}

	private double fallAsleep(BenchmarkDatabase database, int count, Report report) {
		long heapBefore = heap();
		int threadsBefore = threads();
		double seconds = sleep(database, LONG_SLEEPER, count);
		int threadsAfter = threads();
		long heapAfter = heap();
		StatementLoad load = StatementLoad.over(database, QUIET_SECONDS);
		String sleepers = "%,d sleepers, ".formatted(count);
		report.add(Line.of(name(), sleepers + "until all of them sleep", count / seconds, "per s"));
		report.add(Line.of(name(), "heap before", heapBefore / 1024d, "KiB"));
		report.add(Line.of(name(), sleepers + "heap", heapAfter / 1024d, "KiB"));
		report.add(Line
			.of(name(), sleepers + "heap of each", Math.max(heapAfter - heapBefore, 0) / (double) count, "bytes")
			.toReach(Target.atMost(20)));
		Line before = report.add(Line.of(name(), "threads before", threadsBefore, ""));
		report.add(Line.of(name(), sleepers + "threads", threadsAfter, "").against(before, Target.atMost(1)));
		report.add(Line.of(name(), sleepers + "statements", load.perSecond(), "per s").toReach(Target.atMost(2)));
		report.add(Line.of(name(), sleepers + "time of the statements", load.millisPerSecond(), "ms per s"));
		load.print();
		return seconds / count;
	}

	private void wakeUp(BenchmarkDatabase database, int count, double secondsEach, Report report) {
		this.awake.set(0);
		// Long enough for all of them to fall asleep before, as fast as others just did
		this.wakeUpTime.set(Instant.now().plusSeconds((long) Math.ceil(5 + 3 * count * secondsEach)));
		sleep(database, SHORT_SLEEPER, count);
		if (Instant.now().isAfter(this.wakeUpTime.get())) {
			throw new IllegalStateException("They did not fall asleep in time");
		}
		Waiting.until(() -> this.awake.get() == count);
		String due = "%,d due at once, until the ".formatted(count);
		report.add(Line.of(name(), due + "first one goes on", millisAfterWakeUpTime(this.firstAwakeAt), "ms"));
		double millis = millisAfterWakeUpTime(this.lastAwakeAt);
		report.add(Line.of(name(), due + "last one goes on", millis, "ms"));
		report.add(Line.of(name(), "%,d due at once".formatted(count), count / millis * 1000, "per s"));
	}

	private synchronized void wokenUp() {
		Instant now = Instant.now();
		this.firstAwakeAt = now.isBefore(this.firstAwakeAt) ? now : this.firstAwakeAt;
		this.lastAwakeAt = now.isAfter(this.lastAwakeAt) ? now : this.lastAwakeAt;
		this.awake.incrementAndGet();
	}

	private double millisAfterWakeUpTime(Instant time) {
		return Duration.between(this.wakeUpTime.get(), time).toNanos() / 1e6;
	}

	/**
	 * Enqueue executions that sleep, and wait until they do.
	 */
	private double sleep(BenchmarkDatabase database, String task, int count) {
		this.asleep.set(0);
		long begin = System.nanoTime();
		database.enqueue(task, count, InvokeOptions.defaults());
		Waiting.until(() -> this.asleep.get() >= count);
		Waiting.until(() -> database.number("""
				select count(*) from (
				    select from ${schema}.execution where phase = 'due' and gate is null limit 1) e
				""") == 0);
		return (System.nanoTime() - begin) / 1e9;
	}

	private static int threads() {
		return ManagementFactory.getThreadMXBean().getThreadCount();
	}

	private static long heap() {
		MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
		long least = Long.MAX_VALUE;
		for (int i = 0; i < COLLECTIONS; i++) {
			memory.gc();
			least = Math.min(least, memory.getHeapMemoryUsage().getUsed());
		}
		return least;
	}

}
