/**
 * What the controllers share.
 */
@NullMarked
package io.pgconductor.sample.web;

import org.jspecify.annotations.NullMarked;
