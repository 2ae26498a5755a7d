package io.pgconductor.event;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Conductor;
import io.pgconductor.ConductorException;
import io.pgconductor.EmitOptions;
import io.pgconductor.EmittedEvent;
import io.pgconductor.EventDefinition;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.task.EventTrigger;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.RecordingDataSource;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.ConductorBuilder;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.assertj.core.api.ThrowableAssertAlternative;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

/**
 * Events that are emitted, and the tasks that run for them.
 */
class EmitIntegrationTests {

	private static final Subscriber one = Subscriber.to("one", "order.shipped", "order.paid");

	private static final Subscriber two = Subscriber.to("two", "order.shipped");

	private static final Subscriber orders = Subscriber.to("orders", "order.*");

	private static final Subscriber everything = Subscriber.to("everything", "*");

	private static final Subscriber literal = Subscriber.to("literal", "100%_a.*");

	private static final Subscriber fields = Subscriber.projected("fields", "projected", "number", "nested", "nothing",
			"missing", "O'Brien \"x\"", "text");

	private static final Map<String, Subscriber> filters = filters();

	private static final GivenHandlers handlers = new GivenHandlers("task");

	private static final EventDefinition<Shipped> SHIPPED = EventDefinition.of("order.shipped", Shipped.class);

	private static TestConductor test;

	private static Conductor client;

	record Shipped(int orderId, BigDecimal weight) {
	}

	private static Map<String, Subscriber> filters() {
		Map<String, String> byName = new LinkedHashMap<>();
		byName.put("bigger", "$.total > 100");
		byName.put("strictly", "strict $.total > 100");
		byName.put("paid", "$.paid == true");
		byName.put("some", "exists($.items[*] ? (@.quantity > 1))");
		byName.put("quoted", "$.name == \"O'Brien \\\"$\\\" $\"");
		byName.put("nothing", "$ == null");
		byName.put("number", "$ > 5");
		byName.put("dated", "$.at.datetime() > \"2026-01-01T00:00:00+00\".datetime()");
		byName.put("both", "$.first == 1 && $.second.datetime() < \"2026-01-01T00:00:00+00\".datetime()");
		Map<String, Subscriber> subscribers = new LinkedHashMap<>();
		byName.forEach((name, filter) -> subscribers.put(name, Subscriber.filtered(name, "filtered", filter)));
		return subscribers;
	}

