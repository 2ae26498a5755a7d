/**
 * Installs, upgrades and verifies the schema. Uses no other package of Conductor but the
 * root's exceptions.
 */
@NullMarked
package io.pgconductor.migration;

import org.jspecify.annotations.NullMarked;
