/**
 * The PostgreSQL that tests run on. {@link io.pgconductor.test.TestPostgres} alone
 * decides where it comes from. Uses no other package of Conductor.
 */
@NullMarked
package io.pgconductor.test;

import org.jspecify.annotations.NullMarked;
