package io.pgconductor.sample.order;

import java.time.Instant;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

/**
 * An order.
 *
 * @param id the order's id
 * @param customer the customer's e-mail address
 * @param item what was ordered
 * @param quantity how many of it
 * @param status where the order is in its life
 * @param placedAt when it was placed
 * @param shippedAt when it was shipped; {@code null} if it is not
 * @param executionId the execution that fulfils it; {@code null} until it has begun
 */
record Order(long id, String customer, String item, int quantity, OrderStatus status, Instant placedAt,
		@Nullable Instant shippedAt, @Nullable UUID executionId) {

	private static final int PRICE = 10;

	/**
	 * Return what the order costs. Everything in the shop has the same price.
	 * @return the amount in euros
	 */
	int total() {
		return this.quantity * PRICE;
	}

	/**
	 * Return the key by which the payment gateway knows the order.
	 * @return the same key whenever the order is charged
	 */
	String paymentKey() {
		return "order-" + this.id;
	}

}
