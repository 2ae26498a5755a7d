package io.pgconductor.benchmark;

import java.util.ArrayList;
import java.util.List;

/**
 * How many executions with some steps that do nothing the engine runs, beside bare loops
 * over the same statements.
 */
final class StepRate implements Scenario {

	static final List<String> STEPS = List.of("reserve", "charge", "ship");

	// Each step is a commit
	private static final int SHARE = 20;

	// As many as the engine has handlers
	private static final int MORE_CONNECTIONS = 10;

	@Override
	public String name() {
		return "steps";
	}

	@Override
	public void run(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		int executions = Math.max(options.executions() / SHARE, 1);
		warmUp(database, executions);
		List<Double> floor = new ArrayList<>();
		List<Double> floorOnMore = new ArrayList<>();
		List<Double> engine = new ArrayList<>();
		for (int round = 0; round < options.rounds(); round++) {
			floorOnMore.add(floor(database, executions, MORE_CONNECTIONS));
			floor.add(floor(database, executions, BenchmarkDatabase.ENGINE_CONNECTIONS));
			engine.add(engine(database, executions));
		}
		report.add(Line.of(name(), floorLabel(MORE_CONNECTIONS), floorOnMore, "per s"));
		Line same = report.add(Line.of(name(), floorLabel(BenchmarkDatabase.ENGINE_CONNECTIONS), floor, "per s"));
		report.add(Line.of(name(), "engine, %d steps".formatted(STEPS.size()), engine, "per s")
			.against(same, Target.atLeast(0.6)));
	}

	private static String floorLabel(int connections) {
		return "floor, %d steps, on %d connections".formatted(STEPS.size(), connections);
	}

	private static void warmUp(BenchmarkDatabase database, int executions) {
		engine(database, executions);
		floor(database, executions, BenchmarkDatabase.ENGINE_CONNECTIONS);
	}

	private static double engine(BenchmarkDatabase database, int executions) {
		database.reset();
		database.enqueue(Mode.DELETE, executions);
		double rate = EngineNode.rate(database, executions, (event, context) -> {
			Order order = (Order) event.payload();
			for (String step : STEPS) {
				context.step(step, Order.class, () -> order);
			}
			return null;
		});
		verifyDone(database, executions);
		return rate;
	}

	private static double floor(BenchmarkDatabase database, int executions, int connections) {
		database.reset();
		database.enqueue(Mode.DELETE, executions);
		double rate = new StepFloor(database, executions).rate(connections);
		verifyDone(database, executions);
		return rate;
	}

	private static void verifyDone(BenchmarkDatabase database, int executions) {
		database.verifyDone(Mode.DELETE, executions);
		long left = database.number("select count(*) from ${schema}.step");
		if (left != 0) {
			throw new IllegalStateException(left + " steps are left");
		}
	}

}
