package io.pgconductor.worker;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.NonRetryableException;
import io.pgconductor.RetryAfterException;
import io.pgconductor.task.Retention;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Outcomes that cannot be recorded at once, or never: the others are.
 */
class CompletionIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(30);

	private final AtomicInteger runs = new AtomicInteger();

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(CompletionIntegrationTests.class);
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void recordsTheOthersWhileSomebodyHasLockedOneExecution() throws SQLException {
		start((event, context) -> this.runs.incrementAndGet());
		List<UUID> ids = invoke(500);

		try (Connection user = lock(ids.get(250))) {
			Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 499);
			assertThat(find(ids.get(250)).state()).isNotEqualTo(ExecutionState.COMPLETED);
			user.rollback();
		}

		this.test.await(ids.get(250), ExecutionState.COMPLETED);
		assertThat(this.runs).hasValue(500);
	}

	@Test
	void recordsTheOthersWhileSomebodyHasLockedTheExecutionsThatRun() throws SQLException {
		CountDownLatch mayEnd = new CountDownLatch(1);
		start((event, context) -> {
			if (((Integer) event.payload()) < 5) {
				mayEnd.await();
			}
			return this.runs.incrementAndGet();
		});
		List<UUID> ids = invoke(5);
		ids.forEach((id) -> this.test.await(id, ExecutionState.RUNNING));

		try (Connection user = lock(ids.toArray(UUID[]::new))) {
			mayEnd.countDown();
			this.test.conductor().invokeAll("task", IntStream.range(10, 510).mapToObj(Invoke::of).toList());
			Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 500);
			assertThat(ids).allMatch((id) -> find(id).state() == ExecutionState.RUNNING);
			user.rollback();
		}

		ids.forEach((id) -> assertThat(this.test.await(id, ExecutionState.COMPLETED).attempt()).isOne());
	}

	@Test
	void failsAnOutcomeThatCannotBeStoredAloneAndRecordsTheRestOfItsBatch() {
		refuseResults();
		CountDownLatch mayEnd = new CountDownLatch(1);
		start((event, context) -> {
			mayEnd.await();
			return (((Integer) event.payload()) == 3) ? "refused" : "fine";
		});

		List<UUID> ids = invoke(10);
		ids.forEach((id) -> this.test.await(id, ExecutionState.RUNNING));
		mayEnd.countDown();

		Execution failed = this.test.await(ids.get(3), ExecutionState.FAILED);
		assertThat(failed.error().message()).contains("cannot be stored: ERROR:")
			.contains("no_refused_results")
			.doesNotContain("delete from");
		assertThat(failed.attempt()).isOne();
		assertThat(ids).filteredOn((id) -> !id.equals(ids.get(3)))
			.allMatch((id) -> this.test.await(id, ExecutionState.COMPLETED) != null);
	}

	@Test
	void isNotHeldUpByALockedExecutionAndAnUnstorableOutcomeTogether() throws SQLException {
		refuseResults();
		CountDownLatch mayEnd = new CountDownLatch(1);
		start((event, context) -> {
			mayEnd.await();
			return (((Integer) event.payload()) == 3) ? "refused" : "fine";
		});
		List<UUID> ids = invoke(10);
		ids.forEach((id) -> this.test.await(id, ExecutionState.RUNNING));

		try (Connection user = lock(ids.get(7))) {
			mayEnd.countDown();
			this.test.await(ids.get(3), ExecutionState.FAILED);
			Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 9);
			user.rollback();
		}

		this.test.await(ids.get(7), ExecutionState.COMPLETED);
	}

	@Test
	void recordsTheRestWhileTheDatabaseCannotTakeOneOutcomeForAnotherReason() {
		this.test.sql("""
				create function ${schema}.refuse() returns trigger language plpgsql as $$
				begin
				    if new.result::text = '"refused"' then raise exception 'not now'; end if;
				    return new;
				end $$""").update();
		this.test
			.sql("create trigger refuse before insert on ${schema}.finished_execution "
					+ "for each row execute function ${schema}.refuse()")
			.update();
		start((event, context) -> (((Integer) event.payload()) == 3) ? "refused" : "fine");

		List<UUID> ids = invoke(100);

		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 99);
		assertThat(find(ids.get(3)).state()).isEqualTo(ExecutionState.RUNNING);
		this.test.sql("drop trigger refuse on ${schema}.finished_execution").update();
		assertThat(this.test.await(ids.get(3), ExecutionState.COMPLETED).attempt()).isOne();
	}

	@Test
	void recordsWhenTheTableIsLockedNoLonger() throws SQLException {
		CountDownLatch mayEnd = new CountDownLatch(1);
		start((event, context) -> {
			mayEnd.await();
			return null;
		});
		List<UUID> ids = invoke(10);
		ids.forEach((id) -> this.test.await(id, ExecutionState.RUNNING));

		try (Connection user = TestPostgres.shared().dataSource().getConnection();
				Statement statement = user.createStatement()) {
			user.setAutoCommit(false);
			statement.execute("lock table " + this.test.schema() + ".execution in exclusive mode");
			mayEnd.countDown();
			Awaitility.await().pollDelay(Duration.ofSeconds(1)).until(() -> true);
			user.rollback();
		}

		ids.forEach((id) -> assertThat(this.test.await(id, ExecutionState.COMPLETED).attempt()).isOne());
	}

	@Test
	void storesWhateverCharactersAResultAndAMessageHave() {
		start((event, context) -> {
			String odd = "nul \0, lone surrogates \ud800 and \udc00, emoji \ud83d\ude00, quotes \"'\\ and ${schema} :node";
			if (((Integer) event.payload()) == 1) {
				throw new NonRetryableException(odd);
			}
			return odd;
		});

		List<UUID> ids = invoke(2);

		assertThat(this.test.await(ids.get(0), ExecutionState.COMPLETED).result().asString()).startsWith("nul \0, lone")
			.contains("emoji \ud83d\ude00, quotes \"'\\ and ${schema} :node");
		assertThat(this.test.await(ids.get(1), ExecutionState.FAILED).error().message()).startsWith("nul \0, lone")
			.endsWith("emoji \ud83d\ude00, quotes \"'\\ and ${schema} :node");
	}

	@Test
	void retriesWithinACenturyWhatAsksForALaterRetry() {
		start((event, context) -> {
			throw new RetryAfterException(Duration.ofDays(365L * 1_000_000));
		});

		UUID id = invoke(1).get(0);

		assertThat(this.test.await(id, ExecutionState.SCHEDULED).runAt())
			.isBetween(Instant.now().plus(Duration.ofDays(99 * 365)), Instant.now().plus(Duration.ofDays(101 * 366)));
	}

	@Test
	void failsAResultThatIsTooLarge() {
		start((event, context) -> "x".repeat(2 * 1024 * 1024));

		UUID id = this.test.conductor().invoke("task", 0, InvokeOptions.defaults().maxAttempts(1));

		assertThat(this.test.await(id, ExecutionState.FAILED).error().message()).contains("result of task 'task'")
			.contains("larger than");
	}

	@Test
	void recordsEverythingThatWaitsForManyLocks() throws SQLException {
		CountDownLatch mayEnd = new CountDownLatch(1);
		this.test.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(200)),
				task((event, context) -> {
					mayEnd.await();
					if (((Integer) event.payload()) % 3 == 0 && context.attempt() == 1) {
						throw new IllegalStateException("once more");
					}
					return null;
				}))
			.start();
		List<UUID> ids = invoke(200);
		Awaitility.await()
			.atMost(LONG)
			.until(() -> this.test.sql("select count(*) from ${schema}.execution where claimed_by is not null")
				.query(Integer.class)
				.single() == 200);

		try (Connection user = lock(ids.toArray(UUID[]::new))) {
			mayEnd.countDown();
			Awaitility.await().pollDelay(Duration.ofSeconds(1)).until(() -> true);
			user.rollback();
		}

		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 200);
		for (int i = 0; i < 200; i++) {
			assertThat(find(ids.get(i)).attempt()).isEqualTo((i % 3 == 0) ? 2 : 1);
		}
	}

	@Test
	void deletesWhatIsNotKept() {
		this.test
			.node(task((event, context) -> this.runs.incrementAndGet())
				.with(TaskOptions.none().removeOnComplete(Retention.AT_ONCE).removeOnFail(Retention.AT_ONCE)))
			.start();

		invoke(1000);

		Awaitility.await().atMost(LONG).until(() -> this.test.count("execution") == 0);
		assertThat(this.runs).hasValue(1000);
		assertThat(this.test.count("finished_execution")).isZero();
	}

	private void start(TaskHandler handler) {
		this.test.node(task(handler)).start();
	}

	private static TaskSpec task(TaskHandler handler) {
		RetryPolicy atOnce = new RetryPolicy(List.of(Duration.ZERO), 0, Set.of());
		return TaskSpec.of("task", Integer.class, handler).with(TaskOptions.none().retryPolicy(atOnce));
	}

	private List<UUID> invoke(int size) {
		return this.test.conductor().invokeAll("task", IntStream.range(0, size).mapToObj(Invoke::of).toList());
	}

	private void refuseResults() {
		this.test
			.sql("alter table ${schema}.finished_execution "
					+ "add constraint no_refused_results check (result::text <> '\"refused\"')")
			.update();
	}

	private Connection lock(UUID... ids) throws SQLException {
		Connection connection = TestPostgres.shared().dataSource().getConnection();
		connection.setAutoCommit(false);
		try (PreparedStatement statement = connection
			.prepareStatement("select id from " + this.test.schema() + ".execution where id = any (?) for update")) {
			statement.setArray(1, connection.createArrayOf("uuid", ids));
			statement.execute();
		}
		return connection;
	}

	private Execution find(UUID id) {
		return this.test.conductor().find(id).orElseThrow();
	}

	@Test
	void failsForAnotherReasonIfItsFailureCannotBeStored() {
		this.test.sql("""
				create function ${schema}.refuse() returns trigger language plpgsql as $$
				begin
				    if new.error::text like '%no such word%' then raise exception 'no' using errcode = '22023'; end if;
				    return new;
				end $$""").update();
		this.test
			.sql("create trigger refuse before insert on ${schema}.finished_execution "
					+ "for each row execute function ${schema}.refuse()")
			.update();
		start((event, context) -> {
			throw new NonRetryableException((((Integer) event.payload()) == 3) ? "no such word" : "any other");
		});

		List<UUID> ids = invoke(10);

		assertThat(ids)
			.map((id) -> this.test.await(id, ExecutionState.FAILED).error().message().contains("cannot be stored"))
			.containsExactly(false, false, false, true, false, false, false, false, false, false);
	}

}
