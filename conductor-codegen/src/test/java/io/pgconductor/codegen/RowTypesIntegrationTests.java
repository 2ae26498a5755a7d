package io.pgconductor.codegen;

import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetTime;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import org.jspecify.annotations.NullMarked;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Generates types, compiles them, and has Conductor read rows as them.
 */
class RowTypesIntegrationTests {

	private static GeneratorDatabase database;

	@TempDir
	private Path output;

	@TempDir
	private Path classes;

	@BeforeAll
	static void create() {
		database = new GeneratorDatabase(RowTypesIntegrationTests.class);
	}

	@AfterAll
	static void close() {
		database.close();
	}

	@BeforeEach
	void reset() {
		database.reset();
	}

	private CompiledTypes generate() throws IOException {
		database.generator(this.output).generate();
		return new CompiledTypes(this.output, this.classes);
	}

	private static Class<?> load(CompiledTypes types, String name) {
		return types.load(GeneratorDatabase.PACKAGE + "." + name);
	}

	private static Object row(Class<?> type, String table, String condition) {
		return database.row(database.schema() + "." + table, condition, type);
	}

	private static @Nullable Object get(Object row, String component) {
		return GeneratorDatabase.get(row, component);
	}

	private static List<String> components(Class<?> type) {
		return Arrays.stream(type.getRecordComponents()).map(RecordComponent::getName).toList();
	}

	private static final String COLUMNS = "a_short int2, an_int int4, a_long int8, a_numeric numeric(30,10), a_real real, "
			+ "a_double double precision, a_bool boolean, a_text text, a_varchar varchar(10), a_char char(3), "
			+ "a_name name, an_xml xml, a_uuid uuid, a_date date, a_time time, a_timetz timetz, "
			+ "a_timestamp timestamp, a_timestamptz timestamptz, an_interval interval, a_bytea bytea, a_json json, "
			+ "a_jsonb jsonb, an_inet inet, a_cidr cidr, a_macaddr macaddr, a_money money, a_bit bit(3), "
			+ "a_varbit varbit, a_tsvector tsvector, a_range int4range, a_multirange ${s}.spans, a_point point, "
			+ "an_oid oid, a_jsonpath jsonpath, a_mood ${s}.mood, an_address ${s}.address, a_code ${s}.code, "
			+ "a_sure ${s}.sure, texts text[], ints int4[], longs int8[], matrix int4[][], uuids uuid[], moods ${s}.mood[], "
			+ "addresses ${s}.address[], codes ${s}.code[], blobs bytea[], docs jsonb[], days date[], list ${s}.list, grid ${s}.grid";

	private static void createEveryType() {
		database.execute("create type ${s}.mood as enum ('happy', 'so so')",
				"create type ${s}.address as (street_name text, house int)",
				"create domain ${s}.code as text check (value <> '')", "create domain ${s}.sure as int8",
				"create domain ${s}.surest as ${s}.sure not null", "create domain ${s}.list as int4[]",
				"create domain ${s}.grid as text[][]",
				"create domain ${s}.spans as " + (multiranges() ? "int4multirange" : "text"),
				"create table ${s}.every_type (id int8 primary key, " + COLUMNS + ")",
				"insert into ${s}.every_type (id) values (0)",
				"""
						insert into ${s}.every_type values (1, 1, 2, 3, 12345678901234567890.1234567890, 1.5, 0.1, true, 'it''s "ok"', 'v', 'c',
						'n', '<a/>', '00000000-0000-0000-0000-000000000001', '2026-11-26', '12:00:00.25', '12:00:00+05:30',
						'2026-11-26 01:00:00.5', '2026-11-26 02:00:00.123456+01', '1 month 2 hours', '\\x6869', '{"a": 1}', '[1.0]', '::1/64',
						'10.0.0.0/8', '08:00:2b:01:02:03', 1.5, b'101', b'1', 'a b', '[1,3)', '{}', '(1,2)', 7, '$.a', 'so so',
						row('High "Street"', 3), 'x', 9000000000, array['a', null], '{1,2}', '{3}', '{{1,2},{3,4}}',
						'{00000000-0000-0000-0000-000000000001}', '{happy,"so so"}', array[row('a', 1)]::${s}.address[], '{x}',
						array['\\x6869'::bytea], array['{"a": 1}'::jsonb], '{2026-11-26}', '{4,5}', '{{a,null}}')""");
	}

