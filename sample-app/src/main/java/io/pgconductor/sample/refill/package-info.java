/**
 * Refills: ordered when a change of the {@link io.pgconductor.sample.stock.Stock} leaves
 * too little of something.
 */
@NullMarked
package io.pgconductor.sample.refill;

import org.jspecify.annotations.NullMarked;
