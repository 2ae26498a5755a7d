package io.pgconductor.sample;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import io.pgconductor.ConductorClient;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.resttestclient.autoconfigure.AutoConfigureRestTestClient;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.http.MediaType;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.web.servlet.client.RestTestClient;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

@SpringBootTest(webEnvironment = WebEnvironment.RANDOM_PORT,
		properties = { "shop.payment.fail-every=0", "shop.settlement=1h" })
@AutoConfigureRestTestClient
@Import(TestDatabaseConfiguration.class)
@DirtiesContext
class ShopIntegrationTests {

	private static final Duration SOON = Duration.ofSeconds(20);

	@Autowired
	private RestTestClient shop;

	@Autowired
	private JdbcClient jdbcClient;

	@Autowired
	private ConductorClient conductor;

	@Test
	void fulfilsAnOrder() {
		JsonNode placed = this.shop.post().uri("/orders").contentType(MediaType.APPLICATION_JSON).body("""
				{"customer": "ada@example.com", "item": "book", "quantity": 2}
				""").exchange().expectStatus().isCreated().expectBody(JsonNode.class).returnResult().getResponseBody();

		assertThat(placed).isNotNull();
		assertThat(placed.propertyNames()).containsExactly("id");
		String uri = "/orders/" + placed.get("id").longValue();
		await().atMost(SOON).untilAsserted(() -> {
			JsonNode settling = get(uri);
			assertThat(settling.at("/fulfilment/state").asString("")).isEqualTo("waiting");
			assertThat(settling.get("status").stringValue()).isEqualTo("reserved");
			assertThat(settling.at("/charge/amount").intValue()).isEqualTo(20);
			assertThat(settling.at("/fulfilment/waitingFor").asString("")).isEqualTo("sleep");
			assertThat(settling.at("/fulfilment/progress/fraction").doubleValue()).isEqualTo(0.5);
			assertThat(settling.at("/fulfilment/progress/message").stringValue())
				.isEqualTo("waiting for the payment to settle");
			assertThat(stepsOf(settling)).containsExactly("reserve-stock", "charge");
		});
		ShopClock.putForward(this.jdbcClient, Duration.ofHours(2));
		await().atMost(SOON)
			.untilAsserted(() -> assertThat(get(uri).at("/fulfilment/state").stringValue()).isEqualTo("completed"));
		JsonNode order = get(uri);
		assertThat(order.get("status").stringValue()).isEqualTo("shipped");
		assertThat(order.get("customer").stringValue()).isEqualTo("ada@example.com");
		assertThat(order.get("item").stringValue()).isEqualTo("book");
		assertThat(order.get("quantity").intValue()).isEqualTo(2);
		assertThat(order.at("/charge/requests").intValue()).isOne();
		assertThat(stepsOf(order)).containsExactly("reserve-stock", "charge", "settle", "ship", "tell-customer");
		assertThat(order.at("/fulfilment/children").valueStream())
			.extracting((child) -> child.get("task").stringValue(), (child) -> child.get("state").stringValue())
			.containsExactlyInAnyOrder(tuple("charge-customer", "completed"), tuple("send-email", "completed"));
		JsonNode execution = get("/executions/" + order.at("/fulfilment/id").stringValue());
		assertThat(execution).isEqualTo(order.get("fulfilment"));
		assertThat(execution.get("task").stringValue()).isEqualTo("fulfil-order");
		assertThat(execution.get("attempts").intValue()).isOne();
		assertThat(execution.at("/result/shippedAt")).isEqualTo(order.get("shippedAt"));
		assertThat(execution.get("error").isNull()).isTrue();
	}

