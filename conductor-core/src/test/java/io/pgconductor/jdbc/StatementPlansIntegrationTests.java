package io.pgconductor.jdbc;

import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.ExecutionFilter;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.SchemaName;
import io.pgconductor.task.JsonMapping;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.util.StringUtils;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * How PostgreSQL executes what is executed all the time, on tables that nobody has
 * analysed yet: the cost must not depend on how many rows wait or have been.
 */
class StatementPlansIntegrationTests {

	private static final UUID NODE = UUID.randomUUID();

	private static final List<String> TASKS = List.of("task", "other", "third");

	private TestConductor test;

	private HikariDataSource enginePool;

	private ExplainingDataSource explaining;

	private JdbcClient engine;

	private SchemaName schema;

	@BeforeEach
	void start() {
		this.test = new TestConductor(StatementPlansIntegrationTests.class);
		this.schema = new SchemaName(this.test.schema());
		this.test.sql("alter table ${schema}.execution set (autovacuum_enabled = off)").update();
		this.test.sql("alter table ${schema}.finished_execution set (autovacuum_enabled = off)").update();
		this.test.node(TaskSpec.of("task", null, (event, context) -> null)).drain();
		this.enginePool = new HikariDataSource();
		this.enginePool.setJdbcUrl(TestPostgres.shared().jdbcUrl());
		this.enginePool.setMaximumPoolSize(1);
		this.explaining = new ExplainingDataSource(this.enginePool);
		this.engine = JdbcClient.create(new EngineDataSource(this.explaining, true));
	}

	@AfterEach
	void stop() {
		this.enginePool.close();
		this.test.close();
	}

	private void fill() {
		this.test.conductor()
			.invokeAll("task",
					IntStream.range(0, 3000)
						.mapToObj((i) -> Invoke.of(i, InvokeOptions.defaults().priority(i % 3)))
						.toList());
		this.test.conductor()
			.invokeAll("task",
					IntStream.range(0, 3000)
						.mapToObj((i) -> Invoke.of(i, InvokeOptions.defaults().delay(Duration.ofHours(1))))
						.toList());
		this.test.sql("select count(${schema}.invoke('unheard-of')) from generate_series(1, 1000)")
			.query(Long.class)
			.single();
		this.test
			.sql("""
					insert into ${schema}.finished_execution (id, run_at, created_at, finished_at, expires_at, claim_no, attempt,
					    state, task)
					select ${schema}.uuid_v7(), now(), now(), now(), now() + i * interval '1 hour', 1, 1, 'completed', 'task'
					from generate_series(-100, 5000) i""")
			.update();
	}

	private String plan() {
		return this.explaining.lastPlan();
	}

	private List<ClaimedExecution> claim(int limit, List<ClaimPosition> positions) {
		return new ExecutionClaims(this.engine, this.schema).claim(NODE, "default", TASKS, limit, positions);
	}

	private static void assertNoTableIsRead(String plan) {
		assertThat(plan).doesNotContain("Seq Scan on execution")
			.doesNotContain("Seq Scan on finished_execution")
			.doesNotContain("Bitmap")
			.doesNotContain("Sort");
	}

	@ParameterizedTest
	@ValueSource(ints = { 0, 1, 2, ExecutionClaims.MAX_POSITIONS })
	void claimsAlongTheReadyIndex(int count) {
		List<ClaimPosition> positions = IntStream.range(0, count)
			.mapToObj((i) -> new ClaimPosition(10 - i, OffsetDateTime.now().minusHours(1), UUID.randomUUID()))
			.toList();

		claim(100, positions);
		String empty = plan();
		fill();
		claim(100, positions);

		for (String plan : List.of(empty, plan())) {
			assertNoTableIsRead(plan);
			assertThat(StringUtils.countOccurrencesOf(plan, "using execution_ready on execution"))
				.isEqualTo(2 * count + 1);
			assertThat(plan).contains("Tid Scan on execution")
				.containsPattern("Index Cond: \\(+queue = 'default'::text\\)");
			if (count > 0) {
				assertThat(plan).contains("(ROW(run_at, id) > ROW(");
			}
		}
	}

	@Test
	void recordsOutcomesByThePrimaryKey() {
		fill();
		ExecutionOutcomes outcomes = new ExecutionOutcomes(this.engine, this.schema);
		List<ClaimedExecution> claimed = claim(400, List.of());

		outcomes.record(recordings(claimed.subList(0, 100), new Outcome.Completed("1", Retention.AT_ONCE, false)));
		assertByPrimaryKey();
		outcomes.record(recordings(claimed.subList(100, 200), new Outcome.Completed("1", Retention.NEVER, false)));
		assertByPrimaryKey();
		outcomes.record(recordings(claimed.subList(200, 300), new Outcome.Retried("{}", Duration.ofSeconds(1))));
		assertByPrimaryKey();
		outcomes.record(recordings(claimed.subList(300, 400), new Outcome.Released()));
		assertByPrimaryKey();
	}

	private static List<Recording> recordings(List<ClaimedExecution> claimed, Outcome outcome) {
		return claimed.stream().map((execution) -> new Recording(execution, outcome)).toList();
	}

	private void assertByPrimaryKey() {
		assertThat(plan()).contains("Index Scan using execution_pkey on execution")
			.doesNotContain("Seq Scan on execution");
	}

