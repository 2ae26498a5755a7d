package io.pgconductor.jdbc;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.ExecutionCoalescing.Decision;
import io.pgconductor.testing.KeyedTask;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What is decided about claimed executions with a key, and what it costs.
 */
class ExecutionCoalescingIntegrationTests {

	private static final UUID NODE = UUID.randomUUID();

	private static final UUID OTHER_NODE = UUID.randomUUID();

	private TestConductor test;

	private KeyedTask keyed;

	private ExecutionClaims claims;

	private ExecutionCoalescing coalescing;

	@BeforeEach
	void install() {
		this.test = new TestConductor(ExecutionCoalescingIntegrationTests.class);
		this.test.sql("alter table ${schema}.execution set (autovacuum_enabled = off)").update();
		this.keyed = new KeyedTask(this.test, "task");
		this.test.node(this.keyed.task()).drain();
		SchemaName schema = new SchemaName(this.test.schema());
		// Sessions of any settings
		JdbcClient jdbc = JdbcClient.create(this.test.dataSource());
		this.claims = new ExecutionClaims(jdbc, schema);
		this.coalescing = new ExecutionCoalescing(jdbc, schema);
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	private List<ClaimedExecution> claim(UUID node, int limit) {
		return this.claims.claim(node, "default", List.of("task"), limit, List.of());
	}

	private Decision decide(List<ClaimedExecution> claimed) {
		return this.coalescing.decide(claimed.get(0).node(), "default", claimed);
	}

	private static void assertNothingBegins(Decision decision) {
		assertThat(decision.begun()).isEmpty();
		assertThat(decision.taken()).isEmpty();
		assertThat(decision.undecided()).isEmpty();
	}

	@Test
	void takesTheNewestInPlaceOfWhatWasClaimed() {
		this.keyed.changes(1, 5, "a");
		UUID newest = this.keyed.id(5);

		Decision decision = decide(claim(NODE, 2));

		assertThat(decision.begun()).isEmpty();
		assertThat(decision.taken()).singleElement().satisfies((taken) -> {
			assertThat(taken.id()).isEqualTo(newest);
			assertThat(taken.claimNo()).isOne();
			assertThat(taken.attempt()).isOne();
			assertThat(taken.payload()).isEqualTo("5");
			assertThat(taken.keyed()).isFalse();
		});
		assertThat(this.test.count("execution where claimed_by = '" + NODE + "'")).isOne();
		assertThat(this.test.count("execution")).isOne();
	}

	@Test
	void leavesTheNewestToOthersThatHaveClaimedItOrToItsTime() {
		this.keyed.changes(1, 2, "a");
		List<ClaimedExecution> older = claim(NODE, 1);
		List<ClaimedExecution> newer = claim(OTHER_NODE, 1);

		assertNothingBegins(decide(older));
		assertThat(decide(newer).begun()).containsExactly(newer.get(0).id());

		this.keyed.change(3, "b");
		this.keyed.change(4, "b", Duration.ofHours(1), 0);
		assertNothingBegins(decide(claim(NODE, 1)));
		assertThat(this.test.count("execution where coalesce_key = 'b' and claimed_by is null")).isOne();
	}

	@Test
	void takesNothingFromAnotherQueueOrForADeadNode() {
		this.keyed.change(1, "a");
		this.keyed.change(2, "a");
		this.test.sql("update ${schema}.execution set queue = 'elsewhere' where id = ?")
			.param(this.keyed.id(2))
			.update();
		assertNothingBegins(decide(claim(NODE, 1)));

		this.keyed.changes(3, 4, "b");
		List<ClaimedExecution> claimed = claim(NODE, 1);
		this.test.sql(
				"insert into ${schema}.node (id, host, tasks, alive_until, dead_at) values (?, 'h', '{}', now(), now())")
			.param(NODE)
			.update();
		assertNothingBegins(decide(claimed));
	}

	@Test
	void tellsAgainWhatHasBegun() {
		this.keyed.changes(1, 3, "a");
		this.keyed.change(4, "b");
		List<ClaimedExecution> claimed = claim(NODE, 4);

		Decision first = decide(claimed);
		Decision again = decide(claimed);

		assertThat(first.begun()).containsExactlyInAnyOrder(this.keyed.id(3), this.keyed.id(4));
		assertThat(again).isEqualTo(first);
	}

	@Test
	void decidesNothingUnderAClaimThatIsOver() {
		this.keyed.change(1, "a");
		List<ClaimedExecution> claimed = claim(NODE, 1);
		this.test.sql("update ${schema}.execution set claimed_by = null").update();
		List<ClaimedExecution> newer = claim(NODE, 1);

		assertNothingBegins(decide(claimed));
		assertThat(decide(newer).begun()).hasSize(1);
	}

	@Test
	void beginsNothingBeforeABacklogHasGone() {
		this.keyed.changes(1, 10_500, "a");
		this.test.sql("update ${schema}.execution set phase = 'future' where id < ?")
			.param(this.keyed.id(10_500))
			.update();
		List<ClaimedExecution> newest = claim(NODE, 1);

		Decision first = decide(newest);
		Decision second = decide(newest);

		assertThat(first.begun()).isEmpty();
		assertThat(first.undecided()).hasSize(1);
		assertThat(first.more()).isTrue();
		assertThat(second.begun()).hasSize(1);
		assertThat(second.more()).isFalse();
		assertThat(this.test.count("execution")).isOne();
	}

	@Test
	void readsNoTable() {
		// What a session has planned on an empty table is what it does with a full one
		this.test.transaction().executeWithoutResult((status) -> {
			this.keyed.change(0, "a");
			decideByFunction(claim(NODE, 1));
			this.test.sql("""
					select count(${schema}.row_changed('task', null, null, null, null, null, null, 'key ' || i % 3000))
					from generate_series(1, 9000) i
					""").query(Long.class).single();
			List<ClaimedExecution> claimed = claim(NODE, 500);
			Map<String, Long> before = reads();

			assertThat(decideByFunction(claimed)).isEqualTo(500);

			Map<String, Long> after = reads();
			assertThat(after.get("seq_scan")).isEqualTo(before.get("seq_scan"));
			// A whole read of the index of what is ready would be as bad
			assertThat(after.get("idx_tup_fetch") - before.get("idx_tup_fetch")).isLessThan(15_000);
		});
	}

	// Without reading what was taken, which is up to the session's settings
	private int decideByFunction(List<ClaimedExecution> claimed) {
		return this.test.sql(
				"select cardinality(begun) + cardinality(taken) from ${schema}.coalesce_claimed(:node, :ids, :claimNos, 1000)")
			.param("node", NODE)
			.param("ids", SqlArrays.column("uuid", claimed, ClaimedExecution::id))
			.param("claimNos", SqlArrays.ints(claimed, ClaimedExecution::claimNo))
			.query(Integer.class)
			.single();
	}

	private Map<String, Long> reads() {
		Map<String, Long> reads = new HashMap<>();
		this.test.sql("""
				select seq_scan, idx_tup_fetch from pg_stat_xact_user_tables
				where schemaname = :schema and relname = 'execution'
				""").param("schema", this.test.schema()).query((rs) -> {
			reads.put("seq_scan", rs.getLong(1));
			reads.put("idx_tup_fetch", rs.getLong(2));
		});
		return reads;
	}

	@Test
	void decidesAboutManyKeysAtOnce() {
		List<UUID> newest = new ArrayList<>();
		IntStream.range(0, 100).forEach((i) -> this.keyed.changes(3 * i, 3 * i + 2, "key " + i));
		IntStream.range(0, 100).forEach((i) -> newest.add(this.keyed.id(3 * i + 2)));

		Decision decision = decide(claim(NODE, 300));

		assertThat(decision.begun()).containsExactlyInAnyOrderElementsOf(newest);
		assertThat(this.test.count("execution")).isEqualTo(100);
	}

}
