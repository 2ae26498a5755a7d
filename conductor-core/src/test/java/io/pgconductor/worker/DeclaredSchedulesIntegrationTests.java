package io.pgconductor.worker;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;

import io.pgconductor.ConductorClient;
import io.pgconductor.MisfirePolicy;
import io.pgconductor.Orchestrator;
import io.pgconductor.OverlapPolicy;
import io.pgconductor.ScheduleInfo;
import io.pgconductor.task.CronTimes;
import io.pgconductor.task.CronTrigger;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.task.TaskTrigger;
import io.pgconductor.testing.LogCapture;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.TickLog;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * How the schedules of the database follow those that applications declare.
 */
class DeclaredSchedulesIntegrationTests {

	private static final Instant TEN = Instant.parse("2031-03-03T10:00:00Z");

	private static final Duration LONG = Duration.ofSeconds(60);

	private static final Duration NODE_TIMEOUT = Duration.ofSeconds(1);

	@RegisterExtension
	private final LogCapture logged = new LogCapture(DeclaredTriggers.class);

	private TestConductor test;

	private ConductorClient client;

	private TickLog log;

	@BeforeEach
	void start() {
		this.test = new TestConductor(DeclaredSchedulesIntegrationTests.class);
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

	private TaskSpec task(CronTrigger... triggers) {
		return this.log.task("task").withTriggers(List.<TaskTrigger>of(triggers));
	}

	private static CronTrigger cron(String name, String expression) {
		return cron(name, expression, ZoneOffset.UTC);
	}

	private static CronTrigger cron(String name, String expression, ZoneId zone) {
		return new CronTrigger(name, CronTimes.parse(expression, zone), MisfirePolicy.RUN_ONCE, OverlapPolicy.ALLOW);
	}

	private Orchestrator node(@Nullable String application, TaskSpec... tasks) {
		return node(NODE_TIMEOUT, application, tasks);
	}

	private Orchestrator node(Duration timeout, @Nullable String application, TaskSpec... tasks) {
		return this.test.node((conductor) -> conductor.application(application),
				(builder) -> builder.nodeTimeout(timeout), tasks);
	}

	private Orchestrator start(@Nullable String application, TaskSpec... tasks) {
		Orchestrator node = node(application, tasks);
		node.start();
		return node;
	}

	/**
	 * What is in the database: each schedule's name and expression.
	 */
	private Map<String, String> crons() {
		Map<String, String> crons = new TreeMap<>();
		this.client.schedules().forEach((schedule) -> crons.put(schedule.name(), schedule.cron()));
		return crons;
	}

	private void awaitCrons(Map<String, String> crons) {
		await().atMost(LONG).untilAsserted(() -> assertThat(crons()).isEqualTo(crons));
	}

	private Map<String, String> versions() {
		Map<String, String> versions = new TreeMap<>();
		this.test.sql("select name, xmin::text as version from ${schema}.schedule").query((rs) -> {
			versions.put(rs.getString("name"), rs.getString("version"));
		});
		return versions;
	}

	/**
	 * Let a node die without a word, some time later.
	 * @return what ends the time
	 */
	private Runnable kill(Orchestrator node) {
		UUID ghost = UUID.randomUUID();
		this.test
			.sql("""
					insert into ${schema}.node (id, application, host, queues, tasks, definitions, alive_until)
					select :ghost, application, host, queues, tasks, definitions, 'infinity' from ${schema}.node where id = :id
					""")
			.param("ghost", ghost)
			.param("id", node.info().id())
			.update();
		node.stop();
		return () -> this.test.sql("update ${schema}.node set alive_until = now() where id = ?").param(ghost).update();
	}

	@Test
	void declaresSchedulesAtTheStart() {
		start("shop",
				task(cron("morning", "0 9 * * *", ZoneId.of("Europe/Vienna")), cron("evening", "0 17 * * *"),
						new CronTrigger("task", CronTimes.parse("@hourly", ZoneOffset.UTC), MisfirePolicy.SKIP,
								OverlapPolicy.SKIP)));

		ScheduleInfo morning = this.log.awaitNext("morning", Instant.parse("2031-03-04T08:00:00Z"));
		assertThat(morning.zone()).isEqualTo("Europe/Vienna");
		assertThat(morning.declared()).isTrue();
		assertThat(morning.application()).isEqualTo("shop");
		assertThat(morning.payload()).isNull();
		this.log.awaitNext("evening", Instant.parse("2031-03-03T17:00:00Z"));
		ScheduleInfo hourly = this.log.awaitNext("task", at(60));
		assertThat(hourly.misfire()).isEqualTo(MisfirePolicy.SKIP);
		assertThat(hourly.overlap()).isEqualTo(OverlapPolicy.SKIP);
		this.test.stopClock(at(60));
		this.log.await("task", at(60));
	}

	@Test
	void touchesNothingThatHasNotChanged() {
		Orchestrator first = start("shop", task(cron("same", "0 9 * * *"), cron("changed", "0 11 * * *")));
		this.log.awaitNext("same", Instant.parse("2031-03-04T09:00:00Z"));
		this.log.awaitNext("changed", at(60));
		Map<String, String> before = versions();
		first.stop();

		Orchestrator again = start("shop", task(cron("changed", "0 11 * * *"), cron("same", "0 9 * * *")));
		assertThat(versions()).isEqualTo(before);
		again.stop();
		start("shop", task(cron("same", "0 9 * * *"), cron("changed", "0 12 * * *")));

		assertThat(versions()).containsEntry("same", before.get("same"));
		this.log.awaitNext("changed", at(120));
		this.test.stopClock(at(60));
		assertThat(this.test.count("executions")).isZero();
	}

	@Test
	void changesOptionsWithoutChangingTheNextTick() {
		start("shop", task(cron("name", "*/10 * * * *"))).stop();
		Orchestrator first = start("shop", task(cron("name", "*/10 * * * *")));
		this.log.awaitNext("name", at(10));
		first.stop();
		this.test.stopClock(at(10));

		start("shop", task(new CronTrigger("name", CronTimes.parse("*/10 * * * *", ZoneOffset.UTC), MisfirePolicy.SKIP,
				OverlapPolicy.SKIP)));

		assertThat(this.log.schedule("name").misfire()).isEqualTo(MisfirePolicy.SKIP);
		assertThat(this.log.schedule("name").overlap()).isEqualTo(OverlapPolicy.SKIP);
		this.log.await("name", at(10));
	}

	@Test
	void firesNoTickAgainThatWasFiredSinceTheTransactionBegan() {
		Orchestrator first = start("shop", task(cron("name", "* * * * *")));
		this.log.awaitNext("name", at(1));
		this.test.stopClock(at(1));
		this.log.await("name", at(1));
		this.log.awaitNext("name", at(2));
		first.stop();

		// The time of a transaction is that of its beginning
		this.test.stopClock(at(1).minusSeconds(2));
		start("shop", task(cron("name", "*/1 * * * *")));

		this.log.awaitNext("name", at(2));
		assertThat(this.log.invoked("name")).isOne();
	}

	@Test
	void dropsWhatIsNotDeclaredAnyMoreWithItsPendingTick() {
		start("shop", task(cron("stays", "* * * * *"), cron("goes", "* * * * *"))).stop();
		start("shop", task(cron("stays", "* * * * *"), cron("goes", "* * * * *"))).stop();

		this.test.stopClock(at(1));
		Orchestrator node = start("shop", task(cron("stays", "* * * * *")));
		this.log.await("stays", at(1));

		assertThat(crons()).containsOnlyKeys("stays");
		assertThat(this.log.invoked("goes")).isZero();
		node.stop();
		start("shop", this.log.task("task"));
		assertThat(crons()).isEmpty();
		assertThat(this.logged.lines())
			.anyMatch((line) -> line.startsWith("INFO Dropped schedules ['goes' of task 'task']"));
	}

	@Test
	void dropsNothingWithoutAnApplication() {
		start(null, task(cron("first", "0 1 * * *"), cron("changed", "0 2 * * *"))).stop();
		start(null, task(cron("second", "0 3 * * *"), cron("changed", "0 4 * * *"))).stop();

		assertThat(crons()).isEqualTo(Map.of("first", "0 1 * * *", "second", "0 3 * * *", "changed", "0 4 * * *"));
		assertThat(this.client.schedules()).allMatch(ScheduleInfo::declared)
			.allMatch((schedule) -> schedule.application() == null);
		assertThat(this.test.count("definition_set")).isZero();
	}

	@Test
	void keepsApplicationsApart() {
		Orchestrator shop = start("shop", task(cron("shop", "0 1 * * *"), cron("both", "0 2 * * *")));
		start("mail", this.log.task("mail").withTriggers(List.of(cron("mail", "0 3 * * *"))),
				task(cron("both", "0 4 * * *")));

		assertThat(crons()).isEqualTo(Map.of("shop", "0 1 * * *", "both", "0 2 * * *", "mail", "0 3 * * *"));
		assertThat(this.logged.lines()).anyMatch(
				(line) -> line.startsWith("WARN Schedules ['both' of task 'task'] are declared here, but left alone"));
		shop.stop();
		start("shop", this.log.task("task"));
		awaitCrons(Map.of("mail", "0 3 * * *", "both", "0 4 * * *"));
		assertThat(this.log.schedule("both").application()).isEqualTo("mail");
	}

	@Test
	void takesOverWhatADeadApplicationHasDeclared() {
		start("shop", task(cron("same", "*/10 * * * *"), cron("other", "0 1 * * *"), cron("rest", "0 2 * * *"))).stop();

		start("store", task(cron("same", "*/10 * * * *"), cron("other", "0 3 * * *")));

		assertThat(crons()).isEqualTo(Map.of("same", "*/10 * * * *", "other", "0 3 * * *", "rest", "0 2 * * *"));
		assertThat(this.log.schedule("same").application()).isEqualTo("store");
		assertThat(this.log.schedule("other").application()).isEqualTo("store");
		assertThat(this.log.schedule("rest").application()).isEqualTo("shop");
		this.log.awaitNext("same", at(10));
	}

	@Test
	void takesBackWhatAnotherApplicationHadTakenOver() {
		start("shop", task(cron("name", "0 1 * * *"))).stop();
		start("store", task(cron("name", "0 2 * * *"))).stop();
		start("store", this.log.task("other")).stop();
		assertThat(crons()).isEmpty();

		start("shop", task(cron("name", "0 1 * * *")));

		assertThat(crons()).isEqualTo(Map.of("name", "0 1 * * *"));
	}

	@Test
	void leavesThoseAloneThatWereMadeByCalls() {
		this.client.schedule("task", "called", "0 1 * * *", "payload");
		this.client.schedule("task", "both", "0 2 * * *", "payload");
		start("shop", task(cron("declared", "0 3 * * *"), cron("both", "0 4 * * *"))).stop();
		this.client.schedule("task", "declared", "0 5 * * *", "payload");
		Map<String, String> expected = Map.of("called", "0 1 * * *", "both", "0 2 * * *", "declared", "0 5 * * *");

		start("shop", task(cron("declared", "0 3 * * *"), cron("both", "0 4 * * *"))).stop();
		assertThat(crons()).isEqualTo(expected);
		start("shop", this.log.task("task")).stop();
		assertThat(crons()).isEqualTo(expected);
		assertThat(this.client.schedules()).noneMatch(ScheduleInfo::declared);
	}

	@Test
	void bringsBackAtTheNextStartWhatACallHasRemoved() {
		Orchestrator node = start("shop", task(cron("name", "0 1 * * *"), cron("replaced", "0 2 * * *")));
		assertThat(this.client.unschedule("task", "name")).isTrue();
		this.client.schedule("task", "replaced", "0 3 * * *", null);
		node.stop();
		start("shop", task(cron("name", "0 1 * * *"), cron("replaced", "0 2 * * *"))).stop();
		assertThat(crons()).isEqualTo(Map.of("name", "0 1 * * *", "replaced", "0 3 * * *"));

		assertThat(this.client.unschedule("task", "replaced")).isTrue();
		start("shop", task(cron("name", "0 1 * * *"), cron("replaced", "0 2 * * *"))).stop();

		assertThat(crons()).isEqualTo(Map.of("name", "0 1 * * *", "replaced", "0 2 * * *"));
	}

	@Test
	void keepsAPauseOverRestartsAndChanges() {
		start("shop", task(cron("name", "0 11 * * *")));
		this.log.awaitNext("name", at(60));
		assertThat(this.client.pauseSchedule("task", "name")).isTrue();

		start("shop", task(cron("name", "30 10 * * *")));
		awaitCrons(Map.of("name", "30 10 * * *"));

		assertThat(this.log.schedule("name").paused()).isTrue();
		assertThat(this.log.schedule("name").nextRunAt()).isNull();
		assertThat(this.client.resumeSchedule("task", "name")).isTrue();
		this.log.awaitNext("name", at(30));
	}

	@Test
	void addsWhileTheOldVersionRunsAndDropsWhenItIsGone() {
		Orchestrator old = start("shop", task(cron("both", "0 1 * * *"), cron("old", "0 2 * * *")));

		start("shop", task(cron("both", "0 3 * * *"), cron("new", "0 4 * * *")));
		assertThat(crons()).isEqualTo(Map.of("both", "0 3 * * *", "old", "0 2 * * *", "new", "0 4 * * *"));
		old.stop();

		awaitCrons(Map.of("both", "0 3 * * *", "new", "0 4 * * *"));
	}

	@Test
	void letsAnOldReplicaThatRestartsInMidRolloutChangeNothing() {
		Orchestrator old = start("shop", task(cron("both", "0 1 * * *"), cron("old", "0 2 * * *")));
		Orchestrator other = start("shop", task(cron("both", "0 1 * * *"), cron("old", "0 2 * * *")));
		start("shop", task(cron("both", "0 3 * * *"), cron("new", "0 4 * * *")));
		this.log.awaitNext("both", Instant.parse("2031-03-04T03:00:00Z"));
		this.log.awaitNext("new", Instant.parse("2031-03-04T04:00:00Z"));
		Map<String, String> before = versions();

		old.stop();
		old.start();
		other.stop();

		assertThat(versions()).isEqualTo(before).containsOnlyKeys("both", "old", "new");
		assertThat(crons()).containsEntry("both", "0 3 * * *");
		old.stop();
		awaitCrons(Map.of("both", "0 3 * * *", "new", "0 4 * * *"));
	}

	@Test
	void goesBackToTheOldVersionWhenTheNewOneHasNoNode() {
		start("shop", task(cron("both", "0 1 * * *"), cron("old", "0 2 * * *")));
		Orchestrator next = start("shop", task(cron("both", "30 10 * * *"), cron("new", "0 4 * * *")));
		Runnable end = kill(next);
		assertThat(crons()).isEqualTo(Map.of("both", "30 10 * * *", "old", "0 2 * * *", "new", "0 4 * * *"));

		end.run();

		awaitCrons(Map.of("both", "0 1 * * *", "old", "0 2 * * *"));
		this.log.awaitNext("both", Instant.parse("2031-03-04T01:00:00Z"));
	}

	@Test
	void comesBackToTheNewVersionAfterARollback() {
		Orchestrator old = start("shop", task(cron("name", "0 1 * * *")));
		Orchestrator next = start("shop", task(cron("name", "0 2 * * *")));
		assertThat(crons()).containsValue("0 2 * * *");
		next.stop();
		awaitCrons(Map.of("name", "0 1 * * *"));

		next.start();
		assertThat(crons()).containsValue("0 2 * * *");
		old.stop();
		Orchestrator third = start("shop", task(cron("name", "0 3 * * *")));
		next.stop();
		third.stop();
		assertThat(crons()).isEqualTo(Map.of("name", "0 3 * * *"));

		// All nodes stood still at the time
		old.start();
		assertThat(crons()).isEqualTo(Map.of("name", "0 1 * * *"));
	}

	@Test
	void agreesWhenNodesStartAtOnce() throws Exception {
		start("shop", task(cron("old", "0 1 * * *"))).stop();
		List<Orchestrator> nodes = new ArrayList<>();
		for (int i = 0; i < 4; i++) {
			nodes.add(node("shop", task(cron("name", "*/10 * * * *"), cron("other", "0 2 * * *"))));
		}
		CyclicBarrier barrier = new CyclicBarrier(nodes.size());

		List<CompletableFuture<Void>> starts = nodes.stream().map((node) -> CompletableFuture.runAsync(() -> {
			try {
				barrier.await();
			}
			catch (Exception ex) {
				throw new IllegalStateException(ex);
			}
			node.start();
		}, (task) -> new Thread(task, "start").start())).toList();
		CompletableFuture.allOf(starts.toArray(CompletableFuture[]::new)).join();

		assertThat(crons()).isEqualTo(Map.of("name", "*/10 * * * *", "other", "0 2 * * *"));
		assertThat(this.test.count("node where dead_at is null")).isEqualTo(4);
		this.test.stopClock(at(10));
		this.log.await("name", at(10));
		assertThat(this.log.invoked("name")).isOne();
	}

	@Test
	void startsAtOnceAndDeclaresLaterWhatATransactionHasLocked() {
		start("shop", task(cron("locked", "0 1 * * *"))).stop();

		this.test.transaction().executeWithoutResult((status) -> {
			this.client.pauseSchedule("task", "locked");
			startElsewhere("shop", task(cron("locked", "0 2 * * *")));
			startElsewhere(null, task(cron("new", "0 3 * * *")));
			Orchestrator dying = startElsewhere("mail", this.log.task("mail"));

			this.test.elsewhere(() -> {
				kill(dying).run();
				return true;
			});
			await().atMost(LONG)
				.until(() -> this.test.elsewhere(() -> this.test.count("node where dead_at is not null")) == 1);
			assertThat(this.test.elsewhere(this::crons)).isEqualTo(Map.of("locked", "0 1 * * *", "new", "0 3 * * *"));
		});

		awaitCrons(Map.of("locked", "0 2 * * *", "new", "0 3 * * *"));
		assertThat(this.log.schedule("locked").paused()).isTrue();
		assertThat(this.logged.lines()).filteredOn((line) -> line.contains("locked at the moment")).hasSize(1);
	}

	private Orchestrator startElsewhere(@Nullable String application, TaskSpec... tasks) {
		CompletableFuture<Orchestrator> started = CompletableFuture.supplyAsync(() -> {
			Orchestrator node = node(Duration.ofSeconds(12), application, tasks);
			node.start();
			return node;
		});
		assertThat(started).succeedsWithin(Duration.ofSeconds(10));
		return started.join();
	}

	@Test
	void addsAndDropsTheOthersWhileATransactionHasSomeLocked() {
		start("shop", task(cron("stays", "0 1 * * *"), cron("goes", "0 2 * * *"), cron("goes later", "0 3 * * *")))
			.stop();

		this.test.transaction().executeWithoutResult((status) -> {
			this.client.pauseSchedule("task", "stays");
			this.client.pauseSchedule("task", "goes later");
			startElsewhere("shop", task(cron("stays", "0 1 * * *"), cron("new", "0 4 * * *")));

			assertThat(this.test.elsewhere(this::crons)).containsOnlyKeys("stays", "goes later", "new");
		});

		awaitCrons(Map.of("stays", "0 1 * * *", "new", "0 4 * * *"));
	}

	@Test
	void declaresWithoutAnApplicationLaterWhatATransactionHasLocked() {
		start(null, task(cron("locked", "0 1 * * *"))).stop();

		this.test.transaction().executeWithoutResult((status) -> {
			this.client.unschedule("task", "locked");
			this.client.schedule("task", "made", "0 1 * * *", null);
			startElsewhere(null, task(cron("locked", "0 2 * * *"), cron("made", "0 2 * * *")));
		});

		awaitCrons(Map.of("locked", "0 2 * * *", "made", "0 1 * * *"));
	}

	@Test
	void declaresNothingWithoutTasks() {
		start("shop", task(cron("name", "0 1 * * *"))).stop();

		this.client.schedule("task", "called", "0 2 * * *", null);
		this.client.schedules();

		assertThat(crons()).isEqualTo(Map.of("name", "0 1 * * *", "called", "0 2 * * *"));
	}

}
