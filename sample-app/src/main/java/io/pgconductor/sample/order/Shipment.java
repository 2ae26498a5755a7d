package io.pgconductor.sample.order;

import java.time.Instant;

/**
 * The result of the task that fulfils orders.
 *
 * @param orderId the order's id
 * @param chargedAt when the customer was charged
 * @param shippedAt when it was shipped
 */
record Shipment(long orderId, Instant chargedAt, Instant shippedAt) {
}
