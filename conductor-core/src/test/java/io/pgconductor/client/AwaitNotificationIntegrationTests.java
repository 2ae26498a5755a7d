package io.pgconductor.client;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.IntStream;

import javax.sql.DataSource;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.ConductorClient;
import io.pgconductor.ExecutionFailedException;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.NonRetryableException;
import io.pgconductor.RetryAfterException;
import io.pgconductor.jdbc.AutocommitDataSource;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What the engine does for those who wait: it tells them when an execution ends, and
 * keeps its row for them.
 */
@Timeout(60)
class AwaitNotificationIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(30);

	// Looks come each second
	private static final Duration BEFORE_THE_NEXT_LOOK = Duration.ofMillis(500);

	private final Map<UUID, CountDownLatch> gates = new ConcurrentHashMap<>();

	private final BlockingQueue<Throwable> inHandler = new LinkedBlockingQueue<>();

	private TestConductor test;

	private ConductorClient client;

	@BeforeEach
	void install() {
		this.test = new TestConductor(AwaitNotificationIntegrationTests.class);
		this.client = this.test.conductor();
	}

	@AfterEach
	void stop() {
		this.gates.values().forEach(CountDownLatch::countDown);
		this.test.close();
	}

	private TaskSpec gated(Retention retention) {
		return task("gated", retention, (event, context) -> {
			gate(context.executionId()).await();
			return event.payload();
		});
	}

	private static TaskSpec task(String name, Retention retention, TaskHandler handler) {
		return TaskSpec.of(name, Object.class, handler)
			.with(TaskOptions.none().removeOnComplete(retention).removeOnFail(retention));
	}

	private CountDownLatch gate(UUID execution) {
		return this.gates.computeIfAbsent(execution, (id) -> new CountDownLatch(1));
	}

	private CompletableFuture<String> awaiting(UUID execution) {
		CompletableFuture<String> answer = new CompletableFuture<>();
		new Thread(() -> {
			try {
				answer.complete(this.client.await(execution, String.class, LONG));
			}
			catch (Throwable ex) {
				answer.completeExceptionally(ex);
			}
		}, "waiting").start();
		Awaitility.await()
			.until(() -> this.test.sql("select awaited_until is not null from ${schema}.execution where id = :id")
				.param("id", execution)
				.query(Boolean.class)
				.single());
		return answer;
	}

	// Some may meet a busy machine
	private static Duration median(List<Duration> durations) {
		return durations.stream().sorted().toList().get(durations.size() / 2);
	}

	@Test
	void tellsAtOnceThatAnExecutionIsOver() {
		this.test.node(gated(Retention.NEVER)).start();
		List<Duration> delays = new ArrayList<>();
		for (int i = 0; i < 10; i++) {
			UUID id = this.client.invoke("gated", "done");
			CompletableFuture<String> answer = awaiting(id);
			long begin = System.nanoTime();
			gate(id).countDown();
			assertThat(answer).succeedsWithin(LONG).isEqualTo("done");
			delays.add(Duration.ofNanos(System.nanoTime() - begin));
		}

		assertThat(median(delays)).isLessThan(BEFORE_THE_NEXT_LOOK);
	}

	@Test
	void tellsAtOnceThatAnExecutionIsCancelled() {
		this.test.node(gated(Retention.AT_ONCE)).drain();
		List<Duration> delays = new ArrayList<>();
		for (int i = 0; i < 10; i++) {
			UUID id = this.client.invoke("gated", "x", InvokeOptions.defaults().delay(Duration.ofHours(1)));
			CompletableFuture<String> answer = awaiting(id);
			long begin = System.nanoTime();
			this.client.cancel(id, "no longer wanted");
			assertThat(answer).failsWithin(LONG)
				.withThrowableThat()
				.havingCause()
				.isInstanceOf(ExecutionFailedException.class)
				.withMessageContaining("was cancelled: no longer wanted");
			delays.add(Duration.ofNanos(System.nanoTime() - begin));
		}

		assertThat(median(delays)).isLessThan(BEFORE_THE_NEXT_LOOK);
	}

	@Test
	void keepsTheResultThatTheTaskWouldNotKeep() {
		this.test.node(gated(Retention.AT_ONCE)).start();
		UUID awaited = this.client.invoke("gated", "done");
		UUID other = this.client.invoke("gated", "done");
		CompletableFuture<String> answer = awaiting(awaited);

		gate(other).countDown();
		gate(awaited).countDown();

		assertThat(answer).succeedsWithin(LONG).isEqualTo("done");
		Awaitility.await().until(() -> this.test.count("execution") == 0);
		assertThat(this.client.find(awaited)).isPresent();
		assertThat(this.client.find(other)).isEmpty();
		assertThat(this.client.await(awaited, String.class, Duration.ZERO)).isEqualTo("done");
	}

	@Test
	void keepsTheFailureThatTheTaskWouldNotKeep() {
		this.test.node(task("fail", Retention.AT_ONCE, (event, context) -> {
			gate(context.executionId()).await();
			throw new NonRetryableException("no stock");
		})).start();
		UUID id = this.client.invoke("fail", null);
		CompletableFuture<String> answer = awaiting(id);

		gate(id).countDown();

		assertThat(answer).failsWithin(LONG)
			.withThrowableThat()
			.havingCause()
			.isInstanceOf(ExecutionFailedException.class)
			.withMessageContaining("failed: no stock");
	}

	@Test
	void keepsTheResultThroughSeveralAttempts() {
		this.test.node(task("flaky", Retention.AT_ONCE, (event, context) -> {
			gate(context.executionId()).await();
			if (context.attempt() == 1) {
				throw new RetryAfterException(Duration.ofMillis(1), "busy", new IllegalStateException());
			}
			return "attempt " + context.attempt();
		})).start();
		UUID id = this.client.invoke("flaky", null);
		CompletableFuture<String> answer = awaiting(id);

		gate(id).countDown();

		assertThat(answer).succeedsWithin(LONG).isEqualTo("attempt 2");
	}

	@Test
	void shortensNoRetention() {
		this.test.node(gated(Retention.of(Duration.ofDays(1))), task("forever", Retention.NEVER, (event, context) -> {
			gate(context.executionId()).await();
			return event.payload();
		})).start();
		UUID aDay = this.client.invoke("gated", "a day");
		UUID forever = this.client.invoke("forever", "for ever");
		List<CompletableFuture<String>> answers = List.of(awaiting(aDay), awaiting(forever));

		gate(aDay).countDown();
		gate(forever).countDown();

		assertThat(answers.get(0)).succeedsWithin(LONG).isEqualTo("a day");
		assertThat(answers.get(1)).succeedsWithin(LONG).isEqualTo("for ever");
		assertThat(this.test.sql("""
				select id from ${schema}.finished_execution
				where case when id = :aDay then expires_at > ${schema}.now() + interval '23 hours'
				      else expires_at is null end""").param("aDay", aDay).query(UUID.class).list())
			.containsExactlyInAnyOrder(aDay, forever);
	}

	@Test
	void tellsNobodyOfWhatNobodyWaitsFor() throws SQLException {
		this.test.node(gated(Retention.NEVER), task("echo", Retention.NEVER, (event, context) -> event.payload()))
			.start();
		try (Connection connection = this.test.dataSource().getConnection();
				Statement statement = connection.createStatement()) {
			statement.execute("listen \"" + this.test.schema() + ":finished\"");
			List<UUID> ids = this.client.invokeAll("echo", IntStream.range(0, 50).mapToObj(Invoke::of).toList());
			ids.forEach((id) -> this.test.await(id, ExecutionState.COMPLETED));
			UUID awaited = this.client.invoke("gated", "done");
			CompletableFuture<String> answer = awaiting(awaited);
			gate(awaited).countDown();
			assertThat(answer).succeedsWithin(LONG).isEqualTo("done");

			assertThat(told(connection)).containsExactly(awaited.toString());
			statement.execute("unlisten *");
		}
	}

	private static List<String> told(Connection connection) throws SQLException {
		PGNotification[] notifications = connection.unwrap(PGConnection.class).getNotifications(5_000);
		return (notifications != null) ? Arrays.stream(notifications).map(PGNotification::getParameter).toList()
				: List.of();
	}

	@Test
	void isFoundWithoutNotifications() throws SQLException {
		try (HikariDataSource pool = this.test.pool("mute", 5)) {
			this.test.node(new MuteDataSource(pool), (builder) -> {
			}, gated(Retention.AT_ONCE)).start();
			UUID id = this.client.invoke("gated", "done");
			try (Connection connection = this.test.dataSource().getConnection();
					Statement statement = connection.createStatement()) {
				statement.execute("listen \"" + this.test.schema() + ":finished\"");
				CompletableFuture<String> answer = awaiting(id);

				gate(id).countDown();

				assertThat(answer).succeedsWithin(LONG).isEqualTo("done");
				assertThat(connection.unwrap(PGConnection.class).getNotifications(100)).isNullOrEmpty();
				statement.execute("unlisten *");
			}
			this.test.close();
		}
	}

	@Test
	void knowsThatAHandlerRunsOnTheThread() throws InterruptedException {
		UUID other = this.client.invoke("unheard-of", null);
		this.test.node(task("wait-inside", Retention.NEVER, (event, context) -> {
			try {
				return this.client.await(other, Object.class, LONG);
			}
			catch (IllegalStateException ex) {
				this.inHandler.add(ex);
				return "refused";
			}
		})).start();

		assertThat(this.client.await(this.client.invoke("wait-inside", null), String.class, LONG)).isEqualTo("refused");
		assertThat(this.inHandler.take()).hasMessageContaining("handler of task 'wait-inside'");
	}

	@Test
	void answersCallsThatRaceWithTheExecution() {
		this.test.node(task("echo", Retention.NEVER, (event, context) -> event.payload())).start();
		long begin = System.nanoTime();

		List<String> results = IntStream.range(0, 100)
			.mapToObj((i) -> this.client.await(this.client.invoke("echo", "result " + i), String.class, LONG))
			.toList();

		assertThat(results).containsExactlyElementsOf(IntStream.range(0, 100).mapToObj((i) -> "result " + i).toList());
		assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(20));
	}

	/**
	 * Its sessions notify nobody.
	 */
	private static final class MuteDataSource extends AutocommitDataSource {

		MuteDataSource(DataSource target) {
			super(target);
		}

		@Override
		protected void prepare(Connection connection) throws SQLException {
			try (Statement statement = connection.createStatement()) {
				statement.execute("set conductor.notify = off");
			}
		}

	}

}
