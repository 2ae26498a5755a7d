package io.pgconductor.worker;

import java.util.Collection;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import io.pgconductor.jdbc.ExecutionClaims;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims whose answer was lost: they may have happened all the same, or happen some time
 * after the connection broke. Until that is over, what is in the node's name without its
 * knowledge is given back. Used by the claiming thread, asked by any.
 */
final class UnknownClaims {

	private static final Logger logger = LoggerFactory.getLogger(UnknownClaims.class);

	private static final long POSSIBLE_NANOS = TimeUnit.SECONDS.toNanos(60);

	private static final long LIKELY_NANOS = TimeUnit.SECONDS.toNanos(5);

	private static final long RELEASE_INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

	// A release reads all that is ready
	private static final int PAUSE_FACTOR = 19;

	private final ExecutionClaims claims;

	private final String queue;

	private volatile boolean possible;

	private volatile boolean likely;

	private long sinceNanos;

	private long nextReleaseNanos;

	UnknownClaims(ExecutionClaims claims, String queue) {
		this.claims = claims;
		this.queue = queue;
	}

	/**
	 * Return whether there may be such claims.
	 * @return {@code false} if the last answer was lost long ago
	 */
	boolean arePossible() {
		return this.possible;
	}

	/**
	 * Return whether such claims are worth waiting for.
	 * @return {@code false} if they would have been found by now, as good as certainly
	 */
	boolean areLikely() {
		return this.likely;
	}

	/**
	 * Note that a claim has got no answer.
	 */
	void add() {
		this.sinceNanos = System.nanoTime();
		this.nextReleaseNanos = this.sinceNanos;
		this.likely = true;
		this.possible = true;
	}

	/**
	 * Return how long it takes until the next release.
	 * @return nanoseconds, not negative
	 */
	long nanosUntilRelease() {
		return this.possible ? Math.max(0, this.nextReleaseNanos - System.nanoTime()) : Long.MAX_VALUE;
	}

	/**
	 * Give back what a node has without knowing it, if it is time for that.
	 * @param node the node
	 * @param known what it knows to have
	 */
	void release(UUID node, Collection<UUID> known) {
		if (nanosUntilRelease() > 0) {
			return;
		}
		long begin = System.nanoTime();
		int released = this.claims.releaseUnknown(node, this.queue, known);
		if (released > 0) {
			logger.info("{} executions of queue '{}' were claimed by a statement whose answer was lost: "
					+ "they are ready again", released, this.queue);
		}
		long end = System.nanoTime();
		this.nextReleaseNanos = end + Math.max(RELEASE_INTERVAL_NANOS, PAUSE_FACTOR * (end - begin));
		this.likely = begin - this.sinceNanos < LIKELY_NANOS;
		this.possible = begin - this.sinceNanos < POSSIBLE_NANOS;
	}

}
