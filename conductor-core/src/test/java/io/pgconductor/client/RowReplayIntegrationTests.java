package io.pgconductor.client;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

import io.pgconductor.ConductorException;
import io.pgconductor.RowReplay;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.RowReplays;
import io.pgconductor.jdbc.SqlErrors;
import io.pgconductor.task.JsonMapping;
import io.pgconductor.testing.LogCapture;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.dao.ConcurrencyFailureException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionTemplate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatException;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assumptions.assumeThat;

/**
 * Invoking a task for rows that are there.
 */
class RowReplayIntegrationTests {

	private static final String TASK = "contact-changed";

	private static final String NO_OPTIONS = "null, null, null, null, null";

	private static TestConductor test;

	@BeforeAll
	static void start() {
		test = new TestConductor(RowReplayIntegrationTests.class);
		test.sql("insert into ${schema}.task (name, queue, priority, max_attempts) values (:task, 'mail', 7, 4)")
			.param("task", TASK)
			.update();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	@RegisterExtension
	private final LogCapture log = new LogCapture(ReplayLoop.class);

	private final List<String> tables = new ArrayList<>();

	@BeforeEach
	void createTable() {
		createTable("contact", "id int primary key, email text, tags jsonb, since timestamptz");
	}

	private void createTable(String table, String columns) {
		test.sql("create table ${schema}." + table + " (" + columns + ")").update();
		this.tables.add(table);
	}

	@AfterEach
	void clear() {
		this.tables.forEach((table) -> test.sql("drop table if exists ${schema}." + table + " cascade").update());
		test.sql("truncate ${schema}.execution, ${schema}.row_change").update();
	}

	private static void insertContacts(int count) {
		test.sql("insert into ${schema}.contact (id, email) select i, i || '@example.com' from generate_series(1, ?) i")
			.param(count)
			.update();
	}

	private static RowReplay contacts() {
		return RowReplay.of(test.schema(), "contact");
	}

	private static void install(String table, String row, String... key) {
		installNamed(TASK + "_" + table, table, row, NO_OPTIONS, key);
	}

	/**
	 * Write down a trigger as a node does that installs it.
	 * @param name of the function
	 * @param table the table
	 * @param row makes JSON of a row r
	 * @param options queue, priority, attempts, delay, key
	 * @param key column and type, of each column of the primary key
	 */
	private static void installNamed(String name, String table, String row, String options, String... key) {
		String headers = "{\"conductor.row-operation\":\"MANUAL\"}";
		String capture = "\"" + test.schema() + "\".row_changed('" + TASK + "', json_build_object('new', " + row
				+ "), '" + headers + "', " + options + ")";
		String[] columns = IntStream.range(0, key.length / 2).mapToObj((i) -> key[2 * i]).toArray(String[]::new);
		String[] types = IntStream.range(0, key.length / 2).mapToObj((i) -> key[2 * i + 1]).toArray(String[]::new);
		test.sql("""
				insert into ${schema}.row_change
				    (name, task, table_schema, table_name, digest, capture, key_columns, key_types)
				values (?, ?, ?, ?, '', ?, ?, ?)
				""")
			.param(name)
			.param(TASK)
			.param(test.schema())
			.param(table)
			.param(capture)
			.param(columns)
			.param(types)
			.update();
	}

	private static void installOnContact() {
		install("contact", "json_build_object('id', r.\"id\", 'email', r.\"email\")", "\"id\"", "integer");
	}

	private static List<String> payloads() {
		return test.sql("select payload::text from ${schema}.execution order by id").query(String.class).list();
	}

	private static List<Integer> ids() {
		return test.sql("select (payload->'new'->>'id')::int from ${schema}.execution order by id")
			.query(Integer.class)
			.list();
	}

	private static long count() {
		return test.elsewhere(() -> test.count("execution"));
	}

	@Test
	void invokesTheTaskForAllRowsAsItsTriggerDoes() {
		insertContacts(2);
		installNamed("trigger", "contact", "json_build_object('id', r.\"id\")",
				"'other', 3, 9, interval '1 hour', 'contact-' || r.\"id\"", "\"id\"", "integer");

		assertThat(test.conductor().replay(TASK, contacts())).isEqualTo(2);

		assertThat(payloads()).containsExactly("{\"new\" : {\"id\" : 1}}", "{\"new\" : {\"id\" : 2}}");
		assertThat(test
			.sql("""
					select task, queue, priority, max_attempts, phase, coalesce_key,
					       extract(epoch from run_at - created_at)::int as delay, headers->>'conductor.row-operation' as operation
					from ${schema}.execution order by id limit 1
					""")
			.query()
			.singleRow()).containsEntry("task", TASK)
			.containsEntry("queue", "other")
			.containsEntry("priority", 3)
			.containsEntry("max_attempts", 9)
			.containsEntry("phase", "future")
			.containsEntry("coalesce_key", "contact-1")
			.containsEntry("delay", 3600)
			.containsEntry("operation", "MANUAL");
	}

	@Test
	void leavesTheRestToTheTask() {
		insertContacts(1);
		installOnContact();

		test.conductor().replay(TASK, contacts());

		assertThat(test.sql("select queue, priority, max_attempts from ${schema}.execution").query().singleRow())
			.isEqualTo(Map.of("queue", "mail", "priority", 7, "max_attempts", 4));
	}

	@Test
	void invokesNothingWhereThereIsNoRow() {
		installOnContact();

		assertThat(test.conductor().replay(TASK, contacts())).isZero();
		insertContacts(3);
		assertThat(test.conductor().replay(TASK, contacts().where("id > 3"))).isZero();

		assertThat(count()).isZero();
	}

	@ParameterizedTest
	@ValueSource(ints = { 1, 2, 3, 9, 10, 11 })
	void takesEachRowOnceInTheOrderOfTheKey(int batchSize) {
		insertContacts(10);
		test.sql("update ${schema}.contact set email = 'moved' where id in (2, 7)").update();
		installOnContact();

		assertThat(test.conductor().replay(TASK, contacts().batchSize(batchSize))).isEqualTo(10);

		assertThat(ids()).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
	}

	@Test
	void takesThousands() {
		insertContacts(10_000);
		installOnContact();

		assertThat(test.conductor().replay(TASK, contacts())).isEqualTo(10_000);

		assertThat(ids()).hasSize(10_000).isSorted().doesNotHaveDuplicates();
	}

	@Test
	void takesTheRowsThatMeetTheCondition() {
		insertContacts(20);
		installOnContact();
		Instant now = Instant.now();
		test.sql("update ${schema}.contact set since = ? where id in (3, 4, 15)")
			.param(now.atOffset(ZoneOffset.UTC))
			.update();

		long enqueued = test.conductor()
			.replay(TASK,
					contacts()
						.where("since >= :since and (id in (:ids) or contact.email = :email)",
								Map.of("since", now.minusSeconds(1), "ids", List.of(3, 5), "email", "15@example.com"))
						.batchSize(1));

		assertThat(enqueued).isEqualTo(2);
		assertThat(ids()).containsExactly(3, 15);
	}

	@Test
	void takesConditionsAsTheyAreWritten() {
		insertContacts(6);
		test.sql("update ${schema}.contact set tags = '[\"a\"]' where id = 2").update();
		test.sql("update ${schema}.contact set tags = '[\"b\"]', email = ':no ?' where id = 3").update();
		installOnContact();

		assertThat(replayed("tags ? 'a'")).containsExactly(2);
		assertThat(replayed("tags ?? 'a'")).containsExactly(2);
		assertThat(replayed("tags ?| array['b', 'c'] and email = ':no ?'")).containsExactly(3);
		assertThat(replayed("tags @? '$[*] ? (@ == \"a\")'")).containsExactly(2);
		assertThat(replayed("id::text = '4' or email = E'\\' ? :x '")).containsExactly(4);
		assertThat(replayed("'{5}' = (array[4, 5, 6])[2:2] and id = any ((array[4, 5, 6])[3:])")).containsExactly(6);
		test.sql("create table ${schema}.orders (id int, contact_id int)").update();
		this.tables.add("orders");
		test.sql("insert into ${schema}.orders values (1, 5), (5, 6)").update();
		String orders = test.schema() + ".orders";
		assertThat(replayed("exists (select from " + orders + " where contact_id = contact.id)")).containsExactly(5, 6);
		assertThat(replayed(test.schema() + ".contact.id = 4")).containsExactly(4);
	}

	private static List<Integer> replayed(String condition) {
		test.sql("truncate ${schema}.execution").update();
		test.conductor().replay(TASK, contacts().where(condition));
		return ids();
	}

	@Test
	void takesParametersOfAllKinds() {
		insertContacts(6);
		installOnContact();
		Map<String, Object> parameters = new HashMap<>();
		parameters.put("nothing", null);
		parameters.put("rest", Set.of(5L));
		parameters.put("array", new Integer[] { 6 });
		parameters.put("unit", TimeUnit.DAYS);
		parameters.put("now", ZonedDateTime.now());

		test.conductor().replay(TASK, contacts().where("""
				id = :nothing or id in (1, :rest) or id = any (:array)
				or (:unit = 'DAYS' and id = 2 and :now > now() - interval '1 day')""", parameters));

		assertThat(ids()).containsExactly(1, 2, 5, 6);
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
			emial = 'a'            | column "emial" does not exist
			id = 'a'               | invalid input syntax for type integer
			id = id and            | syntax error
			count(*) > 0           | aggregate functions are not allowed
			email = :email         | :email
			email > 5              | operator does not exist
			true) or (true         | parenthesis
			true -- )              | comments
			true; drop table x     | ';'
			1 / (id - 3) = 1       | division by zero
			id = (select 1 union select 2) | more than one row
			""")
	void refusesConditionsThatPostgresRefuses(String condition, String reason) {
		insertContacts(10);
		installOnContact();

		assertThatIllegalArgumentException()
			.isThrownBy(() -> test.conductor().replay(TASK, contacts().where(condition)))
			.withMessageContainingAll("'" + condition + "'", reason);

		assertThat(count()).isZero();
	}

	@Test
	void refusesParametersThatDoNotFitTheCondition() {
		insertContacts(1);
		installOnContact();
		RowReplay empty = contacts().where("id not in (:ids)", Map.of("ids", List.of()));
		RowReplay unused = contacts().where("email = ':mail'", Map.of("mail", "x"));

		assertThatIllegalArgumentException().isThrownBy(() -> test.conductor().replay(TASK, empty))
			.withMessageContainingAll(":ids", "empty");
		assertThatIllegalArgumentException().isThrownBy(() -> test.conductor().replay(TASK, unused))
			.withMessageContainingAll("no parameter :mail");

		assertThat(count()).isZero();
	}

	@Test
	void looksAtNoMoreThanSomeRowsAtOnce() {
		insertContacts(100);
		installOnContact();
		RowReplay rows = contacts().batchSize(2).where("id in (1, 2, 3, 100) or 1 / (id - 50) = 1");

		assertThatExceptionOfType(ConductorException.class).isThrownBy(() -> test.conductor().replay(TASK, rows))
			.withMessageContainingAll("broke off", "3 executions", "where (\"id\") > ('42'): ", "division by zero");

		assertThat(ids()).containsExactly(1, 2, 3);
	}

	@Test
	void findsTheFewRowsAmongMany() {
		createTable("line", "a int, b int, flag boolean, primary key (a, b)");
		test.sql(
				"insert into ${schema}.line select i % 3, i, i in (1, 40, 41, 77, 3, 98) from generate_series(0, 98) i")
			.update();
		install("line", "json_build_object('id', r.b)", "\"a\"", "integer", "\"b\"", "integer");
		RowReplay rows = RowReplay.of(test.schema(), "line").where("flag");

		for (int batchSize = 1; batchSize < 8; batchSize++) {
			test.sql("truncate ${schema}.execution").update();
			assertThat(test.conductor().replay(TASK, rows.batchSize(batchSize))).isEqualTo(6);
			assertThat(ids()).containsExactly(3, 1, 40, 41, 77, 98);
		}
	}

	@Test
	void keepsKeysOfSeveralColumnsInOrder() {
		createTable("line", "total int, no int, \"order\" text, primary key (\"order\", no)");
		test.sql("insert into ${schema}.line select 0, i % 7, chr(97 + i % 3) from generate_series(0, 20) i").update();
		install("line", "json_build_object('id', r.\"order\" || r.no)", "\"order\"", "text", "\"no\"", "integer");

		assertThat(test.conductor().replay(TASK, RowReplay.of(test.schema(), "line").batchSize(4))).isEqualTo(21);

		assertThat(test.sql("select payload->'new'->>'id' from ${schema}.execution order by id")
			.query(String.class)
			.list()).hasSize(21).isSorted().doesNotHaveDuplicates();
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
			text             | concat(chr(i), '''{"\\:x?', i) from generate_series(33, 90) i
			character(5)     | i::text from generate_series(1, 30) i
			uuid             | gen_random_uuid() from generate_series(1, 30) i
			timestamptz      | now() - i * interval '0.123456 s' from generate_series(1, 30) i
			bytea            | sha256(i::text::bytea) from generate_series(1, 30) i
			numeric          | i / 7.0 from generate_series(1, 30) i
			double precision | i / 7.0::float8 from generate_series(1, 30) i
			inet             | '10.0.0.1'::inet + i from generate_series(1, 30) i
			int4range        | int4range(i, i + 5) from generate_series(1, 30) i
			text[]           | array[i, -i]::text[] from generate_series(1, 30) i
			boolean          | i = 1 from generate_series(1, 2) i
			""")
	void takesKeysOfAnyType(String type, String keys) {
		createTable("keyed", "k " + type + " primary key");
		int count = JdbcClient.create(test.dataSource())
			.sql("insert into " + test.schema() + ".keyed select " + keys)
			.update();
		install("keyed", "json_build_object('id', r.k)", "\"k\"", type);

		assertThat(test.conductor().replay(TASK, RowReplay.of(test.schema(), "keyed").batchSize(3))).isEqualTo(count);

		assertThat(payloads()).hasSize(count).doesNotHaveDuplicates();
	}