	@BeforeAll
	static void start() {
		test = new TestConductor(EmitIntegrationTests.class, (builder) -> builder.maxPayloadSize(10_000));
		client = test.conductor();
		test.node(
				Stream
					.concat(Stream.of(one.task(), two.task(), orders.task(), everything.task(), literal.task(),
							fields.task(), handlers.task()), filters.values().stream().map(Subscriber::task))
					.toArray(TaskSpec[]::new))
			.start();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	private static List<String> tasks(UUID event) {
		return EmittedExecutions.tasks(test, event);
	}

	private static UUID emitSql(String arguments) {
		return test.sql("select ${schema}.emit(" + arguments + ")").query(UUID.class).single();
	}

	private static long events() {
		return test.count("event");
	}

	@Test
	void runsOneTwoOrNoTasks() {
		assertThat(tasks(client.emit("nobody.cares", null))).containsExactly("everything");
		assertThat(tasks(client.emit("order.paid", null))).containsExactly("everything", "one", "orders");
		UUID id = client.emit("order.shipped", 1);
		assertThat(tasks(id)).containsExactly("everything", "one", "orders", "two");
		assertThat(two.next().id()).isEqualTo(id);
	}

	@ParameterizedTest
	@CsvSource({ "order.,orders", "order.a.b,orders", "order,", "Order.x,", "xorder.x,", "100%_a.b,literal",
			"1000_a.b,", "100%xa.b," })
	void comparesPrefixesCharacterByCharacter(String event, String task) {
		List<String> tasks = tasks(client.emit(event, null));

		assertThat(tasks)
			.containsExactlyElementsOf((task != null) ? List.of("everything", task) : List.of("everything"));
	}

	@Test
	void tellsTasksWhatHasHappened() {
		Instant before = test.sql("select now()").query(OffsetDateTime.class).single().toInstant();

		UUID id = client.emit(SHIPPED, new Shipped(7, new BigDecimal("1.50")));

		EmittedEvent<?> event = two.next();
		while (!event.id().equals(id)) {
			event = two.next();
		}
		assertThat(event.name()).isEqualTo("order.shipped");
		assertThat(event.emittedAt()).isBetween(before, before.plusSeconds(60));
		assertThat(event.payload(Shipped.class)).isEqualTo(new Shipped(7, new BigDecimal("1.50")));
		assertThat(((JsonNode) event.payload()).get("orderId").asInt()).isEqualTo(7);
		assertThat(event).hasToString("order.shipped[" + event.payload() + "]");
		assertThat(id.version()).isEqualTo(7);
	}

	@Test
	void keepsTheTypesAndDigitsOfFields() {
		emitSql("'projected', '{\"number\": 12345678901234567890.12345678901234567890, \"other\": 1, \"text\": \"\\u00e4 1.0\", "
				+ "\"nested\": {\"a\": [1.10, null, true, \"x\"]}, \"nothing\": null, \"O''Brien \\\"x\\\"\": 1e3}'");
		assertThat(fields.nextPayload().toString()).contains("12345678901234567890.12345678901234567890");
		String stored = test.sql("select payload::text from ${schema}.executions where task = 'fields'")
			.query(String.class)
			.single();

		assertThat(stored).isEqualTo("{\"text\": \"ä 1.0\", \"nested\": {\"a\": [1.10, null, true, \"x\"]}, "
				+ "\"number\": 12345678901234567890.12345678901234567890, \"nothing\": null, \"O'Brien \\\"x\\\"\": 1000}");
		for (Object other : new Object[] { 5, "text", List.of(Map.of("number", 1)), Map.of("other", 1) }) {
			client.emit("projected", other);
			assertThat(fields.nextPayload()).hasToString("{}");
		}
		client.emit("projected", null);
		assertThat(fields.nextPayload()).hasToString("{}");
	}

	@ParameterizedTest
	@ValueSource(strings = { """
			{"total": 150} -> bigger,strictly""", """
			{"total": 100} ->""", """
			{"total": "150"} ->""", """
			{"total": null} ->""", """
			{"total": [50, 150]} -> bigger""", """
			[{"total": 150}] -> bigger""", """
			{"total": 150.5, "paid": true} -> bigger,paid,strictly""", """
			{"paid": "true"} ->""", """
			{"items": [{"quantity": 1}, {"quantity": 2}]} -> some""", """
			{"items": 5} ->""", """
			{"name": "O'Brien \\"$\\" $"} -> quoted""", """
			{"at": "2026-03-01"} -> dated""", """
			{"at": "2026-03-01T00:00:00"} -> dated""", """
			{"at": "2026-01-01T00:30:00+01:00"} ->""", """
			{"at": "2026-01-01T00:30:00-01:00"} -> dated""", """
			{"at": "2025-03-01"} ->""", """
			{"at": "soon"} ->""", """
			{"at": {}} ->""", """
			{"first": 1, "second": "2025-03-01"} -> both""", """
			{} ->""", """
			[] ->""", """
			null -> nothing""", """
			7 -> number""", """
			"text" ->""" })
	void asksFiltersInTheDatabase(String example) {
		String[] parts = example.split(" ->");
		List<String> expected = (parts.length > 1) ? List.of(parts[1].strip().split(",")) : List.of();

		UUID id = test.sql("select ${schema}.emit('filtered', ?::jsonb)").param(parts[0]).query(UUID.class).single();

		assertThat(tasks(id)).filteredOn((task) -> !task.equals("everything")).containsExactlyElementsOf(expected);
	}

	@Test
	void asksFiltersAboutNoPayload() {
		assertThat(tasks(client.emit("filtered", null))).containsExactly("everything", "nothing");
		assertThat(tasks(emitSql("'filtered'"))).containsExactly("everything", "nothing");
	}

	@Test
	void emitsBySqlWithNamedArguments() {
		UUID id = emitSql("event => 'by.sql', payload => '{\"a\": 1}', dedupe_key => 'k'");

		assertThat(emitSql("dedupe_key => 'k', event => 'by.sql'")).isEqualTo(id);
		assertThat(client.emit("by.sql", null, EmitOptions.defaults().dedupeKey("k"))).isEqualTo(id);
		assertThat(tasks(id)).containsExactly("everything");
		assertThat(test.sql("select payload::text from ${schema}.event where id = ?")
			.param(id)
			.query(String.class)
			.single()).isEqualTo("{\"a\": 1}");
	}

	@Test
	void emitsInTasks() {
		UUID execution = handlers.invoke(client, (event, context) -> {
			UUID typed = context.emit(SHIPPED, new Shipped(1, BigDecimal.ONE));
			UUID once = context.step("emit", UUID.class, () -> context.emit("order.paid", 1));
			UUID keyed = context.emit("in.task", null, EmitOptions.defaults().dedupeKey("key"));
			if (context.attempt() == 1) {
				context.transaction("undone", () -> {
					context.emit("in.transaction", null);
					throw new IllegalStateException("changed my mind");
				});
			}
			return List.of(typed, once, keyed);
		});

		Execution done = test.await(execution, ExecutionState.COMPLETED);
		List<UUID> ids = IntStream.range(0, 3)
			.mapToObj((i) -> UUID.fromString(done.result().get(i).asString()))
			.toList();
		assertThat(tasks(ids.get(0))).contains("one", "two");
		assertThat(tasks(ids.get(1))).contains("one");
		assertThat(test.count("event where name = 'in.task'")).isOne();
		assertThat(test.count("event where name = 'in.transaction'")).isZero();
		assertThat(EmittedExecutions.countOfName(test, "in.transaction")).isZero();
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void emitsInTheCallersTransaction(boolean autocommit) {
		String event = "in.transaction." + autocommit;
		try (HikariDataSource pool = new HikariDataSource()) {
			pool.setJdbcUrl(TestPostgres.shared().jdbcUrl());
			pool.setAutoCommit(autocommit);
			DataSourceTransactionManager manager = new DataSourceTransactionManager(pool);
			Conductor application = new ConductorBuilder(pool).schema(test.schema())
				.transactionManager(manager)
				.build();
			TransactionTemplate transaction = new TransactionTemplate(manager);

			transaction.executeWithoutResult((status) -> {
				application.emit(event, "undone");
				status.setRollbackOnly();
			});
			assertThat(EmittedExecutions.countOfName(test, event)).isZero();
			UUID committed = transaction.execute((status) -> {
				UUID id = application.emit(event, "done");
				assertThat(test.elsewhere(() -> tasks(id))).isEmpty();
				return id;
			});
			assertThat(tasks(committed)).containsExactly("everything");
			UUID own = application.emit(event, "own");
			assertThat(tasks(own)).containsExactly("everything");
			UUID[] after = new UUID[1];
			transaction.executeWithoutResult((status) -> TransactionSynchronizationManager
				.registerSynchronization(new TransactionSynchronization() {

					@Override
					public void afterCommit() {
						after[0] = application.emit(event, "after");
					}

				}));
			assertThat(tasks(after[0])).containsExactly("everything");
			assertThat(test.sql("select count(*) from ${schema}.event where name = ?")
				.param(event)
				.query(Long.class)
				.single()).isEqualTo(3);
		}
	}

	@Test
	void refusesToEmitInAReadOnlyTransaction() {
		TransactionTemplate readOnly = test.transaction();
		readOnly.setReadOnly(true);

		readOnly.executeWithoutResult((status) -> assertThatExceptionOfType(ConductorException.class)
			.isThrownBy(() -> client.emit("order.shipped", null))
			.withMessageContainingAll("emit of event 'order.shipped'", "read-only"));
	}

	@ParameterizedTest
	@ValueSource(strings = { "", " ", " a", "a ", "a*", "*", "a\nb", "a\u0000b", "a\u007fb", "long" })
	void refusesNames(String name) {
		String event = name.equals("long") ? "n".repeat(201) : name;
		long before = events();

		assertThatIllegalArgumentException().isThrownBy(() -> client.emit(event, null));
		assertThatExceptionOfType(DataAccessException.class)
			.isThrownBy(() -> test.sql("select ${schema}.emit(?)").param(event).query(UUID.class).single());

		assertThat(events()).isEqualTo(before);
	}

	@Test
	void takesNamesOfAllOtherCharacters() {
		for (String event : List.of("O'Brien", "a b", "ä€😀", "a\"b", "$1 ? :x %s ${schema}", "n".repeat(200))) {
			UUID id = client.emit(event, null);
			assertThat(tasks(id)).containsExactly("everything");
			EmittedEvent<?> emitted = everything.next();
			while (!emitted.id().equals(id)) {
				emitted = everything.next();
			}
			assertThat(emitted.name()).isEqualTo(event);
		}
	}

	@Test
	void refusesNoNameBySql() {
		assertThatExceptionOfType(DataAccessException.class).isThrownBy(() -> emitSql("null"))
			.withMessageContaining("event must be 1 to 200 characters");
	}

	@Test
	void refusesOptionsInPlaceOfThePayload() {
		assertThatIllegalArgumentException()
			.isThrownBy(() -> client.emit("misplaced", EmitOptions.defaults().dedupeKey("key")))
			.withMessage("EmitOptions was given as payload of event 'misplaced': "
					+ "pass it as the last argument, after the payload, which may be null");
		assertThat(test.count("event where name = 'misplaced'")).isZero();
	}

	@Test
	void refusesKeys() {
		for (String key : List.of("", "k".repeat(513), "a\u0000")) {
			assertThatIllegalArgumentException().isThrownBy(() -> EmitOptions.defaults().dedupeKey(key));
			assertThatExceptionOfType(DataAccessException.class)
				.isThrownBy(() -> test.sql("select ${schema}.emit('keyed', dedupe_key => ?)")
					.param(key)
					.query(UUID.class)
					.single());
		}
		String longest = "k".repeat(512);
		assertThat(client.emit("keyed", null, EmitOptions.defaults().dedupeKey(longest)))
			.isEqualTo(emitSql("'keyed', dedupe_key => '" + longest + "'"));
	}

	@Test
	void refusesPayloadsThatAreTooLargeOrCannotBeStored() {
		long before = events();

		assertRefused(() -> client.emit("large", "x".repeat(10_001)))
			.withMessageContainingAll("payload of event 'large'", "conductor.max-payload-size");
		assertRefused(() -> client.emit("nul", Map.of("a", "x\u0000"))).withMessageContainingAll("event 'nul'", "NUL");
		assertRefused(() -> client.emit("nul", Map.of("\u0000", 1))).withMessageContaining("NUL");
		assertRefused(() -> client.emit("nul", "\\\u0000")).withMessageContaining("NUL");
		assertRefused(() -> client.emit("cycle", new Object() {

			public Object getSelf() {
				return this;
			}

		})).withMessageContaining("event 'cycle'");
		assertThatExceptionOfType(DataAccessException.class).isThrownBy(() -> emitSql("'nul', '\"\\u0000\"'"))
			.withMessageContaining("u0000");

		assertThat(events()).isEqualTo(before);
	}

	private static ThrowableAssertAlternative<InvalidPayloadException> assertRefused(ThrowingCallable call) {
		return assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(call);
	}

	@ParameterizedTest
	@ValueSource(strings = { "\\u0000", "C:\\u0000\\dir", "\\\\u0000", "u0000", "\\" })
	void takesBackslashesBeforeWhatLooksLikeNul(String text) {
		UUID id = client.emit("backslash", text);

		assertThat(test.sql("select payload #>> '{}' from ${schema}.event where id = ?")
			.param(id)
			.query(String.class)
			.single()).isEqualTo(text);
	}

	@Test
	void emitsToAThousandSubscribersInOneStatement() {
		int size = 1000;
		try (TestConductor crowd = new TestConductor(EmitIntegrationTests.class);
				HikariDataSource pool = crowd.pool("recorded", 2)) {
			RecordingDataSource recorded = new RecordingDataSource(pool);
			Conductor application = new ConductorBuilder(recorded).schema(crowd.schema()).build();
			crowd
				.node(IntStream.range(0, size)
					.mapToObj((i) -> TaskSpec.of("subscriber-" + i, null, (event, context) -> event.name())
						.withTriggers(List.of(EventTrigger.of((i % 2 == 0) ? "crowd" : "cro*", "$.n > 0", null))))
					.toArray(TaskSpec[]::new))
				.start();
			application.emit("warm.up", null);
			recorded.clear();

			UUID id = application.emit("crowd", Map.of("n", 1));

			assertThat(recorded.executedHere()).singleElement().asString().contains("emit_event");
			assertThat(EmittedExecutions.tasks(crowd, id)).hasSize(size).doesNotHaveDuplicates();
			await().atMost(Duration.ofSeconds(30))
				.until(() -> crowd.count("finished_execution where state = 'completed'") == size);
		}
	}

}
