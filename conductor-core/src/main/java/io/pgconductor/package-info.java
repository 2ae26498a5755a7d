/**
 * The public API and vocabulary: what an application injects, calls, receives and
 * catches. Everything else in this module is implementation. This package uses no other
 * package of Conductor.
 */
@NullMarked
package io.pgconductor;

import org.jspecify.annotations.NullMarked;
