/**
 * Orders: placed over HTTP, fulfilled by a task.
 */
@NullMarked
package io.pgconductor.sample.order;

import org.jspecify.annotations.NullMarked;
