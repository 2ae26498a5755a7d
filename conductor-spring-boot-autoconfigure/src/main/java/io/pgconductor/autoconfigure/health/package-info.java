/**
 * Health of a Conductor node for Actuator.
 */
@NullMarked
package io.pgconductor.autoconfigure.health;

import org.jspecify.annotations.NullMarked;
