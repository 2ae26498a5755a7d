package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.GatedClaims;
import io.pgconductor.task.TaskSpec;

/**
 * Claims executions of limited tasks from one queue. It walks over the gates that
 * something waits at, round by round, and looks at those first that executions have left
 * here. After a round that has found nothing there is nothing to find until an execution
 * leaves its gate, a gate opens, or something is enqueued. Used by the claiming thread;
 * told who leaves by any.
 */
final class GateClaims {

	// While the worker is busy nobody tells it of what is enqueued. What nothing limits
	// pays for each look.
	private static final long LOOK_INTERVAL_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

	private static final int LOOK_FACTOR = 40;

	// Limits that only others declare are no reason to look often
	private static final long FOREIGN_LOOK_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(10);

	private static final long FIRST_BUSY_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

	private static final long LONGEST_BUSY_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

	private static final long CHEAP_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

	private static final int PAUSE_FACTOR = 19;

	private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(5);

	private static final int MOST_HINTS = 50;

	private final GatedClaims claims;

	private final String queue;

	private final LaneDepths depths;

	private final MissingKeys missingKeys;

	private final boolean foreign;

	// Guarded by itself
	private final Set<String> left = new LinkedHashSet<>();

	private String position = "";

	private boolean owed;

	private boolean midRound;

	private int ends;

	private long roundNanos;

	private long notBeforeNanos = System.nanoTime();

	private long nextLookNanos = System.nanoTime();

	private long openingNanos;

	private boolean opens;

	private long busyPauseNanos = FIRST_BUSY_PAUSE_NANOS;

	GateClaims(GatedClaims claims, String queue, Map<String, TaskSpec> tasks) {
		this.claims = claims;
		this.queue = queue;
		this.depths = new LaneDepths(tasks);
		this.missingKeys = new MissingKeys(tasks);
		this.foreign = tasks.values().stream().noneMatch(TaskSpec::isLimited);
	}

	/**
	 * Note that an execution doesn't run any more.
	 * @param execution the execution
	 */
	void left(ClaimedExecution execution) {
		String gate = execution.gate();
		if (gate != null) {
			synchronized (this.left) {
				this.left.add(gate);
			}
		}
	}

	/**
	 * Note how long a handler has run.
	 * @param execution the execution
	 * @param nanos the duration
	 */
	void ran(ClaimedExecution execution, long nanos) {
		if (execution.gated()) {
			this.depths.ran(execution.task(), nanos);
		}
	}

	/**
	 * Look at all gates before the worker sleeps again: somebody may have enqueued
	 * something.
	 */
	void wakeUp() {
		this.owed |= !this.foreign;
	}

	/**
	 * Return how long the worker may sleep although nobody wakes it.
	 * @return nanoseconds, not negative
	 */
	long nanosUntilDue() {
		long now = System.nanoTime();
		if (this.owed || hasLeft()) {
			return Math.max(0, this.notBeforeNanos - now);
		}
		return this.opens ? Math.max(0, Math.max(this.openingNanos, this.notBeforeNanos) - now) : Long.MAX_VALUE;
	}

	private boolean hasLeft() {
		synchronized (this.left) {
			return !this.left.isEmpty();
		}
	}

	/**
	 * Claim what gates let through, if it is time to look.
	 * @param node the node that claims
	 * @param limit how many at most
	 * @return what was claimed
	 */
	List<ClaimedExecution> claim(UUID node, int limit) {
		if (limit == 0
				|| (nanosUntilDue() > 0 && System.nanoTime() - Math.max(this.nextLookNanos, this.notBeforeNanos) < 0)) {
			return List.of();
		}
		if (!this.midRound) {
			beginRound();
		}
		do {
			long begin = System.nanoTime();
			List<String> hints = takeLeft();
			GatedClaims.Claim claim;
			try {
				claim = this.claims.claim(node, this.queue, this.depths.byTask(), limit, hints, this.position);
			}
			catch (RuntimeException ex) {
				giveBack(hints);
				throw ex;
			}
			this.position = claim.last();
			if (!claim.executions().isEmpty()) {
				this.owed = true;
				this.midRound = false;
				this.busyPauseNanos = FIRST_BUSY_PAUSE_NANOS;
				claim.executions().forEach(this.missingKeys::look);
				return claim.executions();
			}
			if (claim.busy()) {
				giveBack(hints);
				pauseWhileBusy();
				return List.of();
			}
			note(claim, System.nanoTime() - begin);
		}
		while (this.owed && this.roundNanos < CHEAP_NANOS);
		return List.of();
	}

	private List<String> takeLeft() {
		synchronized (this.left) {
			List<String> taken = new ArrayList<>();
			Iterator<String> gates = this.left.iterator();
			while (gates.hasNext() && taken.size() < MOST_HINTS) {
				taken.add(gates.next());
				gates.remove();
			}
			return taken;
		}
	}

	private void giveBack(List<String> gates) {
		synchronized (this.left) {
			this.left.addAll(gates);
		}
	}

	private void beginRound() {
		this.ends = 0;
		this.roundNanos = 0;
		this.opens = false;
	}

	// It is about to take what this one would take
	private void pauseWhileBusy() {
		this.owed = true;
		this.notBeforeNanos = System.nanoTime() + this.busyPauseNanos;
		this.busyPauseNanos = Math.min(2 * this.busyPauseNanos, LONGEST_BUSY_PAUSE_NANOS);
	}

	private void note(GatedClaims.Claim claim, long nanos) {
		long now = System.nanoTime();
		this.roundNanos += nanos;
		Duration opening = claim.opening();
		if (opening != null) {
			long opensAt = now + opening.toNanos();
			this.openingNanos = this.opens ? Math.min(this.openingNanos, opensAt) : opensAt;
			this.opens = true;
		}
		// The first round may have begun anywhere
		this.ends += claim.ended() ? 1 : 0;
		this.midRound = !claim.complete() && this.ends < 2;
		this.owed = this.midRound;
		if (!this.midRound) {
			boolean cheap = this.roundNanos < CHEAP_NANOS;
			this.notBeforeNanos = now + (cheap ? 0 : Math.min(PAUSE_FACTOR * this.roundNanos, LONGEST_PAUSE_NANOS));
			this.nextLookNanos = now + (this.foreign ? FOREIGN_LOOK_INTERVAL_NANOS
					: Math.max(LOOK_INTERVAL_NANOS, LOOK_FACTOR * this.roundNanos));
		}
	}

}
