/**
 * What the tests of the engine share.
 */
@NullMarked
package io.pgconductor.testing;

import org.jspecify.annotations.NullMarked;
