/**
 * Orders: placed over HTTP, fulfilled by a task that their rows cause, which emits
 * {@link io.pgconductor.sample.order.OrderShipped#EVENT}.
 */
@NullMarked
package io.pgconductor.sample.order;

import org.jspecify.annotations.NullMarked;
