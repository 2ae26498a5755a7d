/**
 * What the shop has to sell.
 */
@NullMarked
package io.pgconductor.sample.stock;

import org.jspecify.annotations.NullMarked;
