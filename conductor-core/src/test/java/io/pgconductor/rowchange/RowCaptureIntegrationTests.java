package io.pgconductor.rowchange;

import java.io.StringReader;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import io.pgconductor.InvokeOptions;
import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import io.pgconductor.task.SqlName;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What is captured of which changes.
 */
class RowCaptureIntegrationTests {

	private static TestConductor test;

	private ShopTables shop;

	@BeforeAll
	static void create() {
		test = new TestConductor(RowCaptureIntegrationTests.class);
	}

	@AfterAll
	static void close() {
		test.close();
	}

	@BeforeEach
	void createTables() {
		this.shop = new ShopTables(test);
		this.shop.execute("create table ${shop}.contact (id int primary key, email text, first_name text, active bool, "
				+ "score numeric(10,2), born date, seen interval, photo bytea, notes jsonb, tags text[], "
				+ "total numeric generated always as (score * 2) stored)");
	}

	@AfterEach
	void drop() {
		this.shop.drop();
		this.shop.execute("truncate ${schema}.execution, ${schema}.row_change");
	}

	record Contact(int id, String email, String firstName) {
	}

	@Test
	void capturesTheColumnsOfTheRowType() {
		this.shop.install(ShopTables.task("captured", Contact.class, (event, context) -> null,
				this.shop.on("contact").operations(RowOperation.INSERT, RowOperation.UPDATE, RowOperation.DELETE)));

		this.shop.execute("insert into ${shop}.contact (id, email, first_name) values (1, 'O''Brien', 'Ada')");
		this.shop.execute("update ${shop}.contact set email = null");
		this.shop.execute("delete from ${shop}.contact");

		assertThat(this.shop.payloads()).containsExactly(
				"{\"new\" : {\"id\" : 1, \"email\" : \"O'Brien\", \"first_name\" : \"Ada\"}}",
				"{\"old\" : {\"id\" : 1, \"email\" : \"O'Brien\", \"first_name\" : \"Ada\"}, \"new\" : {\"id\" : 1, \"email\" : null, \"first_name\" : \"Ada\"}}",
				"{\"old\" : {\"id\" : 1, \"email\" : null, \"first_name\" : \"Ada\"}}");
	}

	@Test
	void capturesAllColumnsWhateverTheirTypes() {
		this.shop.install(this.shop.on("contact").payload(RowPayload.ROW));

		this.shop
			.execute("insert into ${shop}.contact values (1, 'a', 'b', true, 12.50, '2000-01-31', '1 day 2 hours', "
					+ "'\\x6869', '{\"A\": 1}', array['x', null])");

		assertThat(this.shop.payloads()).singleElement()
			.asString()
			.contains("\"seen\" : \"P1DT2H\"", "\"photo\" : \"\\\\x6869\"", "\"score\" : 12.50", "\"total\" : 25.00",
					"[\"x\",null]");
	}

	@Test
	void capturesUnderOtherNames() {
		this.shop
			.install(this.shop.on("contact").mapping(Map.of("userId", "id")).includeMeta(true).dedupeKey("c-{id}"));

		this.shop.execute("insert into ${shop}.contact (id) values (7)");

		assertThat(this.shop.payloads()).singleElement()
			.asString()
			.contains("{\"userId\" : 7, \"_meta\" : {\"schema\" : ");
		assertThat(this.shop.query("select coalesce_key from ${schema}.execution", String.class)).isEqualTo("c-7");
	}

	@Test
	void countsAnUpdateIfWhatIsWatchedHasChanged() {
		this.shop.install(
				this.shop.on("contact").operations(RowOperation.UPDATE).watch("email", "notes").when("NEW.active"));
		this.shop.execute("insert into ${shop}.contact (id, email, active) values (1, 'a', true)");

		this.shop.execute("update ${shop}.contact set first_name = 'x'");
		assertThat(this.shop.payloads()).isEmpty();
		this.shop.execute("update ${shop}.contact set email = 'b'");
		assertThat(this.shop.payloads()).hasSize(1);
		this.shop.execute("update ${shop}.contact set email = 'c', active = false");
		assertThat(this.shop.payloads()).hasSize(1);
	}

	@Test
	void capturesWhatIsLeftOfARowUnlessItIsNotWanted() {
		this.shop.install(this.shop.on("contact").columns("id").includeOld(false));

		this.shop.execute("insert into ${shop}.contact (id) values (1)");
		this.shop.execute("update ${shop}.contact set id = 2");
		this.shop.execute("delete from ${shop}.contact");

		assertThat(this.shop.payloads()).containsExactly("{\"new\" : {\"id\" : 1}}", "{\"new\" : {\"id\" : 2}}");
	}

