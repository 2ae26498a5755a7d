package io.pgconductor.jdbc;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import io.pgconductor.SchemaName;
import io.pgconductor.task.PayloadPath;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What a claim of limited executions takes, and what it reads for it: no more when many
 * wait.
 */
class GatedClaimsIntegrationTests {

	private static final UUID NODE = UUID.randomUUID();

	private static final int MOST_BUFFERS = 1000;

	private static final Pattern BUFFERS = Pattern.compile("Buffers: shared hit=(\\d+)(?: read=(\\d+))?");

	private TestConductor test;

	private SingleConnectionDataSource connection;

	private JdbcClient session;

	private GatedClaims claims;

	@BeforeEach
	void start() {
		this.test = new TestConductor(GatedClaimsIntegrationTests.class);
		this.test.sql("alter table ${schema}.execution set (autovacuum_enabled = off)").update();
		this.test
			.node(TaskSpec.of("task", null, (event, context) -> null)
				.with(TaskOptions.none().concurrency(1).concurrencyKey(PayloadPath.parse("key"))))
			.drain();
		this.claims = new GatedClaims(JdbcClient.create(this.test.dataSource()), new SchemaName(this.test.schema()));
		this.connection = new SingleConnectionDataSource(TestPostgres.shared().jdbcUrl(), true);
		this.session = JdbcClient.create(this.connection);
		// A session's first one reads the catalogues
		insert(1, "'first'");
		buffersOfAClaim();
		this.test.sql("delete from ${schema}.execution").update();
	}

	@AfterEach
	void stop() {
		this.connection.destroy();
		this.test.close();
	}

	private void insert(int count, String key) {
		this.test
			.sql("""
					insert into ${schema}.execution (id, task, queue, priority, max_attempts, payload, created_at, run_at, phase, gate)
					select ${schema}.uuid_v7(), t.name, t.queue, 0, 3, p.payload, now(), now(), 'due', ${schema}.gate_of(t, p.payload)
					from ${schema}.task t, generate_series(1, :count) i,
					     lateral (select json_build_object('key', %s) as payload) p
					order by i
					"""
				.formatted(key))
			.param("count", count)
			.update();
	}

	private GatedClaims.Claim claim(int limit, String after) {
		return this.claims.claim(NODE, "default", Map.of("task", 1), limit, List.of(), after);
	}

	private long buffersOfAClaim() {
		String plan = String.join("\n", this.session.sql("""
				explain (analyze, buffers, timing off)
				select * from %s.claim_gated(:node, 'default', '{task}', '{1}', 10, '{}', '', 75)
				""".formatted(this.test.schema())).param("node", NODE).query(String.class).list());
		Matcher buffers = BUFFERS.matcher(plan);
		assertThat(buffers.find()).as(plan).isTrue();
		return Long.parseLong(buffers.group(1)) + ((buffers.group(2) != null) ? Long.parseLong(buffers.group(2)) : 0);
	}

	@Test
	void takesOneOfEachKeyAsOftenAsTheLimitSays() {
		insert(30, "i % 3");

		List<ClaimedExecution> first = claim(100, "").executions();

		assertThat(first).hasSize(3).allSatisfy((execution) -> {
			assertThat(execution.lane()).isOne();
			assertThat(execution.attempt()).isOne();
			assertThat(execution.node()).isEqualTo(NODE);
		});
		assertThat(first).extracting(ClaimedExecution::gate).doesNotHaveDuplicates();
		GatedClaims.Claim second = claim(100, "");
		assertThat(second.executions()).isEmpty();
		assertThat(second.complete()).isTrue();
		assertThat(second.opening()).isNull();
	}

	@Test
	void readsNoMoreOfAKeyThatMillionsWaitFor() {
		insert(10, "'flood'");
		claim(1, "");

		insert(100_000, "'flood'");

		assertThat(buffersOfAClaim()).as("closed").isLessThan(MOST_BUFFERS);
		this.test.sql("delete from ${schema}.execution where phase = 'running'").update();
		assertThat(buffersOfAClaim()).as("open").isLessThan(MOST_BUFFERS);
		assertThat(this.test.sql("select count(*) from ${schema}.execution where phase = 'running'")
			.query(Long.class)
			.single()).isOne();
	}

	@Test
	void looksAtSomeGatesAtATimeAndGoesRound() {
		insert(20_000, "i");

		assertThat(buffersOfAClaim()).isLessThan(MOST_BUFFERS);
		String after = "";
		int claimed = 10;
		boolean ended = false;
		for (int i = 0; i < 20_000 && !ended; i++) {
			GatedClaims.Claim claim = claim(1000, after);
			claimed += claim.executions().size();
			after = claim.last();
			ended = claim.ended();
		}
		assertThat(claimed).isEqualTo(20_000);
	}

}
