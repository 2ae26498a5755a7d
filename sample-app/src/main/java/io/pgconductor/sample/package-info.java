/**
 * A small shop on Conductor. Start with {@link io.pgconductor.sample.order.OrderService},
 * which hands the work over, and {@link io.pgconductor.sample.order.OrderFulfilment},
 * which does it.
 */
@NullMarked
package io.pgconductor.sample;

import org.jspecify.annotations.NullMarked;
