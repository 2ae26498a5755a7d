package io.pgconductor.execution;

import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Stream;

import io.pgconductor.Conductor;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.InvokeOptions;
import io.pgconductor.RetryAfterException;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.task.TaskWindow;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.NullSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Cancelling what doesn't run at the moment.
 */
class CancellationIntegrationTests {

	private static final Map<UUID, AtomicInteger> calls = new ConcurrentHashMap<>();

	private static final Map<UUID, AtomicInteger> steps = new ConcurrentHashMap<>();

	private static TestConductor test;

	private static Conductor client;

	private static Instant closing;

	@BeforeAll
	static void start() {
		test = new TestConductor(CancellationIntegrationTests.class);
		closing = now().plus(Duration.ofHours(2)).truncatedTo(ChronoUnit.MINUTES);
		LocalTime end = LocalTime.ofInstant(closing, ZoneOffset.UTC);
		TaskWindow window = TaskWindow.parse(end.minusHours(1) + "-" + end, ZoneOffset.UTC);
		client = test.conductor();
		test.node(sleeper("sleep"), TaskSpec.of("note", null, (event, context) -> call(context.executionId())),
				TaskSpec.of("flaky", null, (event, context) -> {
					call(context.executionId());
					throw new RetryAfterException(Duration.ofHours(1), "not now", null);
				}), TaskSpec.of("parent", null, (event, context) -> {
					call(context.executionId());
					return context.invoke("call", "sleep", null, String.class);
				}),
				TaskSpec.of("cancel", UUID.class,
						(event, context) -> context.cancel(event.payload(UUID.class), "by a handler")),
				TaskSpec.of("by day", null, (event, context) -> {
					call(context.executionId());
					context.step("wait", () -> Awaitility.await().until(() -> !window.isOpen(context.now())));
					context.checkpoint();
					return null;
				}).with(TaskOptions.none().window(window)))
			.start();
		test.node((builder) -> builder.retention(Retention.AT_ONCE, Retention.AT_ONCE), sleeper("forgettable")).start();
	}

	private static TaskSpec sleeper(String name) {
		return TaskSpec.of(name, null, (event, context) -> {
			call(context.executionId());
			context.step("before",
					() -> steps.computeIfAbsent(context.executionId(), (id) -> new AtomicInteger()).incrementAndGet());
			context.sleep("night", Duration.ofHours(8));
			return "morning";
		});
	}

	private static int call(UUID id) {
		return calls.computeIfAbsent(id, (key) -> new AtomicInteger()).incrementAndGet();
	}

	/**
	 * Have an execution begin just before its window closes. A slow machine may need some
	 * tries.
	 */
	private static UUID suspendAtTheClosing() {
		Instant end = closing;
		for (int day = 1; day <= 10; day++) {
			end = end.plus(Duration.ofDays(1));
			test.travel(Duration.between(now(), end).minusMillis(500L * day));
			UUID id = client.invoke("by day", null);
			Instant closed = end;
			Awaitility.await()
				.atMost(Duration.ofSeconds(20))
				.until(() -> client.find(id).orElseThrow().runAt().isAfter(closed));
			test.travel(Duration.ZERO);
			if (calls.containsKey(id)) {
				return id;
			}
			client.cancel(id);
		}
		throw new AssertionError("Never called before the closing");
	}