	@Test
	void takesEachRowOfAPartitionedTableOnce() {
		test.sql("create table ${schema}.part (id int primary key) partition by hash (id)").update();
		this.tables.add("part");
		for (int i = 0; i < 3; i++) {
			test.sql("create table ${schema}.part_" + i + " partition of ${schema}.part "
					+ "for values with (modulus 3, remainder " + i + ")")
				.update();
		}
		test.sql("insert into ${schema}.part select generate_series(1, 5000)").update();
		install("part", "json_build_object('id', r.id)", "\"id\"", "integer");
		RowReplay rows = RowReplay.of(test.schema(), "part");

		// By sorting, and after that by merging the partitions' indexes
		assertThat(test.conductor().replay(TASK, rows.batchSize(700))).isEqualTo(5000);
		test.sql("analyze ${schema}.part").update();
		assertThat(test.conductor().replay(TASK, rows.batchSize(10).where("id <= 1000"))).isEqualTo(1000);

		assertThat(count()).isEqualTo(6000);
	}

	@Test
	void leavesOutTheRowsOfTablesThatInherit() {
		test.sql("create table ${schema}.contact_too (primary key (id)) inherits (${schema}.contact)").update();
		test.sql("insert into ${schema}.contact_too (id) values (1), (5)").update();
		insertContacts(2);
		installOnContact();

		assertThat(test.conductor().replay(TASK, contacts())).isEqualTo(2);
	}

