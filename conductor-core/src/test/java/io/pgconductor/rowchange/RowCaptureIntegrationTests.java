package io.pgconductor.rowchange;

import java.util.Map;

import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

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

}
