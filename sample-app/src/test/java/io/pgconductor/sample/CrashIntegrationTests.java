package io.pgconductor.sample;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;

import javax.sql.DataSource;

import io.pgconductor.test.TestDatabase;
import io.pgconductor.test.TestPostgres;
import org.junit.jupiter.api.Test;
import org.springframework.http.MediaType;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.test.web.servlet.client.RestTestClient;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

class CrashIntegrationTests {

	private static final Duration SOON = Duration.ofSeconds(30);

	@Test
	void finishesAnOrderWithOneChargeAfterTheShopWasKilledWhileItWaited() {
		try (TestDatabase database = TestPostgres.shared().createDatabase()) {
			JdbcClient jdbcClient = JdbcClient.create(new DriverManagerDataSource(database.jdbcUrl()));
			String order;
			try (ShopProcess shop = start(database)) {
				RestTestClient client = shop.awaitOpen();
				order = "/orders/" + place(client);
				await().atMost(SOON)
					.until(() -> get(client, order).at("/fulfilment/waitingFor").asString(""), "sleep"::equals);
				shop.kill();
			}
			ShopClock.putForward(jdbcClient, Duration.ofHours(2));

			try (ShopProcess shop = start(database)) {
				JsonNode shipped = awaitFulfilment(shop.awaitOpen(), order, "completed");

				assertThat(shipped.get("status").stringValue()).isEqualTo("shipped");
				assertThat(shipped.at("/charge/requests").intValue()).isOne();
				assertThat(shipped.at("/fulfilment/attempts").intValue()).isOne();
			}
		}
	}

	@Test
	void finishesAnOrderWithOneChargeAfterTheShopWasKilledWhileItCharged() throws SQLException {
		try (TestDatabase database = TestPostgres.shared().createDatabase()) {
			DataSource dataSource = new DriverManagerDataSource(database.jdbcUrl());
			JdbcClient jdbcClient = JdbcClient.create(dataSource);
			String order;
			try (ShopProcess shop = start(database)) {
				RestTestClient client = shop.awaitOpen();
				try (Connection connection = dataSource.getConnection();
						Statement statement = connection.createStatement()) {
					connection.setAutoCommit(false);
					statement.execute("lock table charge in exclusive mode");
					order = "/orders/" + place(client);
					await().atMost(SOON).until(() -> isCharging(jdbcClient));
					assertThat(get(client, order).at("/fulfilment/waitingFor").asString("")).isEqualTo("children");
					shop.kill();
					// What the gateway was asked for may still happen
					connection.rollback();
				}
			}

			try (ShopProcess shop = start(database)) {
				RestTestClient client = shop.awaitOpen();
				await().atMost(SOON)
					.until(() -> get(client, order).at("/fulfilment/waitingFor").asString(""), "sleep"::equals);
				ShopClock.putForward(jdbcClient, Duration.ofHours(2));
				JsonNode shipped = awaitFulfilment(client, order, "completed");

				assertThat(shipped.get("status").stringValue()).isEqualTo("shipped");
				assertThat(shipped.at("/charge/requests").intValue()).isBetween(1, 2);
				assertThat(shipped.at("/fulfilment/attempts").intValue()).isOne();
				assertThat(
						number(jdbcClient, "select attempt from conductor.executions where task = 'charge-customer'"))
					.isEqualTo(2);
				assertThat(number(jdbcClient, "select count(*) from charge")).isOne();
				assertThat(number(jdbcClient, "select available from stock where item = 'book'")).isEqualTo(10_000 - 2);
			}
		}
	}

	private static boolean isCharging(JdbcClient jdbcClient) {
		return number(jdbcClient,
				"select count(*) from pg_locks where relation = 'charge'::regclass and not granted") > 0;
	}

	private static int number(JdbcClient jdbcClient, String sql) {
		return jdbcClient.sql(sql).query(Integer.class).single();
	}

	private static ShopProcess start(TestDatabase database) {
		return ShopProcess.start("--spring.datasource.url=" + database.jdbcUrl(), "--shop.payment.fail-every=0",
				"--shop.settlement=1h", "--conductor.node-timeout=2s");
	}

	private static JsonNode awaitFulfilment(RestTestClient client, String order, String state) {
		return await().atMost(SOON)
			.until(() -> get(client, order), (found) -> found.at("/fulfilment/state").asString("").equals(state));
	}

	private static long place(RestTestClient client) {
		JsonNode placed = client.post().uri("/orders").contentType(MediaType.APPLICATION_JSON).body("""
				{"customer": "ada@example.com", "item": "book", "quantity": 2}
				""").exchange().expectStatus().isCreated().expectBody(JsonNode.class).returnResult().getResponseBody();
		assertThat(placed).isNotNull();
		return placed.get("id").longValue();
	}

	private static JsonNode get(RestTestClient client, String uri) {
		JsonNode body = client.get()
			.uri(uri)
			.exchange()
			.expectStatus()
			.isOk()
			.expectBody(JsonNode.class)
			.returnResult()
			.getResponseBody();
		assertThat(body).isNotNull();
		return body;
	}

}
