package io.pgconductor.schedule;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.ConductorClient;
import io.pgconductor.ConductorException;
import io.pgconductor.EmitOptions;
import io.pgconductor.ExecutionState;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.MisfirePolicy;
import io.pgconductor.NonRetryableException;
import io.pgconductor.OverlapPolicy;
import io.pgconductor.ScheduleInfo;
import io.pgconductor.ScheduleOptions;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.TickLog;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.transaction.support.TransactionTemplate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

/**
 * Schedules that are made and removed at run time, by clients and by tasks.
 */
class ScheduleCallsIntegrationTests {

	private static final Instant TEN = Instant.parse("2031-03-03T10:00:00Z");

	private static final String EVERY_MINUTE = "* * * * *";

	private final GivenHandlers given = new GivenHandlers("given");

	private TestConductor test;

	private ConductorClient client;

	private TickLog log;

	@BeforeEach
	void start() {
		this.test = new TestConductor(ScheduleCallsIntegrationTests.class);
		this.client = this.test.conductor();
		this.log = new TickLog(this.test);
		this.test.stopClock(TEN);
		this.test.node(this.log.task("task"), this.given.task()).start();
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	private static Instant at(int minute) {
		return TEN.plus(Duration.ofMinutes(minute));
	}

	private String version() {
		return this.test.sql("select xmin::text from ${schema}.schedule").query(String.class).single();
	}

	@Test
	void replacesTheOneOfThatName() {
		this.client.schedule("task", "name", "0 11 * * *", "first");
		this.log.awaitNext("name", at(60));
		this.test.stopClock(at(30));

		this.client.schedule("task", "name", "30 12 * * *", "second", ZoneId.of("Europe/Vienna"));
		this.log.awaitNext("name", at(90));
		this.client.schedule("task", "name", "31 10 * * *", "third");
		this.log.awaitNext("name", at(31));
		this.test.stopClock(at(90));
		this.log.await("name", at(31));

		assertThat(this.client.schedules()).hasSize(1);
		assertThat(this.log.ticks()).singleElement()
			.satisfies((tick) -> assertThat(tick.payload(String.class)).isEqualTo("third"));
	}

	@Test
	void keepsTheNextTickOfOneThatSaysTheSame() {
		this.client.schedule("task", "name", EVERY_MINUTE, "payload");
		this.log.awaitNext("name", at(1));
		String before = version();

		this.client.schedule("task", "name", EVERY_MINUTE, "payload");
		assertThat(version()).isEqualTo(before);
		this.client.schedule("task", "name", " " + EVERY_MINUTE + " ", "payload", ScheduleOptions.defaults());
		assertThat(version()).isEqualTo(before);
		assertThat(this.log.schedule("name").nextRunAt()).isEqualTo(at(1));

		this.client.schedule("task", "name", EVERY_MINUTE, "other");
		assertThat(version()).isNotEqualTo(before);
	}

	@Test
	void keepsSchedulesOfOneNameOfSeveralTasksApart() {
		this.client.schedule("task", "name", EVERY_MINUTE, null);
		this.client.schedule("task", "other", EVERY_MINUTE, null);
		this.client.schedule("unheard-of", "name", EVERY_MINUTE, null);

		assertThat(this.client.unschedule("task", "name")).isTrue();
		assertThat(this.client.unschedule("task", "name")).isFalse();

		assertThat(this.client.schedules()).extracting(ScheduleInfo::task, ScheduleInfo::name)
			.containsExactly(tuple("task", "other"), tuple("unheard-of", "name"));
	}

	@Test
	void letsWhatRunsGoOnWhenItIsRemoved() {
		CountDownLatch mayEnd = new CountDownLatch(1);
		String payload = this.given.payload((event, context) -> {
			mayEnd.await();
			return "done";
		});
		this.client.schedule("given", "name", EVERY_MINUTE, payload);
		this.client.schedule("task", "marker", EVERY_MINUTE, null);
		this.log.awaitNext("name", at(1));
		this.log.awaitNext("marker", at(1));
		this.test.stopClock(at(1));
		UUID running = this.log.awaitNext("name", at(2)).lastExecution();
		this.test.await(running, ExecutionState.RUNNING);

		assertThat(this.client.unschedule("given", "name")).isTrue();
		this.test.stopClock(at(2));
		this.log.await("marker", at(2));
		mayEnd.countDown();

		assertThat(this.test.await(running, ExecutionState.COMPLETED).result().asString()).isEqualTo("done");
		assertThat(this.log.invoked("name")).isOne();
	}

	@Test
	void canBeRemovedByItsOwnRun() {
		String payload = this.given.payload((event, context) -> context.unschedule("given", "once"));
		this.client.schedule("given", "once", EVERY_MINUTE, payload);
		this.log.awaitNext("once", at(1));

		this.test.stopClock(at(1));
		await().atMost(Duration.ofSeconds(60)).until(() -> this.client.schedules().isEmpty());

		await().atMost(Duration.ofSeconds(60)).until(() -> this.test.count("execution") == 0);
		assertThat(this.log.invoked("once")).isOne();
	}

	@Test
	void isMadeAndRemovedByTasks() {
		UUID making = this.given.invoke(this.client, (event, context) -> {
			context.schedule("task", "plain", EVERY_MINUTE, "payload");
			context.schedule("task", "zoned", "0 12 * * *", null,
					ScheduleOptions.defaults().zone(ZoneId.of("Europe/Vienna")));
			context.schedule("task", "in Vienna", "0 13 * * *", null, ZoneId.of("Europe/Vienna"));
			return context.unschedule("task", "none");
		});

		assertThat(this.test.await(making, ExecutionState.COMPLETED).result().asBoolean()).isFalse();
		this.log.awaitNext("plain", at(1));
		this.log.awaitNext("zoned", at(60));
		this.log.awaitNext("in Vienna", at(120));
		UUID removing = this.given.invoke(this.client, (event, context) -> context.unschedule("task", "plain"));
		assertThat(this.test.await(removing, ExecutionState.COMPLETED).result().asBoolean()).isTrue();
		assertThat(this.client.schedules()).extracting(ScheduleInfo::name).containsExactly("in Vienna", "zoned");
	}

	@Test
	void isPartOfTheTransactionOfATask() {
		AtomicInteger attempts = new AtomicInteger();
		this.test.node(TaskSpec.of("transactional", String.class, (event, context) -> {
			context.schedule("task", "by task", EVERY_MINUTE, null);
			assertThat(this.client.schedules()).hasSize(1);
			if (attempts.incrementAndGet() == 1) {
				throw new NonRetryableException("rolled back");
			}
			return null;
		}).with(TaskOptions.none().transactional(true))).start();

		this.test.await(this.client.invoke("transactional", null), ExecutionState.FAILED);
		assertThat(this.client.schedules()).isEmpty();
		this.test.await(this.client.invoke("transactional", null), ExecutionState.COMPLETED);
		this.log.awaitNext("by task", at(1));
	}

	@Test
	void isPartOfTheTransactionOfTheCaller() {
		this.client.schedule("task", "kept", EVERY_MINUTE, null);
		this.client.schedule("task", "paused", EVERY_MINUTE, null);
		this.client.pauseSchedule("task", "paused");

		this.test.transaction().executeWithoutResult((status) -> {
			this.client.schedule("task", "new", EVERY_MINUTE, null);
			assertThat(this.client.unschedule("task", "kept")).isTrue();
			assertThat(this.client.resumeSchedule("task", "paused")).isTrue();
			assertThat(this.client.schedules()).extracting(ScheduleInfo::name).containsExactly("new", "paused");
			assertThat(this.test.elsewhere(this.client::schedules)).extracting(ScheduleInfo::name)
				.containsExactly("kept", "paused");
			status.setRollbackOnly();
		});

		assertThat(this.client.schedules()).extracting(ScheduleInfo::name, ScheduleInfo::paused)
			.containsExactly(tuple("kept", false), tuple("paused", true));
		this.log.awaitNext("kept", at(1));
	}

	@Test
	void letsOthersFireWhileATransactionHasOneLocked() {
		this.client.schedule("task", "locked", EVERY_MINUTE, null);
		this.client.schedule("task", "free", EVERY_MINUTE, null);
		this.log.awaitNext("locked", at(1));
		this.log.awaitNext("free", at(1));

		this.test.transaction().executeWithoutResult((status) -> {
			this.client.schedule("task", "locked", "*/2 * * * *", null);
			this.test.elsewhere(() -> {
				this.test.stopClock(at(1));
				this.log.await("free", at(1));
				return true;
			});
		});

		this.log.awaitNext("locked", at(2));
		assertThat(this.log.invoked("locked")).isZero();
	}

	@Test
	void firesNoTickAgainThatWasFiredSinceTheTransactionBegan() {
		this.client.schedule("task", "changed", EVERY_MINUTE, null);
		this.client.schedule("task", "resumed", EVERY_MINUTE, null);
		this.log.awaitNext("changed", at(1));
		this.log.awaitNext("resumed", at(1));
		this.test.stopClock(at(1));
		this.log.awaitNext("changed", at(2));
		this.log.awaitNext("resumed", at(2));

		// The time of a transaction is that of its beginning
		this.test.stopClock(at(1).minusSeconds(2));
		this.client.schedule("task", "changed", "*/1 * * * *", null);
		this.client.pauseSchedule("task", "resumed");
		this.client.resumeSchedule("task", "resumed");

		this.log.awaitNext("changed", at(2));
		this.log.awaitNext("resumed", at(2));
		this.test.stopClock(at(2));
		this.log.awaitNext("changed", at(3));
		this.log.awaitNext("resumed", at(3));
		this.log.await("changed", at(1), at(2));
		this.log.await("resumed", at(1), at(2));
		assertThat(this.log.invoked("changed")).isEqualTo(2);
		assertThat(this.log.invoked("resumed")).isEqualTo(2);
	}

	@Test
	void firesNoTickThatWasPassedOverSinceTheTransactionBegan() {
		CountDownLatch mayEnd = new CountDownLatch(1);
		String payload = this.given.payload((event, context) -> {
			mayEnd.await();
			return null;
		});
		this.client.schedule("given", "overlapping", EVERY_MINUTE, payload,
				ScheduleOptions.defaults().overlap(OverlapPolicy.SKIP));
		this.client.schedule("task", "late", "30 * * * *", null,
				ScheduleOptions.defaults().misfire(MisfirePolicy.SKIP));
		this.log.awaitNext("overlapping", at(1));
		this.log.awaitNext("late", at(30));
		this.test.stopClock(at(1));
		this.log.awaitNext("overlapping", at(2));
		this.test.stopClock(at(40));
		this.log.awaitNext("overlapping", at(41));
		this.log.awaitNext("late", at(90));

		this.test.stopClock(at(2).minusSeconds(2));
		this.client.schedule("given", "overlapping", "*/1 * * * *", payload);
		this.client.schedule("task", "late", "*/30 10-12 * * *", null);

		this.log.awaitNext("overlapping", at(41));
		this.log.awaitNext("late", at(60));
		mayEnd.countDown();
		assertThat(this.log.invoked("overlapping")).isOne();
		assertThat(this.log.invoked("late")).isZero();
	}

	@Test
	void firesATickThatIsDueWhenOnlyThePayloadChanges() {
		this.client.schedule("task", "name", EVERY_MINUTE, "first");
		this.log.awaitNext("name", at(1));

		this.test.transaction().executeWithoutResult((status) -> {
			this.test.sql("select name from ${schema}.schedule for update").query().listOfRows();
			this.test.elsewhere(() -> {
				this.test.stopClock(at(1));
				return true;
			});
			this.client.schedule("task", "name", EVERY_MINUTE, "second");
		});

		this.log.await("name", at(1));
		assertThat(this.log.ticks()).singleElement()
			.satisfies((tick) -> assertThat(tick.payload(String.class)).isEqualTo("second"));
		this.log.awaitNext("name", at(2));
	}

	@Test
	void refusesReadOnlyTransactions() {
		TransactionTemplate readOnly = this.test.transaction();
		readOnly.setReadOnly(true);

		readOnly.executeWithoutResult((status) -> {
			assertThat(this.client.schedules()).isEmpty();
			assertThatExceptionOfType(ConductorException.class)
				.isThrownBy(() -> this.client.schedule("task", "name", EVERY_MINUTE, null))
				.withMessageContaining("'name' of task 'task'")
				.withMessageContaining("read-only");
		});
	}

	@ParameterizedTest
	@ValueSource(strings = { "60 * * * *", "", "nonsense", "0 0 30 2 *", "0 0 31 4,6 *", "* * * * *\n", "@noon",
			"*/10 * * * * * *" })
	void refusesExpressionsThatCannotBe(String cron) {
		assertThatIllegalArgumentException().isThrownBy(() -> this.client.schedule("task", "name", cron, null))
			.withMessageStartingWith("cron expression '" + cron.replace('\n', '?') + "'");
		assertThat(this.client.schedules()).isEmpty();
	}

	@Test
	void refusesOptionsInPlaceOfThePayload() {
		for (Object misplaced : new Object[] { ScheduleOptions.defaults(), EmitOptions.defaults(),
				ZoneId.of("Europe/Vienna"), ZoneOffset.UTC }) {
			assertThatIllegalArgumentException()
				.isThrownBy(() -> this.client.schedule("task", "name", "0 9 * * *", misplaced))
				.withMessageContaining(" was given as payload of schedule 'name' of task 'task'")
				.withMessageEndingWith("pass it as the last argument, after the payload, which may be null");
		}
		assertThatIllegalArgumentException()
			.isThrownBy(() -> this.client.schedule("task", "name", "0 9 * * *", ZoneId.of("Europe/Vienna")))
			.withMessageStartingWith("ZoneId was given as payload");
		assertThat(this.client.schedules()).isEmpty();
	}

	@Test
	void refusesNamesAndPayloadsThatCannotBe() {
		for (String name : new String[] { "", " a", "a ", "a\nb", "a\u0000b", "x".repeat(201) }) {
			assertThatIllegalArgumentException().isThrownBy(() -> this.client.schedule("task", name, "@daily", null));
			assertThatIllegalArgumentException().isThrownBy(() -> this.client.schedule(name, "name", "@daily", null));
			assertThatIllegalArgumentException().isThrownBy(() -> this.client.unschedule("task", name));
			assertThatIllegalArgumentException().isThrownBy(() -> this.client.pauseSchedule("task", name));
			assertThatIllegalArgumentException().isThrownBy(() -> this.client.resumeSchedule(name, "name"));
		}
		assertThatExceptionOfType(InvalidPayloadException.class)
			.isThrownBy(() -> this.client.schedule("task", "name", "@daily", "x".repeat(1_100_000)))
			.withMessageContaining("'name' of task 'task'");
		assertThat(this.client.schedules()).isEmpty();
	}

}
