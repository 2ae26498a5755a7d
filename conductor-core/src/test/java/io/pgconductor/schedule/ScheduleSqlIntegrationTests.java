package io.pgconductor.schedule;

import java.sql.SQLException;
import java.time.Instant;
import java.util.Map;

import io.pgconductor.ConductorClient;
import io.pgconductor.MisfirePolicy;
import io.pgconductor.OverlapPolicy;
import io.pgconductor.ScheduleInfo;
import io.pgconductor.ScheduleOptions;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.TickLog;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.dao.DataAccessException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Schedules that are made by SQL.
 */
class ScheduleSqlIntegrationTests {

	private static final Instant TEN = Instant.parse("2031-03-03T10:00:00Z");

	private static TestConductor test;

	private ConductorClient client;

	private TickLog log;

	@BeforeAll
	static void startAll() {
		test = new TestConductor(ScheduleSqlIntegrationTests.class);
	}

	@AfterAll
	static void stopAll() {
		test.close();
	}

	@BeforeEach
	void start() {
		this.client = test.conductor();
		this.log = new TickLog(test);
		test.stopClock(TEN);
	}

	@AfterEach
	void removeAll() {
		test.sql("delete from ${schema}.schedule").update();
	}

	private static void call(String arguments) {
		test.sql("select ${schema}.schedule(" + arguments + ")").query().listOfRows();
	}

	private static boolean ask(String call) {
		return test.sql("select ${schema}." + call).query(Boolean.class).single();
	}

	@Test
	void makesAScheduleOfThisNameAndZone() {
		call("'send-digest', '0 9 * * *', '{\"kind\": \"daily\"}', name => 'morning', zone => 'Europe/Vienna', "
				+ "misfire => 'skip', overlap => 'skip'");

		ScheduleInfo schedule = this.log.schedule("morning");
		assertThat(schedule.task()).isEqualTo("send-digest");
		assertThat(schedule.cron()).isEqualTo("0 9 * * *");
		assertThat(schedule.zone()).isEqualTo("Europe/Vienna");
		assertThat(schedule.payload().toString()).isEqualTo("{\"kind\":\"daily\"}");
		assertThat(schedule.misfire()).isEqualTo(MisfirePolicy.SKIP);
		assertThat(schedule.overlap()).isEqualTo(OverlapPolicy.SKIP);
		assertThat(schedule.declared()).isFalse();
		assertThat(schedule.application()).isNull();
		assertThat(schedule.paused()).isFalse();
	}

	@Test
	void hasDefaultsAndNamesItAfterTheTask() {
		call("'task', '@daily'");

		ScheduleInfo schedule = this.log.schedule("task");
		assertThat(schedule.zone()).isEqualTo("UTC");
		assertThat(schedule.payload()).isNull();
		assertThat(schedule.misfire()).isEqualTo(MisfirePolicy.RUN_ONCE);
		assertThat(schedule.overlap()).isEqualTo(OverlapPolicy.ALLOW);
		assertThat(ask("pause_schedule('task')")).isTrue();
		assertThat(ask("pause_schedule(task => 'task', name => 'task')")).isFalse();
		assertThat(ask("resume_schedule('task')")).isTrue();
		assertThat(ask("resume_schedule('task')")).isFalse();
		assertThat(ask("unschedule('task', 'other')")).isFalse();
		assertThat(ask("unschedule('task')")).isTrue();
		assertThat(ask("unschedule('task')")).isFalse();
		assertThat(ask("pause_schedule('task')")).isFalse();
		assertThat(ask("resume_schedule('task')")).isFalse();
	}

	@Test
	void runsWithThePayloadOfTheSchedule() {
		test.node(this.log.task("task")).start();

		call("task => 'task', cron => '* * * * *', payload => jsonb_build_object('a', 1.50)");
		this.log.awaitNext("task", TEN.plusSeconds(60));
		test.stopClock(TEN.plusSeconds(60));
		this.log.await("task", TEN.plusSeconds(60));

		assertThat(this.log.ticks().get(0).payload(Map.class).toString()).isEqualTo("{a=1.50}");
	}

