package io.pgconductor.benchmark;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.LinkedBlockingQueue;

import io.pgconductor.TaskContext;
import io.pgconductor.task.TaskSpec;

/**
 * How long a call of a child takes, from the parent's invoke to its going on with the
 * child's result, while nothing else happens, beside the bare statements and wake-ups.
 */
final class ChildHop implements Scenario {

	static final String PARENT = "bench-parent";

	static final String CHILD = "bench-child";

	private static final int HOPS = 5;

	private static final int WARM_UP = 40;

	@Override
	public String name() {
		return "hop";
	}

	@Override
	public void run(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		int chains = Math.max(options.samples() / HOPS / options.rounds(), 1);
		engine(database, WARM_UP);
		bare(database, WARM_UP);
		List<Double> bare = new ArrayList<>();
		List<Double> engine = new ArrayList<>();
		for (int round = 0; round < options.rounds(); round++) {
			bare.add(bare(database, chains));
			engine.add(engine(database, chains));
		}
		Line floor = report
			.add(Line.of(name(), "bare statements and wake-ups, chain of %d, each".formatted(HOPS), bare, "ms"));
		report.add(Line.of(name(), "engine, chain of %d, each".formatted(HOPS), engine, "ms")
			.against(floor, Target.atMost(2)));
	}

	private static double engine(BenchmarkDatabase database, int chains) {
		database.reset();
		ConcurrentMap<UUID, Long> begun = new ConcurrentHashMap<>();
		BlockingQueue<Double> ended = new LinkedBlockingQueue<>();
		TaskSpec parent = EngineNode.task(PARENT, (event, context) -> {
			begun.putIfAbsent(context.executionId(), System.nanoTime());
			invokeChildren(context);
			ended.add((System.nanoTime() - begun.getOrDefault(context.executionId(), 0L)) / 1e6 / HOPS);
			return null;
		});
		TaskSpec child = EngineNode.task(CHILD, (event, context) -> event.payload());
		try (EngineNode node = new EngineNode(database, (event, context) -> null, parent, child)) {
			node.start();
			List<Double> times = new ArrayList<>();
			for (int number = 0; number < chains; number++) {
				UUID execution = database.conductor().invoke(PARENT, Order.of(number));
				times.add(Waiting.forNext(ended));
				Waiting.until(() -> database.conductor().find(execution).isEmpty());
			}
			return median(times);
		}
	}

	private static void invokeChildren(TaskContext context) {
		for (int hop = 1; hop <= HOPS; hop++) {
			context.invoke("child " + hop, CHILD, Order.of(hop), Order.class);
		}
	}

	private static double bare(BenchmarkDatabase database, int chains) {
		database.reset();
		try (BareChain chain = new BareChain(database)) {
			List<Double> times = new ArrayList<>();
			for (int number = 0; number < chains; number++) {
				database.conductor().invoke(PARENT, Order.of(number));
				times.add(chain.run(HOPS));
			}
			return median(times);
		}
		catch (SQLException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private static double median(List<Double> times) {
		Collections.sort(times);
		return times.get(times.size() / 2);
	}

}