	@Test
	void looksAtOldAndNewRows() {
		this.shop.install(this.shop.on("contact").columns("id").when("NEW.active").operations(RowOperation.INSERT),
				this.shop.on("contact")
					.columns("id")
					.when("OLD.score > 5 and (NEW.score is null or NEW.email = 'it''s')")
					.operations(RowOperation.UPDATE),
				this.shop.on("contact").columns("id").when("OLD.id > 1").operations(RowOperation.DELETE));

		this.shop.execute(
				"insert into ${shop}.contact (id, active, score) values (1, true, 6), (2, false, 7), (3, null, 8)");
		this.shop.execute("update ${shop}.contact set score = 1 where id = 1");
		this.shop.execute("update ${shop}.contact set score = null");
		this.shop.execute("delete from ${shop}.contact where id < 3");

		assertThat(this.shop.payloads()).containsExactly("{\"new\" : {\"id\" : 1}}",
				"{\"old\" : {\"id\" : 2}, \"new\" : {\"id\" : 2}}", "{\"old\" : {\"id\" : 3}, \"new\" : {\"id\" : 3}}",
				"{\"old\" : {\"id\" : 2}}");
	}

	@Test
	void enqueuesAsTheDeclarationSaysElseAsTheTaskDoes() {
		this.shop.install(this.shop.on("contact")
			.columns("id")
			.options(
					InvokeOptions.defaults().priority(-7).queue("own-queue").maxAttempts(9).delay(Duration.ofHours(1))),
				this.shop.on("contact").columns("id").operations(RowOperation.UPDATE));

		this.shop.transaction("insert into ${shop}.contact (id) values (1)");
		assertThat(enqueued()).containsExactly("captured own-queue -7 9 future 01:00:00");
		this.shop.execute("truncate ${schema}.execution");
		this.shop.transaction("update ${shop}.contact set id = 2");
		assertThat(enqueued()).containsExactlyInAnyOrder("captured own-queue -7 9 future 01:00:00",
				"captured default 0 3 due 00:00:00");
	}

	private List<String> enqueued() {
		return this.shop.list("select concat_ws(' ', task, queue, priority, max_attempts, phase, run_at - created_at) "
				+ "from ${schema}.execution", String.class);
	}

	@Test
	void saysWhatHasHappenedWhere() {
		this.shop.install(this.shop.on("contact").columns("id").includeMeta(true));

		this.shop.execute("insert into ${shop}.contact (id) values (1)");
		this.shop.execute("update ${shop}.contact set id = 2");

		String meta = "\"_meta\" : {\"schema\" : \"" + this.shop.schema()
				+ "\", \"table\" : \"contact\", \"operation\" : ";
		assertThat(this.shop.payloads()).satisfiesExactly(
				(payload) -> assertThat(payload)
					.startsWith("{\"new\" : {\"id\" : 1, " + meta + "\"INSERT\", \"at\" : \"20")
					.contains("\"xid\" : \""),
				(payload) -> assertThat(payload)
					.startsWith("{\"old\" : {\"id\" : 1}, \"new\" : {\"id\" : 2, " + meta + "\"UPDATE\""));
		assertThat(this.shop.list("select headers::jsonb ->> 'conductor.row-operation' || ' ' "
				+ "|| (headers::jsonb ->> 'conductor.row-schema') || '.' || (headers::jsonb ->> 'conductor.row-table') "
				+ "from ${schema}.execution order by id", String.class))
			.containsExactly("INSERT " + this.shop.schema() + ".contact", "UPDATE " + this.shop.schema() + ".contact");
	}

	@ParameterizedTest
	@EnumSource(RowPayload.class)
	void addsWhereItHappenedToEveryForm(RowPayload form) {
		ShopTables.Declaration declaration = this.shop.on("contact").payload(form).includeMeta(true);
		if (form == RowPayload.CUSTOM) {
			declaration.mapping(Map.of("x", "id"));
		}
		this.shop.execute("create table ${shop}.plain (id int primary key, \"_meta\" text)");
		this.shop.install(declaration);

		this.shop.execute("insert into ${shop}.contact (id) values (1)");

		assertThat(this.shop.list("select payload #>> '{new,_meta,operation}' from ${schema}.execution", String.class))
			.containsExactly("INSERT");
	}

	@Test
	void runsEveryTaskThatIsDeclared() {
		this.shop.install(
				ShopTables.task("o'brien", JsonNode.class, (event, context) -> null,
						this.shop.on("contact").columns("id"), this.shop.on("contact").columns("email")),
				ShopTables.task("o-brien", JsonNode.class, (event, context) -> null,
						this.shop.on("contact").payload(RowPayload.ROW_ID)));

		this.shop.execute("insert into ${shop}.contact (id) values (1)");

		assertThat(
				this.shop.list("select task || ' ' || (payload -> 'new')::text from ${schema}.execution", String.class))
			.containsExactlyInAnyOrder("o'brien {\"id\" : 1}", "o'brien {\"email\" : null}", "o-brien {\"id\" : 1}");
		assertThat(this.shop.triggers("contact")).hasSize(6);
	}