	private static boolean multiranges() {
		return Integer.parseInt(database.query("select current_setting('server_version_num')")) >= 140000;
	}

	@Test
	void readsValuesOfEveryType() throws IOException {
		createEveryType();

		try (CompiledTypes types = generate()) {
			Object row = row(load(types, "EveryType"), "every_type", "id = 1");

			assertThat(get(row, "id")).isEqualTo(1L);
			assertThat(get(row, "aShort")).isEqualTo((short) 1);
			assertThat(get(row, "anInt")).isEqualTo(2);
			assertThat(get(row, "aLong")).isEqualTo(3L);
			assertThat(get(row, "aNumeric")).isEqualTo(new BigDecimal("12345678901234567890.1234567890"));
			assertThat(get(row, "aReal")).isEqualTo(1.5f);
			assertThat(get(row, "aDouble")).isEqualTo(0.1);
			assertThat(get(row, "aBool")).isEqualTo(true);
			assertThat(get(row, "aText")).isEqualTo("it's \"ok\"");
			assertThat(get(row, "aChar")).isEqualTo("c  ");
			assertThat(get(row, "anXml")).isEqualTo("<a/>");
			assertThat(get(row, "aUuid")).isEqualTo(new UUID(0, 1));
			assertThat(get(row, "aDate")).isEqualTo(LocalDate.parse("2026-11-26"));
			assertThat(get(row, "aTime")).isEqualTo(LocalTime.parse("12:00:00.25"));
			assertThat(get(row, "aTimetz")).isEqualTo(OffsetTime.parse("12:00:00+05:30"));
			assertThat(get(row, "aTimestamp")).isEqualTo(LocalDateTime.parse("2026-11-26T01:00:00.5"));
			assertThat(get(row, "aTimestamptz")).isEqualTo(Instant.parse("2026-11-26T01:00:00.123456Z"));
			assertThat(get(row, "anInterval")).isEqualTo("P1MT2H");
			assertThat(get(row, "aBytea")).isEqualTo("hi".getBytes(StandardCharsets.US_ASCII));
			assertThat(get(row, "aJson")).hasToString("{\"a\":1}");
			assertThat(get(row, "aJsonb")).hasToString("[1.0]");
			assertThat(get(row, "anInet")).isEqualTo("::1/64");
			assertThat(get(row, "aMoney")).isInstanceOf(String.class);
			assertThat(get(row, "aBit")).isEqualTo("101");
			assertThat(get(row, "aRange")).isEqualTo("[1,3)");
			assertThat(get(row, "aPoint")).isEqualTo("(1,2)");
			assertThat(get(row, "anOid")).isEqualTo("7");
			assertThat(get(row, "aMood")).hasToString("so_so");
			assertThat(get(row, "anAddress")).hasToString("{\"house\":3,\"street_name\":\"High \\\"Street\\\"\"}");
			assertThat(get(row, "aCode")).isEqualTo("x");
			assertThat(get(row, "aSure")).isEqualTo(9_000_000_000L);
			assertThat(get(row, "texts")).isEqualTo(Arrays.asList("a", null));
			assertThat(get(row, "ints")).isEqualTo(List.of(1, 2));
			assertThat(get(row, "longs")).isEqualTo(List.of(3L));
			assertThat(get(row, "uuids")).isEqualTo(List.of(new UUID(0, 1)));
			assertThat(get(row, "moods")).hasToString("[happy, so_so]");
			assertThat(get(row, "addresses")).hasToString("[{\"house\":1,\"street_name\":\"a\"}]");
			assertThat(get(row, "codes")).isEqualTo(List.of("x"));
			assertThat((List<?>) get(row, "blobs")).singleElement().isEqualTo("hi".getBytes(StandardCharsets.US_ASCII));
			assertThat(get(row, "docs")).hasToString("[{\"a\":1}]");
			assertThat(get(row, "days")).isEqualTo(List.of(LocalDate.parse("2026-11-26")));
			assertThat(get(row, "list")).isEqualTo(List.of(4, 5));
			assertThat(get(row, "matrix")).isEqualTo(List.of(List.of(1, 2), List.of(3, 4)));
			assertThat(get(row, "grid")).isEqualTo(List.of(Arrays.asList("a", null)));
		}
	}

