package io.pgconductor.sample.order;

import java.time.Instant;

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
 * @param shippedAt when it was shipped; {@code null} before
 */
record Order(long id, String customer, String item, int quantity, OrderStatus status, Instant placedAt,
		@Nullable Instant shippedAt) {
}
