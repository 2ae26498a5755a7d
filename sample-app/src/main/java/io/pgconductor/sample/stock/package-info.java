/**
 * What the shop has to sell, shown over HTTP.
 */
@NullMarked
package io.pgconductor.sample.stock;

import org.jspecify.annotations.NullMarked;
