/**
 * A small shop on Conductor. Start with {@link io.pgconductor.sample.order.OrderService},
 * which takes orders, and {@link io.pgconductor.sample.order.OrderFulfilment}, which runs
 * for each of them.
 */
@NullMarked
package io.pgconductor.sample;

import org.jspecify.annotations.NullMarked;
