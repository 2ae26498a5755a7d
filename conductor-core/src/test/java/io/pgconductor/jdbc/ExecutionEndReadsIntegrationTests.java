package io.pgconductor.jdbc;

import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Invoke;
import io.pgconductor.SchemaName;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What is read at the end of executions, on tables that nobody has analysed yet: what
 * belongs to them, however many steps and waits of others there are.
 */
class ExecutionEndReadsIntegrationTests {

	private static final UUID NODE = UUID.randomUUID();

	private static final int CHILDREN = 10;

	// A few times for each row that concerns the children; the others have 2,000
	private static final long MODEST = 10L * CHILDREN;

	private TestConductor test;

	private HikariDataSource enginePool;

	private JdbcClient engine;

	private TransactionTemplate transaction;

	private ExecutionOutcomes outcomes;

	private List<Recording> recordings;

	@BeforeEach
	void start() {
		this.test = new TestConductor(ExecutionEndReadsIntegrationTests.class);
		for (String table : List.of("execution", "child_wait", "step")) {
			this.test.sql("alter table ${schema}." + table + " set (autovacuum_enabled = off)").update();
		}
		this.test.node(TaskSpec.of("task", null, (event, context) -> null)).drain();
		this.enginePool = this.test.pool("engine", 1);
		EngineDataSource dataSource = new EngineDataSource(this.enginePool, true);
		this.engine = JdbcClient.create(dataSource);
		this.transaction = new TransactionTemplate(new DataSourceTransactionManager(dataSource));
		SchemaName schema = new SchemaName(this.test.schema());
		this.outcomes = new ExecutionOutcomes(this.engine, schema);
		addOthers();
		addChildren();
		this.recordings = new ExecutionClaims(this.engine, schema)
			.claim(NODE, "default", List.of("task"), 100, List.of())
			.stream()
			.map((child) -> new Recording(child, new Outcome.Completed("1", Retention.AT_ONCE, true)))
			.toList();
		assertThat(this.recordings).hasSize(CHILDREN);
	}

	@AfterEach
	void stop() {
		this.enginePool.close();
		this.test.close();
	}

	private void addOthers() {
		this.test.sql("""
				insert into ${schema}.child_wait (id, parent_id, step, kind, pending, max_size)
				select ${schema}.uuid_v7(), ${schema}.uuid_v7(), 'child', 'child', 1, 1000 from generate_series(1, 2000)
				""").update();
		this.test.sql("""
				insert into ${schema}.step (execution_id, name, kind, finished_at)
				select ${schema}.uuid_v7(), 'step', 'step', now() from generate_series(1, 2000)
				""").update();
	}

	private void addChildren() {
		this.test.conductor().invokeAll("task", IntStream.range(0, CHILDREN).mapToObj(Invoke::of).toList());
		this.test.sql(
				"update ${schema}.execution set parent_id = ${schema}.uuid_v7(), wait_id = ${schema}.uuid_v7(), part = 0")
			.update();
		this.test.sql("""
				insert into ${schema}.child_wait (id, parent_id, step, kind, pending, max_size)
				select wait_id, parent_id, 'child', 'child', 1, 1000 from ${schema}.execution
				""").update();
		this.test.sql("""
				insert into ${schema}.step (execution_id, name, kind, finished_at)
				select id, 'step', 'step', now() from ${schema}.execution
				""").update();
	}

	@Test
	void readsTheStepsAndWaitsOfWhatEnds() {
		inTransaction(() -> {
			assertThat(this.outcomes.record(this.recordings).executions()).hasSize(CHILDREN);

			assertThat(rowsRead("child_wait")).isBetween((long) CHILDREN, MODEST);
			assertThat(rowsRead("step")).isBetween((long) CHILDREN, MODEST);
			assertThat(rowsRead("execution")).isBetween((long) CHILDREN, MODEST);
		});
	}

	@Test
	void looksForLocksOnTheWaitsOfWhatEnds() {
		inTransaction(() -> {
			assertThat(this.outcomes.lockUnlocked(this.recordings)).hasSize(CHILDREN);

			assertThat(rowsRead("child_wait")).isBetween((long) CHILDREN, MODEST);
		});
	}

	private void inTransaction(Runnable work) {
		this.transaction.executeWithoutResult((status) -> work.run());
	}

	private long rowsRead(String table) {
		return this.engine.sql("""
				select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
				from pg_stat_xact_user_tables where schemaname = ? and relname = ?
				""").param(this.test.schema()).param(table).query(Long.class).single();
	}

}
