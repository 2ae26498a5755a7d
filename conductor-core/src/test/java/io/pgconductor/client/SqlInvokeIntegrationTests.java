package io.pgconductor.client;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.WorkerOptions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.dao.DataAccessException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/**
 * Enqueueing by the SQL function {@code invoke}: the same as by the client.
 */
class SqlInvokeIntegrationTests {

	private static final Duration POLL_INTERVAL = Duration.ofSeconds(30);

	private static TestConductor test;

	@BeforeAll
	static void start() {
		test = new TestConductor(SqlInvokeIntegrationTests.class);
		test.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withPollInterval(POLL_INTERVAL)),
				TaskSpec
					.of("ship", Object.class,
							(event, context) -> (event.payload() != null)
									? Map.of("payload", event.payload(), "headers", context.headers()) : null)
					.withAliases(Set.of("send"))
					.with(TaskOptions.none().queue("goods").priority(4).maxAttempts(7)))
			.start();
		test.sql("create table ${schema}.orders (id bigint generated always as identity, item text not null)").update();
		test.sql("""
				create function ${schema}.order_placed() returns trigger language plpgsql as $$
				begin
				    perform ${schema}.invoke('ship', to_jsonb(new), delay => interval '0');
				    return null;
				end $$""").update();
		test.sql("""
				create trigger order_placed after insert on ${schema}.orders
				for each row execute function ${schema}.order_placed()""").update();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	private static UUID invoke(String arguments) {
		return test.sql("select ${schema}.invoke(" + arguments + ")").query(UUID.class).single();
	}

	private static Execution find(UUID id) {
		return test.conductor().find(id).orElseThrow();
	}

	@ParameterizedTest
	@ValueSource(strings = { "ship", "send" })
	void takesWhatIsNotGivenFromTheTask(String name) {
		Execution execution = test.await(invoke("'" + name + "'"), ExecutionState.COMPLETED);

		assertThat(execution.task()).isEqualTo(name);
		assertThat(execution.queue()).isEqualTo("goods");
		assertThat(execution.priority()).isEqualTo(4);
		assertThat(execution.maxAttempts()).isEqualTo(7);
		assertThat(execution.payload()).isNull();
		assertThat(execution.headers()).isEmpty();
		assertThat(execution.runAt()).isEqualTo(execution.createdAt());
	}

	@Test
	void takesEachArgumentByName() {
		UUID id = invoke("""
				task => 'ship', payload => '{"a": [1.10, null]}', queue => 'other', priority => -2, max_attempts => 1,
				delay => interval '1 day', headers => '{"tenant": "O''Brien 🦆"}'""");

		Execution execution = find(id);

		assertThat(id.version()).isEqualTo(7);
		assertThat(id.variant()).isEqualTo(2);
		assertThat(execution.queue()).isEqualTo("other");
		assertThat(execution.priority()).isEqualTo(-2);
		assertThat(execution.maxAttempts()).isEqualTo(1);
		assertThat(execution.headers()).isEqualTo(Map.of("tenant", "O'Brien 🦆"));
		assertThat(execution.payload().toString()).isEqualTo("{\"a\":[1.10,null]}");
		assertThat(execution.state()).isEqualTo(ExecutionState.SCHEDULED);
		assertThat(Duration.between(execution.createdAt(), execution.runAt())).isEqualTo(Duration.ofDays(1));
	}

	@Test
	void takesThemByPosition() {
		UUID id = invoke("'ship', '1', 'other', 3, '2126-01-01T00:00:00Z', null, 2, '{}'");

		assertThat(find(id).runAt()).isEqualTo(Instant.parse("2126-01-01T00:00:00Z"));
		assertThat(find(id).headers()).isEmpty();
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
			'{"a": 1}'               | {"a":1}
			'{"a": 1}'::jsonb        | {"a":1}
			'{"a": 1}'::json::jsonb  | {"a":1}
			to_jsonb('a'::text)      | "a"
			jsonb_build_object('a',1)| {"a":1}
			'null'                   | null
			'[]'                     | []
			'12345678901234567890.10'| 12345678901234567890.10
			""")
	void takesPayloadsOfAnyJson(String literal, String expected) {
		Execution execution = test.await(invoke("'ship', " + literal), ExecutionState.COMPLETED);

		assertThat(execution.payload().toString()).isEqualTo(expected);
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
			null                                                        | task must be
			''                                                          | task must be
			' ship'                                                     | task must be
			E'sh\\nip'                                                  | task must be
			repeat('x', 201)                                            | task must be
			'ship', queue => ''                                         | queue must be
			'ship', queue => 'a b'                                      | queue must be
			'ship', queue => repeat('q', 64)                            | queue must be
			'ship', run_at => now(), delay => interval '1 s'            | run_at and delay
			'ship', delay => interval '-1 second'                       | delay must be
			'ship', delay => interval '1000 years 1 day'                | delay must be
			'ship', max_attempts => 0                                   | max_attempts must be
			'ship', headers => '[]'                                     | headers must be
			'ship', headers => 'null'                                   | headers must be
			'ship', headers => '"a"'                                    | headers must be
			'ship', headers => '{"a": 1}'                               | headers must be
			'ship', headers => '{"a": null}'                            | headers must be
			'ship', payload => '{"a"'                                   | json
			""")
	void refusesWhatIsInvalidNamingIt(String arguments, String message) {
		long before = test.count("executions");

		assertThatExceptionOfType(DataAccessException.class).isThrownBy(() -> invoke(arguments))
			.withMessageContaining(message);

		assertThat(test.count("executions")).isEqualTo(before);
	}

	@Test
	void startsAtOnceThoughNobodyPolls() {
		awaitIdle("queue:goods");

		UUID id = invoke("'ship'");
		Execution execution = test.await(id, ExecutionState.COMPLETED);

		assertThat(Duration.between(execution.createdAt(), execution.startedAt())).isLessThan(Duration.ofSeconds(5));
	}

	@Test
	void startsWhenItsDelayIsOverThoughNobodyPolls() {
		awaitIdle("promoter");
		awaitIdle("queue:goods");

		UUID id = invoke("'ship', delay => interval '300 ms'");
		Execution execution = test.await(id, ExecutionState.COMPLETED);

		assertThat(Duration.between(execution.runAt(), execution.startedAt())).isBetween(Duration.ZERO,
				Duration.ofSeconds(3));
	}

	@Test
	void isPartOfTheTransactionOfATrigger() {
		long[] before = { test.count("executions") };

		test.transaction().executeWithoutResult((status) -> {
			test.sql("insert into ${schema}.orders (item) values ('book')").update();
			assertThat(test.count("executions")).isEqualTo(before[0] + 1);
			status.setRollbackOnly();
		});
		assertThat(test.count("executions")).isEqualTo(before[0]);

		test.sql("insert into ${schema}.orders (item) select 'pen ' || i from generate_series(1, 200) i").update();
		await().until(() -> test.count("finished_execution where payload ->> 'item' like 'pen %'") == 200);
	}

	@Test
	void keepsTheOrderOfRowsThatOneStatementInserted() {
		test.sql("""
				insert into ${schema}.orders (item)
				select 'ordered ' || lpad(i::text, 5, '0') from generate_series(1, 2000) i""").update();

		List<String> items = test.sql("""
				select payload ->> 'item' from ${schema}.executions where payload ->> 'item' like 'ordered %'
				order by run_at, id""").query(String.class).list();

		assertThat(items).hasSize(2000).isSorted();
	}

	@Test
	void createsUuidsThatSortByTheTimeOfTheirCreation() {
		List<UUID> ids = test.sql("select ${schema}.uuid_v7() from generate_series(1, 5000)").query(UUID.class).list();

		assertThat(ids).doesNotHaveDuplicates().allMatch((id) -> id.version() == 7 && id.variant() == 2);
		assertThat(ids.stream().map(UUID::toString)).isSorted();
		assertThat(Instant.ofEpochMilli(ids.get(0).getMostSignificantBits() >>> 16))
			.isBetween(Instant.now().minusSeconds(60), Instant.now().plusSeconds(60));
	}

	@Test
	void runsAtOnceWhatWasDueForEver() {
		Execution execution = test.await(invoke("'ship', run_at => '-infinity'"), ExecutionState.COMPLETED);

		assertThat(execution.runAt()).isBefore(Instant.EPOCH);
	}

	@Test
	void doesWithoutNotificationsWhereASessionForbidsThem() {
		awaitIdle("queue:goods");

		UUID id = test.transaction().execute((status) -> {
			test.sql("set local conductor.notify = off").update();
			return invoke("'ship'");
		});
		UUID other = invoke("'ship'");

		test.await(other, ExecutionState.COMPLETED);
		test.await(id, ExecutionState.COMPLETED);
	}

	/**
	 * Wait until a node sleeps until it is notified.
	 */
	private static void awaitIdle(String target) {
		await().until(() -> test.sql("""
				select exists (
				    select from pg_locks
				    where locktype = 'advisory' and mode = 'ExclusiveLock' and granted
				      and (classid::bigint << 32) | objid::bigint = ${schema}.wake_key(:target))""")
			.param("target", target)
			.query(Boolean.class)
			.single());
	}

}
