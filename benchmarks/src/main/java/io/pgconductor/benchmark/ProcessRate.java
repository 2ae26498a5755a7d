package io.pgconductor.benchmark;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How many executions that do nothing the engine runs, beside the bare loops of
 * {@link Floor}.
 */
final class ProcessRate implements Scenario {

	private static final List<Integer> BATCH_SIZES = List.of(100, 500, 1000);

	@Override
	public String name() {
		return "process";
	}

	@Override
	public void run(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		for (Mode mode : Mode.values()) {
			Map<Integer, List<Double>> floors = new LinkedHashMap<>();
			List<Double> engine = new ArrayList<>();
			for (int round = 0; round < options.rounds(); round++) {
				for (int batchSize : BATCH_SIZES) {
					floors.computeIfAbsent(batchSize, (size) -> new ArrayList<>())
						.add(floor(database, mode, batchSize, options.executions()));
				}
				engine.add(engine(database, mode, options.executions()));
			}
			Line best = floors.entrySet()
				.stream()
				.map((floor) -> report.add(Line.of(name(), "floor, " + mode.label() + ", batches of " + floor.getKey(),
						floor.getValue(), "per s")))
				.max(Comparator.comparingDouble(Line::value))
				.orElseThrow();
			report.add(Line.of(name(), "engine, " + mode.label(), engine, "per s").against(best, Target.atLeast(0.85)));
		}
	}

	static void warmUp(BenchmarkDatabase database, int executions) {
		// Until a node has registered them, the tasks' executions are held
		try (EngineNode node = new EngineNode(database, (event, context) -> null)) {
			node.start();
		}
		for (Mode mode : Mode.values()) {
			engine(database, mode, executions);
			floor(database, mode, 500, executions);
		}
	}

	static double engine(BenchmarkDatabase database, Mode mode, int executions) {
		database.reset();
		database.enqueue(mode, executions);
		double rate = EngineNode.rate(database, executions);
		database.verifyDone(mode, executions);
		return rate;
	}

	private static double floor(BenchmarkDatabase database, Mode mode, int batchSize, int executions) {
		database.reset();
		database.enqueue(mode, executions);
		double rate = new Floor(database, mode, batchSize).rate(executions);
		database.verifyDone(mode, executions);
		return rate;
	}

}
