package io.pgconductor.worker;

import io.pgconductor.event.EventMatching;

/**
 * Brings events to who waits for them. A thread of its own does it, since many events may
 * have to be compared with many waits, and what is due must not wait for that. It sleeps
 * until the promoter finds something to match, and asks the database for nothing
 * meanwhile.
 */
final class EventMatcher {

	private final EventMatching matching;

	private final Signal signal = new Signal();

	private final LoopThread thread = new LoopThread("conductor-events", true, this.signal, this::round);

	private volatile boolean atOnce;

	private volatile boolean soon;

	EventMatcher(EventMatching matching) {
		this.matching = matching;
	}

	void start() {
		this.thread.start();
	}

	LoopThread thread() {
		return this.thread;
	}

	/**
	 * There is something to match.
	 * @param marked whether events are marked, rather than waits unsettled: then it is
	 * done at once
	 */
	void found(boolean marked) {
		if (marked) {
			this.atOnce = true;
		}
		else {
			this.soon = true;
		}
		this.signal.raise();
	}

	private void round() {
		long pauseNanos = pauseNanos();
		if (pauseNanos > 0) {
			this.signal.await(pauseNanos);
		}
		else {
			match();
		}
	}

	private long pauseNanos() {
		if (this.atOnce) {
			return 0;
		}
		return this.soon ? this.matching.untilNextLook().toNanos() : Long.MAX_VALUE;
	}

	/**
	 * Match a batch, if there is something to match by now. Waits for one that is under
	 * way.
	 * @return whether there may be more to do at once
	 */
	synchronized boolean match() {
		if (pauseNanos() > 0) {
			return false;
		}
		// Before it: what is found meanwhile may have come too late for it
		this.atOnce = false;
		this.soon = false;
		boolean more = true;
		try {
			more = this.matching.match();
		}
		finally {
			if (more) {
				this.atOnce = true;
			}
		}
		if (this.matching.isUnsettled()) {
			this.soon = true;
		}
		return more;
	}

}
