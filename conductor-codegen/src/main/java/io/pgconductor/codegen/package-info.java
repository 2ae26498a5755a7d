/**
 * Writes records for the tables of a database, for tasks that row changes invoke. Uses no
 * other package of Conductor.
 */
@NullMarked
package io.pgconductor.codegen;

import org.jspecify.annotations.NullMarked;
