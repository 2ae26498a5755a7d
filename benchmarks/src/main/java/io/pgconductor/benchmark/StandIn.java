package io.pgconductor.benchmark;

import java.time.OffsetDateTime;
import java.util.UUID;

import io.pgconductor.jdbc.ClaimedExecution;

/**
 * What takes the place of an execution that a bare loop has claimed, while a statement
 * about it is recorded.
 */
final class StandIn {

	static final UUID ID = new UUID(1, 1);

	/**
	 * Of a first claim: it knows of no earlier one.
	 */
	static final int CLAIM_NO = -987_654_322;

	private StandIn() {
	}

	static ClaimedExecution execution(String task) {
		OffsetDateTime now = OffsetDateTime.now();
		return new ClaimedExecution(ID, BareClaims.NODE, CLAIM_NO, task, "default", 1, 1, 0, now, now, null, null,
				false, false, null, null, false, false, null, null);
	}

}