	@Test
	void showsWhyAnExecutionFailed() {
		UUID id = this.conductor.invoke("fulfil-order", Map.of("orderId", 404));

		await().atMost(SOON)
			.untilAsserted(() -> assertThat(get("/executions/" + id).get("state").stringValue()).isEqualTo("failed"));
		JsonNode failed = get("/executions/" + id);
		assertThat(failed.get("attempts").intValue()).isOne();
		assertThat(failed.get("result").isNull()).isTrue();
		assertThat(failed.get("error").get("message").stringValue()).isEqualTo("There is no order 404");
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '`',
			textBlock = """
					{"item": "book", "quantity": 1}                                       | customer must be given.
					{"customer": " ", "item": "book", "quantity": 1}                      | customer must be
					{"customer": "ada", "item": "book", "quantity": 1}                    | customer must be an e-mail address.
					{"customer": {}, "item": "book", "quantity": 1}                       | customer must be a string.
					{"customer": "ada@example.com", "quantity": 1}                        | item must be given.
					{"customer": "ada@example.com", "item": "", "quantity": 1}            | item must be given.
					{"customer": "ada@example.com", "item": "a\\u0000b", "quantity": 1}   | item must not contain control
					{"customer": "ada@example.com", "item": "book"}                       | quantity must be given.
					{"customer": "ada@example.com", "item": "book", "quantity": null}     | quantity must be given.
					{"customer": "ada@example.com", "item": "book", "quantity": 0}        | quantity must be at least 1.
					{"customer": "ada@example.com", "item": "book", "quantity": -1}       | quantity must be at least 1.
					{"customer": "ada@example.com", "item": "book", "quantity": 1001}     | quantity must be at most 1000.
					{"customer": "ada@example.com", "item": "book", "quantity": 3e9}      | quantity must be a whole number.
					{"customer": "ada@example.com", "item": "book", "quantity": 99999999999999} | quantity must be a whole number
					{"customer": "ada@example.com", "item": "book", "quantity": 1.5}      | quantity must be a whole number.
					{"customer": "ada@example.com", "item": "book", "quantity": "2"}      | quantity must be a whole number.
					{"customer": "ada@example.com", "item": "book", "quantity": true}     | quantity must be a whole number.
					{}                                                                    | customer must be given, item must be
					{"customer": "ada@example.com"                                        | body must be valid JSON.
					two books, please                                                     | body must be valid JSON.
					[]                                                                    | body must be a JSON object.
					7                                                                     | body must be a JSON object.
					null                                                                  | body must be
					``                                                                    | body must be
					""")
	void refusesABadOrderAndKeepsNothingOfIt(String body, String detail) {
		long before = countOrders() + countExecutions();

		JsonNode problem = this.shop.post()
			.uri("/orders")
			.contentType(MediaType.APPLICATION_JSON)
			.body(body)
			.exchange()
			.expectStatus()
			.isBadRequest()
			.expectHeader()
			.contentType(MediaType.APPLICATION_PROBLEM_JSON)
			.expectBody(JsonNode.class)
			.returnResult()
			.getResponseBody();

		assertThat(problem).isNotNull();
		assertThat(problem.get("detail").stringValue()).startsWith(detail);
		assertThat(problem.get("errors").get(0).get("field").stringValue()).isEqualTo(detail.split(" ")[0]);
		assertThat(countOrders() + countExecutions()).isEqualTo(before);
	}

	@Test
	void refusesAnOrderThatIsTooLong() {
		long before = countOrders();

		this.shop.post()
			.uri("/orders")
			.contentType(MediaType.APPLICATION_JSON)
			.body(Map.of("customer", "ada@example.com", "item", "b".repeat(101), "quantity", 1))
			.exchange()
			.expectStatus()
			.isBadRequest();

		assertThat(countOrders()).isEqualTo(before);
	}

	@Test
	void refusesWhatIsNotSentAsJson() {
		this.shop.post()
			.uri("/orders")
			.contentType(MediaType.TEXT_PLAIN)
			.body("two books")
			.exchange()
			.expectStatus()
			.isEqualTo(415);
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', textBlock = """
			/orders/987654321                                | 404 | There is no order 987654321
			/orders/-1                                       | 404 | There is no order -1
			/orders/first                                    | 400 | id must be a whole number.
			/orders/99999999999999999999                     | 400 | id must be a whole number.
			/executions/019a0000-0000-7000-8000-000000000000 | 404 | There is no execution 019a0000
			/executions/7                                    | 400 | id must be a UUID.
			""")
	void saysWhatItCannotFind(String uri, int status, String detail) {
		JsonNode problem = this.shop.get()
			.uri(uri)
			.exchange()
			.expectStatus()
			.isEqualTo(status)
			.expectBody(JsonNode.class)
			.returnResult()
			.getResponseBody();

		assertThat(problem).isNotNull();
		assertThat(problem.get("detail").stringValue()).startsWith(detail);
	}

	@Test
	void hasAStock() {
		JsonNode stock = get("/stock");

		assertThat(stock.findValuesAsString("item")).containsExactly("book", "lamp", "piano");
		JsonNode lamp = stock.get(1);
		assertThat(lamp.get("available").intValue()).isEqualTo(100);
		assertThat(lamp.get("onOrder").intValue()).isZero();
		assertThat(lamp.get("reorderBelow").intValue()).isEqualTo(50);
	}

	@Test
	void hasAReport() {
		JsonNode report = get("/report");

		assertThat(report.has("sales")).isTrue();
		assertThat(report.get("loyalty").isArray()).isTrue();
	}

	@Test
	void isHealthy() {
		assertThat(get("/actuator/health").get("status").stringValue()).isEqualTo("UP");
	}

	private static List<String> stepsOf(JsonNode order) {
		return order.at("/fulfilment/steps").valueStream().map((step) -> step.get("name").stringValue()).toList();
	}

	private JsonNode get(String uri) {
		JsonNode body = this.shop.get()
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

	private long countOrders() {
		return this.jdbcClient.sql("select count(*) from orders").query(Long.class).single();
	}

	private long countExecutions() {
		return this.jdbcClient.sql("select count(*) from conductor.executions where task = 'fulfil-order'")
			.query(Long.class)
			.single();
	}

}
