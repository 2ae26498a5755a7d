/**
 * Loyalty points: earned when an order ships, by a subscription to
 * {@link io.pgconductor.sample.order.OrderShipped#EVENT}.
 */
@NullMarked
package io.pgconductor.sample.loyalty;

import org.jspecify.annotations.NullMarked;
