package io.pgconductor.jdbc;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Invoke;
import io.pgconductor.SchemaName;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * What it costs the database that somebody waits.
 */
class AwaitedExecutionsIntegrationTests {

	private static final Duration MINUTE = Duration.ofMinutes(1);

	private TestConductor test;

	private HikariDataSource pool;

	private ExplainingDataSource explaining;

	private AwaitedExecutions executions;

	private List<UUID> ids;

	@BeforeEach
	void enqueue() {
		this.test = new TestConductor(AwaitedExecutionsIntegrationTests.class);
		this.pool = this.test.pool("waiting", 1);
		this.explaining = new ExplainingDataSource(this.pool);
		this.executions = new AwaitedExecutions(JdbcClient.create(this.explaining), new SchemaName(this.test.schema()));
		this.ids = this.test.conductor()
			.invokeAll("unheard-of", IntStream.range(0, 3000).mapToObj(Invoke::of).toList());
	}

	@AfterEach
	void stop() {
		this.pool.close();
		this.test.close();
	}

	private static Map<UUID, Duration> awaited(List<UUID> ids, Duration time) {
		return ids.stream().collect(Collectors.toMap(Function.identity(), (id) -> time));
	}

	private Map<String, Object> updates() {
		return this.test
			.sql("select n_tup_upd as all, n_tup_hot_upd as hot from pg_stat_user_tables "
					+ "where schemaname = '${schema}' and relname = 'execution'")
			.query()
			.singleRow();
	}

	@Test
	void marksEachOnceAndWithoutWritingAnIndex() {
		List<UUID> some = IntStream.range(0, 100).mapToObj((i) -> this.ids.get(i * 30)).toList();

		assertThat(this.executions.look(awaited(some, MINUTE)).values()).hasSize(100)
			.allMatch((found) -> found instanceof AwaitedExecutions.Live live && live.marked());
		assertThat(this.executions.look(awaited(some, MINUTE)).values()).hasSize(100)
			.allMatch((found) -> found instanceof AwaitedExecutions.Live live && live.marked());
		this.pool.close();

		await().atMost(Duration.ofSeconds(30))
			.untilAsserted(() -> assertThat(updates()).containsEntry("all", 100L).containsEntry("hot", 100L));
	}

	@Test
	void looksByThePrimaryKey() {
		this.test
			.sql("""
					insert into ${schema}.finished_execution (id, run_at, created_at, finished_at, expires_at, claim_no, attempt,
					    state, task)
					select ${schema}.uuid_v7(), now(), now(), now(), now(), 1, 1, 'completed', 'task'
					from generate_series(1, 5000) i""")
			.update();
		this.test.sql("analyze ${schema}.execution, ${schema}.finished_execution").update();

		this.executions.look(awaited(this.ids.subList(0, 1), MINUTE));
		String one = this.explaining.lastPlan();
		this.executions.look(awaited(this.ids.subList(0, 50), MINUTE));
		String many = this.explaining.lastPlan();

		for (String plan : List.of(one, many)) {
			assertThat(plan).contains("execution_pkey")
				.contains("finished_execution_pkey")
				.doesNotContain("Seq Scan on execution")
				.doesNotContain("Seq Scan on finished_execution");
		}
	}

	@Test
	void tellsThatALockedOneIsNotMarked() {
		UUID locked = this.ids.get(0);
		UUID free = this.ids.get(1);

		this.test.transaction().executeWithoutResult((status) -> {
			this.test.sql("select 1 from ${schema}.execution where id = :id for update")
				.param("id", locked)
				.query(Integer.class)
				.single();

			assertThat(this.executions.look(awaited(List.of(locked, free), MINUTE)).values()).containsExactlyInAnyOrder(
					new AwaitedExecutions.Live(locked, false), new AwaitedExecutions.Live(free, true));
		});

		assertThat(this.executions.look(awaited(List.of(locked), MINUTE)).values())
			.containsExactly(new AwaitedExecutions.Live(locked, true));
	}

	@Test
	void marksForTwoMinutesAtMostAndRenewsThat() {
		List<UUID> one = this.ids.subList(0, 1);

		this.executions.look(awaited(one, Duration.ofHours(1)));
		Duration first = marked(one.get(0));
		this.executions.look(awaited(one, Duration.ofHours(1)));
		Duration second = marked(one.get(0));
		this.test.travel(Duration.ofSeconds(90));
		Map<UUID, AwaitedExecutions.Found> found = this.executions.look(awaited(one, Duration.ofHours(1)));
		Duration third = marked(one.get(0));

		assertThat(first).isBetween(MINUTE, MINUTE.multipliedBy(2));
		assertThat(second).isLessThan(first);
		assertThat(found.values()).containsExactly(new AwaitedExecutions.Live(one.get(0), true));
		assertThat(third).isBetween(MINUTE, MINUTE.multipliedBy(2));
	}

	private Duration marked(UUID id) {
		return this.test
			.sql("select extract(epoch from awaited_until - ${schema}.now()) from ${schema}.execution where id = ?")
			.param(id)
			.query((rs, row) -> Duration.ofNanos((long) (rs.getDouble(1) * 1e9)))
			.single();
	}

}
