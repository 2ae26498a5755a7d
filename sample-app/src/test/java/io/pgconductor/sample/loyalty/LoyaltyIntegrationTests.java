package io.pgconductor.sample.loyalty;

import java.time.Instant;
import java.util.UUID;

import io.pgconductor.EmittedEvent;
import io.pgconductor.sample.ShopApplication;
import io.pgconductor.sample.TestDatabaseConfiguration;
import io.pgconductor.sample.order.OrderShipped;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.context.annotation.Import;
import org.springframework.test.annotation.DirtiesContext;

import static org.assertj.core.api.Assertions.assertThat;

@SpringBootTest(classes = ShopApplication.class, webEnvironment = WebEnvironment.NONE,
		properties = "conductor.worker.enabled=false")
@Import(TestDatabaseConfiguration.class)
@DirtiesContext
class LoyaltyIntegrationTests {

	@Autowired
	private Loyalty loyalty;

	@Test
	void countsEachEventOnce() {
		EmittedEvent<OrderShipped> first = shipped("ada@example.com", 20);
		EmittedEvent<OrderShipped> second = shipped("ada@example.com", 30);
		EmittedEvent<OrderShipped> other = shipped("bob@example.com", 10);

		earn(other);
		earn(first);
		earn(second);
		earn(first);

		assertThat(this.loyalty.points()).containsExactly(new LoyaltyPoints("ada@example.com", 50),
				new LoyaltyPoints("bob@example.com", 10));
	}

	private void earn(EmittedEvent<OrderShipped> event) {
		OrderShipped order = event.payload();
		assertThat(order).isNotNull();
		this.loyalty.earnPoints(event, order);
	}

	private static EmittedEvent<OrderShipped> shipped(String customer, int total) {
		OrderShipped order = new OrderShipped(1, customer, total);
		return new EmittedEvent<>(OrderShipped.NAME, UUID.randomUUID(), Instant.now(), order, (type) -> order);
	}

}