	@Test
	void readsNullsOfEveryType() throws IOException {
		createEveryType();

		try (CompiledTypes types = generate()) {
			Class<?> type = load(types, "EveryType");
			Object row = row(type, "every_type", "id = 0");

			assertThat(get(row, "id")).isEqualTo(0L);
			assertThat(components(type)).filteredOn((name) -> !name.equals("id")).allSatisfy((name) -> {
				Object value = get(row, name);
				// What Jackson reads as a tree is a tree
				assertThat(value == null || (value instanceof JsonNode tree && tree.isNull())).as(name).isTrue();
			});
			assertThat(type.isAnnotationPresent(NullMarked.class)).isTrue();
			assertThat(type.getRecordComponents())
				.allSatisfy((component) -> assertThat(component.getAnnotatedType().isAnnotationPresent(Nullable.class))
					.isEqualTo(!component.getName().equals("id")));
		}
	}

	@Test
	void hasPrimitivesForWhatIsNeverNull() throws IOException {
		createEveryType();
		String notNull = Arrays.stream(COLUMNS.split(", "))
			.map((column) -> column + " not null")
			.collect(Collectors.joining(", "));
		database.execute("create table ${s}.strict (id int8 primary key, " + notNull + ", base ${s}.surest)",
				"insert into ${s}.strict select *, 4 from ${s}.every_type where id = 1");

		try (CompiledTypes types = generate()) {
			Class<?> type = load(types, "Strict");

			Object row = row(type, "strict", "true");

			assertThat(get(row, "base")).isEqualTo(4L);
			assertThat(Arrays.stream(type.getRecordComponents())
				.map((component) -> component.getType().getSimpleName())
				.distinct()).containsExactlyInAnyOrder("long", "short", "int", "BigDecimal", "float", "double",
						"boolean", "String", "UUID", "LocalDate", "LocalTime", "OffsetTime", "LocalDateTime", "Instant",
						"byte[]", "JsonNode", "Mood", "List");
			assertThat(GeneratorDatabase.source(this.output, "Strict")).doesNotContain("Nullable")
				.contains("\t\tlong aSure,\n", "\t\tbyte[] aBytea,\n", "\t\tList<byte[]> blobs,\n",
						"\t\tList<List<Integer>> matrix,\n", "\t\tlong base) {\n");
			assertThat(GeneratorDatabase.source(this.output, "EveryType")).contains("\t\tlong id,\n",
					"\t\t@Nullable Short aShort,\n", "\t\tbyte @Nullable [] aBytea,\n",
					"\t\t@Nullable List<UUID> uuids,\n");
		}
	}

	@Test
	void aViewMayHaveNullsEverywhere() throws IOException {
		database.execute("create domain ${s}.sure as int not null",
				"create table ${s}.item (id int primary key, code ${s}.sure)",
				"create view ${s}.item_view as select i.id, j.code from ${s}.item i left join ${s}.item j on j.id = i.id + 1",
				"create materialized view ${s}.item_stand as select * from ${s}.item",
				"insert into ${s}.item values (1, 2)");

		try (CompiledTypes types = generate()) {
			assertThat(row(load(types, "Item"), "item", "true")).hasToString("Item[id=1, code=2]");
			assertThat(row(load(types, "ItemView"), "item_view", "true")).hasToString("ItemView[id=1, code=null]");
			assertThat(load(types, "ItemStand").getRecordComponents())
				.allMatch((component) -> component.getType() == Integer.class);
			assertThat(GeneratorDatabase.source(this.output, "ItemStand")).contains("the materialized view <code>");
		}
	}

