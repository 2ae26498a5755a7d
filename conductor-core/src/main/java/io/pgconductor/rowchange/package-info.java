/**
 * Row changes: from declarations to triggers on users' tables. Uses the root package,
 * {@code task} and {@code jdbc}.
 */
@NullMarked
package io.pgconductor.rowchange;

import org.jspecify.annotations.NullMarked;
