package io.pgconductor.execution;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import javax.sql.DataSource;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.datasource.DelegatingDataSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Many sleepers, and long sleeps: rows, and nothing else.
 */
class LongSleepIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(60);

	private final GivenHandlers handlers = new GivenHandlers("task");

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(LongSleepIntegrationTests.class);
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void letsTenThousandSleepHoldingNothing() {
		int size = 10_000;
		AtomicInteger runs = new AtomicInteger();
		AtomicInteger running = new AtomicInteger();
		TaskSpec sleeper = TaskSpec.of("sleeper", Integer.class, (event, context) -> {
			runs.incrementAndGet();
			running.incrementAndGet();
			try {
				context.sleep("night", Duration.ofHours(8));
				return event.payload();
			}
			finally {
				running.decrementAndGet();
			}
		});
		try (HikariDataSource engine = this.test.pool("engine", 5)) {
			this.test.node(engine, (builder) -> {
			}, sleeper, TaskSpec.of("other", null, (event, context) -> null)).start();

			this.test.conductor().invokeAll("sleeper", IntStream.range(0, size).mapToObj(Invoke::of).toList());
			Awaitility.await().atMost(LONG).until(() -> countIn("waiting") == size);

			assertThat(running).hasValue(0);
			// One is the node's own
			Awaitility.await().until(() -> engine.getHikariPoolMXBean().getActiveConnections() <= 1);
			assertThat(((HikariDataSource) this.test.dataSource()).getHikariPoolMXBean().getActiveConnections())
				.isZero();
			assertThat(this.test.count("execution")).isEqualTo(size);
			assertThat(this.test.count("step")).isEqualTo(size);
			assertThat(this.test.count("child_wait")).isZero();
			this.test.await(this.test.conductor().invoke("other", null), ExecutionState.COMPLETED);
			this.test.travel(Duration.ofHours(9));
			Awaitility.await().atMost(LONG).until(() -> countIn("completed") == size + 1);

			assertThat(runs).hasValue(2 * size);
			assertThat(this.test.sql("select distinct attempt from ${schema}.finished_execution")
				.query(Integer.class)
				.list()).containsExactly(1);
			assertThat(this.test
				.sql("select count(*) from ${schema}.finished_execution where payload::text = result::text")
				.query(Integer.class)
				.single()).isEqualTo(size);
			this.test.close();
		}
	}

	@Test
	void sleepsForCenturies() {
		this.test.node(this.handlers.task()).start();
		UUID id = this.handlers.invoke(this.test.conductor(), (event, context) -> {
			context.step("step", () -> {
			});
			context.sleep("millennium", Duration.ofDays(365 * 1000));
			return context.now().toString();
		});
		Execution asleep = this.test.await(id, ExecutionState.WAITING);

		assertThat(Duration.between(asleep.createdAt(), asleep.runAt())).isBetween(Duration.ofDays(365 * 1000),
				Duration.ofDays(365 * 1000).plusSeconds(20));
		this.test.travel(Duration.ofDays(365 * 1000).minusSeconds(60));
		UUID other = this.handlers.invoke(this.test.conductor(), (event, context) -> null);
		this.test.await(other, ExecutionState.COMPLETED);
		assertThat(this.test.conductor().find(id)).contains(asleep);
		this.test.travel(Duration.ofDays(365 * 1000).plusSeconds(60));
		Execution awake = this.test.await(id, ExecutionState.COMPLETED);

		assertThat(awake.attempt()).isOne();
		assertThat(Instant.parse(awake.result().asString())).isAfter(asleep.runAt());
	}

	@Test
	void goesOnAfterASleepUntilTheEndOfTimeThatWasCancelled() {
		Instant end = Instant.parse("9999-12-31T23:59:59.999999Z");
		try (HikariDataSource engine = this.test.pool("engine", 5)) {
			// Where the year 10000 has begun then
			this.test.node(inTimeZone("Asia/Kolkata", engine), (builder) -> {
			}, this.handlers.task()).start();
			UUID id = this.handlers.invoke(this.test.conductor(), (event, context) -> {
				context.sleepUntil("for ever", end);
				return null;
			});
			assertThat(this.test.await(id, ExecutionState.WAITING).runAt()).isEqualTo(end);

			this.test.conductor().cancel(id);
			this.test.await(id, ExecutionState.CANCELLED);
			this.test.conductor().retry(id);

			assertThat(this.test.await(id, ExecutionState.WAITING).runAt()).isEqualTo(end);
			this.test.close();
		}
	}

	private static DataSource inTimeZone(String zone, DataSource target) {
		return new DelegatingDataSource(target) {

			@Override
			public Connection getConnection() throws SQLException {
				Connection connection = super.getConnection();
				try (Statement statement = connection.createStatement()) {
					statement.execute("set time zone '" + zone + "'");
				}
				return connection;
			}

		};
	}

	private long countIn(String state) {
		return this.test.count("executions where state = '" + state + "'");
	}

}