	@Test
	void isPartOfTheTransactionOfTheCaller() {
		call("'task', '0 1 * * *', name => 'kept'");
		test.transaction().executeWithoutResult((status) -> {
			call("'task', '0 2 * * *', name => 'new'");
			call("'task', '0 2 * * *', name => 'kept'");
			assertThat(ask("pause_schedule('task', 'kept')")).isTrue();
			assertThat(ask("unschedule('task', 'kept')")).isTrue();
			assertThat(this.client.schedules()).hasSize(1);
			status.setRollbackOnly();
		});

		assertThat(this.client.schedules()).singleElement().satisfies((schedule) -> {
			assertThat(schedule.name()).isEqualTo("kept");
			assertThat(schedule.cron()).isEqualTo("0 1 * * *");
			assertThat(schedule.paused()).isFalse();
		});
	}

	@Test
	void takesOneThatSaysTheSameForTheSameWhoeverMadeIt() {
		this.client.schedule("task", "name", "0 1 * * *", null, ScheduleOptions.defaults());
		String before = version();

		call("'task', '0 1 * * *', name => 'name'");
		this.client.schedule("task", "name", "0 1 * * *", null, ScheduleOptions.defaults());
		assertThat(version()).isEqualTo(before);

		call("'task', '0 1 * * *', name => 'name', zone => 'Asia/Tokyo'");
		assertThat(version()).isNotEqualTo(before);
	}

	private static String version() {
		return test.sql("select xmin::text from ${schema}.schedule").query(String.class).single();
	}

	@Test
	void showsSchedulesInTheView() {
		call("'task', '0 1 * * *', '[1]', name => 'name'");

		assertThat(test.sql("select * from ${schema}.schedules").query().singleRow()).containsEntry("task", "task")
			.containsEntry("name", "name")
			.containsEntry("cron", "0 1 * * *")
			.containsEntry("next_run_at", null)
			.containsEntry("error", null);
	}

	@ParameterizedTest
	@ValueSource(strings = { "'task', '61 * * * *'", "'task', null", "'task', ''", "'task', 'nonsense'",
			"'task', '* * * * *', zone => 'Mars/Base'", "'task', '* * * * *', zone => null",
			"'task', '* * * * *', zone => 'europe/vienna'", "'task', '* * * * *', zone => ''",
			"'task', '* * * * *', misfire => 'ignore'", "'task', '* * * * *', overlap => null", "null, '* * * * *'",
			"'', '* * * * *'", "' task', '* * * * *'", "E'ta\\tsk', '* * * * *'", "repeat('x', 201), '* * * * *'",
			"'task', '* * * * *', name => ''", "'task', '* * * * *', name => 'name '",
			"'task', '* * * * *', name => E'a\\nb'", "'task', '* * * * *', name => E'a\\u0085b'",
			"'task', '* * * * *', name => repeat('x', 201)" })
	void refusesWhatCannotBe(String arguments) {
		assertThatExceptionOfType(DataAccessException.class).isThrownBy(() -> call(arguments))
			.havingRootCause()
			.isInstanceOfSatisfying(SQLException.class, (ex) -> {
				assertThat(ex.getSQLState()).isEqualTo("22023");
				assertThat(ex.getMessage()).containsAnyOf("must be", "cannot be used");
			});

		assertThat(test.count("schedule")).isZero();
	}

	@Test
	void keepsNamesAsTheyAre() {
		for (String name : new String[] { "O'Brien", "Größe \"x\"", "; drop table schedule", "${schema}", "%s",
				"\\" }) {
			test.sql("select ${schema}.schedule('task', '@daily', name => :name)")
				.param("name", name)
				.query()
				.listOfRows();
			assertThat(this.log.schedule(name).name()).isEqualTo(name);
			assertThat(this.client.unschedule("task", name)).isTrue();
		}
	}

	@Test
	void knowsTheZonesOfTheDatabase() {
		for (String zone : new String[] { "UTC", "GMT", "America/New_York", "Asia/Kathmandu", "Pacific/Apia" }) {
			call("'task', '0 0 * * *', zone => '" + zone + "'");
			assertThat(this.log.schedule("task").zone()).isEqualTo(zone);
		}
	}

	@Test
	void readsTheZonesOfTheDatabaseOnlyForNewOnes() {
		call("'task', '0 9 * * *', name => 'first', zone => 'Europe/Vienna'");

		// Reading them takes some 30 ms
		test.transaction().executeWithoutResult((status) -> {
			test.sql("set local statement_timeout = '30s'").update();
			test.sql("select count(${schema}.schedule('task', '0 9 * * 1-5', name => i::text, "
					+ "zone => case when i % 2 = 0 then 'UTC' else 'Europe/Vienna' end)) from generate_series(1, 5000) i")
				.query()
				.listOfRows();
		});

		assertThat(test.count("schedule where zone = 'Europe/Vienna'")).isEqualTo(2501);
	}

}
