/**
 * Every SQL statement that runs at run time, one class for each table. Uses the root
 * package and {@code task}.
 */
@NullMarked
package io.pgconductor.jdbc;

import org.jspecify.annotations.NullMarked;