	@Test
	void identifiesRowsByTheirPrimaryKey() {
		this.shop.execute("create table ${shop}.line (\"Article\" text, quantity int, \"order\" bigint, "
				+ "primary key (\"order\", \"Article\"))");
		this.shop.install(this.shop.on("line").payload(RowPayload.ROW_ID));

		this.shop.execute("insert into ${shop}.line values ('tea', 3, 9007199254740993)");

		assertThat(this.shop.payloads())
			.containsExactly("{\"new\" : {\"Article\" : \"tea\", \"order\" : 9007199254740993}}");
		assertThat(
				this.shop.query("select key_columns::text || key_types::text from ${schema}.row_change", String.class))
			.isEqualTo("{\"\\\"order\\\"\",\"\\\"Article\\\"\"}{bigint,text}");
	}

	private static final List<String> NAMES = List.of("we\"ird", "O'Brien", "$conductor$", "$conductor1$",
			"back\\slash", "\\", "'", "Übung 日本", "select", "payload", "headers", "coalesce_key", "new", "old", "NEW",
			"tg_op", "TG_OP", "r", "captured", "generated", "_meta", "{fn now()}", "a?b", "a:b", "%s", "$1", "-- no",
			"/* no */", "x); drop table t; --", "a.b_c", "a_b.c",
			"123456789012345678901234567890123456789012345678901234567890123");

	@Test
	void namesTypesOfKeysForEverySession() {
		this.shop.execute("create type ${shop}.region as enum ('at', 'de')");
		this.shop
			.execute("create table ${shop}.sale (region ${shop}.region, at timestamptz(3), primary key (at, region))");
		this.shop.install(this.shop.on("sale").payload(RowPayload.ROW_ID));

		assertThat(this.shop.query("select array_to_string(key_types, '|') from ${schema}.row_change", String.class))
			.isEqualTo("timestamp with time zone|" + this.shop.schema() + ".region");
	}

	@Test
	void takesAnyName() {
		List<ShopTables.Declaration> declarations = new ArrayList<>();
		try {
			for (String name : NAMES) {
				String quoted = SqlName.quote(name);
				this.shop.execute("create schema if not exists " + SqlName.quote(schemaOf(name)));
				this.shop.execute("create table " + tableOf(name) + " (" + quoted
						+ " text primary key, data int, twice int generated always as (data * 2) " + generated() + ")");
				declarations.addAll(List.of(
						this.shop.on(schemaOf(name), name)
							.columns(name, "twice")
							.when("NEW." + quoted + " <> 'no'")
							.watch(name)
							.includeMeta(true)
							.dedupeKey(isUsableInKey(name) ? name + "-{" + name + "}-{twice}" : "static"),
						this.shop.on(schemaOf(name), name).mapping(Map.of(name, quoted)),
						this.shop.on(schemaOf(name), name).payload(RowPayload.ROW),
						this.shop.on(schemaOf(name), name).payload(RowPayload.ROW_ID)));
			}
			this.shop.install(declarations.toArray(ShopTables.Declaration[]::new));

			for (String name : NAMES) {
				this.shop.execute("insert into " + tableOf(name) + " values ('it''s', 21)");
				this.shop.execute("update " + tableOf(name) + " set " + SqlName.quote(name) + " = '\"\\'");

				String literal = SqlName.literal(name);
				assertThat(this.shop.list(
						"select concat_ws('|', payload -> 'new' ->> %1$s, payload -> 'new' ->> 'twice', payload -> 'old' ->> %1$s) "
							.formatted(literal) + "from ${schema}.execution where headers ->> 'conductor.row-table' = "
								+ literal,
						String.class))
					.as(name)
					.hasSize(8)
					.contains("\"\\|it's", "\"\\|42|it's", "it's", "it's|42");
				if (isUsableInKey(name)) {
					assertThat(this.shop
						.list("select coalesce_key from ${schema}.execution where coalesce_key like '%-42' "
								+ "and headers ->> 'conductor.row-table' = " + literal, String.class))
						.containsExactlyInAnyOrder(name + "-it's-42", name + "-\"\\-42");
				}
			}
		}
		finally {
			NAMES.forEach(
					(name) -> this.shop.execute("drop schema if exists " + SqlName.quote(schemaOf(name)) + " cascade"));
		}
	}

	private static boolean isUsableInKey(String name) {
		return !name.contains("{");
	}

	private static String schemaOf(String name) {
		return test.schema() + "_" + name.substring(0, Math.min(name.length(), 4));
	}

	private static String tableOf(String name) {
		return SqlName.quote(schemaOf(name)) + "." + SqlName.quote(name);
	}

