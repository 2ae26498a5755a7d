/**
 * Annotations for handler methods, and the processor that turns annotated methods into
 * task specs. Uses the root package and {@code task}.
 */
@NullMarked
package io.pgconductor.annotation;

import org.jspecify.annotations.NullMarked;
