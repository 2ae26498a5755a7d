package io.pgconductor.codegen;

import org.jspecify.annotations.Nullable;

/**
 * A column of a table.
 *
 * @param name its name
 * @param type its type
 * @param nullable whether it may be null
 * @param comment what has been said about it
 */
record PgColumn(String name, PgType type, boolean nullable, @Nullable String comment) {

}