	@Test
	void takesWholeRowsOfTablesThatHaveChanged() {
		createTable("changed",
				"id int primary key, gone int, price int, twice int generated always as (price * 2) stored");
		test.sql("insert into ${schema}.changed (id, gone, price) values (1, 2, 3)").update();
		test.sql("alter table ${schema}.changed drop gone, add added text default 'x'").update();
		install("changed", "to_json(r)", "\"id\"", "integer");

		test.conductor().replay(TASK, RowReplay.of(test.schema(), "changed"));

		assertThat(payloads()).containsExactly("{\"new\" : {\"id\":1,\"price\":3,\"twice\":6,\"added\":\"x\"}}");
	}

	@Test
	void takesGeneratedColumnsThatAreNotStored() {
		assumeThat(test.sql("show server_version_num").query(Integer.class).single()).isGreaterThanOrEqualTo(180000);
		createTable("generated", "id int primary key, price int, twice int generated always as (price * 2)");
		test.sql("insert into ${schema}.generated (id, price) values (1, 3), (2, 4)").update();
		install("generated", "to_json(r)", "\"id\"", "integer");

		test.conductor().replay(TASK, RowReplay.of(test.schema(), "generated").where("twice > 6"));

		assertThat(payloads()).containsExactly("{\"new\" : {\"id\":2,\"price\":4,\"twice\":8}}");
	}