	private static Instant now() {
		return test.sql("select pg_catalog.now()").query(OffsetDateTime.class).single().toInstant();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	/**
	 * What an execution that doesn't run is doing.
	 */
	enum Idle {

		READY(ExecutionState.READY, () -> client.invoke("note", null, InvokeOptions.defaults().queue("unserved"))),

		HELD(ExecutionState.READY, () -> client.invoke("unheard-of", null)),

		SCHEDULED(ExecutionState.SCHEDULED,
				() -> client.invoke("note", null, InvokeOptions.defaults().delay(Duration.ofHours(1)))),

		AWAITING_RETRY(ExecutionState.SCHEDULED, () -> client.invoke("flaky", null)),

		POSTPONED(ExecutionState.SCHEDULED, () -> client.invoke("by day", null)),

		SUSPENDED_BY_ITS_WINDOW(ExecutionState.WAITING, CancellationIntegrationTests::suspendAtTheClosing),

		SLEEPING(ExecutionState.WAITING, () -> client.invoke("sleep", null)),

		AWAITING_CHILD(ExecutionState.WAITING, () -> client.invoke("parent", null));

		private final ExecutionState state;

		private final Supplier<UUID> enqueue;

		Idle(ExecutionState state, Supplier<UUID> enqueue) {
			this.state = state;
			this.enqueue = enqueue;
		}

		Execution begin() {
			return test.await(this.enqueue.get(), this.state);
		}

	}

	@ParameterizedTest
	@EnumSource
	void endsAtOnceWhatDoesNotRun(Idle idle) {
		Execution before = idle.begin();

		assertThat(client.cancel(before.id(), "no longer wanted")).isTrue();

		Execution cancelled = client.find(before.id()).orElseThrow();
		assertThat(cancelled.state()).isEqualTo(ExecutionState.CANCELLED);
		assertThat(cancelled.cancelReason()).isEqualTo("no longer wanted");
		assertThat(cancelled.finishedAt()).isNotNull();
		assertThat(cancelled.attempt()).isEqualTo(before.attempt());
		assertThat(cancelled.error()).isEqualTo(before.error());
		assertThat(cancelled.result()).isNull();
		assertThat(liveRows(before.id())).isZero();
		assertThat(client.cancel(before.id(), "again")).isFalse();
		assertThat(client.find(before.id())).contains(cancelled);
	}

	static Stream<String> reasons() {
		return Stream.of("", "it's \"quoted\" with 'both', a \\backslash and $1 ? :id ${schema} %s", "line\nbreak\ttab",
				"😀 ünïcode", "x".repeat(20_000));
	}

	@ParameterizedTest
	@NullSource
	@MethodSource("reasons")
	void keepsTheReason(String reason) {
		UUID id = Idle.SLEEPING.begin().id();

		assertThat(client.cancel(id, reason)).isTrue();

		assertThat(client.find(id).orElseThrow().cancelReason()).isEqualTo(reason);
	}

	@Test
	void keepsAReasonWithCharactersThatTheDatabaseCannotStore() {
		UUID id = Idle.SLEEPING.begin().id();

		assertThat(client.cancel(id, "a\u0000b")).isTrue();

		assertThat(client.find(id).orElseThrow().cancelReason()).isEqualTo("a\uFFFDb");
	}

	@ParameterizedTest
	@EnumSource
	void isCancelledByAHandler(Idle idle) {
		UUID id = idle.begin().id();

		UUID canceller = client.invoke("cancel", id);

		assertThat(test.await(canceller, ExecutionState.COMPLETED).result().asBoolean()).isTrue();
		assertThat(client.find(id).orElseThrow().state()).isEqualTo(ExecutionState.CANCELLED);
		assertThat(client.find(id).orElseThrow().cancelReason()).isEqualTo("by a handler");
		UUID second = client.invoke("cancel", id);
		assertThat(test.await(second, ExecutionState.COMPLETED).result().asBoolean()).isFalse();
	}

	@ParameterizedTest
	@EnumSource
	void isCancelledBySql(Idle idle) {
		UUID id = idle.begin().id();
		String sql = "select ${schema}.cancel(execution => :id, reason => 'by \"psql\"')";

		assertThat(test.sql(sql).param("id", id).query(Boolean.class).single()).isTrue();

		assertThat(client.find(id).orElseThrow().state()).isEqualTo(ExecutionState.CANCELLED);
		assertThat(client.find(id).orElseThrow().cancelReason()).isEqualTo("by \"psql\"");
		assertThat(test.sql(sql).param("id", id).query(Boolean.class).single()).isFalse();
	}

	@Test
	void isCancelledBySqlWithoutAReasonAndInBulk() {
		List<UUID> ids = Stream.generate(() -> Idle.SLEEPING.begin().id()).limit(3).toList();

		List<Boolean> cancelled = test
			.sql("select ${schema}.cancel(id) from ${schema}.executions where id in (:ids) and state = 'waiting'")
			.param("ids", ids)
			.query(Boolean.class)
			.list();

		assertThat(cancelled).containsExactly(true, true, true);
		assertThat(ids).map((id) -> client.find(id).orElseThrow()).allSatisfy((execution) -> {
			assertThat(execution.state()).isEqualTo(ExecutionState.CANCELLED);
			assertThat(execution.cancelReason()).isNull();
		});
	}

	@Test
	void cancelsNothingThatSqlDoesNotName() {
		assertThat(test.sql("select ${schema}.cancel(null)").query(Boolean.class).single()).isFalse();
		assertThat(test.sql("select ${schema}.cancel(${schema}.uuid_v7(), 'who?')").query(Boolean.class).single())
			.isFalse();
	}

	@Test
	void keepsStepsForARetryThatGoesOnFromThem() {
		UUID id = Idle.SLEEPING.begin().id();
		client.cancel(id, "for now");

		assertThat(client.find(id).orElseThrow().steps()).extracting(ExecutionStep::name).containsExactly("before");
		assertThat(client.retry(id)).isTrue();

		test.await(id, ExecutionState.WAITING);
		assertThat(steps.get(id)).hasValue(1);
		assertThat(calls.get(id)).hasValue(2);
		assertThat(client.cancel(id, "for good")).isTrue();
		assertThat(client.find(id).orElseThrow().cancelReason()).isEqualTo("for good");
	}

	@Test
	void leavesNothingOfWhatIsNotKept() {
		UUID id = test.await(client.invoke("forgettable", null), ExecutionState.WAITING).id();
		assertThat(test.count("step where execution_id = '" + id + "'")).isEqualTo(2);

		assertThat(client.cancel(id, "forget it")).isTrue();

		assertThat(client.find(id)).isEmpty();
		assertThat(liveRows(id)).isZero();
		assertThat(test.count("step where execution_id = '" + id + "'")).isZero();
		assertThat(client.cancel(id)).isFalse();
		assertThat(client.retry(id)).isFalse();
	}

	private static long liveRows(UUID id) {
		return test.count("execution where id = '" + id + "'");
	}

}
