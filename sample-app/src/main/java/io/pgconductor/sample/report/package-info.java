/**
 * Sales reports: written by a schedule, shown over HTTP.
 */
@NullMarked
package io.pgconductor.sample.report;

import org.jspecify.annotations.NullMarked;
