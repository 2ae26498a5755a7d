package io.pgconductor.event;

import java.time.Duration;
import java.util.UUID;

import io.pgconductor.EmitOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.EventTable;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * How long events are kept.
 */
class EventPruningIntegrationTests {

	private TestConductor test;

	private EventTable events;

	@BeforeEach
	void start() {
		this.test = new TestConductor(EventPruningIntegrationTests.class);
		this.events = new EventTable(JdbcClient.create(this.test.dataSource()), new SchemaName(this.test.schema()));
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	private UUID emit(String event) {
		return this.test.conductor().emit(event, null);
	}

	private boolean isKept(UUID event) {
		return this.test.sql("select exists (select from ${schema}.event where id = ?)")
			.param(event)
			.query(Boolean.class)
			.single();
	}

	private Orchestrator node(Retention events) {
		Orchestrator node = this.test.node((builder) -> builder.eventRetention(events),
				TaskSpec.of("task", null, (event, context) -> null));
		node.start();
		return node;
	}

	@Test
	void keepsEventsAsLongAsSomeLiveNodeWants() {
		node(Retention.of(Duration.ofHours(1)));
		Orchestrator patient = node(Retention.of(Duration.ofHours(3)));
		UUID event = emit("event");

		this.test.travel(Duration.ofMinutes(150));
		this.events.prune(10);
		assertThat(isKept(event)).isTrue();
		patient.stop();
		UUID young = emit("event");
		this.events.prune(10);

		assertThat(isKept(event)).isFalse();
		// Its id is as old as the clock of the process says
		assertThat(this.test
			.sql("select emitted_at > ${schema}.now() - interval '1 minute' from ${schema}.event where id = ?")
			.param(young)
			.query(Boolean.class)
			.single()).isTrue();
	}

	@Test
	void keepsEventsForEverIfSomeNodeWants() {
		node(Retention.AT_ONCE);
		node(Retention.NEVER);
		UUID event = emit("event");

		this.test.travel(Duration.ofDays(10_000));
		this.events.prune(10);

		assertThat(isKept(event)).isTrue();
	}

	@Test
	void keepsEventsWhileNoNodeLives() {
		UUID event = emit("event");
		node(Retention.AT_ONCE).stop();

		this.test.travel(Duration.ofDays(1000));
		assertThat(this.events.prune(10)).isZero();

		assertThat(isKept(event)).isTrue();
	}

	@Test
	void keepsEventsForAMomentIfNobodyWantsThem() {
		node(Retention.AT_ONCE);
		UUID event = emit("event");
		UUID keyed = this.test.conductor().emit("event", null, EmitOptions.defaults().dedupeKey("key"));
		this.events.prune(10);
		assertThat(isKept(event)).isTrue();

		this.test.travel(Duration.ofMinutes(2));
		this.events.prune(10);

		assertThat(isKept(event)).isFalse();
		assertThat(this.test.conductor().emit("event", null, EmitOptions.defaults().dedupeKey("key")))
			.isNotEqualTo(keyed);
	}

	@Test
	void keepsEventsForAWeekUnlessTold() {
		this.test.node(TaskSpec.of("task", null, (event, context) -> null)).start();
		UUID event = emit("event");

		this.test.travel(Duration.ofDays(7).minusMinutes(1));
		this.events.prune(10);
		assertThat(isKept(event)).isTrue();
		this.test.travel(Duration.ofDays(7).plusMinutes(1));
		this.events.prune(10);

		assertThat(isKept(event)).isFalse();
	}

	@Test
	void keepsWhatWaitsMayNeed() {
		registerNode();
		UUID awaited = emit("awaited");
		UUID needed = emit("needed");
		UUID other = emit("other");
		this.test.sql("update ${schema}.event set awaited = true where id = ?").param(awaited).update();
		this.test
			.sql("""
					insert into ${schema}.event_wait (id, execution_id, step, event, snapshot, deadline, settled)
					select ${schema}.uuid_v7(), ${schema}.uuid_v7(), 'step', name, pg_current_snapshot(), 'infinity', name = 'other'
					from ${schema}.event where name <> 'awaited'""")
			.update();

		this.test.travel(Duration.ofDays(1));
		this.events.prune(10);
		assertThat(isKept(awaited)).isTrue();
		assertThat(isKept(needed)).isTrue();
		assertThat(isKept(other)).isFalse();
		this.test.sql("update ${schema}.event_wait set settled = true").update();
		this.test.sql("update ${schema}.event set awaited = false").update();
		this.events.prune(10);

		assertThat(this.test.count("event")).isZero();
	}

	private void registerNode() {
		this.test.sql("""
				insert into ${schema}.node (id, host, queues, tasks, keep_events, alive_until)
				values (${schema}.uuid_v7(), 'host', '{}', '{}', interval '1 hour', 'infinity')
				""").update();
	}

	@Test
	void prunesOldestFirstInBoundedBatches() {
		registerNode();
		this.test.sql("""
				insert into ${schema}.event (id, name, emitted_at, xid, awaited)
				select (rpad(lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0'), 32, '7'))::uuid, 'old', at,
				       pg_current_xact_id(), false
				from (select now() - interval '1 day' + i * interval '1 minute' as at from generate_series(1, 2500) i) t
				""").update();

		assertThat(this.events.prune(500)).isEqualTo(500);
		assertThat(this.test.count("event where emitted_at <= now() - interval '1 day' + interval '500 minutes'"))
			.isZero();
		assertThat(this.events.prune(500)).isEqualTo(500);
		assertThat(this.events.prune(500)).isBetween(370, 390);
		assertThat(this.events.prune(500)).isZero();
		assertThat(this.test.count("event where emitted_at < now() - interval '61 minutes'")).isZero();
	}

}