	// Generated on read where that is possible
	private String generated() {
		return (this.shop.query("select current_setting('server_version_num')::int", Integer.class) >= 180000)
				? "virtual" : "stored";
	}

	@Test
	void takesAnyValue() {
		this.shop.execute("create type ${shop}.mood as enum ('happy', 'it''s \"ok\"')");
		this.shop.execute("create type ${shop}.address as (street text, no int)");
		this.shop.execute("create domain ${shop}.euro as numeric(20,2) check (value > 0)");
		this.shop.execute("create table ${shop}.value (mood ${shop}.mood, moods ${shop}.mood[], home ${shop}.address, "
				+ "homes ${shop}.address[], price ${shop}.euro, big numeric, nan numeric, nothing float8, "
				+ "day date, at timestamptz, at2 timestamp, none int[], matrix int[][], raw json, doc jsonb, id uuid, bits bit(3), "
				+ "ip inet, span int4range, text text, flag bool, point point, search tsvector, empty bytea, x xml)");
		this.shop.install(this.shop.on("value").payload(RowPayload.ROW),
				this.shop.on("value")
					.columns("mood", "home", "price", "big", "nan", "nothing", "day", "at", "raw", "doc", "none",
							"matrix", "text"));

		this.shop.execute(
				"""
						insert into ${shop}.value values ('it''s "ok"', array['happy', null]::${shop}.mood[], row('O''Brien "Rd" \\', 3),
						array[row('a', 1)]::${shop}.address[], 1.50, 1234567890123456789012345678901234567890.123456789,
						'NaN', '-Infinity', 'infinity', '-infinity', 'infinity', '{}', '{{1,2},{3,4}}',
						'{"a": "\\u0000", "a" : 1.000}', '{"b": [1.000, null]}', '00000000-0000-0000-0000-000000000001', b'101', '::1/64',
						'[1,5)', E'tab\\t "quote" \\'\\\\ \\u00fc \\U0001F600 \\u2028', false, '(1,2)', 'a b', '', '<a b="c"/>')""");
		this.shop.execute("insert into ${shop}.value (text) values (null)");

		String value = "\"mood\":\"it's \\\"ok\\\"\"";
		assertThat(this.shop.payloads()).hasSize(4)
			.anySatisfy((payload) -> assertThat(payload.replace("\" : ", "\":")).contains(value, "\"price\":1.50",
					"\"big\":1234567890123456789012345678901234567890.123456789", "\"nan\":\"NaN\"",
					"\"nothing\":\"-Infinity\"", "\"day\":\"infinity\"", "\"at\":\"-infinity\"", "\"none\":[]",
					"\"matrix\":[[1,2],[3,4]]", "{\"a\": \"\\u0000\", \"a\":1.000}", "{\"b\": [1.000, null]}",
					"\"tab\\t \\\"quote\\\" '\\\\ ü 😀 \u2028\"",
					"\"home\":{\"street\":\"O'Brien \\\"Rd\\\" \\\\\",\"no\":3}"));
	}

	@Test
	void capturesLongValuesThatDidNotChange() {
		this.shop.install(
				this.shop.on("contact").columns("id", "email").operations(RowOperation.UPDATE, RowOperation.DELETE));
		this.shop.execute("alter table ${shop}.contact alter email set storage external");
		this.shop.execute(
				"insert into ${shop}.contact (id, email) select 1, string_agg(md5(i::text), '') from generate_series(1, 4000) i");

		this.shop.execute("update ${shop}.contact set first_name = 'x'");
		this.shop.execute("delete from ${shop}.contact");

		assertThat(this.shop.list(
				"select concat_ws(' ', length(payload #>> '{old,email}'), length(payload #>> '{new,email}'), "
						+ "payload #>> '{old,email}' = payload #>> '{new,email}') from ${schema}.execution order by id",
				String.class))
			.containsExactly("128000 128000 t", "128000");
	}

	@ParameterizedTest
	@ValueSource(ints = { 44, 45, 46, 60, 200, 1000 })
	void takesAnyNumberOfColumns(int count) {
		String columns = IntStream.range(2, count)
			.mapToObj((i) -> "c" + i + " int default " + i)
			.collect(Collectors.joining(", "));
		this.shop.execute("create table ${shop}.wide (captured int default 0, r int default 1, " + columns + ")");
		String[] names = Stream.concat(Stream.of("captured", "r"), IntStream.range(2, count).mapToObj((i) -> "c" + i))
			.toArray(String[]::new);
		this.shop.install(this.shop.on("wide").columns(names).includeMeta(true));

		this.shop.execute("insert into ${shop}.wide (c2) values (null)");

		assertThat(this.shop.list(
				"select (select count(*) from json_object_keys(payload -> 'new')) || ' ' || (payload #>> '{new,c"
						+ (count - 1) + "}') || ' ' || (payload #>> '{new,_meta,operation}') from ${schema}.execution",
				String.class))
			.containsExactly((count + 1) + " " + (count - 1) + " INSERT");
	}

