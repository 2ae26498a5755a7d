package io.pgconductor.sample.order;

import java.util.UUID;

/**
 * What a customer is told about an order just placed.
 *
 * @param id the order's id
 * @param executionId the id of the execution that fulfils it
 */
record PlacedOrder(long id, UUID executionId) {
}
