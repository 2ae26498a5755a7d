/**
 * Auto-configuration of Conductor in a Spring Boot application, and what an application
 * may adjust it with.
 */
@NullMarked
package io.pgconductor.autoconfigure;

import org.jspecify.annotations.NullMarked;
