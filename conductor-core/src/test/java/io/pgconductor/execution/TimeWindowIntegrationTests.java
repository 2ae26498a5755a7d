package io.pgconductor.execution;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.Invoke;
import io.pgconductor.RetryAfterException;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.task.TaskWindow;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class TimeWindowIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(20);

	private TestConductor test;

	private Instant midnight;

	@BeforeEach
	void install() {
		this.test = new TestConductor(TimeWindowIntegrationTests.class);
		OffsetDateTime now = this.test.sql("select pg_catalog.now()").query(OffsetDateTime.class).single();
		this.midnight = now.withOffsetSameInstant(ZoneOffset.UTC)
			.toLocalDate()
			.plusDays(1)
			.atStartOfDay()
			.toInstant(ZoneOffset.UTC);
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void waitsForTheOpeningWithoutSpendingAnAttempt() {
		travelTo(LocalTime.of(12, 0));
		this.test.node(task("nightly", "22:00-06:00")).start();

		UUID id = this.test.conductor().invoke("nightly", null);
		Execution postponed = awaitScheduledAt(id, LocalTime.of(22, 0));

		assertThat(postponed.attempt()).isZero();
		travelTo(LocalTime.of(22, 0));
		assertThat(this.test.await(id, ExecutionState.COMPLETED).attempt()).isEqualTo(1);
	}

	@Test
	void runsAtOnceWithinAWindowOverMidnight() {
		travelTo(LocalTime.of(3, 0));
		this.test.node(task("nightly", "22:00-06:00")).start();

		UUID id = this.test.conductor().invoke("nightly", null);

		this.test.await(id, ExecutionState.COMPLETED);
	}

	@Test
	void suspendsAtAStepPastTheClosingAndGoesOnAtTheOpening() {
		travelTo(LocalTime.of(5, 0));
		AtomicInteger firstSteps = new AtomicInteger();
		AtomicInteger runs = new AtomicInteger();
		TaskSpec task = TaskSpec.of("nightly", null, (event, context) -> {
			runs.incrementAndGet();
			context.step("first", firstSteps::incrementAndGet);
			context.sleep("pause", Duration.ofHours(4));
			context.step("second", () -> {
			});
			return null;
		}).with(TaskOptions.none().window(TaskWindow.parse("22:00-06:00", ZoneOffset.UTC)));
		this.test.node(task).start();
		UUID id = this.test.conductor().invoke("nightly", null);
		this.test.await(id, ExecutionState.WAITING);

		travelTo(LocalTime.of(9, 30));
		awaitRunAt(id, 0, LocalTime.of(22, 0));
		assertThat(runs).hasValue(1);
		travelTo(LocalTime.of(22, 0));
		Execution done = this.test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isEqualTo(1);
		assertThat(firstSteps).hasValue(1);
		assertThat(runs).hasValue(2);
	}

	@Test
	void stopsAtTheBoundaryAfterTheClosing() {
		travelTo(LocalTime.of(12, 0));
		AtomicInteger runs = new AtomicInteger();
		TaskSpec task = TaskSpec.of("nightly", null, (event, context) -> {
			runs.incrementAndGet();
			context.step("wait",
					() -> Awaitility.await()
						.atMost(LONG)
						.until(() -> isPastClosing(context.now().atOffset(ZoneOffset.UTC).toLocalTime())));
			context.checkpoint();
			return "done";
		}).with(TaskOptions.none().window(TaskWindow.parse("22:00-06:00", ZoneOffset.UTC)));
		this.test.node(task).start();
		UUID id = this.test.conductor().invoke("nightly", null);
		Execution waiting = awaitScheduledAt(id, LocalTime.of(22, 0));

		// Until the closing has come within the step: a slow machine may need some days
		for (int day = 1; waiting.steps().isEmpty() && day <= 10; day++) {
			travelTo(day, LocalTime.of(6, 0).minus(Duration.ofMillis(500L * day)));
			waiting = awaitRunAt(id, day, LocalTime.of(22, 0));
		}

		assertThat(waiting.steps()).extracting(ExecutionStep::name).containsExactly("wait");
		assertThat(waiting.state()).isEqualTo(ExecutionState.WAITING);
		assertThat(waiting.attempt()).isEqualTo(1);
		assertThat(waiting.waitingFor()).isEqualTo("window");
		assertThat(waitingFor(id)).isEqualTo("window");
		int runsBefore = runs.get();
		travelTo(20, LocalTime.of(22, 0));
		assertThat(this.test.await(id, ExecutionState.COMPLETED).attempt()).isEqualTo(1);
		assertThat(runs).hasValue(runsBefore + 1);
	}

	private static boolean isPastClosing(LocalTime time) {
		return !time.isBefore(LocalTime.of(6, 0)) && time.isBefore(LocalTime.of(22, 0));
	}

	@Test
	void postponesARetryThatIsDueOutsideOfTheWindow() {
		travelTo(LocalTime.of(5, 0));
		AtomicInteger runs = new AtomicInteger();
		TaskSpec task = TaskSpec.of("nightly", null, (event, context) -> {
			runs.incrementAndGet();
			if (context.attempt() == 1) {
				throw new RetryAfterException(Duration.ofHours(2), "not now", null);
			}
			return "done";
		}).with(TaskOptions.none().window(TaskWindow.parse("22:00-06:00", ZoneOffset.UTC)));
		this.test.node(task).start();
		UUID id = this.test.conductor().invoke("nightly", null);
		Execution failed = this.test.await(id, ExecutionState.SCHEDULED);

		travelTo(LocalTime.of(8, 0));

		Execution postponed = awaitScheduledAt(id, LocalTime.of(22, 0));
		assertThat(postponed.attempt()).isEqualTo(1);
		assertThat(postponed.error()).isEqualTo(failed.error());
		assertThat(postponed.error().message()).isEqualTo("not now");
		assertThat(waitingFor(id)).isNull();
		assertThat(runs).hasValue(1);
		travelTo(LocalTime.of(22, 0));
		assertThat(this.test.await(id, ExecutionState.COMPLETED).attempt()).isEqualTo(2);
		assertThat(runs).hasValue(2);
	}

	@Test
	void doesNotHoldUpOthersOnTheQueue() {
		travelTo(LocalTime.of(12, 0));
		List<UUID> postponed = this.test.conductor()
			.invokeAll("nightly", IntStream.range(0, 5_000).mapToObj((i) -> Invoke.of(i)).toList());
		UUID other = this.test.conductor().invoke("other", null);

		this.test.node(task("nightly", "22:00-06:00"), TaskSpec.of("other", null, (event, context) -> null)).start();

		this.test.await(other, ExecutionState.COMPLETED);
		Awaitility.await()
			.atMost(LONG)
			.until(() -> this.test
				.sql("select count(*) from ${schema}.execution where phase = 'future' and attempt = 0")
				.query(Long.class)
				.single() == postponed.size());
	}

	private static TaskSpec task(String name, String hours) {
		return TaskSpec.of(name, null, (event, context) -> null)
			.with(TaskOptions.none().window(TaskWindow.parse(hours, ZoneOffset.UTC)));
	}

	private String waitingFor(UUID id) {
		return this.test.sql("select waiting_for from ${schema}.executions where id = ?")
			.param(id)
			.query(String.class)
			.optional()
			.orElse(null);
	}

	private Execution awaitScheduledAt(UUID id, LocalTime time) {
		Execution execution = awaitRunAt(id, 0, time);
		assertThat(execution.state()).isEqualTo(ExecutionState.SCHEDULED);
		return execution;
	}

	private Execution awaitRunAt(UUID id, int day, LocalTime time) {
		return Awaitility.await()
			.atMost(LONG)
			.until(() -> this.test.conductor().find(id).orElseThrow(),
					(execution) -> execution.runAt().equals(at(day, time)));
	}

	private void travelTo(LocalTime time) {
		travelTo(0, time);
	}

	private void travelTo(int day, LocalTime time) {
		Instant now = this.test.sql("select pg_catalog.now()").query(OffsetDateTime.class).single().toInstant();
		this.test.travel(Duration.between(now, at(day, time)));
	}

	// Day 0 begins at the next midnight
	private Instant at(int day, LocalTime time) {
		return this.midnight.plus(Duration.ofDays(day)).plusNanos(time.toNanoOfDay());
	}

}
