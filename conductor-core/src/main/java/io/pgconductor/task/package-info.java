/**
 * What a task is: its spec, its options, its handler, and the registry of a node's tasks.
 * When cron expressions are due. Uses the root package.
 */
@NullMarked
package io.pgconductor.task;

import org.jspecify.annotations.NullMarked;
