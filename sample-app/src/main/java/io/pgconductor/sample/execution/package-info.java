/**
 * Lets customers see what has become of the work their orders caused.
 */
@NullMarked
package io.pgconductor.sample.execution;

import org.jspecify.annotations.NullMarked;
