package io.pgconductor.sample.order;

import java.time.Instant;

import io.pgconductor.sample.execution.ExecutionView;
import io.pgconductor.sample.payment.Receipt;
import org.jspecify.annotations.Nullable;

/**
 * What the HTTP API tells about an order.
 *
 * @param id the order's id
 * @param customer the customer's e-mail address
 * @param item what was ordered
 * @param quantity how many of it
 * @param status where the order is in its life
 * @param placedAt when it was placed
 * @param shippedAt when it was shipped; {@code null} if it is not
 * @param charge what the customer was charged; {@code null} if nothing
 * @param fulfilment the execution that fulfils the order; {@code null} until it has
 * begun, and when it is pruned
 */
record OrderView(long id, String customer, String item, int quantity, OrderStatus status, Instant placedAt,
		@Nullable Instant shippedAt, @Nullable Receipt charge, @Nullable ExecutionView fulfilment) {

	static OrderView of(Order order, @Nullable Receipt charge, @Nullable ExecutionView fulfilment) {
		return new OrderView(order.id(), order.customer(), order.item(), order.quantity(), order.status(),
				order.placedAt(), order.shippedAt(), charge, fulfilment);
	}

}