	@Test
	void promotesAlongTheFutureIndex() {
		ExecutionUpkeep upkeep = new ExecutionUpkeep(this.engine, this.schema);
		upkeep.promote(1000);
		String empty = plan();
		fill();
		upkeep.promote(1000);

		for (String plan : List.of(empty, plan())) {
			assertNoTableIsRead(plan);
			assertThat(StringUtils.countOccurrencesOf(plan, "using execution_future on execution")).isEqualTo(2);
			assertThat(plan).contains("Index Cond: (run_at <= ");
		}
	}

	@Test
	void prunesAlongTheIndexOfWhatExpires() {
		FinishedExecutionTable finished = new FinishedExecutionTable(this.engine, this.schema);
		fill();

		assertThat(finished.prune(50)).isEqualTo(50);

		assertNoTableIsRead(plan());
		assertThat(plan()).contains("Index Scan using finished_execution_expires on finished_execution");
	}

	@Test
	void holdsAndReleasesAlongIndexes() {
		ExecutionUpkeep upkeep = new ExecutionUpkeep(this.engine, this.schema);
		fill();

		upkeep.releaseHeld(100);
		assertNoTableIsRead(plan());
		assertThat(plan()).contains("using execution_held on execution");
		upkeep.rehome(100);
		assertNoTableIsRead(plan());
		assertThat(plan()).contains("using execution_ready on execution");
		upkeep.hold(List.of("task"), 100);
		assertNoTableIsRead(plan());
		assertThat(plan()).contains("using execution_ready on execution");
	}

	@Test
	void asksWhetherAnythingIsReadyAlongTheReadyIndex() {
		fill();

		assertThat(executions(this.engine).anyReady("default", TASKS)).isTrue();

		assertThat(plan()).containsPattern("using execution_ready on execution");
	}

	@Test
	void servesClientsByPrimaryKeysInSessionsOfAnySettings() {
		fill();
		JdbcClient application = JdbcClient.create(this.explaining);
		UUID id = this.test.conductor().invoke("task", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));

		assertThat(executions(application).find(id)).isPresent();
		assertThat(plan()).contains("execution_pkey", "finished_execution_pkey")
			.doesNotContain("Seq Scan on execution")
			.doesNotContain("Seq Scan on finished_execution");
		this.test.conductor().cancel(id);
		assertThat(executions(application).retry(List.of(id)).executions()).isOne();
		assertThat(plan()).containsPattern("using finished_execution_(pkey|failed)")
			.doesNotContain("Seq Scan on finished_execution");
	}

	@ParameterizedTest
	@MethodSource("filters")
	void searchesAlongIndexesInTheOrderOfIds(ExecutionFilter filter, String index) {
		fill();
		this.test.sql("analyze ${schema}.finished_execution").update();
		executions(JdbcClient.create(this.explaining)).search(filter, EnumSet.allOf(ExecutionState.class), 100);
		assertThat(plan()).contains("using " + index + " on finished_execution")
			.doesNotContain("Seq Scan on finished_execution");
	}

	static Stream<Arguments> filters() {
		ExecutionFilter all = ExecutionFilter.all();
		return Stream.of(Arguments.of(all, "finished_execution_pkey"),
				Arguments.of(all.createdBefore(Instant.now().minusSeconds(86400)), "finished_execution_pkey"),
				Arguments.of(all.task("other"), "finished_execution_task"),
				Arguments.of(all.task("task", "other").state(ExecutionState.COMPLETED), "finished_execution_task"),
				Arguments.of(all.state(ExecutionState.FAILED), "finished_execution_failed"),
				Arguments.of(all.task("task").state(ExecutionState.FAILED), "finished_execution_failed"),
				Arguments.of(all.errorText("timeout").state(ExecutionState.COMPLETED), "finished_execution_error"));
	}

	@Test
	void cancelsAlongIndexesInSessionsOfAnySettings() {
		fill();
		UUID parent = this.test.conductor().invoke("task", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		this.test.sql("""
				insert into ${schema}.child_wait (id, parent_id, step, kind, pending, max_size)
				select case i when 0 then :wait else ${schema}.uuid_v7() end,
				    case i when 0 then :parent else ${schema}.uuid_v7() end, 'call', 'children', 3, 1000
				from generate_series(0, 3000) i
				""").param("wait", NODE).param("parent", parent).update();
		this.test
			.sql("update ${schema}.execution set parent_id = :parent, wait_id = :wait where id in ("
					+ "select id from ${schema}.execution where run_at < now() limit 3)")
			.param("wait", NODE)
			.param("parent", parent)
			.update();

		this.test.transaction().executeWithoutResult((status) -> {
			Map<String, Object> before = sequentialReads();
			assertThat(this.test.conductor().cancel(parent)).isTrue();
			assertThat(sequentialReads()).isEqualTo(before);
		});

		assertThat(this.test.count("finished_execution where state = 'cancelled'")).isEqualTo(4);
	}

	// In a function no plan can be seen, but what it did
	private Map<String, Object> sequentialReads() {
		Map<String, Object> reads = new HashMap<>();
		this.test.sql("""
				select relname, seq_scan
				from pg_stat_xact_user_tables
				where schemaname = :schema and relname in ('execution', 'finished_execution', 'child_wait')
				""").param("schema", this.test.schema()).query((rs) -> {
			reads.put(rs.getString(1), rs.getLong(2));
		});
		return reads;
	}

	private ExecutionTable executions(JdbcClient jdbc) {
		return new ExecutionTable(jdbc, this.schema, new JsonMapping(JsonMapping.mapperBuilder().build(), 1000));
	}

}
