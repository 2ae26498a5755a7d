package io.pgconductor.event;

import java.time.Duration;

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.EventTable;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Batches of events that are matched with waits.
 */
class EventMatchingIntegrationTests {

	// More than fit into a batch
	private static final int STUCK = 250;

	private TestConductor test;

	private EventMatching matching;

	@BeforeEach
	void install() {
		this.test = new TestConductor(EventMatchingIntegrationTests.class);
		this.matching = new EventMatching(
				new EventTable(JdbcClient.create(this.test.dataSource()), new SchemaName(this.test.schema())));
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	private void waiting(String event) {
		this.test
			.sql("""
					with waiting as (
					    insert into ${schema}.execution
					        (id, task, queue, priority, max_attempts, created_at, run_at, phase, waiting_for, claim_no, attempt)
					    values (${schema}.uuid_v7(), 'task', 'default', 0, 3, now(), 'infinity', 'future', 'event', 1, 1)
					    returning id
					)
					insert into ${schema}.event_wait (id, execution_id, step, event, snapshot, deadline, settled)
					select ${schema}.uuid_v7(), id, 'wait', :event, pg_current_snapshot(), 'infinity', true from waiting
					""")
			.param("event", event)
			.update();
	}

	private long waits(String events) {
		return this.test.count("event_wait where event like '" + events + "'");
	}

	private void matchAll() {
		while (this.matching.match()) {
			continue;
		}
	}

	@Test
	void passesOverEventsThatCannotBeDeliveredYet() {
		for (int i = 0; i < STUCK; i++) {
			waiting("stuck-" + i);
			this.test.conductor().emit("stuck-" + i, i);
		}

		this.test.transaction().executeWithoutResult((status) -> {
			this.test.sql("select id from ${schema}.execution for update").query().listOfRows();
			this.test.elsewhere(() -> {
				matchAll();
				waiting("younger");
				this.test.conductor().emit("younger", 1);
				matchAll();
				assertThat(waits("younger")).isZero();
				assertThat(waits("stuck-%")).isEqualTo(STUCK);
				assertThat(this.matching.isUnsettled()).isTrue();

				waiting("older");
				this.test.sql("""
						insert into ${schema}.event (id, name, payload, emitted_at, xid, awaited)
						values ('00000000-0000-7000-8000-000000000001', 'older', '1', now(), pg_current_xact_id(), true)
						""").update();
				await().atMost(Duration.ofSeconds(30)).until(() -> {
					matchAll();
					return waits("older") == 0;
				});
				return null;
			});
		});

		await().atMost(Duration.ofSeconds(30)).until(() -> {
			matchAll();
			return waits("%") == 0;
		});
		assertThat(this.test.count("event where awaited")).isZero();
		assertThat(this.matching.isUnsettled()).isFalse();
	}

}
