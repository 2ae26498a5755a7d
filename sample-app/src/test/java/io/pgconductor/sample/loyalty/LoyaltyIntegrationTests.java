package io.pgconductor.sample.loyalty;

import java.time.Duration;
import java.time.Instant;
import java.util.UUID;

import io.pgconductor.EmittedEvent;
import io.pgconductor.sample.ShopApplication;
import io.pgconductor.sample.TestDatabaseConfiguration;
import io.pgconductor.sample.order.OrderShipped;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.resttestclient.autoconfigure.AutoConfigureRestTestClient;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.context.annotation.Import;
import org.springframework.http.MediaType;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.web.servlet.client.RestTestClient;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Tests for what runs beside the fulfilment of orders: loyalty points and sales reports.
 */
@SpringBootTest(classes = ShopApplication.class, webEnvironment = WebEnvironment.RANDOM_PORT,
		properties = "shop.payment.fail-every=0")
@AutoConfigureRestTestClient
@Import(TestDatabaseConfiguration.class)
@DirtiesContext
class LoyaltyIntegrationTests {

	@Autowired
	private Loyalty loyalty;

	@Autowired
	private RestTestClient shop;

	@Test
	void aShippedOrderEarnsPointsAndIsReported() {
		this.shop.post().uri("/orders").contentType(MediaType.APPLICATION_JSON).body("""
				{"customer": "loyal@example.com", "item": "book", "quantity": 7}
				""").exchange().expectStatus().isCreated();

		await().atMost(Duration.ofSeconds(60)).untilAsserted(() -> {
			JsonNode report = this.shop.get()
				.uri("/report")
				.exchange()
				.expectStatus()
				.isOk()
				.expectBody(JsonNode.class)
				.returnResult()
				.getResponseBody();
			assertThat(report).isNotNull();
			assertThat(report.get("loyalty").valueStream()).anySatisfy((customer) -> {
				assertThat(customer.get("customer").stringValue()).isEqualTo("loyal@example.com");
				assertThat(customer.get("points").intValue()).isEqualTo(70);
			});
			JsonNode sales = report.get("sales");
			assertThat(sales.isNull()).isFalse();
			assertThat(sales.get("orders").intValue()).isOne();
			assertThat(sales.get("revenue").intValue()).isEqualTo(70);
			assertThat(Instant.parse(sales.get("madeFor").stringValue()).getEpochSecond() % 10).isZero();
		});
	}

	@Test
	void countsEachEventOnce() {
		EmittedEvent<OrderShipped> first = shipped("ada@example.com", 20);
		EmittedEvent<OrderShipped> second = shipped("ada@example.com", 30);
		EmittedEvent<OrderShipped> other = shipped("bob@example.com", 10);

		earn(other);
		earn(first);
		earn(second);
		earn(first);

		assertThat(this.loyalty.points()).containsSubsequence(new LoyaltyPoints("ada@example.com", 50),
				new LoyaltyPoints("bob@example.com", 10));
	}

	private void earn(EmittedEvent<OrderShipped> event) {
		OrderShipped order = event.payload();
		assertThat(order).isNotNull();
		this.loyalty.earnPoints(event, order);
	}

	private static EmittedEvent<OrderShipped> shipped(String customer, int total) {
		OrderShipped order = new OrderShipped(1, customer, total);
		return new EmittedEvent<>(OrderShipped.NAME, UUID.randomUUID(), Instant.now(), order);
	}

}
