package io.pgconductor.worker;

import java.time.OffsetDateTime;
import java.util.UUID;

import io.pgconductor.execution.Attempt;
import io.pgconductor.jdbc.ClaimedExecution;
import org.jspecify.annotations.Nullable;

/**
 * Makes attempts that nobody runs.
 */
final class Attempts {

	private Attempts() {
	}

	static Attempt of(String task) {
		return onLane(task, null, null);
	}

	static Attempt onLane(String task, @Nullable String gate, @Nullable Integer lane) {
		return new Attempt(new ClaimedExecution(UUID.randomUUID(), UUID.randomUUID(), 1, task, "default", 1, 3, 0,
				OffsetDateTime.now(), OffsetDateTime.now(), null, null, false, false, null, null, false, false, gate,
				lane));
	}

}
