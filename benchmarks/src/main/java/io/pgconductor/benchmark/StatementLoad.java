package io.pgconductor.benchmark;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * What the database is asked while nothing seems to happen.
 *
 * @param perSecond statements per second
 * @param millisPerSecond time that they take, in milliseconds per second
 * @param statements the statements and how often each was sent
 */
record StatementLoad(double perSecond, double millisPerSecond, List<String> statements) {

	private static final String OTHERS = "query not like '%pg_stat_statements%'";

	static StatementLoad over(BenchmarkDatabase database, int seconds) {
		database.countStatements(true);
		pause(seconds);
		double calls = database
			.number("select coalesce(sum(calls), 0)::bigint from pg_stat_statements where " + OTHERS);
		double micros = database
			.number("select coalesce(sum(total_exec_time) * 1000, 0)::bigint from pg_stat_statements where " + OTHERS);
		List<String> statements = database.sql("""
				select calls || ' x ' || left(regexp_replace(query, '\\s+', ' ', 'g'), 90) from pg_stat_statements
				where %s order by calls desc
				""".formatted(OTHERS)).query(String.class).list();
		database.countStatements(false);
		return new StatementLoad(calls / seconds, micros / 1000 / seconds, statements);
	}

	void print() {
		this.statements.forEach((statement) -> System.out.println("           " + statement));
	}

	static void pause(int seconds) {
		try {
			new CountDownLatch(1).await(seconds, TimeUnit.SECONDS);
		}
		catch (InterruptedException ex) {
			throw new IllegalStateException(ex);
		}
	}

}