	@ParameterizedTest
	@ValueSource(strings = { "stored", "virtual" })
	void takesGeneratedColumns(String how) {
		if (how.equals("virtual") && generated().equals("stored")) {
			return;
		}
		this.shop
			.execute("create table ${shop}.item (payload int, price int, sum int generated always as (payload * price) "
					+ how + ", note text generated always as ('it''s ' || price || chr(92)) " + how + ")");
		this.shop.install(
				this.shop.on("item")
					.columns("sum", "note")
					.watch("sum")
					.when("NEW.sum > 10")
					.dedupeKey("{sum}{note}")
					.operations(RowOperation.UPDATE),
				this.shop.on("item").payload(RowPayload.ROW).operations(RowOperation.UPDATE));
		this.shop.execute("insert into ${shop}.item values (2, 3), (3, 4)");

		this.shop.execute("update ${shop}.item set payload = price, price = payload");
		assertThat(this.shop.list("select payload ->> 'new' from ${schema}.execution", String.class))
			.containsExactlyInAnyOrder(
					"{\"payload\" : 3, \"price\" : 2, \"sum\" : 6, \"note\" : \"it's 2\\\\\"}"
						.replace("\" : ", how.equals("stored") ? "\":" : "\" : ")
						.replace(", \"", how.equals("stored") ? ",\"" : ", \""),
					"{\"payload\" : 4, \"price\" : 3, \"sum\" : 12, \"note\" : \"it's 3\\\\\"}"
						.replace("\" : ", how.equals("stored") ? "\":" : "\" : ")
						.replace(", \"", how.equals("stored") ? ",\"" : ", \""));
		this.shop.execute("truncate ${schema}.execution");
		this.shop.execute("update ${shop}.item set price = 5");
		assertThat(this.shop.list(
				"select payload::text || coalesce_key from ${schema}.execution where coalesce_key is not null",
				String.class))
			.containsExactlyInAnyOrder(
					"{\"old\" : {\"sum\" : 6, \"note\" : \"it's 2\\\\\"}, \"new\" : {\"sum\" : 15, \"note\" : \"it's 5\\\\\"}}15it's 5\\",
					"{\"old\" : {\"sum\" : 12, \"note\" : \"it's 3\\\\\"}, \"new\" : {\"sum\" : 20, \"note\" : \"it's 5\\\\\"}}20it's 5\\");
	}

	@Test
	void capturesTheSameWhateverTheSession() {
		this.shop.execute(
				"create table ${shop}.setting (span interval, spans interval[], raw bytea, raws bytea[], day date, at timestamptz, text text)");
		this.shop.execute(
				"create function ${shop}.now() returns timestamptz language sql as 'select ''epoch''::timestamptz'");
		this.shop.execute(
				"create function ${shop}.json_build_object(variadic \"any\") returns json language internal as 'json_build_object_noargs'");
		this.shop
			.execute("create function ${shop}.to_json(anyelement) returns json language sql as 'select ''1''::json'");
		this.shop.install(this.shop.on("setting")
			.payload(RowPayload.ROW)
			.dedupeKey("{span} {spans} {raw} {raws} {day} {at} \\ {text}"));
		String insert = "insert into ${shop}.setting values (interval '1 day 2 hours', array[interval '-1 month'], E'\\\\x00ff'::bytea, "
				+ "array[E'\\\\x00ff'::bytea], '2000-02-01', '2000-01-01 00:00:00+00', chr(92) || 'it''s')";

		this.shop.execute(insert);
		// The driver wants a date style of its own
		this.shop.transaction("set local intervalstyle = sql_standard", "set local bytea_output = escape",
				"set local escape_string_warning = off", "set local search_path = ${shop}, pg_catalog",
				"set local timezone = 'Asia/Tokyo'",
				"do $do$ begin set local datestyle = 'SQL, DMY'; set local standard_conforming_strings = off; %s; set local datestyle = 'ISO'; set local standard_conforming_strings = on; end $do$"
					.formatted(insert));

		assertThat(this.shop.list("select distinct (payload::jsonb #- '{new,at}')::text from ${schema}.execution",
				String.class))
			.hasSize(1)
			.singleElement()
			.asString()
			.contains("P1DT2H", "P-1M", "\\\\x00ff");
		assertThat(this.shop.list("select distinct coalesce_key from ${schema}.execution", String.class))
			.containsExactly("P1DT2H {P-1M} \\x00ff {\"\\\\x00ff\"} 2000-02-01 2000-01-01T00:00:00 \\ \\it's");
	}

