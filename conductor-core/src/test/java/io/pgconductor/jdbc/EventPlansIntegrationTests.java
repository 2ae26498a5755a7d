package io.pgconductor.jdbc;

import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import java.util.function.Supplier;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.EmitOptions;
import io.pgconductor.SchemaName;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * How events are found among many, also in tables that were never analysed.
 */
class EventPlansIntegrationTests {

	private static final int EVENTS = 100_000;

	private static final int WAITS = 10_000;

	private TestConductor test;

	private HikariDataSource enginePool;

	private ExplainingDataSource explaining;

	private EngineDataSource engine;

	private EventTable events;

	@BeforeEach
	void fill() {
		this.test = new TestConductor(EventPlansIntegrationTests.class);
		this.enginePool = this.test.pool("explained", 2);
		this.explaining = new ExplainingDataSource(this.enginePool);
		this.engine = new EngineDataSource(this.enginePool, true);
		this.events = new EventTable(JdbcClient.create(this.engine), new SchemaName(this.test.schema()));
		this.test
			.sql("""
					insert into ${schema}.event (id, name, payload, dedupe_key, emitted_at, xid, awaited)
					select (rpad(lpad(to_hex((extract(epoch from now() - i * interval '1 minute') * 1000)::bigint), 12, '0'), 32, '7'))::uuid,
					       'event-' || i % 1000, to_jsonb(i), i, now() - i * interval '1 minute', pg_current_xact_id(), false
					from generate_series(1, :count) i
					""")
			.param("count", EVENTS)
			.update();
		this.test
			.sql("""
					with waiting as (
					    insert into ${schema}.execution
					        (id, task, queue, priority, max_attempts, created_at, run_at, phase, waiting_for, claim_no, attempt)
					    select ${schema}.uuid_v7(), 'task', 'default', 0, 3, now(), now() + interval '1 day', 'future', 'event', 1, 1
					    from generate_series(1, :count)
					    returning id
					)
					insert into ${schema}.event_wait (id, execution_id, step, event, snapshot, deadline, horizon, settled)
					select ${schema}.uuid_v7(), id, 'wait', 'event-' || row_number() over () % 1000, pg_current_snapshot(),
					       now() + interval '1 day', pg_current_xact_id(), true
					from waiting
					""")
			.param("count", WAITS)
			.update();
	}

	@AfterEach
	void stop() {
		this.enginePool.close();
		this.test.close();
	}

	// In a function no plan can be seen, but what it did
	private <T> T withoutReadingTables(TransactionTemplate transaction, JdbcClient jdbc, Supplier<T> work) {
		return transaction.execute((status) -> {
			Map<String, Object> before = sequentialReads(jdbc);
			T result = work.get();
			assertThat(sequentialReads(jdbc)).isEqualTo(before);
			return result;
		});
	}

	private Map<String, Object> sequentialReads(JdbcClient jdbc) {
		Map<String, Object> reads = new HashMap<>();
		jdbc.sql("""
				select relname, seq_scan
				from pg_stat_xact_user_tables
				where schemaname = :schema and relname in ('execution', 'event', 'event_wait', 'step')
				""").param("schema", this.test.schema()).query((rs) -> {
			reads.put(rs.getString(1), rs.getLong(2));
		});
		return reads;
	}

	private UUID emit(String event, String key) {
		return withoutReadingTables(this.test.transaction(), JdbcClient.create(this.test.dataSource()),
				() -> this.test.conductor().emit(event, 1, EmitOptions.defaults().dedupeKey(key)));
	}

	private EventTable.Matched match() {
		TransactionTemplate transaction = new TransactionTemplate(new DataSourceTransactionManager(this.engine));
		return withoutReadingTables(transaction, JdbcClient.create(this.engine), () -> this.events.match(1000, null));
	}

	@Test
	void emitsAndMatchesAlongIndexes() {
		for (boolean analysed : new boolean[] { false, true }) {
			if (analysed) {
				this.test.sql("analyze ${schema}.event, ${schema}.event_wait, ${schema}.execution").update();
			}
			String event = "event-" + (analysed ? 17 : 18);

			UUID id = emit(event, "key");
			assertThat(emit(event, "key")).isEqualTo(id);
			emit("event-19", "key " + analysed);
			emit("unheard-of", "key " + analysed);

			EventTable.Matched matched = match();
			assertThat(matched).isEqualTo(new EventTable.Matched(analysed ? 10 : 20, false, false, null));
			assertThat(match().matched()).isZero();
			this.test.sql(
					"update ${schema}.event_wait set settled = false where id in (select id from ${schema}.event_wait limit 100)")
				.update();
			assertThat(match().unsettled()).isFalse();
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "force_custom_plan", "force_generic_plan" })
	void emitsAlongIndexesIfMostWaitForTheSame(String mode) {
		this.test.sql("update ${schema}.event_wait set event = 'one' where event <> 'event-1'").update();
		this.test.sql("vacuum analyze ${schema}.event_wait").update();
		this.test.transaction().executeWithoutResult((status) -> {
			this.test.sql("set local plan_cache_mode = " + mode).update();
			emit("one", "key");
			emit("event-1", "key");
			emit("unheard-of", "key");
		});

		assertThat(this.test.sql("select name from ${schema}.event where awaited").query(String.class).list())
			.containsExactlyInAnyOrder("one", "event-1");
	}

	@Test
	void findsTheWaitOfAnExecutionAlongItsIndex() {
		UUID execution = this.test.sql("select execution_id from ${schema}.event_wait limit 1")
			.query(UUID.class)
			.single();

		new StepTable(JdbcClient.create(this.explaining), new SchemaName(this.test.schema())).load(execution);

		assertThat(this.explaining.lastPlan()).contains("event_wait_execution_id_step_key").doesNotContain("Seq Scan");
	}

	@Test
	void prunesAlongThePrimaryKey() {
		this.test.sql("""
				insert into ${schema}.node (id, host, queues, tasks, keep_events, alive_until)
				values (${schema}.uuid_v7(), 'host', '{}', '{}', interval '60 days', 'infinity')
				""").update();
		this.test.sql("update ${schema}.event_wait set settled = false where event = 'event-1'").update();
		EventTable explained = new EventTable(JdbcClient.create(new EngineDataSource(this.explaining, true)),
				new SchemaName(this.test.schema()));

		for (boolean analysed : new boolean[] { false, true }) {
			if (analysed) {
				this.test.sql("analyze ${schema}.event, ${schema}.event_wait").update();
			}
			assertThat(explained.prune(1000)).isEqualTo(1000);

			assertThat(this.explaining.lastPlan()).contains("Index Scan using event_pkey on event")
				.doesNotContain("Seq Scan on event")
				.doesNotContain("Sort");
		}
	}

	@Test
	void matchesTenThousandWaitsWithOneEvent() {
		this.test.sql("update ${schema}.event_wait set event = 'one'").update();
		emit("one", "key");

		int matched = 0;
		EventTable.Matched round;
		do {
			round = this.events.match(1000, null);
			matched += round.matched();
			assertThat(round.matched()).isLessThanOrEqualTo(1000);
		}
		while (round.more());

		assertThat(matched).isEqualTo(WAITS);
		assertThat(this.test.count("step")).isEqualTo(WAITS);
		assertThat(this.test.count("event where awaited")).isZero();
	}

}
