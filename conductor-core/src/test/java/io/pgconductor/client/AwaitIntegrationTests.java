package io.pgconductor.client;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicReference;

import io.pgconductor.AwaitTimeoutException;
import io.pgconductor.ConductorClient;
import io.pgconductor.ConductorException;
import io.pgconductor.ExecutionFailedException;
import io.pgconductor.ExecutionState;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.InvokeOptions;
import io.pgconductor.NonRetryableException;
import io.pgconductor.TaskContextHolder;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.transaction.TransactionDefinition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/**
 * What {@code await} gives, and where it is refused.
 */
@Timeout(60)
class AwaitIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(30);

	private static final Duration SHORT = Duration.ofMillis(200);

	private static final InvokeOptions IN_AN_HOUR = InvokeOptions.defaults().delay(Duration.ofHours(1));

	private static final Map<UUID, CountDownLatch> gates = new ConcurrentHashMap<>();

	private static final BlockingQueue<Throwable> inHandler = new LinkedBlockingQueue<>();

	private static TestConductor test;

	private static ConductorClient client;

	@BeforeAll
	static void start() {
		test = new TestConductor(AwaitIntegrationTests.class);
		client = test.conductor();
		test.node(TaskSpec.of("echo", Object.class, (event, context) -> event.payload()),
				TaskSpec.of("gated", Object.class, (event, context) -> {
					gate(context.executionId()).await();
					return event.payload();
				}), TaskSpec.of("fleeting", Object.class, (event, context) -> {
					gate(context.executionId()).await();
					return event.payload();
				}).with(TaskOptions.none().removeOnComplete(Retention.AT_ONCE)),
				TaskSpec.of("fail", String.class, (event, context) -> {
					throw new NonRetryableException((String) event.payload());
				}), TaskSpec.of("wait-inside", UUID.class, (event, context) -> {
					TaskContextHolder.set(context);
					try {
						return client.await((UUID) event.payload(), Object.class, LONG);
					}
					catch (RuntimeException ex) {
						inHandler.add(ex);
						return null;
					}
					finally {
						TaskContextHolder.clear();
					}
				}))
			.start();
	}

	@AfterAll
	static void stop() {
		gates.values().forEach(CountDownLatch::countDown);
		test.close();
	}

	private static CountDownLatch gate(UUID execution) {
		return gates.computeIfAbsent(execution, (id) -> new CountDownLatch(1));
	}

	private static <T> CompletableFuture<T> awaiting(UUID execution, Class<T> type, Duration timeout) {
		CompletableFuture<T> answer = new CompletableFuture<>();
		new Thread(() -> {
			try {
				answer.complete(client.await(execution, type, timeout));
			}
			catch (Throwable ex) {
				answer.completeExceptionally(ex);
			}
		}, "waiting").start();
		return answer;
	}

	private static Instant awaitedUntil(UUID execution) {
		OffsetDateTime until = test.sql("select awaited_until from ${schema}.execution where id = :id")
			.param("id", execution)
			.query((rs, row) -> rs.getObject(1, OffsetDateTime.class))
			.list()
			.get(0);
		return (until != null) ? until.toInstant() : Instant.EPOCH;
	}

	private static void awaitMark(UUID execution) {
		Awaitility.await().until(() -> awaitedUntil(execution).isAfter(Instant.now()));
	}

	@Test
	void givesTheResultAsItsType() {
		UUID id = client.invoke("gated", new Point(3, 4));
		CompletableFuture<Point> point = awaiting(id, Point.class, LONG);
		awaitMark(id);

		gate(id).countDown();

		assertThat(point.join()).isEqualTo(new Point(3, 4));
	}

	@Test
	void givesTheResultAsAGenericType() {
		UUID id = client.invoke("echo", List.of(new Point(1, 2), new Point(3, 4)));

		List<Point> points = client.await(id, new ParameterizedTypeReference<>() {
		}, LONG);

		assertThat(points).containsExactly(new Point(1, 2), new Point(3, 4));
	}

	@Test
	void givesNullIfTheHandlerReturnedNothing() {
		UUID id = client.invoke("echo", null);

		assertThat(client.await(id, Void.class, LONG)).isNull();
		assertThat(client.await(id, String.class, LONG)).isNull();
	}

	@ParameterizedTest
	@ValueSource(strings = { "PT0S", "PT0.000000001S", "PT30S", "P100000000D" })
	void givesTheResultOfWhatIsOverAlready(Duration timeout) {
		UUID id = client.invoke("echo", "done");
		test.await(id, ExecutionState.COMPLETED);

		assertThat(client.await(id, String.class, timeout)).isEqualTo("done");
	}

	@Test
	void tellsWhatItFailedWith() {
		UUID id = client.invoke("fail", "no stock");

		assertThatExceptionOfType(ExecutionFailedException.class).isThrownBy(() -> client.await(id, String.class, LONG))
			.withMessage("Execution " + id + " of task 'fail' failed: no stock")
			.satisfies((ex) -> {
				assertThat(ex.execution()).isEqualTo(id);
				assertThat(ex.state()).isEqualTo(ExecutionState.FAILED);
				assertThat(ex.error()).isNotNull();
				assertThat(ex.error().type()).isEqualTo(NonRetryableException.class.getName());
			});
	}

	@Test
	void tellsTheTypeOfAnErrorWithoutMessage() {
		UUID id = client.invoke("fail", null);

		assertThatExceptionOfType(ExecutionFailedException.class).isThrownBy(() -> client.await(id, String.class, LONG))
			.withMessageEndingWith("failed: " + NonRetryableException.class.getName());
	}

	@Test
	void tellsWhyItWasCancelled() {
		UUID id = client.invoke("echo", "x", IN_AN_HOUR);
		CompletableFuture<String> answer = awaiting(id, String.class, LONG);
		awaitMark(id);

		client.cancel(id, "out of season");

		assertThat(answer).failsWithin(LONG)
			.withThrowableThat()
			.havingCause()
			.isInstanceOfSatisfying(ExecutionFailedException.class, (ex) -> {
				assertThat(ex.state()).isEqualTo(ExecutionState.CANCELLED);
				assertThat(ex.error()).isNull();
			})
			.withMessage("Execution " + id + " of task 'echo' was cancelled: out of season");
	}

	@Test
	void tellsThatItWasCancelledWithoutAReason() {
		UUID id = client.invoke("echo", "x", IN_AN_HOUR);
		client.cancel(id);

		assertThatExceptionOfType(ExecutionFailedException.class)
			.isThrownBy(() -> client.await(id, String.class, Duration.ZERO))
			.withMessage("Execution " + id + " of task 'echo' was cancelled");
	}

	@Test
	void leavesTheExecutionAloneWhenTheTimeIsOver() {
		UUID id = client.invoke("gated", "late");

		assertThatExceptionOfType(AwaitTimeoutException.class).isThrownBy(() -> client.await(id, String.class, SHORT))
			.withMessageContainingAll(id.toString(), SHORT.toString())
			.withNoCause()
			.satisfies((ex) -> assertThat(ex.execution()).isEqualTo(id));

		test.await(id, ExecutionState.RUNNING);
		gate(id).countDown();
		assertThat(client.await(id, String.class, LONG)).isEqualTo("late");
	}

	@Test
	void onlyLooksIfThereIsNoTime() {
		UUID id = client.invoke("echo", "x", IN_AN_HOUR);

		assertThatExceptionOfType(AwaitTimeoutException.class)
			.isThrownBy(() -> client.await(id, String.class, Duration.ZERO));
	}

	@ParameterizedTest
	@ValueSource(strings = { "PT0S", "PT30S" })
	void refusesAnUnknownExecution(Duration timeout) {
		UUID id = UUID.randomUUID();

		assertThatIllegalArgumentException().isThrownBy(() -> client.await(id, String.class, timeout))
			.withMessageContainingAll("There is no execution " + id, "doesn't keep it");
	}

	@Test
	void refusesANegativeTimeout() {
		assertThatIllegalArgumentException()
			.isThrownBy(() -> client.await(UUID.randomUUID(), String.class, Duration.ofNanos(-1)))
			.withMessageContaining("must not be negative");
	}

	@Test
	void saysSoIfItIsDeletedMeanwhile() {
		UUID id = client.invoke("echo", "x", IN_AN_HOUR);
		CompletableFuture<String> answer = awaiting(id, String.class, LONG);
		awaitMark(id);

		test.sql("delete from ${schema}.execution where id = :id").param("id", id).update();

		assertThat(answer).failsWithin(LONG)
			.withThrowableThat()
			.havingCause()
			.isInstanceOf(ConductorException.class)
			.withMessageContainingAll(id.toString(), "deleted before its result could be read");
	}

	@Test
	void refusesAResultThatDoesNotFit() {
		UUID id = client.invoke("echo", "not a point");

		assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(() -> client.await(id, Point.class, LONG))
			.withMessageContainingAll("result of execution " + id, Point.class.getName());
	}

	@ParameterizedTest
	@ValueSource(strings = { "PT0S", "PT30S" })
	void saysSoIfTheSchemaIsNotInstalled(Duration timeout) {
		try (Application application = new Application(test, true, (builder) -> builder.schema("nowhere"))) {
			UUID id = UUID.randomUUID();

			assertThatExceptionOfType(ConductorException.class)
				.isThrownBy(() -> application.client().await(id, String.class, timeout))
				.withMessageContainingAll("await of execution " + id, "'nowhere'", "not installed");
		}
	}

	@Test
	void isRefusedInAHandler() throws InterruptedException {
		UUID other = client.invoke("echo", "x");

		client.await(client.invoke("wait-inside", other), Void.class, LONG);

		assertThat(inHandler.take()).isInstanceOf(IllegalStateException.class)
			.hasMessageContainingAll(other.toString(), "handler of task 'wait-inside'", "invoke of the TaskContext");
	}

	@ParameterizedTest
	@ValueSource(strings = { "PT0S", "PT30S" })
	void isRefusedInATransaction(Duration timeout) {
		try (Application application = new Application(test, true)) {
			UUID over = client.invoke("echo", "x");

			application.inTransaction(() -> {
				assertThatIllegalStateException()
					.isThrownBy(() -> application.client().await(over, String.class, timeout))
					.withMessageContainingAll(over.toString(), "in a transaction (place order)",
							"when the transaction is over");
				return null;
			});

			assertThat(application.client().await(over, String.class, LONG)).isEqualTo("x");
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void isAllowedAfterTheCommit(boolean autocommit) {
		try (Application application = new Application(test, autocommit)) {
			AtomicReference<String> afterCommit = new AtomicReference<>();
			AtomicReference<String> afterCompletion = new AtomicReference<>();

			application.inTransaction(() -> {
				UUID id = application.client().invoke("echo", "committed");
				Application.afterCommit(() -> afterCommit.set(application.client().await(id, String.class, LONG)));
				Application
					.afterCompletion(() -> afterCompletion.set(application.client().await(id, String.class, LONG)));
				return null;
			});

			assertThat(afterCommit).hasValue("committed");
			assertThat(afterCompletion).hasValue("committed");
		}
	}

	@Test
	void isAllowedWhereTheTransactionIsSuspendedOrOfAnotherDataSource() {
		try (Application ours = new Application(test, true); Application other = new Application(test, true)) {
			UUID id = client.invoke("echo", "x");

			String suspended = ours
				.inTransaction(() -> ours.inTransaction(TransactionDefinition.PROPAGATION_NOT_SUPPORTED,
						() -> ours.client().await(id, String.class, LONG)));
			String foreign = other.inTransaction(() -> ours.client().await(id, String.class, LONG));

			assertThat(suspended).isEqualTo("x");
			assertThat(foreign).isEqualTo("x");
		}
	}

	@Test
	void endsWhenItsThreadIsInterrupted() throws InterruptedException {
		UUID id = client.invoke("echo", "x", IN_AN_HOUR);
		BlockingQueue<Object> seen = new LinkedBlockingQueue<>();
		Thread waiting = new Thread(() -> {
			try {
				client.await(id, String.class, LONG);
			}
			catch (ConductorException ex) {
				seen.add(ex);
				seen.add(Thread.currentThread().isInterrupted());
			}
		}, "waiting");
		waiting.start();
		awaitMark(id);

		waiting.interrupt();

		assertThat(seen.take()).asString().contains("await of execution " + id + " was interrupted", "goes on");
		assertThat(seen.take()).isEqualTo(true);
	}

	@Test
	void marksTheExecutionForAMinuteMoreThanItIsWaitedForAndForTwoAtMost() {
		UUID id = client.invoke("echo", "x", IN_AN_HOUR);
		Instant before = Instant.now();

		assertThatExceptionOfType(AwaitTimeoutException.class).isThrownBy(() -> client.await(id, String.class, SHORT));
		Instant first = awaitedUntil(id);
		CompletableFuture<String> longer = awaiting(id, String.class, Duration.ofHours(1));
		Awaitility.await().until(() -> awaitedUntil(id).isAfter(first));
		Instant second = awaitedUntil(id);
		assertThatExceptionOfType(AwaitTimeoutException.class).isThrownBy(() -> client.await(id, String.class, SHORT));

		assertThat(first).isBetween(before.plusSeconds(55), before.plusSeconds(90));
		assertThat(second).isBetween(before.plusSeconds(115), before.plusSeconds(150));
		assertThat(awaitedUntil(id)).isEqualTo(second);
		assertThat(longer).isNotDone();
		client.cancel(id);
	}

	@Test
	void givesTheResultAfterALongTimeOfWhatIsHardlyKept() {
		UUID id = client.invoke("fleeting", "x");
		CompletableFuture<String> answer = awaiting(id, String.class, Duration.ofHours(1));
		awaitMark(id);
		Instant first = awaitedUntil(id);
		test.travel(Duration.ofMinutes(10));

		try {
			Awaitility.await().until(() -> awaitedUntil(id).isAfter(first));
			gate(id).countDown();

			assertThat(answer).succeedsWithin(LONG).isEqualTo("x");
			assertThat(test
				.sql("select expires_at < ${schema}.now() + interval '3 minutes' from ${schema}.finished_execution "
						+ "where id = ?")
				.param(id)
				.query(Boolean.class)
				.single()).isTrue();
		}
		finally {
			test.travel(Duration.ZERO);
		}
	}

	@Test
	void isNotHeldUpByATransactionThatHasLockedTheExecution() {
		UUID locked = client.invoke("echo", "x", IN_AN_HOUR);
		UUID other = client.invoke("echo", "y", IN_AN_HOUR);

		CompletableFuture<String> answer = test.transaction().execute((status) -> {
			test.sql("select 1 from ${schema}.execution where id = :id for update")
				.param("id", locked)
				.query(Integer.class)
				.single();
			CompletableFuture<String> longer = awaiting(locked, String.class, LONG);
			assertThat(awaiting(locked, String.class, SHORT)).failsWithin(Duration.ofSeconds(5))
				.withThrowableThat()
				.withCauseInstanceOf(AwaitTimeoutException.class);
			awaiting(other, String.class, SHORT);
			awaitMark(other);
			assertThat(awaitedUntil(locked)).isEqualTo(Instant.EPOCH);
			return longer;
		});

		awaitMark(locked);
		client.cancel(locked);
		assertThat(answer).failsWithin(LONG).withThrowableThat().withCauseInstanceOf(ExecutionFailedException.class);
	}

	record Point(int x, int y) {
	}

}
