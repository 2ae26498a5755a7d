package io.pgconductor.worker;

import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Iterator;
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
 * For each priority it remembers how far it has claimed. What appears behind that place
 * (rows that were committed late, rescued, promoted or released) is found by a sweep from
 * the beginning: when a claim comes back short, and otherwise about once a second, but
 * never for more than some 5 % of the time. A sweep that finds more than it may claim
 * becomes the place to go on from. Used by one thread.
 */
final class ClaimCursor {

	private static final long SWEEP_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

	private static final long CHEAP_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

	private static final int PAUSE_FACTOR = 19;

	private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

	private final ExecutionClaims claims;

	private final String queue;

	private final Collection<String> tasks;

	// Least recently advanced first
	private final Map<Integer, ClaimPosition> positions = new LinkedHashMap<>();

	private long lastSweepNanos;

	private long nextSweepNanos = System.nanoTime();

	private long affordableFromNanos = System.nanoTime();

	private boolean cameBackShort;

	ClaimCursor(ExecutionClaims claims, String queue, Collection<String> tasks) {
		this.claims = claims;
		this.queue = queue;
		this.tasks = tasks;
	}

	/**
	 * Claim what is ready.
	 * @param node the node that claims
	 * @param limit how many at most
	 * @return what was claimed; empty if there was no more, as far as it was affordable
	 * to look
	 */
	List<ClaimedExecution> claim(UUID node, int limit) {
		if (limit == 0 || this.tasks.isEmpty()) {
			return List.of();
		}
		boolean affordable = nanosUntilAffordable() == 0;
		if (affordable
				&& (this.cameBackShort || this.positions.isEmpty() || System.nanoTime() - this.nextSweepNanos >= 0)) {
			return sweep(node, limit);
		}
		if (this.positions.isEmpty()) {
			return List.of();
		}
		List<ClaimedExecution> claimed = this.claims.claim(node, this.queue, this.tasks, limit, highestFirst());
		moveOn(claimed, false);
		this.cameBackShort = claimed.size() < limit;
		// What was claimed must not get lost when the sweep fails: it is the next claim's
		return (claimed.isEmpty() && affordable) ? sweep(node, limit) : claimed;
	}

	/**
	 * Return how long it takes until nothing can be missed by sleeping.
	 * @return nanoseconds until the next sweep is affordable; 0 if it is now
	 */
	long nanosUntilAffordable() {
		return Math.max(0, this.affordableFromNanos - System.nanoTime());
	}

	private List<ClaimedExecution> sweep(UUID node, int limit) {
		long begin = System.nanoTime();
		List<ClaimedExecution> claimed = this.claims.claim(node, this.queue, this.tasks, limit, List.of());
		long end = System.nanoTime();
		// A single long one tells of a new connection or a busy machine, not of the index
		long took = Math.min(end - begin, this.lastSweepNanos);
		this.lastSweepNanos = end - begin;
		this.cameBackShort = false;
		this.nextSweepNanos = end + SWEEP_INTERVAL_NANOS;
		this.affordableFromNanos = (took > CHEAP_NANOS) ? end + Math.min(took * PAUSE_FACTOR, LONGEST_PAUSE_NANOS)
				: end;
		moveOn(claimed, claimed.size() == limit);
		return claimed;
	}

	private void moveOn(List<ClaimedExecution> claimed, boolean evenBack) {
		Map<Integer, ClaimPosition> ends = new HashMap<>();
		for (ClaimedExecution execution : claimed) {
			ends.merge(execution.priority(), new ClaimPosition(execution.priority(), execution.runAt(), execution.id()),
					ClaimCursor::later);
		}
		ends.forEach((priority, end) -> {
			ClaimPosition known = this.positions.remove(priority);
			this.positions.put(priority, (known == null || evenBack) ? end : later(known, end));
		});
		Iterator<Integer> eldest = this.positions.keySet().iterator();
		while (this.positions.size() > ExecutionClaims.MAX_POSITIONS) {
			eldest.next();
			eldest.remove();
		}
	}

	private static ClaimPosition later(ClaimPosition one, ClaimPosition other) {
		return other.isAfter(one) ? other : one;
	}

	private List<ClaimPosition> highestFirst() {
		return this.positions.values()
			.stream()
			.sorted(Comparator.comparingInt(ClaimPosition::priority).reversed())
			.toList();
	}

}