	@Test
	void makesKeysOfColumns() {
		this.shop.install(
				this.shop.on("contact").columns("id").dedupeKey("{{email}}".substring(1, 8) + "'{first_name}\"\\{id}"));

		this.shop.execute("insert into ${shop}.contact (id, email, first_name) values (1, 'e', 'O''Brien \"x\" {id}')");
		this.shop.execute("insert into ${shop}.contact (id, email, first_name) values (2, repeat('a', 509), '')");
		this.shop.execute("insert into ${shop}.contact (id, email, first_name) values (3, repeat('a', 508), '')");
		this.shop.execute("insert into ${shop}.contact (id, email, first_name) values (4, null, 'unknown')");

		assertThat(this.shop.list("select coalesce_key from ${schema}.execution order by id", String.class))
			.satisfiesExactly((key) -> assertThat(key).isEqualTo("e'O'Brien \"x\" {id}\"\\1"),
					(key) -> assertThat(key).matches("[0-9a-f]{64}"), (key) -> assertThat(key).hasSize(512),
					(key) -> assertThat(key).isNull());
	}

	@Test
	void followsPartitions() {
		this.shop.execute(
				"create table ${shop}.sale (id int, region text, amount int, primary key (id, region)) partition by list (region)");
		this.shop.execute("create table ${shop}.sale_at partition of ${shop}.sale for values in ('at')");
		this.shop.install(this.shop.on("sale")
			.columns("id", "region")
			.includeMeta(true)
			.operations(RowOperation.INSERT, RowOperation.UPDATE, RowOperation.DELETE));
		this.shop.execute("create table ${shop}.sale_de partition of ${shop}.sale for values in ('de')");
		this.shop.execute("create table ${shop}.sale_ch (amount int, region text not null, gone int, id int not null)");
		this.shop.execute("alter table ${shop}.sale_ch drop gone");
		this.shop.execute("alter table ${shop}.sale attach partition ${shop}.sale_ch for values in ('ch')");
		Set<String> before = this.shop.triggers("sale");

		this.shop.execute("insert into ${shop}.sale values (1, 'at', 5), (2, 'de', 6)");
		this.shop.execute("insert into ${shop}.sale_ch (id, region) values (3, 'ch')");
		this.shop.execute("update ${shop}.sale set amount = 7 where id = 3");
		// Moves from one partition to another
		this.shop.execute("update ${shop}.sale set region = 'de' where id = 1");

		assertThat(this.shop.list(
				"select concat_ws(' ', headers ->> 'conductor.row-operation', payload #>> '{old,id}', payload #>> '{old,region}', payload #>> '{new,id}', payload #>> '{new,region}', headers ->> 'conductor.row-table') from ${schema}.execution order by id",
				String.class))
			.containsExactly("INSERT 1 at sale", "INSERT 2 de sale", "INSERT 3 ch sale", "UPDATE 3 ch 3 ch sale",
					"DELETE 1 at sale", "INSERT 1 de sale");
		this.shop.install(this.shop.on("sale")
			.columns("id", "region")
			.includeMeta(true)
			.operations(RowOperation.INSERT, RowOperation.UPDATE, RowOperation.DELETE));
		assertThat(this.shop.triggers("sale")).isEqualTo(before).hasSize(3);
		this.shop.execute("alter table ${shop}.sale detach partition ${shop}.sale_de");
		this.shop.execute("truncate ${schema}.execution");
		this.shop.execute("delete from ${shop}.sale_de");
		assertThat(this.shop.payloads()).isEmpty();
	}

	@Test
	void leavesTablesThatInheritAlone() {
		this.shop.execute("create table ${shop}.customer (vip bool) inherits (${shop}.contact)");
		this.shop.install(this.shop.on("contact").columns("id"));

		this.shop.execute("insert into ${shop}.customer (id, vip) values (1, true)");
		this.shop.execute("update ${shop}.contact set email = 'x'");

		assertThat(this.shop.payloads()).isEmpty();
	}

	@Test
	void capturesRowsThatGoWithOthers() {
		this.shop.execute(
				"create table ${shop}.note (id int, contact int references ${shop}.contact on delete cascade on update cascade "
						+ "deferrable initially deferred)");
		this.shop.install(
				this.shop.on("note").columns("id", "contact").operations(RowOperation.UPDATE, RowOperation.DELETE));
		this.shop.transaction("insert into ${shop}.note values (1, 1)", "insert into ${shop}.contact (id) values (1)");

		this.shop.execute("update ${shop}.contact set id = 2");
		this.shop.execute("delete from ${shop}.contact");

		assertThat(this.shop.payloads()).containsExactly(
				"{\"old\" : {\"id\" : 1, \"contact\" : 1}, \"new\" : {\"id\" : 1, \"contact\" : 2}}",
				"{\"old\" : {\"id\" : 1, \"contact\" : 2}}");
	}

