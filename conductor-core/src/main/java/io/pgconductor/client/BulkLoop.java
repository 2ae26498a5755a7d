package io.pgconductor.client;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.ToIntFunction;

import io.pgconductor.ConductorException;
import io.pgconductor.ExecutionFilter;
import io.pgconductor.ExecutionState;
import org.jspecify.annotations.Nullable;

/**
 * Changes many executions, one page after the other. Since the pages go downwards by id,
 * none is met twice, whatever becomes of it meanwhile.
 *
 * @param call names the call in messages
 * @param search finds the next page
 * @param change changes a page, and tells how many of it
 */
record BulkLoop(String call, Search search, ToIntFunction<List<UUID>> change) {

	static final Set<ExecutionState> RETRIED = EnumSet.of(ExecutionState.FAILED, ExecutionState.CANCELLED);

	static final Set<ExecutionState> CANCELLED = EnumSet.of(ExecutionState.SCHEDULED, ExecutionState.READY,
			ExecutionState.RUNNING, ExecutionState.WAITING);

	private static final int PAGE_SIZE = 500;

	/**
	 * Finds executions.
	 */
	interface Search {

		List<UUID> find(int limit, @Nullable UUID before);

	}

	long run(ExecutionFilter filter) {
		long most = (filter.limit() != null) ? filter.limit() : Long.MAX_VALUE;
		long changed = 0;
		UUID last = null;
		while (changed < most) {
			if (Thread.currentThread().isInterrupted()) {
				throw new ConductorException(
						"The " + this.call + " was interrupted when it had changed " + changed + " executions");
			}
			int limit = (int) Math.min(PAGE_SIZE, most - changed);
			List<UUID> page = this.search.find(limit, last);
			if (page.isEmpty()) {
				break;
			}
			changed += this.change.applyAsInt(page);
			last = page.get(page.size() - 1);
		}
		return changed;
	}

}
