/**
 * Claim loop, wake-up, batched completion, and the start and stop of all loops of a node.
 * Uses all other packages but the annotations.
 */
@NullMarked
package io.pgconductor.worker;

import org.jspecify.annotations.NullMarked;
