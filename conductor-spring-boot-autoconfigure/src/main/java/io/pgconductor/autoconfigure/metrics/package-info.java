/**
 * Micrometer metrics of a Conductor node.
 */
@NullMarked
package io.pgconductor.autoconfigure.metrics;

import org.jspecify.annotations.NullMarked;
