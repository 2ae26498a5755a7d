package io.pgconductor.benchmark;

/**
 * What an execution costs the database in writing.
 */
final class WriteCost implements Scenario {

	@Override
	public String name() {
		return "writes";
	}

	@Override
	public void run(BenchmarkDatabase database, BenchmarkOptions options, Report report) {
		for (Mode mode : Mode.values()) {
			database.reset();
			long walAtStart = wal(database);
			database.enqueue(mode, options.executions());
			long updatesBefore = updates(database, "n_tup_upd");
			long hotBefore = updates(database, "n_tup_hot_upd");
			long walBefore = wal(database);
			EngineNode.rate(database, options.executions());
			long walAfter = wal(database);
			// Sessions report what they did now and then
			Waiting.until(() -> updates(database, "n_tup_upd") - updatesBefore >= options.executions());
			double updates = updates(database, "n_tup_upd") - updatesBefore;
			double hot = updates(database, "n_tup_hot_upd") - hotBefore;
			report.add(Line.of(name(), mode.label() + ", share of HOT updates", hot / updates, "")
				.toReach(Target.atLeast(0.95)));
			report.add(Line.of(name(), mode.label() + ", WAL of the enqueue",
					(walBefore - walAtStart) / (double) options.executions(), "bytes each"));
			report.add(Line.of(name(), mode.label() + ", WAL of claim and completion",
					(walAfter - walBefore) / (double) options.executions(), "bytes each"));
		}
	}

	private static long wal(BenchmarkDatabase database) {
		return database.number("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint");
	}

	private static long updates(BenchmarkDatabase database, String counter) {
		return database.number("select " + counter
				+ " from pg_stat_user_tables where schemaname = '${schema}' and relname = 'execution'");
	}

}
