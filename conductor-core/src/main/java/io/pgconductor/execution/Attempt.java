package io.pgconductor.execution;

import java.time.Duration;
import java.time.Instant;

import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.RunningExecutionTable.Progress;
import org.jspecify.annotations.Nullable;

/**
 * One try of a claimed execution: which thread runs it, since when, how far it is, and
 * what broke it off. Thread-safe.
 */
public final class Attempt {

	private static final Duration LONGEST_CLOSURE = Duration.ofDays(1);

	private final ClaimedExecution execution;

	private final long claimedAtNanos = System.nanoTime();

	private volatile long startedAtNanos;

	private @Nullable Thread thread;

	private @Nullable BatchRun batch;

	private volatile @Nullable Interruption interruption;

	private volatile boolean cancelled;

	private boolean shielded;

	private boolean interruptedBefore;

	private volatile boolean aside;

	private volatile boolean inTransaction;

	private volatile @Nullable Duration gateClosedFor;

	private @Nullable Progress untoldProgress;

	/**
	 * Why an attempt was broken off.
	 */
	public enum Interruption {

		/**
		 * It took longer than its task's timeout.
		 */
		TIMEOUT,

		/**
		 * The execution was cancelled.
		 */
		CANCELLED,

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
	 * Return the database's time, as far as it can be told from that of the claim.
	 * @return the time
	 */
	Instant now() {
		return this.execution.claimedAt().toInstant().plusNanos(System.nanoTime() - this.claimedAtNanos);
	}

	/**
	 * Note that the execution is out of the way of others, since this is a long run.
	 */
	public void setAside() {
		this.aside = true;
	}

	/**
	 * Return whether the execution is out of the way of others.
	 * @return whether it is
	 */
	public boolean isAside() {
		return this.aside;
	}

	/**
	 * Note that those who share a limit with the execution are to be left alone, too.
	 * @param time for how long
	 */
	void closeGate(Duration time) {
		this.gateClosedFor = (time.compareTo(LONGEST_CLOSURE) < 0) ? time : LONGEST_CLOSURE;
	}

	/**
	 * Return how long those who share a limit with the execution are to be left alone.
	 * @return the time; {@code null} if they are not
	 */
	public @Nullable Duration gateClosedFor() {
		return this.gateClosedFor;
	}

	/**
	 * Note that a transaction begins whose last statement is about the execution, or that
	 * it has ended.
	 * @param open whether it is open
	 */
	void setInTransaction(boolean open) {
		this.inTransaction = open;
	}

	/**
	 * Return whether a transaction is open whose last statement is about the execution.
	 * If anybody else writes the execution meanwhile, that statement fails under
	 * {@code REPEATABLE READ}.
	 * @return whether one is open
	 */
	public boolean isInTransaction() {
		return this.inTransaction;
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
	 * Begin as part of a batch.
	 * @param run is told of an interruption
	 * @return {@code false} if the attempt was broken off before
	 */
	synchronized boolean begin(BatchRun run) {
		if (this.interruption != null) {
			return false;
		}
		this.startedAtNanos = System.nanoTime();
		this.batch = run;
		run.join();
		return true;
	}

	/**
	 * End: no interruption reaches the thread any more, and none that did stays behind.
	 * @return what broke the attempt off, {@code null} if nothing did
	 */
	synchronized @Nullable Interruption end() {
		this.thread = null;
		this.batch = null;
		Thread.interrupted();
		return this.interruption;
	}

	@Nullable Interruption interruption() {
		return this.interruption;
	}

	/**
	 * Return whether the execution belongs to another node by now.
	 * @return whether it does
	 */
	public boolean isLost() {
		return this.interruption == Interruption.LOST;
	}

	/**
	 * Return whether the execution was cancelled while it runs.
	 * @return whether it was
	 */
	public boolean isCancelled() {
		return this.cancelled;
	}

	/**
	 * Break the attempt off. The first reason stands, unless the execution is lost.
	 * @param reason why
	 */
	public synchronized void interrupt(Interruption reason) {
		if (reason == Interruption.CANCELLED) {
			this.cancelled = true;
		}
		if (this.interruption == null && this.batch != null) {
			this.batch.brokenOff();
		}
		if (this.interruption == null || reason == Interruption.LOST) {
			this.interruption = reason;
		}
		if (this.thread != null && !this.shielded) {
			this.thread.interrupt();
		}
	}

	/**
	 * Hold interruptions back while the thread does something for Conductor: they would
	 * close the connection it uses.
	 */
	synchronized void shield() {
		if (this.shielded) {
			return;
		}
		this.interruptedBefore = Thread.interrupted();
		this.shielded = true;
	}

	/**
	 * Let interruptions through again, also those that were held back.
	 */
	synchronized void unshield() {
		if (!this.shielded) {
			return;
		}
		this.shielded = false;
		if (this.thread != null && (this.interruptedBefore || this.interruption != null)) {
			Thread.currentThread().interrupt();
		}
	}

	/**
	 * Note how far the execution is, to be told before long.
	 * @param progress how far
	 */
	synchronized void progress(Progress progress) {
		this.untoldProgress = progress;
	}

	/**
	 * Note that what was returned could not be told.
	 * @param progress how far the execution was
	 */
	public synchronized void putProgressBack(Progress progress) {
		if (this.untoldProgress == null) {
			this.untoldProgress = progress;
		}
	}

	/**
	 * Return how far the execution is, unless that was returned before.
	 * @return how far; {@code null} if there is nothing new
	 */
	public synchronized @Nullable Progress takeProgress() {
		Progress untold = this.untoldProgress;
		this.untoldProgress = null;
		return untold;
	}

}