	@Test
	void capturesWhatHasReallyHappened() {
		this.shop.execute("""
				create function ${shop}.clean() returns trigger language plpgsql as $$
				begin
				    if NEW.email = 'skip' then return null; end if;
				    NEW.email := lower(NEW.email); return NEW;
				end $$""");
		this.shop.execute(
				"create trigger clean before insert or update on ${shop}.contact for each row execute function ${shop}.clean()");
		this.shop.install(this.shop.on("contact").columns("email").watch("email").when("NEW.email = 'b'"));

		this.shop.execute("insert into ${shop}.contact (id, email) values (1, 'B'), (2, 'skip')");
		this.shop.execute("insert into ${shop}.contact (id, email) values (1, 'X') on conflict do nothing");
		this.shop.execute("update ${shop}.contact set email = 'B' where id = 1");
		assertThat(this.shop.payloads()).containsExactly("{\"new\" : {\"email\" : \"b\"}}");
		this.shop.execute(
				"insert into ${shop}.contact (id, email) values (1, 'A') on conflict (id) do update set email = excluded.email");
		this.shop.execute(
				"insert into ${shop}.contact (id, email) values (1, 'B') on conflict (id) do update set email = excluded.email");
		this.shop
			.execute("merge into ${shop}.contact c using (values (1, 'A'), (3, 'B')) as s (id, email) on s.id = c.id "
					+ "when matched then update set email = s.email when not matched then insert (id, email) values (s.id, s.email)");
		this.shop.execute("truncate ${shop}.contact");
		this.shop.transaction("set local session_replication_role = replica",
				"insert into ${shop}.contact (id, email) values (9, 'b')");

		assertThat(this.shop.payloads()).containsExactly("{\"new\" : {\"email\" : \"b\"}}",
				"{\"old\" : {\"email\" : \"a\"}, \"new\" : {\"email\" : \"b\"}}", "{\"new\" : {\"email\" : \"b\"}}");
	}

	@Test
	void capturesWhatIsCopied() throws Exception {
		this.shop.install(this.shop.on("contact").columns("id").when("NEW.id % 2 = 0"));

		try (Connection connection = test.dataSource().getConnection()) {
			String rows = IntStream.range(0, 1000).mapToObj((i) -> i + "\n").collect(Collectors.joining());
			connection.unwrap(PGConnection.class)
				.getCopyAPI()
				.copyIn(this.shop.sql("copy ${shop}.contact (id) from stdin"), new StringReader(rows));
		}

		assertThat(this.shop.payloads()).hasSize(500)
			.startsWith("{\"new\" : {\"id\" : 0}}", "{\"new\" : {\"id\" : 2}}")
			.endsWith("{\"new\" : {\"id\" : 998}}");
	}

	@Test
	void vanishesWithTheChange() {
		this.shop.install(this.shop.on("contact").columns("id"));

		test.transaction().executeWithoutResult((status) -> {
			this.shop.execute("insert into ${shop}.contact (id) values (1)");
			Object savepoint = status.createSavepoint();
			this.shop.execute("insert into ${shop}.contact (id) values (2)");
			status.rollbackToSavepoint(savepoint);
			this.shop.execute("insert into ${shop}.contact (id) values (3)");
		});
		test.transaction().executeWithoutResult((status) -> {
			this.shop.execute("insert into ${shop}.contact (id) values (4)");
			status.setRollbackOnly();
		});

		assertThat(this.shop.payloads()).containsExactly("{\"new\" : {\"id\" : 1}}", "{\"new\" : {\"id\" : 3}}");
	}

	@Test
	void lastsIfTheTaskIsHeldOrUnknown() {
		this.shop.install(this.shop.on("contact").columns("id"));
		this.shop.execute("update ${schema}.task set held = true where name = 'captured'");
		this.shop.execute("insert into ${shop}.contact (id) values (1)");
		this.shop.execute("delete from ${schema}.task where name = 'captured'");
		this.shop.execute("insert into ${shop}.contact (id) values (2)");

		assertThat(this.shop.list(
				"select concat_ws(' ', payload #>> '{new,id}', phase, queue) from ${schema}.execution order by id",
				String.class))
			.containsExactly("1 held default", "2 held");
	}

