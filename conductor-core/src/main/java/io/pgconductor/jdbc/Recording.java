package io.pgconductor.jdbc;

/**
 * The outcome of a claimed execution, to be recorded.
 *
 * @param execution the execution as it was claimed
 * @param outcome what became of it
 */
public record Recording(ClaimedExecution execution, Outcome outcome) {
}
