package io.pgconductor.execution;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.Conductor;
import io.pgconductor.EventDefinition;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.InvokeOptions;
import io.pgconductor.NonRetryableException;
import io.pgconductor.Orchestrator;
import io.pgconductor.TaskContext;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.core.ParameterizedTypeReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

/**
 * Executions that wait for events.
 */
class AwaitEventIntegrationTests {

	private static final Duration HOUR = Duration.ofHours(1);

	private static final Duration PATIENCE = Duration.ofSeconds(30);

	private static final GivenHandlers handlers = new GivenHandlers("task");

	private static final GivenHandlers transactional = new GivenHandlers("transactional");

	private static TestConductor test;

	private static Conductor client;

	private static Orchestrator node;

	private static Duration ahead = Duration.ZERO;

	private final String name = "event-" + UUID.randomUUID();

	private final EventDefinition<Paid> paid = EventDefinition.of(this.name, Paid.class);

	private final AtomicInteger runs = new AtomicInteger();

	record Paid(int order, String by) {
	}

	@BeforeAll
	static void start() {
		test = new TestConductor(AwaitEventIntegrationTests.class);
		client = test.conductor();
		node = test.node(handlers.task(), transactional.task().with(TaskOptions.none().transactional(true)),
				TaskSpec.of("child", String.class,
						(event, context) -> context
							.awaitEvent("wait", EventDefinition.of(event.payload(String.class), Paid.class), HOUR)
							.map(Paid::by)
							.orElse("nobody")));
		node.start();
	}

	@AfterAll
	static void stop() {
		assertThat(test.count("event_wait")).isZero();
		test.close();
	}

	private static UUID invoke(TaskHandler handler) {
		return handlers.invoke(client, handler);
	}

	private static void travel(Duration further) {
		ahead = ahead.plus(further);
		test.travel(ahead);
	}

	private UUID emit(int order, String by) {
		return client.emit(this.paid, new Paid(order, by));
	}

	private UUID waiting(TaskHandler handler) {
		UUID id = invoke(handler);
		awaitWaiting(id);
		return id;
	}

	private static Execution awaitWaiting(UUID id) {
		return test.await(id, ExecutionState.WAITING);
	}

	private String by(TaskContext context, String step) {
		return context.awaitEvent(step, this.paid, HOUR).map(Paid::by).orElse("nobody");
	}

	private static String result(UUID id) {
		return test.await(id, ExecutionState.COMPLETED).result().asString();
	}

	private static long waits(UUID id) {
		return test.sql("select count(*) from ${schema}.event_wait where execution_id = ?")
			.param(id)
			.query(Long.class)
			.single();
	}

	private static Execution ended(UUID id) {
		return Awaitility.await()
			.atMost(PATIENCE)
			.until(() -> client.find(id).orElseThrow(), (execution) -> execution.state().isFinished());
	}

	@Test
	void goesOnWithTheEventThatComes() {
		UUID id = waiting((event, context) -> {
			this.runs.incrementAndGet();
			return context.awaitEvent("payment", this.paid, HOUR).orElseThrow();
		});
		Execution asleep = client.find(id).orElseThrow();
		assertThat(Duration.between(asleep.startedAt(), asleep.runAt())).isBetween(HOUR, HOUR.plusSeconds(30));
		assertThat(asleep.steps()).isEmpty();
		assertThat(asleep.waitingFor()).isEqualTo("event");
		assertThat(waits(id)).isOne();

		emit(7, "Anna");

		Execution done = test.await(id, ExecutionState.COMPLETED);
		assertThat(done.result()).hasToString("{\"order\":7,\"by\":\"Anna\"}");
		assertThat(done.steps()).singleElement()
			.satisfies((step) -> assertThat(step.name()).isEqualTo("payment"))
			.satisfies((step) -> assertThat(step.result().get("order").asInt()).isEqualTo(7));
		assertThat(done.attempt()).isOne();
		assertThat(this.runs).hasValue(2);
		assertThat(waits(id)).isZero();
	}

