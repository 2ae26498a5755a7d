package io.pgconductor.sample;

import java.time.Duration;

import io.pgconductor.test.TestDatabase;
import io.pgconductor.test.TestPostgres;
import org.junit.jupiter.api.Test;
import org.springframework.http.MediaType;
import org.springframework.test.web.servlet.client.RestTestClient;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

class CrashIntegrationTests {

	@Test
	void finishesAnOrderWithOneChargeAfterTheShopWasKilled() {
		try (TestDatabase database = TestPostgres.shared().createDatabase()) {
			String order;
			try (ShopProcess shop = start(database)) {
				RestTestClient client = shop.awaitOpen();
				order = "/orders/" + place(client);
				await().atMost(Duration.ofSeconds(20))
					.untilAsserted(() -> assertThat(get(client, order).at("/fulfilment/state").stringValue())
						.isEqualTo("waiting"));
				shop.kill();
			}

			try (ShopProcess shop = start(database)) {
				RestTestClient client = shop.awaitOpen();

				await().atMost(Duration.ofSeconds(20))
					.untilAsserted(() -> assertThat(get(client, order).at("/fulfilment/state").stringValue())
						.isEqualTo("completed"));
				JsonNode shipped = get(client, order);
				assertThat(shipped.get("status").stringValue()).isEqualTo("shipped");
				assertThat(shipped.at("/charge/requests").intValue()).isOne();
				assertThat(shipped.at("/fulfilment/attempts").intValue()).isOne();
			}
		}
	}

	private static ShopProcess start(TestDatabase database) {
		return ShopProcess.start("--spring.datasource.url=" + database.jdbcUrl(), "--shop.payment.fail-every=0",
				"--conductor.node-timeout=2s");
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