	@Test
	void goesOnWhenTheTableHasChanged() {
		this.shop.install(
				this.shop.on("contact").columns("id", "email", "seen", "photo").dedupeKey("{email}").includeMeta(true));

		this.shop.execute("alter table ${shop}.contact rename email to mail");
		this.shop.execute("insert into ${shop}.contact (id, mail) values (1, 'x')");
		this.shop
			.execute("alter table ${shop}.contact alter seen type text, alter photo type int using null, drop mail");
		this.shop.execute("update ${shop}.contact set seen = 'y'");

		assertThat(this.shop.list(
				"select concat_ws(' ', payload #>> '{old,mail}', payload #>> '{new,id}', payload #>> '{new,mail}', payload #>> '{new,seen}', coalesce_key) from ${schema}.execution order by id",
				String.class))
			.containsExactly("1", "1 y");
		this.shop.execute("alter table ${shop}.contact add email text default 'e'");
		this.shop.install(
				this.shop.on("contact").columns("id", "email", "seen", "photo").dedupeKey("{email}").includeMeta(true));
		this.shop.execute("truncate ${schema}.execution");
		this.shop.execute("update ${shop}.contact set seen = 'z', photo = 3");
		assertThat(this.shop.list(
				"select payload #>> '{new,seen}' || (payload #>> '{new,photo}') || coalesce_key from ${schema}.execution",
				String.class))
			.containsExactly("z3e");
	}

	@ParameterizedTest
	@ValueSource(strings = { "home", "homes", "raw", "path", "place", "boxes" })
	void watchesWhatHasNoEquality(String column) {
		this.shop.execute("create type ${shop}.address as (street text, more json)");
		this.shop.execute(
				"create table ${shop}.odd (id int, home ${shop}.address, homes ${shop}.address[], raw json, path jsonpath, place point, boxes box[])");
		this.shop.install(this.shop.on("odd").columns("id").watch(column));
		this.shop.execute(
				"insert into ${shop}.odd values (1, row('a', '{}'), array[row('a', '{}')]::${shop}.address[], '{}', '$.a', '(1,1)', '{(2,2),(1,1)}')");
		this.shop.execute("truncate ${schema}.execution");

		this.shop.execute("update ${shop}.odd set id = 2");
		assertThat(this.shop.payloads()).isEmpty();
		this.shop.execute(
				"update ${shop}.odd set home = row('a', '1'), homes = array[row('a', '1')]::${shop}.address[], raw = '1', path = '$.b', place = '(1,2)', boxes = '{(3,3),(2,2)}'");
		assertThat(this.shop.payloads()).hasSize(1);
	}

	@Test
	void letsRolesWriteThatMayNotSeeTheConductor() {
		this.shop.install(this.shop.on("contact").columns("id", "seen").dedupeKey("{id}").includeMeta(true));
		String role = test.schema() + "_writer";
		this.shop.execute("create role " + role);
		try {
			this.shop.execute("grant usage on schema ${shop} to " + role);
			this.shop.execute("grant all on ${shop}.contact to " + role);
			this.shop.transaction("set local role " + role,
					"insert into ${shop}.contact (id, seen) values (1, '1 day')");

			assertThat(this.shop.payloads()).hasSize(1);
			assertThat(this.shop.list("select distinct has_function_privilege('" + role
					+ "', p.oid, 'execute') or has_function_privilege('public', p.oid, 'execute') from pg_proc p where pronamespace = '${schema}'::regnamespace and proname like 'conductor\\_%'",
					Boolean.class))
				.containsExactly(false);
			assertThat(
					this.shop.query("select has_schema_privilege('" + role + "', '${schema}', 'usage')", Boolean.class))
				.isFalse();
		}
		finally {
			this.shop.execute("drop owned by " + role);
			this.shop.execute("drop role " + role);
		}
	}

	@Test
	void runsNothingOfAWriterAsTheOwner() {
		this.shop.install(this.shop.on("contact").columns("id", "seen", "photo").dedupeKey("{id}").includeMeta(true));
		String role = test.schema() + "_attacker";
		this.shop.execute("create role " + role);
		try {
			this.shop.execute("grant usage on schema ${shop} to " + role);
			this.shop.execute("grant all on ${shop}.contact to " + role);
			this.shop.execute("grant temporary on database "
					+ this.shop.query("select quote_ident(current_database())", String.class) + " to " + role);
			try (Connection connection = test.dataSource().getConnection();
					Statement statement = connection.createStatement()) {
				connection.setAutoCommit(false);
				statement.execute("set local role " + role);
				statement
					.execute("create function pg_temp.check_it(anyelement) returns bool language plpgsql as $$ begin "
							+ "raise exception 'reached as %', current_user; end $$");
				for (String type : List.of("json", "text", "timestamptz", "int4", "interval", "uuid", "bytea")) {
					statement.execute("create domain pg_temp." + type + " as pg_catalog." + type
							+ " check (pg_temp.check_it(value))");
				}
				for (String table : List.of("task", "execution", "pg_class", "pg_proc")) {
					statement.execute("create temp table " + table + " (name pg_catalog.text)");
				}
				statement
					.execute(this.shop.sql("insert into ${shop}.contact (id, seen, photo) values (1, '1 day', '')"));
				connection.rollback();
			}
			catch (SQLException ex) {
				throw new AssertionError(ex);
			}
		}
		finally {
			this.shop.execute("drop owned by " + role);
			this.shop.execute("drop role " + role);
		}
	}

}
