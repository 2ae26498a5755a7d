/**
 * The PostgreSQL that the shop brings along, for those who only want to try it. An
 * application in production has a server and sets {@code spring.datasource.url}; then
 * nothing of this package is used.
 */
@NullMarked
package io.pgconductor.sample.postgres;

import org.jspecify.annotations.NullMarked;
