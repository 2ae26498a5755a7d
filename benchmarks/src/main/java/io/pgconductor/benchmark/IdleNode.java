package io.pgconductor.benchmark;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

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
			pause(SETTLE_SECONDS);
			database.countStatements(true);
			pause(seconds);
			double calls = database.number("select coalesce(sum(calls), 0)::bigint from pg_stat_statements "
					+ "where query not like '%pg_stat_statements%'");
			List<String> statements = database.sql("""
					select calls || ' x ' || left(regexp_replace(query, '\\s+', ' ', 'g'), 90) from pg_stat_statements
					where query not like '%pg_stat_statements%' order by calls desc
					""").query(String.class).list();
			database.countStatements(false);
			report.add(Line.of(name(), "statements, one queue", calls / seconds, "per s").toReach(Target.atMost(2)));
			statements.forEach((statement) -> System.out.println("           " + statement));
		}
	}

	private static void pause(int seconds) {
		try {
			new CountDownLatch(1).await(seconds, TimeUnit.SECONDS);
		}
		catch (InterruptedException ex) {
			throw new IllegalStateException(ex);
		}
	}

}
