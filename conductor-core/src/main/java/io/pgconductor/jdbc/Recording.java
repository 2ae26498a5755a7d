package io.pgconductor.jdbc;

import java.time.Duration;

import org.jspecify.annotations.Nullable;

/**
 * The outcome of a claimed execution, to be recorded.
 *
 * @param execution the execution as it was claimed
 * @param outcome what became of it
 * @param gateClosedFor how long those who share a limit with it are to be left alone;
 * {@code null}: they are not
 */
public record Recording(ClaimedExecution execution, Outcome outcome, @Nullable Duration gateClosedFor) {

	public Recording(ClaimedExecution execution, Outcome outcome) {
		this(execution, outcome, null);
	}

}
