package io.pgconductor.sample.order;

import io.pgconductor.EventDefinition;

/**
 * The payload of the event that an order was shipped.
 *
 * @param orderId the order's id
 * @param customer the customer's e-mail address
 * @param total what the order has cost, in euros
 */
public record OrderShipped(long orderId, String customer, int total) {

	/**
	 * The event's name, for those who subscribe to it.
	 */
	public static final String NAME = "order.shipped";

	/**
	 * The event, for those who emit it.
	 */
	public static final EventDefinition<OrderShipped> EVENT = EventDefinition.of(NAME, OrderShipped.class);

}
