/**
 * Keeps the tables in order whatever becomes of the nodes: rescue of lost executions,
 * pruning of finished ones. Uses the root package and {@code jdbc}.
 */
@NullMarked
package io.pgconductor.maintenance;

import org.jspecify.annotations.NullMarked;
