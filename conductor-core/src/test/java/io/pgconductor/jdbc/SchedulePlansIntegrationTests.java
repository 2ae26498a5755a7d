package io.pgconductor.jdbc;

import java.util.List;
import java.util.UUID;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.ScheduleTable.Advance;
import io.pgconductor.jdbc.ScheduleTable.Due;
import io.pgconductor.task.JsonMapping;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;
import org.springframework.util.StringUtils;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * How PostgreSQL looks for ticks: the cost must not depend on how many schedules there
 * are, whether or not somebody has analysed their table.
 */
class SchedulePlansIntegrationTests {

	private TestConductor test;

	private HikariDataSource enginePool;

	private ExplainingDataSource explaining;

	private EngineDataSource engine;

	private SchemaName schema;

	@BeforeEach
	void start() {
		this.test = new TestConductor(SchedulePlansIntegrationTests.class);
		this.schema = new SchemaName(this.test.schema());
		this.test.sql("alter table ${schema}.schedule set (autovacuum_enabled = off)").update();
		this.test.sql("alter table ${schema}.execution set (autovacuum_enabled = off)").update();
		this.test.node(TaskSpec.of("task", null, (event, context) -> null)).drain();
		// Nobody serves the other one
		this.test.node(TaskSpec.of("other", null, (event, context) -> null)).drain();
		this.test.sql("update ${schema}.task set unserved_since = null where name = 'task'").update();
		this.enginePool = new HikariDataSource();
		this.enginePool.setJdbcUrl(TestPostgres.shared().jdbcUrl());
		this.enginePool.setMaximumPoolSize(1);
		this.explaining = new ExplainingDataSource(this.enginePool);
		this.engine = new EngineDataSource(this.explaining, true);
	}

	@AfterEach
	void stop() {
		this.enginePool.close();
		this.test.close();
	}

	private void fill(boolean analyse) {
		this.test
			.sql("""
					insert into ${schema}.schedule (task, name, cron, zone, misfire, overlap, declared, changed_at, next_run_at)
					select case when i % 20 = 0 then 'other' else 'task' end, i::text, '* * * * *', 'UTC', 'run_once', 'skip', false,
					       now(), now() + (i - 1000) * interval '1 second'
					from generate_series(1, 10000) i
					""")
			.update();
		if (analyse) {
			this.test.sql("analyze ${schema}.schedule").update();
			this.test.sql("analyze ${schema}.task").update();
		}
	}

	private String plan() {
		return this.explaining.lastPlan();
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void firesAlongTheIndexOfNextTicks(boolean analyse) {
		fill(analyse);
		ScheduleTable schedules = new ScheduleTable(JdbcClient.create(this.engine), this.schema,
				new JsonMapping(JsonMapping.mapperBuilder().build(), 1000));

		new TransactionTemplate(new DataSourceTransactionManager(this.engine)).executeWithoutResult((status) -> {
			List<Due> due = schedules.due(500);
			assertThat(due).hasSize(500).allMatch((schedule) -> schedule.key().task().equals("task"));
			assertThat(plan()).contains("using schedule_next on schedule")
				.contains("using task_pkey on task")
				.doesNotContain("Seq Scan")
				.doesNotContain("Sort");
			assertThat(JdbcClient.create(this.engine)
				.sql("select current_setting('idle_in_transaction_session_timeout')")
				.query(String.class)
				.single()).isEqualTo("30s");

			assertThat(schedules
				.advance(due.stream()
					.map((one) -> new Advance(one.key(), one.tick(), UUID.randomUUID(), one.now().plusSeconds(60),
							null))
					.toList())
				.executions()).isEqualTo(500);
			assertThat(StringUtils.countOccurrencesOf(plan(), "using schedule_pkey on schedule")).isEqualTo(2);
			assertThat(plan()).contains("execution_pkey").doesNotContain("Seq Scan");
		});

		assertThat(this.test.count("execution")).isEqualTo(500);
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void looksForTheNextTickAlongTheirIndex(boolean analyse) {
		fill(analyse);

		new ExecutionUpkeep(JdbcClient.create(this.engine), this.schema).promote(1000);

		assertThat(StringUtils.countOccurrencesOf(plan(), "using schedule_next on schedule")).isEqualTo(2);
		assertThat(plan()).doesNotContain("Seq Scan on schedule");
	}

	@Test
	void looksForTheNextTickAlongTheirIndexInSessionsOfAnySettings() {
		fill(true);

		new ExecutionUpkeep(JdbcClient.create(this.explaining), this.schema).promote(1000);

		assertThat(StringUtils.countOccurrencesOf(plan(), "using schedule_next on schedule")).isEqualTo(2);
		assertThat(plan()).doesNotContain("Seq Scan on schedule");
	}

}