	@Test
	void findsTablesBySqlsRulesForNames() {
		createTable("\"Odd \"\"Table\"\"\"", "\"Id %s?\" int primary key");
		test.sql("insert into ${schema}.\"Odd \"\"Table\"\"\" values (1), (2), (3)").update();
		install("Odd \"Table\"", "json_build_object('id', r.\"Id %s?\")", "\"Id %s?\"", "integer");
		insertContacts(1);
		installOnContact();
		RowReplay odd = RowReplay.of(test.schema(), "Odd \"Table\"");

		assertThat(test.conductor().replay(TASK, odd.where("\"Id %s?\" % 2 = 1").batchSize(1))).isEqualTo(2);
		assertThat(test.conductor().replay(TASK, RowReplay.of("\"" + test.schema() + "\"", "\"Odd \"\"Table\"\"\"")))
			.isEqualTo(3);
		assertThat(test.conductor().replay(TASK, RowReplay.of(test.schema().toUpperCase(Locale.ROOT), "Contact")))
			.isOne();
		assertThatIllegalArgumentException()
			.isThrownBy(() -> test.conductor().replay(TASK, RowReplay.of(test.schema(), "\"Contact\"")));
	}

	@Test
	void refusesTablesThatTheTaskHasNoTriggerOn() {
		installOnContact();

		assertThatIllegalArgumentException().isThrownBy(() -> test.conductor().replay(TASK, RowReplay.of("elsewhere")))
			.withMessageContainingAll("'" + TASK + "'", "public.elsewhere",
					"it has them on " + test.schema() + ".contact", "when it starts");
		assertThatIllegalArgumentException().isThrownBy(() -> test.conductor().replay("unheard-of", contacts()))
			.withMessageContainingAll("'unheard-of'", "none at all");
		assertThatIllegalArgumentException().isThrownBy(() -> test.conductor().replay(" ", contacts()));
	}

