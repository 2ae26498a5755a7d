package io.pgconductor.schedule;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.Map;

import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Ten thousand schedules, of which a thousand have their ticks in the same second.
 */
class ManySchedulesIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(60);

	private TestConductor test;

	@BeforeEach
	void start() {
		this.test = new TestConductor(ManySchedulesIntegrationTests.class);
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	private void schedule(String prefix, String cron, int count) {
		this.test.sql(
				"select count(${schema}.schedule('task', :cron, name => :prefix || i)) from generate_series(1, :count) i")
			.param("cron", cron)
			.param("prefix", prefix)
			.param("count", count)
			.query()
			.listOfRows();
	}

	@Test
	void firesAThousandInOneSecondOnceOverTwoNodes(TestReporter reporter) {
		for (int i = 0; i < 2; i++) {
			this.test.node(TaskSpec.of("task", null, (event, context) -> null)).start();
		}
		schedule("idle ", "0 0 29 2 *", 9000);
		await().atMost(LONG).until(() -> this.test.count("schedule where next_run_at = '-infinity'") == 0);
		Instant tick = this.test.sql("select now()")
			.query(OffsetDateTime.class)
			.single()
			.toInstant()
			.truncatedTo(ChronoUnit.SECONDS)
			.plusSeconds(4);

		schedule("busy ", DateTimeFormatter.ofPattern("s m H d M").format(tick.atOffset(ZoneOffset.UTC)) + " ?", 1000);
		await().atMost(LONG)
			.pollInterval(Duration.ofMillis(100))
			.until(() -> this.test.count("executions") >= 1000 && this.test.count("execution") == 0);

		assertThat(this.test.sql("select distinct headers ->> 'conductor.schedule' from ${schema}.executions")
			.query(String.class)
			.list()).hasSize(1000).allMatch((name) -> name.startsWith("busy "));
		assertThat(this.test.count("executions")).isEqualTo(1000);
		assertThat(this.test.count("schedule where last_execution_id in (select id from ${schema}.executions)"
			.replace("${schema}", this.test.schema()))).isEqualTo(1000);
		Map<String, Object> lateness = this.test.sql("""
				select extract(epoch from max(created_at) - :tick)::float8 as created,
				       extract(epoch from max(claimed_at) - :tick)::float8 as claimed,
				       extract(epoch from min(created_at) - :tick)::float8 as first,
				       count(distinct (headers ->> 'conductor.time')::timestamptz) as times,
				       count(distinct created_at) as rounds
				from ${schema}.finished_execution
				""").param("tick", tick.atOffset(ZoneOffset.UTC)).query().singleRow();
		lateness.forEach((key, value) -> reporter.publishEntry(key, value.toString()));
		assertThat(lateness.get("times")).isEqualTo(1L);
		assertThat((Double) lateness.get("first")).isNotNegative();
		// 2 s on a machine that is not shared
		assertThat((Double) lateness.get("created")).isLessThan(10);
	}

}
