package io.pgconductor.benchmark;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * Whether the engine stays as fast with a lot of rows about that are not to be run now,
 * and while another transaction keeps dead rows from being removed.
 */
final class Flatness implements Scenario {

	private static final int LONG_RUNNING = 5_000;

	private static final int MAX_ROUNDS = 3;

	// Long enough that more dead rows than any single claim's lie about
	private static final int SNAPSHOT_FACTOR = 10;

	// Of the task that is not run, so that they are told from those that are
	private static final String SCHEDULED = """
			insert into ${schema}.execution
			    (id, task, queue, priority, max_attempts, payload, created_at, run_at, phase)
			select ${schema}.uuid_v7(), 'bench-archive', 'default', 2147483647, 3, '{"order": 1}', now(),
			       now() + interval '1 day', 'future'
			from generate_series(1, ?)
			""";

	private static final String FINISHED = """
			insert into ${schema}.finished_execution
			    (id, task, queue, priority, state, attempt, max_attempts, claim_no, payload, created_at, run_at, claimed_at,
			     finished_at, expires_at)
			select ${schema}.uuid_v7(), 'bench-archive', 'default', 0, 'completed', 1, 3, 1, '{"order": 1}', now(), now(),
			       now(), now(), now() + interval '7 days'
			from generate_series(1, ?)
			""";

	private static final String LIVE_NODE = """
			insert into ${schema}.node (id, host, tasks, alive_until) values (?, 'elsewhere', '{}', 'infinity')
			""";

	private static final String CLAIMED = """
			insert into ${schema}.execution
			    (id, task, queue, priority, max_attempts, payload, created_at, run_at, phase, claimed_at, claimed_by, claim_no,
			     attempt)
			select ${schema}.uuid_v7(), 'bench-archive', 'default', 0, 3, '{"order": 1}', now(), now() - interval '1 hour',
			       'due', now(), ?, 1, 1
			from generate_series(1, ?)
			""";

	@Override
	public String name() {
		return "flatness";
	}

	@Override
	public void run(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		String rows = "%,d".formatted(options.bystanders());
		compare(database, options, report, rows + " scheduled for tomorrow, at the top priority",
				() -> database.sql(SCHEDULED).param(options.bystanders()).update());
		compare(database, options, report, rows + " finished",
				() -> database.sql(FINISHED).param(options.bystanders()).update());
		UUID elsewhere = UUID.randomUUID();
		database.sql(LIVE_NODE).param(elsewhere).update();
		compare(database, options, report, "%,d long-running, at the head".formatted(LONG_RUNNING),
				() -> database.sql(CLAIMED).param(elsewhere).param(LONG_RUNNING).update());
		database.reset();
		database.sql("delete from ${schema}.node where id = ?").param(elsewhere).update();
		compareWithSnapshot(database, options, report);
	}

	private void compare(BenchmarkDatabase database, BenchmarkOptions options, Report report, String what,
			Runnable addBystanders) {
		alternate(options, report, what, "nothing else", 0.9, () -> rate(database, options.executions(), () -> {
		}), () -> rate(database, options.executions(), addBystanders));
	}

	private void compareWithSnapshot(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		int executions = Math.max(options.bystanders(), options.executions() * SNAPSHOT_FACTOR);
		String count = "%,d executions, ".formatted(executions);
		alternate(options, report, count + "a snapshot held open", count + "nothing else", 0.8,
				() -> rate(database, executions, () -> {
				}), () -> rateWithSnapshot(database, executions));
	}

	private void alternate(BenchmarkOptions options, Report report, String what, String reference, double target,
			Supplier<Double> withoutIt, Supplier<Double> withIt) {
		List<Double> without = new ArrayList<>();
		List<Double> with = new ArrayList<>();
		for (int round = 0; round < Math.min(options.rounds(), MAX_ROUNDS); round++) {
			without.add(withoutIt.get());
			with.add(withIt.get());
		}
		Line empty = report.add(Line.of(name(), reference, without, "per s"));
		report.add(Line.of(name(), what, with, "per s").against(empty, Target.atLeast(target)));
	}

	private static double rate(BenchmarkDatabase database, int executions, Runnable addBystanders) {
		database.reset();
		addBystanders.run();
		// What autovacuum would do some time
		database.sql("vacuum analyze ${schema}.execution").update();
		database.sql("vacuum analyze ${schema}.finished_execution").update();
		return run(database, executions);
	}

	private static double rateWithSnapshot(BenchmarkDatabase database, int executions) {
		database.reset();
		try (Connection connection = database.connect(); Statement statement = connection.createStatement()) {
			statement.execute("begin isolation level repeatable read");
			statement.execute("select 1");
			double rate = run(database, executions);
			statement.execute("commit");
			return rate;
		}
		catch (SQLException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private static double run(BenchmarkDatabase database, int executions) {
		database.enqueue(Mode.DELETE, executions);
		double rate = EngineNode.rate(database, executions);
		database.verifyDone(Mode.DELETE, executions);
		return rate;
	}

}