	@Test
	void refusesTablesWithoutAPrimaryKey() {
		install("contact", "json_build_object('id', r.id)");

		assertThatIllegalArgumentException().isThrownBy(() -> test.conductor().replay(TASK, contacts()))
			.withMessageContainingAll(test.schema() + ".contact", "'" + TASK + "'", "primary key");
	}

	@Test
	void asksWhichOfSeveralTriggersIsMeant() {
		insertContacts(2);
		installNamed("first", "contact", "json_build_object('id', r.id)", NO_OPTIONS, "\"id\"", "integer");
		installNamed("second", "contact", "json_build_object('id', r.id)", NO_OPTIONS, "\"id\"", "integer");
		assertThat(test.conductor().replay(TASK, contacts())).as("there is no difference").isEqualTo(2);

		installNamed("third", "contact", "json_build_object('id', -r.id)", NO_OPTIONS, "\"id\"", "integer");

		assertThatIllegalArgumentException().isThrownBy(() -> test.conductor().replay(TASK, contacts()))
			.withMessageContainingAll("several", "RowReplay.trigger", "first or second or third");
		assertThatIllegalArgumentException()
			.isThrownBy(() -> test.conductor().replay(TASK, contacts().trigger("fourth")))
			.withMessageContainingAll("'fourth'", "first, second, third");
		assertThat(test.conductor().replay(TASK, contacts().trigger("third"))).isEqualTo(2);
		assertThat(ids()).containsExactly(1, 2, -1, -2);
	}

