package io.pgconductor.execution;

import io.pgconductor.jdbc.ClaimedExecution;
import org.jspecify.annotations.Nullable;

/**
 * One try of a claimed execution: which thread runs it, since when, and what broke it
 * off. Thread-safe.
 */
public final class Attempt {

	private final ClaimedExecution execution;

	private final long claimedAtNanos = System.nanoTime();

	private volatile long startedAtNanos;

	private @Nullable Thread thread;

	private @Nullable Interruption interruption;

	private boolean aside;

	/**
	 * Why an attempt was broken off.
	 */
	public enum Interruption {

		/**
		 * It took longer than its task's timeout.
		 */
		TIMEOUT,

		/**
		 * The node stops.
		 */
		SHUTDOWN,

		/**
		 * The node was declared dead: the execution belongs to another one.
		 */
		LOST

	}

	public Attempt(ClaimedExecution execution) {
		this.execution = execution;
	}

	public ClaimedExecution execution() {
		return this.execution;
	}

	public boolean isStarted() {
		return this.startedAtNanos != 0;
	}

	/**
	 * Return when the attempt was claimed, on this node's monotonic clock.
	 * @return nanoseconds, to be compared with {@link System#nanoTime()}
	 */
	public long claimedAtNanos() {
		return this.claimedAtNanos;
	}

	/**
	 * Return when the handler was called, on this node's monotonic clock.
	 * @return nanoseconds; 0 if it has not been
	 */
	public long startedAtNanos() {
		return this.startedAtNanos;
	}

	/**
	 * Note that this is a long run.
	 * @return whether it was not noted before
	 */
	public synchronized boolean setAside() {
		boolean first = !this.aside;
		this.aside = true;
		return first;
	}

	/**
	 * Begin: from now on an interruption reaches the current thread.
	 * @return {@code false} if the attempt was broken off before
	 */
	synchronized boolean begin() {
		if (this.interruption != null) {
			return false;
		}
		this.startedAtNanos = System.nanoTime();
		this.thread = Thread.currentThread();
		return true;
	}

	/**
	 * End: no interruption reaches the thread any more, and none that did stays behind.
	 * @return what broke the attempt off, {@code null} if nothing did
	 */
	synchronized @Nullable Interruption end() {
		this.thread = null;
		Thread.interrupted();
		return this.interruption;
	}

	/**
	 * Return whether the execution belongs to another node by now.
	 * @return whether it does
	 */
	public synchronized boolean isLost() {
		return this.interruption == Interruption.LOST;
	}

	/**
	 * Break the attempt off. The first reason stands, unless the execution is lost.
	 * @param reason why
	 */
	public synchronized void interrupt(Interruption reason) {
		if (this.interruption == null || reason == Interruption.LOST) {
			this.interruption = reason;
		}
		if (this.thread != null) {
			this.thread.interrupt();
		}
	}

}
