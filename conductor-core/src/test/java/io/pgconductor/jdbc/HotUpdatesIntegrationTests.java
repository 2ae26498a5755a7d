package io.pgconductor.jdbc;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

import io.pgconductor.Invoke;
import io.pgconductor.SchemaName;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * A claim writes no index: whoever adds an index or a column to the claim finds out here.
 */
class HotUpdatesIntegrationTests {

	private static final UUID NODE = UUID.randomUUID();

	private static final int EXECUTIONS = 20_000;

	@ParameterizedTest
	@CsvSource({ "100, 0", "500, 0", "500, 5000" })
	void claimsAreHotUpdates(int batchSize, int limitedBeside) {
		try (TestConductor test = new TestConductor(HotUpdatesIntegrationTests.class)) {
			test.node(TaskSpec.of("task", null, (event, context) -> null),
					TaskSpec.of("limited", null, (event, context) -> null).with(TaskOptions.none().concurrency(1)))
				.drain();
			invoke(test, "limited", limitedBeside);
			invoke(test, "task", EXECUTIONS);
			SchemaName schema = new SchemaName(test.schema());
			JdbcClient jdbc = JdbcClient.create(test.dataSource());
			ExecutionClaims claims = new ExecutionClaims(jdbc, schema);
			ExecutionOutcomes outcomes = new ExecutionOutcomes(jdbc, schema);

			for (int i = 0; i < EXECUTIONS / batchSize; i++) {
				List<ClaimedExecution> claimed = claims.claim(NODE, "default", List.of("task"), batchSize, List.of());
				outcomes.record(claimed.stream()
					.map((execution) -> new Recording(execution, new Outcome.Completed(null, Retention.AT_ONCE, false)))
					.toList());
			}

			Updates updates = await().atMost(Duration.ofSeconds(20))
				.until(() -> updates(test), (current) -> current.all() >= EXECUTIONS);
			assertThat(updates.all()).isEqualTo(EXECUTIONS);
			assertThat(updates.hot()).isGreaterThanOrEqualTo(EXECUTIONS * 95 / 100);
		}
	}

	private static void invoke(TestConductor test, String task, int count) {
		test.conductor().invokeAll(task, IntStream.range(0, count).mapToObj(Invoke::of).toList());
	}

	private record Updates(long all, long hot) {
	}

	private static Updates updates(TestConductor test) {
		return test
			.sql("select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables "
					+ "where schemaname = '${schema}' and relname = 'execution'")
			.query((rs, row) -> new Updates(rs.getLong(1), rs.getLong(2)))
			.single();
	}

}