	@Test
	void aPartitionedTableIsOneTable() throws IOException {
		database.execute(
				"create table ${s}.sale (id int not null, gone int, day date not null) partition by range (day)",
				"create table ${s}.sale_2026 partition of ${s}.sale for values from ('2026-01-01') to ('2027-01-01')",
				"create foreign data wrapper ${s}_wrapper",
				"create server ${s}_server foreign data wrapper ${s}_wrapper",
				"create foreign table ${s}.far_away (id int not null) server ${s}_server",
				"alter table ${s}.sale drop column gone", "create table ${s}.empty ()");
		try {
			assertThat(database.generator(this.output).generate()).extracting((line) -> line.replaceAll(".*/", ""))
				.containsExactly("Empty.java", "FarAway.java", "Sale.java");
			try (CompiledTypes types = new CompiledTypes(this.output, this.classes)) {
				assertThat(components(load(types, "Sale"))).containsExactly("id", "day");
				database.execute("insert into ${s}.empty default values");
				assertThat(row(load(types, "Empty"), "empty", "true")).hasToString("Empty[]");
			}
		}
		finally {
			database.execute("drop foreign data wrapper ${s}_wrapper cascade");
		}
	}

	@Test
	void columnsMayHaveAnyName() throws IOException {
		List<String> columns = List.of("class", "_", "wait", "to_string", "hash_code", "get_class", "record", "yield",
				"order_2", "2nd", "a_b_c", "_id", "id", "Id", "first_name", "firstName", "First Name", "HOME_URL",
				"URLPath", "says \"hi\"", "back\\slash", "\\u0022", "tab\there", "наш_город", "$x", "x", "a\u202eb",
				"line\nbreak", "first_name2", "true", "class_", "ключ 🔑", "equals", "get_name", "is_active", "string");
		String definition = columns.stream()
			.map((column) -> "\"" + column.replace("\"", "\"\"") + "\" text not null")
			.collect(Collectors.joining(", "));
		String values = IntStream.range(0, columns.size())
			.mapToObj((i) -> "'v" + i + "'")
			.collect(Collectors.joining(","));
		database.execute("create table ${s}.odd (" + definition + ")", "insert into ${s}.odd values (" + values + ")");

		try (CompiledTypes types = generate()) {
			Class<?> type = load(types, "Odd");
			Object row = row(type, "odd", "true");

			assertThat(components(type)).startsWith("class_2", "__", "wait_", "toString_", "hashCode_", "getClass_",
					"record", "yield", "order2", "_2nd", "aBC", "id2", "id", "id3", "firstName3", "firstName",
					"firstName4", "homeUrl", "urlPath", "saysHi", "backSlash", "u0022", "tabHere", "нашГород");
			List<String> components = components(type);
			for (int i = 0; i < components.size(); i++) {
				assertThat(get(row, components.get(i))).as(columns.get(i)).isEqualTo("v" + i);
			}
			assertThat(GeneratorDatabase.source(this.output, "Odd")).contains("\t\tString record,\n",
					"\t\tString нашГород,\n", "@JsonProperty(\"a\\u202eb\")", "@JsonProperty(\"first_name\")");
		}
	}

	@Test
	void tablesMayHaveAnyName() throws IOException {
		List<String> tables = List.of("Weird Name", "класс", "weird_name", "a_b", "ab", "string", "uuid", "list",
				"nullable", "null_marked", "json_property", "integer", "object", "record", "override", "1st", "!",
				"instant", "Orders\"; --", "com", "weird_name2");
		for (String table : tables) {
			String name = "${s}.\"" + table.replace("\"", "\"\"") + "\"";
			database.execute(
					"create table " + name
							+ " (\"A\" text, b uuid[], c int, d timestamptz not null, com text not null)",
					"insert into " + name + " values ('x', '{}', 1, 'epoch', '')");
		}

		try (CompiledTypes types = generate()) {
			assertThat(row(load(types, "String"), "string", "true"))
				.hasToString("String[a=x, b=[], c=1, d=1970-01-01T00:00:00Z, com=]");
			assertThat(List.of("WeirdName", "WeirdName3", "WeirdName2", "AB", "Ab2", "Класс", "_1st", "__", "Uuid",
					"Orders", "Com", "Override"))
				.allMatch((name) -> load(types, name).isRecord());
			assertThat(GeneratorDatabase.source(this.output, "AB")).contains("java.lang.@",
					"java.util.@org.jspecify.annotations.Nullable List<UUID> b");
		}
	}