	@Test
	void saysSoWhereTheTriggerDoesNotFitTheTableAnyMore() {
		insertContacts(1);
		installOnContact();
		RowReplay rows = contacts().where("id > 0");
		test.sql("alter table ${schema}.contact rename email to mail").update();

		assertThatExceptionOfType(ConductorException.class).isThrownBy(() -> test.conductor().replay(TASK, rows))
			.withMessageContainingAll("_contact", test.schema() + ".contact", "email", "restart");

		test.sql("drop table ${schema}.contact").update();

		assertThatExceptionOfType(ConductorException.class).isThrownBy(() -> test.conductor().replay(TASK, rows))
			.withMessageContainingAll(".contact", "does not exist", "restart");
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void joinsTheTransaction(boolean autocommit) {
		insertContacts(10);
		installOnContact();
		try (Application application = new Application(test, autocommit)) {
			assertThatIllegalStateException().isThrownBy(() -> application.inTransaction(() -> {
				assertThat(application.client().replay(TASK, contacts().batchSize(3))).isEqualTo(10);
				assertThat(count()).isZero();
				throw new IllegalStateException("changed my mind");
			}));
			assertThat(count()).isZero();

			application.inTransaction(() -> application.client().replay(TASK, contacts().batchSize(3)));
			assertThat(count()).isEqualTo(10);
		}
	}

	@Test
	void seesWhatItsTransactionHasWritten() {
		installOnContact();

		test.transaction().executeWithoutResult((status) -> {
			insertContacts(3);
			assertThat(test.conductor().replay(TASK, contacts())).isEqualTo(3);
		});

		assertThat(count()).isEqualTo(3);
	}

	@Test
	void refusesToWriteInAReadOnlyTransaction() {
		installOnContact();
		TransactionTemplate readOnly = test.transaction();
		readOnly.setReadOnly(true);

		readOnly.executeWithoutResult((status) -> assertThatExceptionOfType(ConductorException.class)
			.isThrownBy(() -> test.conductor().replay(TASK, contacts()))
			.withMessageContainingAll("replay of " + test.schema() + ".contact for task '" + TASK + "'", "read-only"));
	}

	@Test
	void saysSoWhereTheSchemaIsNotInstalled() {
		try (Application application = new Application(test, true, (builder) -> builder.schema("nowhere"))) {
			assertThatExceptionOfType(ConductorException.class)
				.isThrownBy(() -> application.client().replay(TASK, contacts()))
				.withMessageContainingAll("'nowhere'", "not installed");
		}
	}

	@Test
	void commitsEachBatchOutsideOfATransaction() {
		insertContacts(10);
		installOnContact();
		RowReplay rows = contacts().batchSize(3)
			.where("id <> 8 or (select count(*) < 6 from " + test.schema() + ".execution) or 1 / (id - 8) = 1");

		assertThatExceptionOfType(ConductorException.class).isThrownBy(() -> test.conductor().replay(TASK, rows))
			.withMessageContainingAll("broke off", "6 executions", "where (\"id\") > ('6'): ", "division by zero");

		assertThat(ids()).containsExactly(1, 2, 3, 4, 5, 6);
		assertThat(test.conductor().replay(TASK, contacts().where("(\"id\") > ('6')"))).isEqualTo(4);
	}

	@Test
	void breaksOffWhenItsThreadIsInterrupted() throws Exception {
		insertContacts(10);
		installOnContact();
		FutureTask<Boolean> interrupted = new FutureTask<>(() -> {
			Thread.currentThread().interrupt();
			assertThatExceptionOfType(ConductorException.class)
				.isThrownBy(() -> test.conductor().replay(TASK, contacts().batchSize(3)))
				.withMessageContainingAll("broke off", "0 executions", "interrupted");
			return Thread.currentThread().isInterrupted();
		});

		interrupted.run();

		Thread.interrupted();
		assertThat(interrupted.get()).isTrue();
		assertThat(count()).isZero();
	}

	@Test
	void takesWhatAChangeThatIsUnderWayLeaves() throws Exception {
		insertContacts(10);
		installOnContact();

		FutureTask<Long> replay = meanwhile(contacts().batchSize(3), () -> {
			test.sql("update ${schema}.contact set email = 'new' where id <= 5").update();
			test.sql("delete from ${schema}.contact where id in (2, 6, 9, 10)").update();
		});

		assertThat(replay.get()).isEqualTo(6);
		assertThat(ids()).containsExactly(1, 3, 4, 5, 7, 8);
		assertThat(payloads()).filteredOn((payload) -> payload.contains("\"new\"}")).hasSize(4);
	}

	@Test
	void takesNoRowThatDoesNotMeetTheConditionAnyMore() throws Exception {
		insertContacts(6);
		installOnContact();

		meanwhile(contacts().batchSize(2).where("email like '%@%'"),
				() -> test.sql("update ${schema}.contact set email = 'none' where id in (2, 3, 6)").update())
			.get();

		assertThat(ids()).containsExactly(1, 4, 5);
	}

	@Test
	void leavesOutNoRowWhenTheKeysOfOthersChange() throws Exception {
		insertContacts(20);
		installOnContact();

		FutureTask<Long> replay = meanwhile(contacts().batchSize(3).where("id is not null"), () -> {
			test.sql("update ${schema}.contact set id = -2 where id = 1").update();
			test.sql("update ${schema}.contact set id = 100 where id = 20").update();
			test.sql("update ${schema}.contact set id = 20 where id = 2").update();
			test.sql("update ${schema}.contact set id = 2 where id = 3").update();
		});

		assertThat(replay.get()).isEqualTo(19);
		assertThat(ids()).containsExactly(-2, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20);
	}

	/**
	 * Begin a replay while changes are under way, and commit them when it waits.
	 */
	private static FutureTask<Long> meanwhile(RowReplay rows, Runnable changes) {
		FutureTask<Long> replay = new FutureTask<>(() -> test.conductor().replay(TASK, rows));
		test.transaction().executeWithoutResult((status) -> {
			changes.run();
			int session = test.sql("select pg_backend_pid()").query(Integer.class).single();
			new Thread(replay).start();
			Awaitility.await()
				.until(() -> test.elsewhere(() -> test
					.sql("select exists (select from pg_stat_activity where ? = any (pg_blocking_pids(pid)))")
					.param(session)
					.query(Boolean.class)
					.single()));
		});
		return replay;
	}

	@Test
	void holdsUpChangesUntilItCommits() {
		insertContacts(3);
		installOnContact();
		String change = "set local lock_timeout = '10ms'; update ${schema}.contact set email = 'new' where id = ";

		test.transaction().executeWithoutResult((status) -> {
			test.conductor().replay(TASK, contacts().where("id < 3"));

			assertThatException().isThrownBy(() -> test.elsewhere(change + "2")).matches(SqlErrors::isLockTimeout);
			test.elsewhere(change + "3");
		});

		test.elsewhere(change + "2");
	}

	@Test
	void passesOnThatItsTransactionIsOutdated() {
		insertContacts(3);
		installOnContact();
		TransactionTemplate repeatable = test.transaction();
		repeatable.setIsolationLevel(TransactionDefinition.ISOLATION_REPEATABLE_READ);

		repeatable.executeWithoutResult((status) -> {
			assertThat(test.count("contact")).isEqualTo(3);
			test.elsewhere("update ${schema}.contact set email = 'new' where id = 2");
			assertThatExceptionOfType(ConcurrencyFailureException.class)
				.isThrownBy(() -> test.conductor().replay(TASK, contacts().batchSize(1)))
				.matches(SqlErrors::isSerializationFailure);
			status.setRollbackOnly();
		});

		assertThat(count()).isZero();
	}

	@Test
	void saysSoWhereItMustNotLockTheRows() {
		insertContacts(3);
		installOnContact();
		String role = test.schema() + "_reader";
		test.sql("create role " + role).update();
		test.sql("grant usage on schema ${schema} to " + role).update();
		test.sql("grant select on all tables in schema ${schema} to " + role).update();

		test.transaction().executeWithoutResult((status) -> {
			test.sql("set local role " + role).update();
			assertThatExceptionOfType(ConductorException.class)
				.isThrownBy(() -> test.conductor().replay(TASK, contacts()))
				.withMessageContainingAll(test.schema() + ".contact", "permission denied for table contact", "SELECT",
						"UPDATE");
			status.setRollbackOnly();
		});

		test.sql("drop owned by " + role).update();
		test.sql("drop role " + role).update();
	}

	@Test
	void reportsWhatTakesLong() {
		insertContacts(10);
		installOnContact();
		AtomicLong nanos = new AtomicLong();
		RowReplays replays = new RowReplays(JdbcClient.create(test.dataSource()), new SchemaName(test.schema()));
		ReplayLoop loop = new ReplayLoop("replay", false, () -> nanos.getAndAdd(TimeUnit.SECONDS.toNanos(16)));

		loop.run((step) -> step.apply(replays), TASK, contacts());
		assertThat(this.log.lines()).isEmpty();

		loop.run((step) -> step.apply(replays), TASK, contacts().batchSize(3));
		assertThat(this.log.lines()).containsExactly(
				"INFO The replay has enqueued 6 executions so far, and goes on with the rows where (\"id\") > ('6')",
				"INFO The replay has enqueued 10 executions in 80 s");
	}

	@Test
	void takesEachRowThatStaysWhileOthersComeAndGo() throws Exception {
		test.sql("insert into ${schema}.contact (id) select 2 * i from generate_series(1, 3000) i").update();
		installOnContact();
		AtomicBoolean over = new AtomicBoolean();
		FutureTask<Boolean> writer = new FutureTask<>(() -> {
			for (int id = 1; !over.get(); id += 2) {
				test.sql("insert into ${schema}.contact (id) values (?), (?)").param(id).param(10_000 + id).update();
				test.sql("delete from ${schema}.contact where id = ?").param(id - 2).update();
				test.sql("update ${schema}.contact set email = 'new' where id = ?").param(id + 1).update();
			}
			return true;
		});
		new Thread(writer).start();

		long enqueued = test.conductor().replay(TASK, contacts().batchSize(100));
		over.set(true);

		assertThat(writer.get()).isTrue();
		List<Integer> ids = ids();
		assertThat(ids).hasSize((int) enqueued).doesNotHaveDuplicates();
		assertThat(ids).filteredOn((id) -> id % 2 == 0).hasSize(3000);
	}

	@Test
	void leavesRowsThatComeLaterToTheirTrigger() {
		insertContacts(10);
		installOnContact();
		// As if each were inserted while the one before is replayed
		test.sql("create function ${schema}.another() returns trigger language plpgsql as $$ begin "
				+ "insert into ${schema}.contact (id) select max(id) + 1 from ${schema}.contact; return null; end $$")
			.update();
		test.sql("create trigger another after insert on ${schema}.execution for each row "
				+ "execute function ${schema}.another()")
			.update();

		assertThat(test.conductor().replay(TASK, contacts().batchSize(3))).isEqualTo(10);

		test.sql("drop function ${schema}.another() cascade").update();
		assertThat(ids()).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
	}

	@Test
	void wakesTheWorkersOfItsProcessAfterTheCommit() {
		insertContacts(3);
		installOnContact();
		test.sql("update ${schema}.task set held = false where name = ?").param(TASK).update();
		List<Set<String>> woken = new ArrayList<>();
		ClientListener listener = new ClientListener() {

			@Override
			public void committed(Set<String> targets) {
				woken.add(targets);
			}

			@Override
			public void unregisteredTaskInvoked(String task) {
			}

		};
		try (DefaultConductorClient client = new DefaultConductorClient(test.dataSource(), test.transactionManager(),
				ForeignTransaction.FAIL, new SchemaName(test.schema()),
				new JsonMapping(JsonMapping.mapperBuilder().build(), 1000), listener)) {
			client.replay(TASK, contacts().batchSize(2));
			assertThat(woken).containsExactly(Set.of("queue:mail"), Set.of("queue:mail"));

			woken.clear();
			test.transaction().executeWithoutResult((status) -> {
				client.replay(TASK, contacts().batchSize(2));
				assertThat(woken).isEmpty();
			});
			assertThat(woken).containsExactly(Set.of("queue:mail"));
		}
	}

}
