/**
 * Events: who has waited for which of them. Uses the root package, {@code task} and
 * {@code jdbc}.
 */
@NullMarked
package io.pgconductor.event;

import org.jspecify.annotations.NullMarked;
