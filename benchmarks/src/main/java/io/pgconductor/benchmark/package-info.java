/**
 * How fast the engine is, beside bare loops over the same statements. Started by
 * {@link io.pgconductor.benchmark.Benchmarks}; {@code docs/performance.md} says how.
 */
@NullMarked
package io.pgconductor.benchmark;

import org.jspecify.annotations.NullMarked;
