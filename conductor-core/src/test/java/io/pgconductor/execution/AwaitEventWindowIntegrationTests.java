package io.pgconductor.execution;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.EventDefinition;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.task.TaskWindow;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Events that come, or don't come, while the time window of who waits for them is closed.
 */
class AwaitEventWindowIntegrationTests {

	private static final EventDefinition<String> EVENT = EventDefinition.of("event", String.class);

	private final AtomicInteger runs = new AtomicInteger();

	private TestConductor test;

	private Instant midnight;

	@BeforeEach
	void start() {
		this.test = new TestConductor(AwaitEventWindowIntegrationTests.class);
		this.midnight = now().withOffsetSameInstant(ZoneOffset.UTC)
			.toLocalDate()
			.plusDays(1)
			.atStartOfDay()
			.toInstant(ZoneOffset.UTC);
		this.test.node(TaskSpec.of("task", null, (event, context) -> {
			this.runs.incrementAndGet();
			return context.awaitEvent("wait", EVENT, Duration.ofHours(20)).orElse("nothing");
		}).with(TaskOptions.none().window(TaskWindow.parse("08:00-18:00", TaskWindow.DEFAULT_ZONE)))).start();
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	private OffsetDateTime now() {
		return this.test.sql("select pg_catalog.now()").query(OffsetDateTime.class).single();
	}

	private void travelTo(int day, int hour) {
		Instant time = this.midnight.plus(Duration.ofDays(day)).plusSeconds(LocalTime.of(hour, 0).toSecondOfDay());
		this.test.travel(Duration.between(now().toInstant(), time).plusSeconds(1));
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void goesOnWhenTheWindowOpens(boolean arrives) {
		travelTo(0, 12);
		UUID id = this.test.conductor().invoke("task", null);
		this.test.await(id, ExecutionState.WAITING);

		travelTo(0, 22);
		if (arrives) {
			this.test.conductor().emit(EVENT, "by night");
		}
		else {
			travelTo(1, 20);
		}
		Awaitility.await()
			.atMost(Duration.ofSeconds(30))
			.until(() -> this.test
				.sql("select extract(hour from run_at at time zone 'UTC') = 8 and phase = 'future' "
						+ "from ${schema}.execution where id = ?")
				.param(id)
				.query(Boolean.class)
				.single());
		assertThat(this.runs).hasValue(1);
		travelTo(arrives ? 1 : 2, 8);

		Execution done = this.test.await(id, ExecutionState.COMPLETED);
		assertThat(done.result().asString()).isEqualTo(arrives ? "by night" : "nothing");
		assertThat(done.attempt()).isOne();
		assertThat(this.runs).hasValue(2);
		assertThat(this.test.count("event_wait")).isZero();
	}

}
