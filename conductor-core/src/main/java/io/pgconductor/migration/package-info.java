/**
 * Installs, upgrades and verifies the schema, and prints the SQL that does. Uses the root
 * package.
 */
@NullMarked
package io.pgconductor.migration;

import org.jspecify.annotations.NullMarked;
