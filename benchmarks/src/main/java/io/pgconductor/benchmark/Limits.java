package io.pgconductor.benchmark;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.IntStream;

import io.pgconductor.Invoke;
import io.pgconductor.task.BatchHandler;
import io.pgconductor.task.Batching;
import io.pgconductor.task.PayloadPath;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;

/**
 * What limits and batches do to the rate at which executions that do nothing are run, and
 * what limited tasks do to others.
 */
final class Limits implements Scenario {

	private static final String TASK = "bench-limits";

	private static final String OTHER = "bench-blocked";

	private static final int KEYS = 1000;

	private static final int WAITING = 10_000;

	private static final int ENQUEUED_AT_ONCE = 5000;

	private static final String FLOOD = """
			insert into ${schema}.execution
			    (id, task, queue, priority, max_attempts, payload, created_at, run_at, phase, gate)
			select ${schema}.uuid_v7(), t.name, t.queue, 0, 3, p.payload, now(), now(), 'due', ${schema}.gate_of(t, p.payload)
			from ${schema}.task t, (select json_build_object('order', -1, 'key', -1) as payload) p, generate_series(1, ?)
			where t.name = ?
			""";

	private record Numbered(int order, int key) {
	}

	@Override
	public String name() {
		return "limits";
	}

	@Override
	public void run(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		int count = options.executions();
		Map<String, Supplier<Double>> kinds = new LinkedHashMap<>();
		kinds.put("no limit", () -> rate(database, count, TaskOptions.none()));
		kinds.put("10 at once", () -> rate(database, count, TaskOptions.none().concurrency(10)));
		kinds.put("1,000 keys, 1 of each at once", () -> rate(database, count, oneOfEachKey()));
		Map<String, List<Double>> rates = alternate(options, kinds);
		Line unlimited = report.add(Line.of(name(), "no limit", rates.remove("no limit"), "per s"));
		rates.forEach((kind, rounds) -> report
			.add(Line.of(name(), kind, rounds, "per s").against(unlimited, Target.atLeast(0.5))));
		compare(database, options, report, "one statement each", "one statement for each batch of 100", 2,
				() -> statementRate(database, count), () -> batchRate(database, count));
		compare(database, options, report, "no limited task",
				"%,d executions wait at a limit beside".formatted(WAITING), 0.95,
				() -> rateBeside(database, count, 0, oneOfEachKey()),
				() -> rateBeside(database, count, WAITING, oneOfEachKey()));
		String flood = "%,d more of one key".formatted(options.bystanders());
		compare(database, options, report, "1,000 keys", flood, 0.9, () -> keyedRate(database, count, 10),
				() -> keyedRate(database, count, options.bystanders()));
	}

	private static TaskOptions oneOfEachKey() {
		return TaskOptions.none().concurrency(1).concurrencyKey(PayloadPath.parse("key"));
	}

	private void compare(BenchmarkDatabase database, BenchmarkOptions options, Report report, String reference,
			String what, double target, Supplier<Double> without, Supplier<Double> with) {
		Map<String, List<Double>> rates = alternate(options, Map.of(reference, without, what, with));
		Line line = report.add(Line.of(name(), reference, rates.get(reference), "per s"));
		report.add(Line.of(name(), what, rates.get(what), "per s").against(line, Target.atLeast(target)));
	}

	private static Map<String, List<Double>> alternate(BenchmarkOptions options, Map<String, Supplier<Double>> kinds) {
		Map<String, List<Double>> rates = new LinkedHashMap<>();
		for (int round = 0; round < options.rounds(); round++) {
			kinds.forEach((kind, rate) -> rates.computeIfAbsent(kind, (key) -> new ArrayList<>()).add(rate.get()));
		}
		return rates;
	}

	private static TaskSpec task(String name, TaskOptions options, TaskHandler handler) {
		return TaskSpec.of(name, Numbered.class, handler)
			.with(options)
			.with(TaskOptions.none().removeOnComplete(Retention.AT_ONCE));
	}

	private static double rate(BenchmarkDatabase database, int count, TaskOptions options) {
		Countdown countdown = new Countdown(count);
		return rate(database, count, () -> {
		}, countdown, task(TASK, options, (event, context) -> countdown.ended(1)));
	}