	@Test
	void timesOut() {
		UUID id = waiting((event, context) -> {
			this.runs.incrementAndGet();
			return by(context, "payment");
		});

		travel(Duration.ofMinutes(59));
		assertThat(client.find(id).orElseThrow().state()).isEqualTo(ExecutionState.WAITING);
		travel(Duration.ofMinutes(2));

		assertThat(result(id)).isEqualTo("nobody");
		assertThat(client.find(id).orElseThrow().steps()).singleElement()
			.satisfies((step) -> assertThat(step.name()).isEqualTo("payment"))
			.satisfies((step) -> assertThat(step.result()).isNull());
		assertThat(this.runs).hasValue(2);
	}

	@Test
	void takesWhatComesBeforeItIsKnownThatTheTimeIsOver() {
		UUID id = waiting((event, context) -> by(context, "payment"));
		node.stop();
		travel(HOUR.plusSeconds(1));
		emit(1, "just in time");

		node.start();

		assertThat(result(id)).isEqualTo("just in time");
	}

	@Test
	void doesNotTakeWhatComesAfterTheTimeout() {
		List<String> seen = new CopyOnWriteArrayList<>();
		UUID id = waiting((event, context) -> {
			seen.add(by(context, "payment"));
			context.sleep("sleep", HOUR);
			return seen;
		});
		travel(HOUR.plusSeconds(1));
		Awaitility.await().atMost(PATIENCE).until(() -> seen.equals(List.of("nobody")));
		awaitWaiting(id);

		emit(1, "late");
		travel(HOUR.plusSeconds(1));

		assertThat(test.await(id, ExecutionState.COMPLETED).result()).hasToString("[\"nobody\",\"nobody\"]");
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void remembersWhatItGotOverFailuresAndRestarts(boolean arrives) {
		List<String> seen = new CopyOnWriteArrayList<>();
		UUID id = waiting((event, context) -> {
			String by = by(context, "payment");
			seen.add(by);
			if (context.attempt() < 3) {
				throw new IllegalStateException("not yet");
			}
			context.sleep("sleep", HOUR);
			return by;
		});
		if (arrives) {
			emit(1, "Anna");
		}
		else {
			travel(HOUR.plusSeconds(1));
		}
		Awaitility.await().atMost(PATIENCE).until(() -> seen.size() == 3);
		awaitWaiting(id);
		emit(2, "Berta");
		node.stop();
		travel(HOUR.plusSeconds(1));
		node.start();

		String expected = arrives ? "Anna" : "nobody";
		assertThat(result(id)).isEqualTo(expected);
		assertThat(seen).hasSize(4).containsOnly(expected);
		assertThat(client.find(id).orElseThrow().attempt()).isEqualTo(3);
	}

	@Test
	void waitsOnWhileNoNodeRuns() {
		UUID id = waiting((event, context) -> by(context, "payment"));
		node.stop();
		emit(1, "Anna");
		assertThat(waits(id)).isOne();
		node.start();

		assertThat(result(id)).isEqualTo("Anna");
	}

	@Test
	void takesOnlyWhatPassesTheFilter() {
		List<UUID> ids = new ArrayList<>();
		for (int order = 1; order <= 3; order++) {
			String filter = "$.order == " + order;
			ids.add(waiting(
					(event, context) -> context.awaitEvent("payment", this.paid, HOUR, filter).orElseThrow().by()));
		}
		client.emit(this.name, null);
		client.emit(this.name, "2");
		client.emit(this.name, Map.of("order", "2"));
		client.emit(this.name + ".other", new Paid(2, "other"));
		emit(3, "third");
		emit(2, "second");
		emit(2, "again");

		assertThat(result(ids.get(2))).isEqualTo("third");
		assertThat(result(ids.get(1))).isEqualTo("second");
		assertThat(client.find(ids.get(0)).orElseThrow().state()).isEqualTo(ExecutionState.WAITING);
		emit(1, "first");
		assertThat(result(ids.get(0))).isEqualTo("first");
	}

	@Test
	void doesNotLetOneFilterHarmOthers() {
		UUID fragile = waiting((event, context) -> context
			.awaitEvent("day", EventDefinition.of(this.name, Map.class), HOUR,
					"$.at.datetime() > \"2026-01-01T00:00:00+00\".datetime()")
			.orElseThrow()
			.get("at"));
		UUID other = waiting((event,
				context) -> context.awaitEvent("any", EventDefinition.of(this.name, Map.class), HOUR).isPresent());

		client.emit(this.name, Map.of("at", "2020-01-01"));
		assertThat(test.await(other, ExecutionState.COMPLETED).result().asBoolean()).isTrue();
		client.emit(this.name, Map.of("at", "2030-01-01"));

		assertThat(result(fragile)).isEqualTo("2030-01-01");
	}

	@Test
	void goesOnWithOneEventInManyExecutions() {
		List<UUID> ids = new ArrayList<>();
		for (int i = 0; i < 20; i++) {
			ids.add(invoke((event, context) -> by(context, "payment")));
		}
		ids.forEach(AwaitEventIntegrationTests::awaitWaiting);

		emit(1, "Anna");

		ids.forEach((id) -> assertThat(result(id)).isEqualTo("Anna"));
	}

	@Test
	void waitsForOneEventAfterTheOther() {
		UUID id = waiting((event, context) -> {
			this.runs.incrementAndGet();
			return by(context, "first") + by(context, "second");
		});

		emit(1, "Anna");
		Awaitility.await().atMost(PATIENCE).until(() -> this.runs.get() == 2 && waits(id) == 1);
		awaitWaiting(id);
		emit(2, "Berta");

		assertThat(result(id)).isEqualTo("AnnaBerta");
		assertThat(this.runs).hasValue(3);
	}

	@Test
	void takesTheFirstOfSeveralEvents() {
		UUID id = waiting((event, context) -> by(context, "payment"));

		test.transaction().executeWithoutResult((status) -> {
			emit(1, "Anna");
			emit(2, "Berta");
		});

		assertThat(result(id)).isEqualTo("Anna");
	}

	@Test
	void doesNotTakeWhatWasEmittedBefore() {
		emit(1, "early");
		UUID id = waiting((event, context) -> {
			context.step("emit", () -> context.emit(this.paid, new Paid(2, "by itself")));
			return by(context, "payment");
		});
		awaitSettled(id);
		assertThat(client.find(id).orElseThrow().state()).isEqualTo(ExecutionState.WAITING);

		emit(3, "Anna");

		assertThat(result(id)).isEqualTo("Anna");
	}

	private static void awaitSettled(UUID id) {
		Awaitility.await()
			.atMost(PATIENCE)
			.until(() -> test.sql("select settled from ${schema}.event_wait where execution_id = ?")
				.param(id)
				.query(Boolean.class)
				.single());
	}

	@Test
	void failsIfTheEventHasNoPayload() {
		UUID id = waiting((event, context) -> by(context, "payment"));

		client.emit(this.name, null);

		Execution failed = test.await(id, ExecutionState.FAILED);
		assertThat(failed.error().type()).isEqualTo(InvalidPayloadException.class.getName());
		assertThat(failed.error().message()).contains(this.name, "payment", "timeout");
		assertThat(failed.attempt()).isOne();
	}

	@Test
	void failsIfTheEventDoesNotFitTheType() {
		UUID id = waiting((event, context) -> by(context, "payment"));

		client.emit(this.name, List.of("x"));

		assertThat(test.await(id, ExecutionState.FAILED).error().message()).contains(this.name, "payment", "Paid");
	}

	@Test
	void readsGenericTypes() {
		EventDefinition<List<Paid>> all = EventDefinition.of(this.name, new ParameterizedTypeReference<List<Paid>>() {
		});
		UUID id = waiting((event, context) -> context.awaitEvent("payments", all, HOUR).orElseThrow().get(1).by());

		client.emit(all, List.of(new Paid(1, "Anna"), new Paid(2, "Berta")));

		assertThat(result(id)).isEqualTo("Berta");
	}

	@Test
	void refusesWhatCannotBeWaitedFor() {
		UUID id = invoke((event, context) -> {
			List<String> messages = new ArrayList<>();
			for (String filter : List.of("$.a >", "$.a", "$.a > $limit", "$.b == 1 && $.a > $\"limit\"", "a\u0000",
					"")) {
				messages.add(catchThrowable(() -> context.awaitEvent("bad " + messages.size(), this.paid, HOUR, filter))
					.getMessage());
			}
			for (Duration timeout : List.of(Duration.ZERO, Duration.ofSeconds(-1), Duration.ofDays(400_000))) {
				messages.add(catchThrowable(() -> context.awaitEvent("timeout", this.paid, timeout)).getMessage());
			}
			messages
				.add(catchThrowable(() -> context.awaitEvent("name", EventDefinition.of("user.*", Paid.class), HOUR))
					.getMessage());
			messages.add(catchThrowable(() -> context.awaitEvent("void", EventDefinition.of("user", Void.class), HOUR))
				.getMessage());
			messages
				.add(catchThrowable(() -> context.step("step", () -> context.awaitEvent("in step", this.paid, HOUR)))
					.getMessage());
			messages.add(catchThrowable(
					() -> context.transaction("tx", () -> context.awaitEvent("in transaction", this.paid, HOUR)))
				.getMessage());
			messages.add(test.transaction()
				.execute((status) -> catchThrowable(() -> context.awaitEvent("active", this.paid, HOUR)).getMessage()));
			return messages;
		});

		List<String> messages = new ArrayList<>();
		test.await(id, ExecutionState.COMPLETED).result().forEach((node) -> messages.add(node.asString()));
		assertThat(messages).hasSize(14);
		assertThat(messages.subList(0, 6))
			.allSatisfy((message) -> assertThat(message).contains("filter", "'bad ", "task 'task'", "cannot be used"));
		assertThat(messages.get(0)).contains("not a JSONPath expression");
		assertThat(messages.get(1)).contains("not a predicate");
		assertThat(messages.get(2)).contains("variable");
		assertThat(messages.get(3)).contains("variable");
		assertThat(messages.subList(6, 9))
			.allSatisfy((message) -> assertThat(message).contains("timeout", "1000 years"));
		assertThat(messages.get(9)).contains("user.*");
		assertThat(messages.get(10)).contains("Void");
		assertThat(messages.get(11)).contains("in step", "within step 'step'");
		assertThat(messages.get(12)).contains("in transaction");
		assertThat(messages.get(13)).contains("active transaction");
	}

	@Test
	void refusesToWaitInATransactionalTask() {
		UUID id = transactional.invoke(client, (event, context) -> by(context, "payment"),
				InvokeOptions.defaults().maxAttempts(1));

		assertThat(test.await(id, ExecutionState.FAILED).error().message()).contains("awaitEvent 'payment'",
				"active transaction");
	}

	@Test
	void waitsAnewWhenItIsRetriedAfterItWasCancelled() {
		UUID id = waiting((event, context) -> by(context, "first") + by(context, "second"));
		emit(1, "Anna");
		Awaitility.await().atMost(PATIENCE).until(() -> "second".equals(stepWaitedFor(id)));
		awaitWaiting(id);

		assertThat(client.cancel(id)).isTrue();
		assertThat(waits(id)).isZero();
		emit(2, "meanwhile");
		assertThat(client.retry(id)).isTrue();
		awaitWaiting(id);
		assertThat(waits(id)).isOne();
		emit(3, "Berta");

		assertThat(result(id)).isEqualTo("AnnaBerta");
	}

	private static String stepWaitedFor(UUID id) {
		return test.sql("select step from ${schema}.event_wait where execution_id = ?")
			.param(id)
			.query(String.class)
			.optional()
			.orElse(null);
	}

	@Test
	void forgetsTheWaitOfWhatEndsOtherwise() {
		UUID failing = waiting((event, context) -> {
			if (this.runs.incrementAndGet() > 1) {
				throw new NonRetryableException("another way");
			}
			return by(context, "payment");
		});
		AtomicInteger otherRuns = new AtomicInteger();
		UUID completing = waiting(
				(event, context) -> (otherRuns.incrementAndGet() > 1) ? "another way" : by(context, "payment"));

		test.sql("update ${schema}.execution set phase = 'due' where id in (?, ?)")
			.params(failing, completing)
			.update();
		test.sql("select ${schema}.wake('queue:default')").query().listOfRows();

		assertThat(ended(failing).state()).isEqualTo(ExecutionState.FAILED);
		assertThat(ended(completing).state()).isEqualTo(ExecutionState.COMPLETED);
		assertThat(waits(failing) + waits(completing)).isZero();
		emit(1, "to nobody");
		Awaitility.await().atMost(PATIENCE).until(() -> test.count("event where awaited") == 0);
	}

	@Test
	void goesOnWaitingWhenItRunsInBetween() {
		UUID id = waiting((event, context) -> {
			this.runs.incrementAndGet();
			return by(context, "payment");
		});

		for (int round = 2; round <= 4; round++) {
			int expected = round;
			test.sql("update ${schema}.execution set phase = 'due' where id = ?").param(id).update();
			test.sql("select ${schema}.wake('queue:default')").query().listOfRows();
			Awaitility.await().atMost(PATIENCE).until(() -> this.runs.get() == expected);
			Execution asleep = awaitWaiting(id);
			assertThat(Duration.between(asleep.createdAt(), asleep.runAt())).isBetween(HOUR, HOUR.plusSeconds(30));
		}
		emit(1, "Anna");

		assertThat(result(id)).isEqualTo("Anna");
		assertThat(this.runs).hasValue(5);
		assertThat(client.find(id).orElseThrow().attempt()).isOne();
	}

	@Test
	void waitsInAChild() {
		UUID id = waiting((event, context) -> context.invoke("child", "child", this.name, String.class));
		Awaitility.await()
			.atMost(PATIENCE)
			.until(() -> test.sql("select count(*) from ${schema}.event_wait where event = ?")
				.param(this.name)
				.query(Long.class)
				.single() == 1);
		emit(1, "Anna");

		assertThat(result(id)).isEqualTo("Anna");
	}

	@Test
	void cancelsTheWaitOfAChildWithItsParent() {
		UUID id = waiting((event, context) -> context.invoke("child", "child", this.name, String.class));
		Awaitility.await()
			.atMost(PATIENCE)
			.until(() -> test.sql("select count(*) from ${schema}.event_wait where event = ?")
				.param(this.name)
				.query(Long.class)
				.single() == 1);

		assertThat(client.cancel(id)).isTrue();

		assertThat(test.sql("select count(*) from ${schema}.event_wait where event = ?")
			.param(this.name)
			.query(Long.class)
			.single()).isZero();
	}

	@Test
	void goesOnInTheTransactionThatEmits() {
		UUID id = waiting((event, context) -> by(context, "payment"));

		test.transaction().executeWithoutResult((status) -> {
			emit(1, "undone");
			status.setRollbackOnly();
		});
		test.sql("select ${schema}.emit(?, '{\"by\": \"psql\"}')").param(this.name).query(UUID.class).single();

		assertThat(result(id)).isEqualTo("psql");
	}

}
