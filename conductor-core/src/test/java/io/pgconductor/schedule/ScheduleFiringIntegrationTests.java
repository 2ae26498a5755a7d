package io.pgconductor.schedule;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.ConductorClient;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invocation;
import io.pgconductor.MisfirePolicy;
import io.pgconductor.NonRetryableException;
import io.pgconductor.Orchestrator;
import io.pgconductor.OverlapPolicy;
import io.pgconductor.RetryAfterException;
import io.pgconductor.ScheduleInfo;
import io.pgconductor.ScheduleOptions;
import io.pgconductor.ScheduleTick;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.LogCapture;
import io.pgconductor.testing.RecordingDataSource;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.TickLog;
import io.pgconductor.worker.OrchestratorBuilder;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

/**
 * Schedules whose time comes, or has come while nobody looked.
 */
class ScheduleFiringIntegrationTests {

	private static final Instant TEN = Instant.parse("2031-03-03T10:00:00Z");

	private static final String EVERY_MINUTE = "* * * * *";

	private static final Duration LONG = Duration.ofSeconds(60);

	@RegisterExtension
	private final LogCapture logged = new LogCapture(ScheduleFiring.class);

	private TestConductor test;

	private ConductorClient client;

	private TickLog log;

	@BeforeEach
	void start() {
		this.test = new TestConductor(ScheduleFiringIntegrationTests.class);
		this.client = this.test.conductor();
		this.log = new TickLog(this.test);
		this.test.stopClock(TEN);
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	private static Instant at(int minute) {
		return TEN.plus(Duration.ofMinutes(minute));
	}

	private static Instant at(int minute, int second) {
		return at(minute).plusSeconds(second);
	}

	private void schedule(String name, String cron, ScheduleOptions options) {
		this.client.schedule("task", name, cron, null, options);
	}

	private static int looksForTicksWithinTwoSeconds(RecordingDataSource recording) {
		recording.clear();
		await().pollDelay(Duration.ofSeconds(2)).until(() -> true);
		return recording.executed("as tick_due").size();
	}

	private static ScheduleOptions missed(MisfirePolicy policy) {
		return ScheduleOptions.defaults().misfire(policy);
	}

	private Orchestrator startNode(TaskSpec... tasks) {
		return startNode((builder) -> {
		}, tasks);
	}

	private Orchestrator startNode(Consumer<OrchestratorBuilder> customizer, TaskSpec... tasks) {
		Orchestrator node = this.test.node(customizer, tasks);
		node.start();
		return node;
	}

	@Test
	void firesEachOfHundredsOfTicksOnceOverTwoNodes() {
		Consumer<OrchestratorBuilder> patient = (builder) -> builder.misfireThreshold(Duration.ofHours(1));
		startNode(patient, this.log.task("task"));
		startNode(patient, this.log.task("task"));
		schedule("every second", "* * * * * *", ScheduleOptions.defaults());
		schedule("every other second", "*/2 * * * * *", ScheduleOptions.defaults());
		schedule("every minute", EVERY_MINUTE, ScheduleOptions.defaults());
		this.log.awaitNext("every second", at(0, 1));

		for (int minute = 1; minute <= 4; minute++) {
			this.test.stopClock(at(minute));
			this.log.await("every second", at(minute));
			this.log.await("every other second", at(minute));
			this.log.await("every minute", at(minute));
		}

		await().atMost(LONG).until(() -> this.test.count("execution") == 0);
		assertThat(this.log.times("every second")).isEqualTo(TickLog.every(Duration.ofSeconds(1), at(0, 1), at(4)));
		assertThat(this.log.times("every other second"))
			.isEqualTo(TickLog.every(Duration.ofSeconds(2), at(0, 2), at(4)));
		assertThat(this.log.times("every minute")).containsExactly(at(1), at(2), at(3), at(4));
		assertThat(this.test.count("executions")).isEqualTo(240 + 120 + 4);
	}

	@Test
	void firesByTheRunningClockOverTwoNodes() {
		this.test.travel(Duration.ZERO);
		startNode(this.log.task("task"));
		startNode(this.log.task("task"));
		List<String> names = IntStream.range(0, 20).mapToObj((i) -> "schedule " + i).toList();

		names.forEach((name) -> schedule(name, "* * * * * *", ScheduleOptions.defaults()));
		await().atMost(LONG).until(() -> names.stream().allMatch((name) -> this.log.times(name).size() >= 3));
		names.forEach((name) -> assertThat(this.client.pauseSchedule("task", name)).isTrue());

		await().atMost(LONG).until(() -> this.test.count("execution") == 0);
		for (String name : names) {
			List<Instant> times = this.log.times(name);
			// A machine that stands still for half a minute makes it miss some
			assertThat(times).doesNotHaveDuplicates()
				.hasSize((int) this.log.invoked(name))
				.allMatch((time) -> time.getNano() == 0);
			assertThat(this.log.schedule(name).lastRunAt()).isEqualTo(times.get(times.size() - 1));
		}
	}

	@Test
	void tellsTheTaskWhichTickItIs() {
		record Digest(String kind, int size) {
		}
		List<TaskEvent<?>> events = Collections.synchronizedList(new ArrayList<>());
		startNode(TaskSpec.of("task", Digest.class, (event, context) -> {
			events.add(event);
			return context.now();
		}));

		this.client.schedule("task", "morning", "30 11 * * *", new Digest("daily", 3), ZoneId.of("Europe/Vienna"));
		this.log.awaitNext("morning", at(30));
		this.test.stopClock(at(30, 7));
		await().atMost(LONG).until(() -> events.size() == 1);

		ScheduleTick<?> tick = (ScheduleTick<?>) events.get(0);
		assertThat(tick.name()).isEqualTo("morning");
		assertThat(tick.scheduledAt()).isEqualTo(at(30));
		assertThat(tick.payload()).isEqualTo(new Digest("daily", 3));
		assertThat(tick.payload(JsonNode.class).get("size").asInt()).isEqualTo(3);
		ScheduleInfo schedule = this.log.awaitNext("morning", at(30).plus(Duration.ofDays(1)));
		assertThat(schedule.lastRunAt()).isEqualTo(at(30));
		this.test.await(schedule.lastExecution(), ExecutionState.COMPLETED);
		this.test.await(this.client.invoke("task", null), ExecutionState.COMPLETED);
		assertThat(events.get(1)).isInstanceOf(Invocation.class);
	}

	@Test
	void keepsTheTimeOfTheTickOverRetriesAndSleeps() {
		this.test.travel(Duration.ZERO);
		Set<ScheduleTick<?>> seen = Collections.synchronizedSet(new HashSet<>());
		AtomicInteger runs = new AtomicInteger();
		Set<Instant> times = Collections.synchronizedSet(new TreeSet<>());
		startNode(TaskSpec.of("task", null, (event, context) -> {
			ScheduleTick<?> tick = (ScheduleTick<?>) event;
			seen.add(tick);
			times.add(tick.scheduledAt());
			context.sleep("nap", Duration.ofMillis(1));
			if (runs.incrementAndGet() == 1) {
				throw new RetryAfterException(Duration.ofMillis(1));
			}
			return null;
		}));

		schedule("naps", "* * * * * *", ScheduleOptions.defaults().overlap(OverlapPolicy.SKIP));
		await().atMost(LONG).until(() -> runs.get() >= 2);
		this.client.unschedule("task", "naps");
		await().atMost(LONG).until(() -> this.test.count("execution") == 0);

		assertThat(seen.size()).isGreaterThan(times.size());
		assertThat(times).hasSize((int) this.log.invoked("naps"));
	}

	@Test
	void runsOnceForAllTicksThatWereMissed() {
		schedule("every minute", EVERY_MINUTE, missed(MisfirePolicy.RUN_ONCE));
		Orchestrator node = startNode(this.log.task("task"));
		this.log.awaitNext("every minute", at(1));
		node.stop();

		this.test.stopClock(at(5, 40));
		node.start();

		this.log.awaitNext("every minute", at(6));
		this.log.await("every minute", at(5));
		this.test.stopClock(at(6));
		this.log.await("every minute", at(6));
		assertThat(this.log.times("every minute")).containsExactly(at(5), at(6));
		assertThat(this.log.invoked("every minute")).isEqualTo(2);
	}

	@Test
	void leavesMissedTicksOutIfItIsToSkipThem() {
		schedule("every minute", EVERY_MINUTE, missed(MisfirePolicy.SKIP));
		Orchestrator node = startNode(this.log.task("task"));
		this.log.awaitNext("every minute", at(1));
		node.stop();

		this.test.stopClock(at(5, 40));
		node.start();

		ScheduleInfo schedule = this.log.awaitNext("every minute", at(6));
		assertThat(schedule.lastRunAt()).isNull();
		assertThat(schedule.lastExecution()).isNull();
		this.test.stopClock(at(6));
		this.log.await("every minute", at(6));
		assertThat(this.log.invoked("every minute")).isOne();
	}

	@Test
	void missesATickOnlyIfItIsLaterThanTheThreshold() {
		schedule("run once", EVERY_MINUTE, missed(MisfirePolicy.RUN_ONCE));
		schedule("skip", EVERY_MINUTE, missed(MisfirePolicy.SKIP));
		Orchestrator node = startNode(this.log.task("task"));
		this.log.awaitNext("run once", at(1));
		this.log.awaitNext("skip", at(1));

		// The tick of 10:03 is 30 s late: in time
		this.test.stopClock(at(3, 30));
		this.log.awaitNext("run once", at(4));
		this.log.awaitNext("skip", at(4));
		node.stop();
		startNode((builder) -> builder.misfireThreshold(Duration.ofMinutes(5)), this.log.task("task"));
		this.test.stopClock(at(8, 59));

		for (int minute = 3; minute <= 8; minute++) {
			this.log.await("run once", at(minute));
			this.log.await("skip", at(minute));
		}
		assertThat(this.log.ticks()).hasSize(12);
		assertThat(this.test.count("executions")).isEqualTo(12);
	}

	@Test
	void countsTicksAsMissedFromTheMomentThatTheScheduleWasMade() {
		this.test.stopClock(at(0, 30));
		schedule("hourly", "0 * * * *", ScheduleOptions.defaults());
		schedule("every minute", EVERY_MINUTE, ScheduleOptions.defaults());
		this.test.stopClock(at(3, 50));

		startNode(this.log.task("task"));

		this.log.awaitNext("hourly", at(60));
		this.log.await("every minute", at(3));
		this.log.awaitNext("every minute", at(4));
		assertThat(this.log.invoked("hourly")).isZero();
		assertThat(this.log.invoked("every minute")).isOne();
	}

	@Test
	void skipsTicksWhileAnEarlierExecutionIsNotOver() {
		CountDownLatch mayEnd = new CountDownLatch(1);
		startNode(TaskSpec.of("task", null, (event, context) -> {
			this.log.note(event);
			mayEnd.await();
			return null;
		}));
		schedule("skip", EVERY_MINUTE, ScheduleOptions.defaults().overlap(OverlapPolicy.SKIP));
		schedule("allow", EVERY_MINUTE, ScheduleOptions.defaults());
		this.log.awaitNext("skip", at(1));
		this.log.awaitNext("allow", at(1));

		for (int minute = 1; minute <= 3; minute++) {
			this.test.stopClock(at(minute));
			this.log.awaitNext("skip", at(minute + 1));
			this.log.awaitNext("allow", at(minute + 1));
		}
		this.log.await("skip", at(1));
		this.log.await("allow", at(1), at(2), at(3));
		assertThat(this.log.schedule("skip").lastRunAt()).isEqualTo(at(1));
		assertThat(this.log.schedule("allow").lastRunAt()).isEqualTo(at(3));
		mayEnd.countDown();
		await().atMost(LONG).until(() -> this.test.count("execution") == 0);

		this.test.stopClock(at(4));
		this.log.await("skip", at(4));
		assertThat(this.log.times("skip")).containsExactly(at(1), at(4));
		assertThat(this.log.invoked("skip")).isEqualTo(2);
	}

	@Test
	void skipsTicksWhileAnEarlierExecutionSleepsOrAwaitsItsRetry() {
		AtomicInteger runs = new AtomicInteger();
		startNode(TaskSpec.of("sleeps", null, (event, context) -> {
			context.sleep("nap", Duration.ofSeconds(90));
			return null;
		}), TaskSpec.of("fails", null, (event, context) -> {
			if (runs.incrementAndGet() == 1) {
				throw new RetryAfterException(Duration.ofSeconds(90));
			}
			return null;
		}));
		ScheduleOptions skip = ScheduleOptions.defaults().overlap(OverlapPolicy.SKIP);
		this.client.schedule("sleeps", "sleeps", EVERY_MINUTE, null, skip);
		this.client.schedule("fails", "fails", EVERY_MINUTE, null, skip);
		this.log.awaitNext("sleeps", at(1));
		this.log.awaitNext("fails", at(1));

		this.test.stopClock(at(1));
		UUID asleep = this.log.awaitNext("sleeps", at(2)).lastExecution();
		UUID failed = this.log.awaitNext("fails", at(2)).lastExecution();
		this.test.await(asleep, ExecutionState.WAITING);
		this.test.await(failed, ExecutionState.SCHEDULED);
		this.test.stopClock(at(2));
		this.log.awaitNext("sleeps", at(3));
		this.log.awaitNext("fails", at(3));

		assertThat(this.test.count("executions")).isEqualTo(2);
		this.test.stopClock(at(2, 45));
		this.test.await(asleep, ExecutionState.COMPLETED);
		this.test.await(failed, ExecutionState.COMPLETED);
		this.test.stopClock(at(3));
		this.log.awaitSchedule("sleeps", (schedule) -> at(3).equals(schedule.lastRunAt()));
		this.log.awaitSchedule("fails", (schedule) -> at(3).equals(schedule.lastRunAt()));
	}

	@Test
	void goesOnWhenARunFails() {
		startNode(TaskSpec.of("task", null, (event, context) -> {
			this.log.note(event);
			throw new NonRetryableException("no");
		}));
		schedule("every minute", EVERY_MINUTE, ScheduleOptions.defaults().overlap(OverlapPolicy.SKIP));
		this.log.awaitNext("every minute", at(1));

		for (int minute = 1; minute <= 3; minute++) {
			this.test.stopClock(at(minute));
			UUID run = this.log.awaitNext("every minute", at(minute + 1)).lastExecution();
			this.test.await(run, ExecutionState.FAILED);
		}

		assertThat(this.log.times("every minute")).containsExactly(at(1), at(2), at(3));
	}

	@Test
	void setsAsideWhatNobodyCanFireAndGoesOnWithTheOthers() {
		List<String> broken = List.of("0 0 30 2 *", "9 9 9 9 9 nonsense", "0 0 0 30 FEB ?", "L * * * * 99");
		broken.forEach((cron) -> this.test.sql("select ${schema}.schedule('task', ?, name => ?)")
			.params(cron, cron)
			.query()
			.listOfRows());
		this.test
			.sql("select ${schema}.put_schedule('task', 'no zone', '* * * * *', 'Mars/Base', null, 'skip', 'skip')")
			.query()
			.listOfRows();
		this.test.sql("select ${schema}.put_schedule('task', 'no cron', 'x', 'UTC', null, 'skip', 'skip')")
			.query()
			.listOfRows();
		schedule("every minute", EVERY_MINUTE, ScheduleOptions.defaults());

		startNode(this.log.task("task"));
		this.log.awaitNext("every minute", at(1));
		this.test.stopClock(at(1));
		this.log.await("every minute", at(1));

		for (String cron : broken) {
			ScheduleInfo schedule = this.log.awaitSchedule(cron, (info) -> info.error() != null);
			assertThat(schedule.nextRunAt()).isNull();
			assertThat(schedule.error()).contains(cron);
		}
		assertThat(this.log.awaitSchedule("no zone", (info) -> info.error() != null).error()).contains("Mars/Base");
		assertThat(this.log.awaitSchedule("no cron", (info) -> info.error() != null).error()).contains("'x'");
		assertThat(this.client.schedules()).hasSize(7).filteredOn((info) -> info.error() == null).hasSize(1);
	}

	@Test
	void triesABrokenScheduleAgainWhenItIsMadeAnew() {
		startNode(this.log.task("task"));
		String same = "select ${schema}.schedule('task', '0 0 30 2 *', name => 'broken')";
		this.test.sql(same).query().listOfRows();
		this.log.awaitSchedule("broken", (info) -> info.error() != null);
		this.client.pauseSchedule("task", "broken");
		this.client.resumeSchedule("task", "broken");
		assertThat(this.log.schedule("broken").error()).isNotNull();

		this.test.sql("update ${schema}.schedule set error = 'unknown to an older version'").update();
		this.test.sql(same).query().listOfRows();
		this.log.awaitSchedule("broken", (info) -> info.error() != null && info.error().contains("no date"));
		schedule("broken", EVERY_MINUTE, ScheduleOptions.defaults());

		assertThat(this.log.awaitNext("broken", at(1)).error()).isNull();
	}

	@Test
	void missesTicksOfATaskThatNobodyServesAndRunsOnceOnItsReturn() {
		startNode(this.log.task("other"));
		Orchestrator server = startNode(this.log.task("task"));
		schedule("run once", EVERY_MINUTE, missed(MisfirePolicy.RUN_ONCE));
		schedule("skip", EVERY_MINUTE, missed(MisfirePolicy.SKIP));
		this.client.schedule("unheard-of", "unheard-of", EVERY_MINUTE, null);
		this.client.schedule("other", "marker", "2/3 * * * *", null);
		this.log.awaitNext("run once", at(1));
		this.log.awaitNext("skip", at(1));
		this.log.awaitNext("marker", at(2));
		server.stop();

		for (int minute = 2; minute <= 8; minute += 3) {
			this.test.stopClock(at(minute));
			this.log.await("marker", at(minute));
		}
		assertThat(this.test.count("executions")).isEqualTo(3);
		this.test.stopClock(at(9, 45));
		server.start();

		this.log.awaitNext("run once", at(10));
		this.log.awaitNext("skip", at(10));
		this.log.await("run once", at(9));
		assertThat(this.test.count("executions")).isEqualTo(4);
		assertThat(this.log.schedule("unheard-of").nextRunAt()).isNull();
		startNode(this.log.task("unheard-of"));
		this.log.await("unheard-of", at(9));
		assertThat(this.test.count("executions")).isEqualTo(5);
	}

	@Test
	void firesTicksOfAShortRestartOnTimeAlthoughAnotherNodeRuns() {
		startNode(this.log.task("other"));
		Orchestrator server = startNode(this.log.task("task"));
		schedule("every 10 s", "*/10 * * * * *", ScheduleOptions.defaults());
		this.log.awaitNext("every 10 s", at(0, 10));

		server.stop();
		this.test.stopClock(at(0, 25));
		server.start();

		this.log.await("every 10 s", at(0, 10), at(0, 20));
	}

	@Test
	void pausesOverRestartsAndGoesOnWithTheNextTick() {
		Orchestrator node = startNode(this.log.task("task"));
		schedule("paused", EVERY_MINUTE, ScheduleOptions.defaults());
		schedule("marker", EVERY_MINUTE, ScheduleOptions.defaults());
		this.log.awaitNext("paused", at(1));
		this.log.awaitNext("marker", at(1));

		assertThat(this.client.pauseSchedule("task", "paused")).isTrue();
		assertThat(this.client.pauseSchedule("task", "paused")).isFalse();
		assertThat(this.client.pauseSchedule("task", "none")).isFalse();
		this.test.stopClock(at(2));
		this.log.await("marker", at(2));
		node.stop();
		this.test.stopClock(at(4));
		node.start();
		this.log.await("marker", at(4));

		assertThat(this.log.invoked("paused")).isZero();
		assertThat(this.log.schedule("paused").paused()).isTrue();
		assertThat(this.log.schedule("paused").nextRunAt()).isNull();
		assertThat(this.client.resumeSchedule("task", "paused")).isTrue();
		assertThat(this.client.resumeSchedule("task", "paused")).isFalse();
		assertThat(this.client.resumeSchedule("task", "none")).isFalse();
		assertThat(this.log.awaitNext("paused", at(5)).paused()).isFalse();
		this.test.stopClock(at(5));
		this.log.await("paused", at(5));
		assertThat(this.log.invoked("paused")).isOne();
	}

	@Test
	void staysPausedWhenAnApplicationMakesItAtItsStart() {
		startNode(this.log.task("task"));
		schedule("paused", EVERY_MINUTE, ScheduleOptions.defaults());
		schedule("marker", EVERY_MINUTE, ScheduleOptions.defaults());
		this.client.pauseSchedule("task", "paused");

		schedule("paused", EVERY_MINUTE, ScheduleOptions.defaults());
		assertThat(this.log.schedule("paused").paused()).isTrue();
		schedule("paused", "*/2 * * * *", ScheduleOptions.defaults());
		this.test.stopClock(at(2));
		this.log.await("marker", at(2));

		assertThat(this.log.schedule("paused").paused()).isTrue();
		assertThat(this.log.schedule("paused").nextRunAt()).isNull();
		assertThat(this.log.invoked("paused")).isZero();
		assertThat(this.client.resumeSchedule("task", "paused")).isTrue();
		this.log.awaitNext("paused", at(4));
	}

	@Test
	void doesWithoutNotifications() {
		this.test.travel(Duration.ZERO);
		Consumer<OrchestratorBuilder> silent = (builder) -> builder.notifications(false);
		startNode(silent, this.log.task("task"));
		startNode(silent, this.log.task("task"));

		schedule("every second", "* * * * * *", ScheduleOptions.defaults());
		await().atMost(LONG).until(() -> this.log.times("every second").size() >= 2);
		this.client.unschedule("task", "every second");

		await().atMost(LONG).until(() -> this.test.count("execution") == 0);
		assertThat(this.log.times("every second")).doesNotHaveDuplicates()
			.hasSize((int) this.log.invoked("every second"));
	}

	@Test
	void sleepsUntilTheNextTick() {
		try (HikariDataSource pool = this.test.pool("recorded", 5)) {
			RecordingDataSource recording = new RecordingDataSource(pool);
			Orchestrator node = this.test.node(recording, (builder) -> {
			}, this.log.task("task"));
			node.start();
			schedule("hourly", "0 * * * *", ScheduleOptions.defaults());
			this.log.awaitNext("hourly", at(60));

			await().atMost(LONG).pollDelay(Duration.ZERO).until(() -> looksForTicksWithinTwoSeconds(recording) <= 2);

			this.test.stopClock(at(60));
			this.log.await("hourly", at(60));
			node.stop();
		}
	}

	@Test
	void refusesAThresholdByWhichEachTickIsMissed() {
		assertThatIllegalArgumentException()
			.isThrownBy(() -> this.test.node((builder) -> builder.misfireThreshold(Duration.ofMillis(999))))
			.withMessageContaining("misfire-threshold");
	}

	@Test
	void saysInOneLineWhichSchedulesHaveMissedTicks() {
		IntStream.range(0, 30).forEach((i) -> schedule("schedule " + i, EVERY_MINUTE, missed(MisfirePolicy.SKIP)));
		this.test.stopClock(at(5, 40));

		startNode(this.log.task("task"));
		this.log.awaitNext("schedule 29", at(6));

		assertThat(this.logged.lines()).singleElement()
			.asString()
			.startsWith("INFO 30 schedules have missed ticks")
			.contains("'schedule 1' of task 'task' (SKIP)")
			.endsWith(" …")
			.hasSizeLessThan(1000);
	}

	@Test
	void firesWhatIsDueWhenItDrains() {
		schedule("every minute", EVERY_MINUTE, ScheduleOptions.defaults());
		this.test.stopClock(at(1));

		this.test.node(this.log.task("task")).drain();
		this.test.node(this.log.task("task")).drain();

		assertThat(this.log.times("every minute")).containsExactly(at(1));
	}

}
