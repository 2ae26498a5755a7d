package io.pgconductor.sample.order;

/**
 * What a customer is told about an order just placed.
 *
 * @param id the order's id
 */
record PlacedOrder(long id) {
}
