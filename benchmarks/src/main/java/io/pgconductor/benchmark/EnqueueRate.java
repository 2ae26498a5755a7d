package io.pgconductor.benchmark;

import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

import io.pgconductor.Invoke;

/**
 * How many executions a client enqueues, one by one and in batches, beside bare inserts
 * of the same rows through the same pool.
 */
final class EnqueueRate implements Scenario {

	private static final int BATCH = 1000;

	// Each is a commit
	private static final int SINGLE_SHARE = 10;

	@Override
	public String name() {
		return "enqueue";
	}

	@Override
	public void run(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		String task = Mode.DELETE.task();
		BareInserts bare = new BareInserts(database.applicationPool());
		compare(database, options, report, "one by one", 0.9, options.executions() / SINGLE_SHARE,
				(number) -> bare.insert(Order.of(number)),
				(number) -> database.conductor().invoke(task, Order.of(number)), 1);
		compare(database, options, report, "in batches of " + BATCH, 0.8, options.executions(),
				(number) -> bare.insertAll(orders(number)), (number) -> database.conductor()
					.invokeAll(task, orders(number).stream().map((order) -> Invoke.of(order)).toList()),
				BATCH);
	}

	private static List<Order> orders(int from) {
		return IntStream.range(from, from + BATCH).mapToObj(Order::of).toList();
	}

	private void compare(BenchmarkDatabase database, BenchmarkOptions options, Report report, String how, double target,
			int count, IntConsumer bare, IntConsumer engine, int step) {
		SideBySide rates = SideBySide.measure(database, options.rounds(), new SideBySide.Amount(count, step, 1), bare,
				engine, () -> verify(database, 2L * count));
		Line floor = report.add(Line.of(name(), "bare insert, " + how, rates.bare(), "per s"));
		report.add(Line.of(name(), "invoke, " + how, rates.engine(), "per s").against(floor, Target.atLeast(target)));
	}

	private static void verify(BenchmarkDatabase database, long count) {
		long enqueued = database.number("select count(*) from ${schema}.execution where phase = 'due'");
		if (enqueued != count) {
			throw new IllegalStateException(enqueued + " instead of " + count + " were enqueued");
		}
	}

}
