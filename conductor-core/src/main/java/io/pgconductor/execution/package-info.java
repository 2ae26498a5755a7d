/**
 * The life of one execution on a node: from its claimed row to its outcome. Uses the root
 * package, {@code task} and {@code jdbc}.
 */
@NullMarked
package io.pgconductor.execution;

import org.jspecify.annotations.NullMarked;
