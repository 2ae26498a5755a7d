package io.pgconductor.sample.order;

/**
 * The payload of the task that fulfils orders. It holds the id only: the task reads the
 * order as it is when the task runs.
 *
 * @param orderId the order's id
 */
record FulfilOrder(long orderId) {
}