	@Test
	void commentsCannotBreakOut() throws IOException {
		String hostile = "*/ public class X {} /* \\u002a/ \\u002A\\u002F **/ <script>alert(1)</script> @param x {@link Y} "
				+ "{@code & \u202e} @deprecated\n@return */\n/\n\n * /end";
		database.execute("create type ${s}.mood as enum ('a')",
				"create table ${s}.\"*/ x \\u002a/ @y\" (id int, mood ${s}.mood, \"blank\" int)",
				"comment on table ${s}.\"*/ x \\u002a/ @y\" is '" + hostile + "'",
				"comment on column ${s}.\"*/ x \\u002a/ @y\".id is '" + hostile + "'",
				"comment on column ${s}.\"*/ x \\u002a/ @y\".blank is ' '",
				"comment on type ${s}.mood is '" + hostile + "'");

		try (CompiledTypes types = generate()) {
			assertThat(load(types, "XU002aY").isRecord()).isTrue();
			assertThat(load(types, "Mood").isEnum()).isTrue();
			String source = GeneratorDatabase.source(this.output, "XU002aY");
			assertThat(source).contains(" * *&#47; public class X &#123;&#125; /* &#92;u002a/", "&lt;script&gt;",
					"@param id *&#47; public class X");
			assertThat(source.split("\\*/", -1)).hasSize(2);
			assertThat(source.lines().filter((line) -> line.startsWith(" * @"))).hasSize(1);
		}
	}

	@Test
	void commentsBecomeJavadoc() throws IOException {
		database.execute("create table ${s}.contact (id int primary key, email text)",
				"comment on table ${s}.contact is E'Who we write to.\\nNot who writes to us.'",
				"comment on column ${s}.contact.email is 'the address'");

		try (CompiledTypes types = generate()) {
			assertThat(load(types, "Contact").isRecord()).isTrue();
			assertThat(GeneratorDatabase.source(this.output, "Contact")).isEqualTo(
					"""
							// Generated by io.pgconductor.codegen.RowTypeGenerator for com.example.rows. Changes would be lost: do not edit.
							package com.example.rows;

							import org.jspecify.annotations.NullMarked;
							import org.jspecify.annotations.Nullable;

							/**
							 * Who we write to.
							 * Not who writes to us.
							 * <p>
							 * A row of the table <code>%s.contact</code>.
							 *
							 * @param email the address
							 */
							@NullMarked
							public record Contact(
									int id,
									@Nullable String email) {
							}
							"""
						.formatted(database.schema()));
		}
	}

	@Test
	void enumsMayHaveAnyLabel() throws IOException {
		List<String> labels = List.of("happy", "so so", "so_so", "class", "2", "1", "", "+", "-", "true", "says \"hi\"",
				"$VALUES", "Ärger", "values", "valueOf", "name");
		database.execute(
				"create type ${s}.mood as enum ("
						+ labels.stream().map((label) -> "'" + label + "'").collect(Collectors.joining(", ")) + ")",
				"create type ${s}.nothing as enum ()",
				"create table ${s}.feeling (mood ${s}.mood, nothing ${s}.nothing)");
		labels.forEach((label) -> database.execute("insert into ${s}.feeling values ('" + label + "')"));

		try (CompiledTypes types = generate()) {
			Class<?> type = load(types, "Feeling");
			assertThat(Arrays.stream(load(types, "Mood").getEnumConstants()).map(Object::toString)).containsExactly(
					"happy", "so_so2", "so_so", "class_", "_2", "_1", "__", "__2", "__3", "true_", "says__hi_",
					"_VALUES", "Ärger", "values", "valueOf", "name");
			for (int i = 0; i < labels.size(); i++) {
				Object mood = get(row(type, "feeling", "mood = '" + labels.get(i) + "'"), "mood");
				assertThat(mood).as(labels.get(i)).isEqualTo(load(types, "Mood").getEnumConstants()[i]);
			}
			assertThat(load(types, "Nothing").getEnumConstants()).isEmpty();
		}
	}

