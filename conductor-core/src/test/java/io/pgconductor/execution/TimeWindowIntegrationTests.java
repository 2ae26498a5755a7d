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
import io.pgconductor.Invoke;
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
		awaitRunAt(id, LocalTime.of(22, 0));
		assertThat(runs).hasValue(1);
		travelTo(LocalTime.of(22, 0));
		Execution done = this.test.await(id, ExecutionState.COMPLETED);

		assertThat(done.attempt()).isEqualTo(1);
		assertThat(firstSteps).hasValue(1);
		assertThat(runs).hasValue(2);
	}

	@Test
	void stopsAtTheBoundaryAfterTheClosing() {
		travelTo(LocalTime.of(5, 59, 59).plusNanos(500_000_000));
		AtomicInteger runs = new AtomicInteger();
		TaskSpec task = TaskSpec.of("nightly", null, (event, context) -> {
			runs.incrementAndGet();
			context.step("wait", () -> Awaitility.await()
				.until(() -> context.now().atOffset(ZoneOffset.UTC).toLocalTime().isAfter(LocalTime.of(6, 0))));
			context.checkpoint();
			return "done";
		}).with(TaskOptions.none().window(TaskWindow.parse("22:00-06:00", ZoneOffset.UTC)));
		this.test.node(task).start();

		UUID id = this.test.conductor().invoke("nightly", null);

		Execution waiting = awaitRunAt(id, LocalTime.of(22, 0));
		assertThat(waiting.state()).isEqualTo((runs.get() == 0) ? ExecutionState.SCHEDULED : ExecutionState.WAITING);
		travelTo(LocalTime.of(22, 0));
		assertThat(this.test.await(id, ExecutionState.COMPLETED).attempt()).isEqualTo(1);
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
			.until(() -> this.test
				.sql("select count(*) from ${schema}.execution where phase = 'future' and attempt = 0")
				.query(Long.class)
				.single() == postponed.size());
	}

	private static TaskSpec task(String name, String hours) {
		return TaskSpec.of(name, null, (event, context) -> null)
			.with(TaskOptions.none().window(TaskWindow.parse(hours, ZoneOffset.UTC)));
	}

	private Execution awaitScheduledAt(UUID id, LocalTime time) {
		Execution execution = awaitRunAt(id, time);
		assertThat(execution.state()).isEqualTo(ExecutionState.SCHEDULED);
		return execution;
	}

	private Execution awaitRunAt(UUID id, LocalTime time) {
		return Awaitility.await()
			.until(() -> this.test.conductor().find(id).orElseThrow(),
					(execution) -> execution.runAt().atOffset(ZoneOffset.UTC).toLocalTime().equals(time));
	}

	// On the day that begins at the next midnight
	private void travelTo(LocalTime time) {
		Instant now = this.test.sql("select pg_catalog.now()").query(OffsetDateTime.class).single().toInstant();
		this.test.travel(Duration.between(now, this.midnight.plusNanos(time.toNanoOfDay())));
	}

}
