package io.pgconductor.worker;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import io.pgconductor.jdbc.ClaimPosition;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.ExecutionClaims;

/**
 * Claims from one queue without walking again over what was claimed before: while some
 * transaction holds an old snapshot, the index entries of claimed and deleted rows stay,
 * and every claim that starts at the beginning reads them all.
 * <p>
 * For the priorities that it has claimed lately it remembers how far. What appears behind
 * that place (rows that were committed late, rescued, promoted or released) is found by a
 * sweep from the beginning: when a claim comes back short, and otherwise about once a
 * second, but never for more than some 5 % of the time. Used by one thread.
 */
final class ClaimCursor {

	private static final long SWEEP_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

	private static final long CHEAP_SWEEP_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

	private static final int PAUSE_FACTOR = 19;

	private final ExecutionClaims claims;

	private final String queue;

	private final Collection<String> tasks;

	// Least recently advanced first. Any number can be a priority: the oldest make room.
	private final Map<Integer, ClaimPosition> positions = new LinkedHashMap<>(16, 0.75F, true);

	private long sweptAtNanos;

	private long sweepPauseNanos;

	private boolean everSwept;

	ClaimCursor(ExecutionClaims claims, String queue, Collection<String> tasks) {
		this.claims = claims;
		this.queue = queue;
		this.tasks = tasks;
	}

	/**
	 * Claim what is ready.
	 * @param node the node that claims
	 * @param limit how many at most
	 * @return what was claimed; fewer than the limit if there was no more, as far as was
	 * looked
	 */
	List<ClaimedExecution> claim(UUID node, int limit) {
		long sinceSweep = System.nanoTime() - this.sweptAtNanos;
		if (!this.everSwept || sinceSweep >= Math.max(SWEEP_INTERVAL_NANOS, this.sweepPauseNanos)) {
			return sweep(node, limit);
		}
		List<ClaimedExecution> claimed = this.claims.claim(node, this.queue, this.tasks, limit, highestFirst());
		advance(claimed);
		if (claimed.size() < limit && sinceSweep >= this.sweepPauseNanos) {
			List<ClaimedExecution> all = new ArrayList<>(claimed);
			all.addAll(sweep(node, limit - claimed.size()));
			return all;
		}
		return claimed;
	}

	/**
	 * Return how long it takes until nothing can be missed by sleeping.
	 * @return nanoseconds until the next sweep is affordable; 0 if the last claim swept
	 */
	long nanosUntilSweep() {
		return Math.max(0, this.sweepPauseNanos - (System.nanoTime() - this.sweptAtNanos));
	}

	private List<ClaimedExecution> sweep(UUID node, int limit) {
		long begin = System.nanoTime();
		List<ClaimedExecution> claimed = this.claims.claim(node, this.queue, this.tasks, limit, List.of());
		this.sweptAtNanos = System.nanoTime();
		long took = this.sweptAtNanos - begin;
		this.sweepPauseNanos = (took > CHEAP_SWEEP_NANOS) ? took * PAUSE_FACTOR : 0;
		this.everSwept = true;
		advance(claimed);
		return claimed;
	}

	private void advance(List<ClaimedExecution> claimed) {
		for (ClaimedExecution execution : claimed) {
			ClaimPosition position = new ClaimPosition(execution.priority(), execution.runAt(), execution.id());
			this.positions.merge(position.priority(), position, (known, next) -> next.isAfter(known) ? next : known);
			if (this.positions.size() > ExecutionClaims.MAX_POSITIONS) {
				this.positions.remove(this.positions.keySet().iterator().next());
			}
		}
	}

	private List<ClaimPosition> highestFirst() {
		return this.positions.values()
			.stream()
			.sorted(Comparator.comparingInt(ClaimPosition::priority).reversed())
			.toList();
	}

}