	private static double statementRate(BenchmarkDatabase database, int count) {
		Countdown countdown = new Countdown(count);
		return rate(database, count, () -> {
		}, countdown, task(TASK, TaskOptions.none(), (event, context) -> {
			database.sql("select 1").query().singleValue();
			return countdown.ended(1);
		}));
	}

	private static double batchRate(BenchmarkDatabase database, int count) {
		Countdown countdown = new Countdown(count);
		BatchHandler handler = (events, context) -> {
			database.sql("select 1").query().singleValue();
			countdown.ended(events.size());
			return null;
		};
		TaskOptions options = TaskOptions.none().batch(new Batching(100, Duration.ofMillis(100)));
		return rate(database, count, () -> {
		}, countdown, task(TASK, options, handler));
	}

	// The limit of the other task is used up by a handler that doesn't end
	private static double rateBeside(BenchmarkDatabase database, int count, int waiting, TaskOptions limits) {
		Countdown countdown = new Countdown(count);
		TaskSpec task = task(TASK, TaskOptions.none(), (event, context) -> countdown.ended(1));
		if (waiting == 0) {
			return rate(database, count, () -> {
			}, countdown, task);
		}
		return rate(database, count, () -> flood(database, OTHER, waiting), countdown, task,
				task(OTHER, limits, countdown::awaitEnd));
	}

	private static double keyedRate(BenchmarkDatabase database, int count, int waiting) {
		Countdown countdown = new Countdown(count);
		TaskSpec task = task(TASK, oneOfEachKey(), (event, context) -> (((Numbered) event.payload()).key() < 0)
				? countdown.awaitEnd(event, context) : countdown.ended(1));
		return rate(database, count, () -> flood(database, TASK, waiting), countdown, task);
	}

	private static void flood(BenchmarkDatabase database, String task, int count) {
		database.sql(FLOOD).param(count).param(task).update();
	}

	private static double rate(BenchmarkDatabase database, int count, Runnable prepare, Countdown countdown,
			TaskSpec... tasks) {
		database.reset();
		// Until they are registered like this, executions are held, or at no gate
		register(database, tasks);
		for (int from = 0; from < count; from += ENQUEUED_AT_ONCE) {
			database.conductor()
				.invokeAll(TASK,
						IntStream.range(from, Math.min(from + ENQUEUED_AT_ONCE, count))
							.mapToObj((i) -> Invoke.of(new Numbered(i, i % KEYS)))
							.toList());
		}
		prepare.run();
		// What autovacuum would do some time
		database.sql("vacuum analyze ${schema}.execution").update();
		try (EngineNode node = new EngineNode(database, (event, context) -> null, tasks)) {
			node.start();
			long begin = System.nanoTime();
			Waiting.forLatch(countdown.done);
			Waiting.until(() -> isRecorded(database));
			double rate = count / ((System.nanoTime() - begin) / 1e9);
			countdown.end.countDown();
			return rate;
		}
		finally {
			countdown.end.countDown();
			database.reset();
		}
	}

	private static void register(BenchmarkDatabase database, TaskSpec... tasks) {
		try (EngineNode node = new EngineNode(database, (event, context) -> null, tasks)) {
			node.start();
		}
	}

	private static boolean isRecorded(BenchmarkDatabase database) {
		return database.sql("""
				select not exists (select from ${schema}.execution
				                   where task = ? and (payload ->> 'key')::int >= 0 and claimed_by is not null)
				""").param(TASK).query(Boolean.class).single();
	}

	private static final class Countdown {

		private final AtomicInteger left;

		private final CountDownLatch done = new CountDownLatch(1);

		private final CountDownLatch end = new CountDownLatch(1);

		Countdown(int count) {
			this.left = new AtomicInteger(count);
		}

		Object ended(int count) {
			if (this.left.addAndGet(-count) == 0) {
				this.done.countDown();
			}
			return true;
		}

		Object awaitEnd(Object event, Object context) throws InterruptedException {
			this.end.await();
			return true;
		}

	}

}
