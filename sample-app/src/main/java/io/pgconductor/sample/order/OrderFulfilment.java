package io.pgconductor.sample.order;

import java.time.Instant;

import io.pgconductor.NonRetryableException;
import io.pgconductor.TaskContext;
import io.pgconductor.annotation.Task;
import org.springframework.stereotype.Component;

/**
 * Fulfils orders in the background.
 */
@Component
class OrderFulfilment {

	/**
	 * The task's name.
	 */
	static final String TASK = "fulfil-order";

	private final OrderRepository orders;

	OrderFulfilment(OrderRepository orders) {
		this.orders = orders;
	}

	/**
	 * Ship an order. A crash between this method's commit and the record of its result
	 * makes it run again, so it is idempotent.
	 * @param payload names the order
	 * @param context the execution
	 * @return the shipment
	 */
	@Task(TASK)
	Shipment fulfil(FulfilOrder payload, TaskContext context) {
		Instant shippedAt = this.orders.markShipped(payload.orderId())
			.orElseThrow(() -> new NonRetryableException("There is no order " + payload.orderId()));
		context.logger().info("Order {} is shipped", payload.orderId());
		return new Shipment(payload.orderId(), shippedAt);
	}

}
