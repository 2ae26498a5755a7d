package io.pgconductor.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import io.pgconductor.Invoke;
import io.pgconductor.task.TaskSpec;

/**
 * How long a parent takes that invokes many children at once and collects their results,
 * beside as many executions that belong to nobody, enqueued and run by the same node.
 */
final class FanOut implements Scenario {

	private static final String PARENT = "bench-fan-out";

	private static final String CHILD = "bench-part";

	private static final int SHARE = 10;

	@Override
	public String name() {
		return "fan-out";
	}

	@Override
	public void run(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		int children = Math.max(options.executions() / SHARE, 1);
		List<Double> independent = new ArrayList<>();
		List<Double> related = new ArrayList<>();
		List<Double> seconds = new ArrayList<>();
		List<Double> parentRuns = new ArrayList<>();
		AtomicInteger runs = new AtomicInteger();
		TaskSpec parent = EngineNode.task(PARENT, (event, context) -> {
			runs.incrementAndGet();
			int results = context.invokeAll("parts", CHILD, orders(children), Order.class).size();
			if (results != children) {
				throw new IllegalStateException(results + " results of " + children + " children");
			}
			return null;
		});
		TaskSpec child = EngineNode.task(CHILD, (event, context) -> event.payload());
		try (EngineNode node = new EngineNode(database, (event, context) -> null, parent, child)) {
			node.start();
			// The first round warms up
			for (int round = 0; round <= options.rounds(); round++) {
				double secondsOfIndependent = seconds(database, () -> database.conductor()
					.invokeAll(CHILD, orders(children).stream().map((order) -> Invoke.of(order)).toList()));
				runs.set(0);
				double secondsOfRelated = seconds(database,
						() -> database.conductor().invoke(PARENT, Order.of(children)));
				if (round > 0) {
					independent.add(children / secondsOfIndependent);
					related.add(children / secondsOfRelated);
					seconds.add(secondsOfRelated);
					parentRuns.add(runs.doubleValue());
				}
			}
		}
		String count = "%,d ".formatted(children);
		Line reference = report.add(Line.of(name(), count + "independent executions", independent, "per s"));
		report.add(Line.of(name(), count + "children, with their parent", related, "per s").against(reference));
		report.add(Line.of(name(), count + "children, from the invoke to the parent's end", seconds, "s"));
		report.add(Line.of(name(), "runs of the parent", parentRuns, "").toReach(Target.atMost(2)));
	}

	private static List<Order> orders(int count) {
		return IntStream.range(0, count).mapToObj(Order::of).toList();
	}

	/**
	 * Enqueue something and wait until all of it has completed.
	 */
	private static double seconds(BenchmarkDatabase database, Runnable enqueue) {
		database.reset();
		long begin = System.nanoTime();
		enqueue.run();
		Waiting.until(() -> database.number("select count(*) from (select from ${schema}.execution limit 1) e") == 0);
		return (System.nanoTime() - begin) / 1e9;
	}

}
