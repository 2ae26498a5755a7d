package io.pgconductor.jdbc;

import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.SchemaName;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Statements that must not wait for a lock as long as somebody holds it, in sessions that
 * are not set so.
 */
class LockTimeoutIntegrationTests {

	private static final UUID NODE = UUID.randomUUID();

	private final UUID waitId = UUID.randomUUID();

	private TestConductor test;

	private HikariDataSource pool;

	private JdbcClient jdbc;

	private SchemaName schema;

	private UUID parent;

	private UUID child;

	@BeforeEach
	void install() {
		this.test = new TestConductor(LockTimeoutIntegrationTests.class);
		this.pool = this.test.pool("plain", 1);
		this.jdbc = JdbcClient.create(this.pool);
		this.schema = new SchemaName(this.test.schema());
		this.parent = this.test.conductor().invoke("unheard-of", null);
		this.child = this.test.conductor().invoke("unheard-of", null);
		this.test
			.sql("insert into ${schema}.child_wait (id, parent_id, step, kind, pending, max_size) "
					+ "values (?, ?, 'child', 'child', 1, 1000)")
			.param(this.waitId)
			.param(this.parent)
			.update();
		this.test.sql("update ${schema}.execution set parent_id = ?, wait_id = ? where id = ?")
			.param(this.parent)
			.param(this.waitId)
			.param(this.child)
			.update();
		this.test.sql("update ${schema}.execution set claimed_by = ?, claim_no = 1 where id = ?")
			.param(NODE)
			.param(this.parent)
			.update();
	}

	@AfterEach
	void close() {
		this.pool.close();
		this.test.close();
	}

	@Test
	void endsOfWhatWasRescued() {
		assertGivesUp(() -> new ExecutionUpkeep(this.jdbc, this.schema).cancelRescued(this.child));

		assertThat(this.test.count("finished_execution where state = 'cancelled'")).isOne();
	}

	@Test
	void cancellationsByTheirOwnHandlers() {
		assertGivesUp(() -> new RunningExecutionTable(this.jdbc, this.schema).cancel(this.child, "enough"));

		assertThat(this.test.count("finished_execution where cancel_reason = 'enough'")).isOne();
	}

	@Test
	void timeoutsOfChildren() {
		OffsetDateTime now = OffsetDateTime.now();
		ClaimedExecution claimed = new ClaimedExecution(this.parent, NODE, 1, "unheard-of", "default", 1, 3, 0, now,
				now, null, null, false, false, null, null, false, false, null, null);

		assertGivesUp(() -> new StepTable(this.jdbc, this.schema).timeOutChildren(claimed, this.waitId));

		assertThat(this.test.count("child_wait where error is not null")).isOne();
		assertThat(this.test.count("finished_execution where state = 'cancelled'")).isOne();
	}

	@Test
	void changesOfTheMembership() {
		NodeTable nodes = new NodeTable(this.jdbc, this.schema);
		TransactionTemplate transaction = new TransactionTemplate(new DataSourceTransactionManager(this.pool));

		transaction.executeWithoutResult((status) -> {
			nodes.lockMembership();
			assertThat(this.jdbc.sql("show lock_timeout").query(String.class).single()).isEqualTo("100ms");
		});
		transaction.executeWithoutResult((status) -> {
			assertThat(nodes.tryLockMembership()).isTrue();
			assertThat(this.jdbc.sql("show lock_timeout").query(String.class).single()).isEqualTo("100ms");
		});
	}

	private void assertGivesUp(Runnable call) {
		this.test.transaction().executeWithoutResult((status) -> {
			this.test.sql("select id from ${schema}.child_wait for update").query(UUID.class).single();

			assertThat(CompletableFuture.runAsync(call)).failsWithin(Duration.ofSeconds(20))
				.withThrowableThat()
				.matches(SqlErrors::isLockTimeout);
		});

		assertThat(this.jdbc.sql("show lock_timeout").query(String.class).single()).isEqualTo("0");
		call.run();
	}

}
