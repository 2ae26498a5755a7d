/**
 * The {@link io.pgconductor.ConductorClient}: calls that join the application's
 * transaction. Uses the root package, {@code task} and {@code jdbc}.
 */
@NullMarked
package io.pgconductor.client;

import org.jspecify.annotations.NullMarked;
