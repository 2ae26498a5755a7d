package io.pgconductor.benchmark;

/**
 * How many statements a node with one queue sends while there is nothing to do.
 */
final class IdleNode implements Scenario {

	private static final int SETTLE_SECONDS = 3;

	private static final int SECONDS_PER_ROUND = 20;

	@Override
	public String name() {
		return "idle";
	}

	@Override
	public void run(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		database.reset();
		int seconds = SECONDS_PER_ROUND * Math.min(options.rounds(), 3);
		try (EngineNode node = new EngineNode(database, (event, context) -> null)) {
			node.start();
			StatementLoad.pause(SETTLE_SECONDS);
			StatementLoad load = StatementLoad.over(database, seconds);
			report.add(Line.of(name(), "statements, one queue", load.perSecond(), "per s").toReach(Target.atMost(2)));
			load.print();
		}
	}

}
