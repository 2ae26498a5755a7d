package io.pgconductor.rowchange;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

import io.pgconductor.InvokeOptions;
import io.pgconductor.RowPayload;
import io.pgconductor.RowReplay;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Rows that are replayed, beside the same rows when their trigger has seen them.
 */
class RowReplayFormIntegrationTests {

	private static TestConductor test;

	private ShopTables shop;

	@BeforeAll
	static void create() {
		test = new TestConductor(RowReplayFormIntegrationTests.class);
	}

	@AfterAll
	static void close() {
		test.close();
	}

	@BeforeEach
	void createTables() {
		this.shop = new ShopTables(test);
		this.shop.execute(
				"""
						create table ${shop}."Line ""x" ("order" bigint, no int, price numeric(10,2), at timestamptz, open interval,
						    tags text[], extra jsonb, photo bytea, twice numeric generated always as (price * 2) stored,
						    primary key ("order", no))""");
	}

	@AfterEach
	void drop() {
		this.shop.drop();
		this.shop.execute("truncate ${schema}.execution, ${schema}.row_change");
	}

	private void insert() {
		this.shop.execute(
				"""
						insert into ${shop}."Line ""x" values
						    (1, 2, 12.50, '2026-01-31 12:00:00.123456+02', '1 day 2 hours', array['x', null, '"'], '{"A": [1]}', '\\x6869'),
						    (1, 3, 'NaN', 'infinity', null, '{}', null, ''),
						    (2, 1, null, null, '-1 mon', null, '"?"', null)""");
	}

	private RowReplay lines() {
		return RowReplay.of(this.shop.schema(), "Line \"x").batchSize(2);
	}

	static List<Named<UnaryOperator<ShopTables.Declaration>>> forms() {
		return List.of(Named.of("fields", (line) -> line.columns("no", "price", "at", "open", "extra")),
				Named.of("row", (line) -> line.payload(RowPayload.ROW)),
				Named.of("row id", (line) -> line.payload(RowPayload.ROW_ID)),
				Named.of("custom", (line) -> line.mapping(Map.of("theOrder", "order", "twice", "twice"))),
				Named.of("key", (line) -> line.payload(RowPayload.ROW_ID).dedupeKey("line-{order}-{no}-{price}")));
	}

	@ParameterizedTest
	@MethodSource("forms")
	void giveTheSameAsTheTrigger(UnaryOperator<ShopTables.Declaration> form) {
		this.shop.install(form.apply(this.shop.on("Line \"x").when("NEW.no > 0")));
		insert();

		assertThat(test.conductor().replay("captured", lines())).isEqualTo(3);

		List<Map<String, Object>> executions = test
			.sql("select payload::text as payload, coalesce_key from ${schema}.execution order by id")
			.query()
			.listOfRows();
		assertThat(executions).hasSize(6);
		assertThat(executions.subList(3, 6)).isEqualTo(executions.subList(0, 3));
	}

	@Test
	void haveTheOptionsOfTheTrigger() {
		this.shop.install(this.shop.on("Line \"x")
			.includeMeta(true)
			.options(InvokeOptions.defaults()
				.queue("other")
				.priority(-3)
				.maxAttempts(9)
				.delay(Duration.ofMillis(3_600_500))));
		insert();

		test.conductor().replay("captured", lines().where("\"order\" = :order", Map.of("order", 2)));

		assertThat(test
			.sql("select distinct queue, priority, max_attempts, phase, run_at - created_at from ${schema}.execution")
			.query()
			.listOfRows()).hasSize(1);
		assertThat(test.sql("""
				select headers->>'conductor.row-operation' as a, payload->'new'->'_meta'->>'operation' as b,
				       headers->>'conductor.row-table' as c
				from ${schema}.execution order by id desc limit 1""").query().singleRow().values())
			.containsExactly("MANUAL", "MANUAL", "Line \"x");
	}

}