	@Test
	void eachOfSeveralSchemasHasAPackage() throws IOException {
		String other = database.schema() + "_b";
		String types = database.schema() + "_c";
		database.execute("create schema " + other, "create schema " + types);
		try {
			database.execute("create type ${s}.mood as enum ('happy')",
					"create type " + types + ".colour as enum ('red', 'so blue')",
					"create table ${s}.item (id int not null, colour " + types + ".colour)",
					"create table " + other + ".item (name text, mood ${s}.mood, colours " + types + ".colour[])",
					"insert into " + other + ".item values ('x', 'happy', array['so blue']::" + types + ".colour[])");
			RowTypeGenerator.builder()
				.url(database.url())
				.schemas(other, database.schema())
				.packageName(GeneratorDatabase.PACKAGE)
				.output(this.output)
				.build()
				.generate();

			try (CompiledTypes compiled = new CompiledTypes(this.output, this.classes)) {
				assertThat(components(load(compiled, database.schema() + ".Item"))).containsExactly("id", "colour");
				Object row = database.row(other + ".item", "true", load(compiled, other + ".Item"));
				assertThat(row).hasToString("Item[name=x, mood=happy, colours=[so_blue]]");
				assertThat(get(row, "mood")).isInstanceOf(load(compiled, database.schema() + ".Mood"));
				assertThat(load(compiled, database.schema() + ".Colour")).isNotNull();
				assertThat(load(compiled, other + ".Colour")).isNotNull();
			}
		}
		finally {
			database.execute("drop schema " + other + " cascade", "drop schema " + types + " cascade");
		}
	}

	@Test
	void aTypeWithACastToJsonIsATree() throws IOException {
		database.execute("create type ${s}.mood as enum ('happy')",
				"create function ${s}.tell(${s}.mood) returns json language sql immutable as 'select ''{\"a\": 1}''::json'",
				"create cast (${s}.mood as json) with function ${s}.tell(${s}.mood)",
				"create table ${s}.feeling (mood ${s}.mood not null)", "insert into ${s}.feeling values ('happy')");

		try (CompiledTypes types = generate()) {
			assertThat(row(load(types, "Feeling"), "feeling", "true")).hasToString("Feeling[mood={\"a\":1}]");
		}
	}

	@Test
	void aRecordHasAsManyColumnsAsTheJvmAllows() throws IOException {
		database.execute("create table ${s}.widest (" + columns(251, "int not null") + ", big int8 not null)",
				"insert into ${s}.widest values ("
						+ IntStream.rangeClosed(1, 252).mapToObj(String::valueOf).collect(Collectors.joining(", "))
						+ ")");

		try (CompiledTypes types = generate()) {
			Object row = row(load(types, "Widest"), "widest", "true");

			assertThat(get(row, "c1")).isEqualTo(1);
			assertThat(get(row, "big")).isEqualTo(252L);
			assertThat(row.toString()).startsWith("Widest[c1=1, ").endsWith(", big=252]");
			assertThat(row).isEqualTo(row(load(types, "Widest"), "widest", "true"));
		}
	}

	@Test
	void refusesTablesThatAreTooWide() {
		database.execute("create table ${s}.too_wide (" + columns(252, "int not null") + ", big int8 not null)",
				"create table ${s}.item (id int)");

		assertThatExceptionOfType(RowTypeGenerationException.class)
			.isThrownBy(() -> database.generator(this.output).generate())
			.withMessageContainingAll(database.schema() + ".too_wide", "--tables=-too_wide");
		assertThat(this.output).isEmptyDirectory();
	}

	private static String columns(int count, String type) {
		return IntStream.rangeClosed(1, count).mapToObj((i) -> "c" + i + " " + type).collect(Collectors.joining(", "));
	}

}
