package io.pgconductor.worker;

import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.NestedExceptionUtils;

/**
 * A thread that repeats one round of work until it is stopped, and survives whatever a
 * round throws.
 */
final class LoopThread {

	private static final Logger logger = LoggerFactory.getLogger(LoopThread.class);

	private final Thread thread;

	private final Signal signal;

	private final Backoff backoff = new Backoff();

	private volatile boolean stopping;

	private volatile boolean failing;

	/**
	 * Create a loop.
	 * @param name the thread's name
	 * @param daemon whether the JVM may exit while it runs
	 * @param signal what rounds wait on; raised by the stop
	 * @param round one round of work
	 */
	LoopThread(String name, boolean daemon, Signal signal, Runnable round) {
		this(name, daemon, signal, round, () -> true);
	}

	/**
	 * Create a loop that goes on after the stop while there is something left to do.
	 * @param name the thread's name
	 * @param daemon whether the JVM may exit while it runs
	 * @param signal what rounds wait on; raised by the stop
	 * @param round one round of work
	 * @param done whether nothing is left to do
	 */
	LoopThread(String name, boolean daemon, Signal signal, Runnable round, BooleanSupplier done) {
		this.signal = signal;
		this.thread = new Thread(() -> run(round, done), name);
		this.thread.setDaemon(daemon);
	}

	private void run(Runnable round, BooleanSupplier done) {
		while (!this.stopping || !done.getAsBoolean()) {
			try {
				round.run();
				if (this.failing) {
					this.failing = false;
					this.backoff.reset();
					logger.info("{} works again", this.thread.getName());
				}
			}
			catch (Throwable ex) {
				if (this.failing) {
					logger.debug("{} failed again", this.thread.getName(), ex);
				}
				else {
					this.failing = true;
					logger.warn("{} failed, and tries again until it works: {}", this.thread.getName(),
							NestedExceptionUtils.getMostSpecificCause(ex).toString());
					logger.debug("{} failed", this.thread.getName(), ex);
				}
				this.signal.awaitMillis(this.backoff.nextMillis());
			}
		}
	}

	void start() {
		this.thread.start();
	}

	/**
	 * End the loop after the current round.
	 */
	void stop() {
		this.stopping = true;
		this.signal.raise();
	}

	/**
	 * End the loop, and interrupt what its round waits for.
	 */
	void stopAtOnce() {
		stop();
		this.thread.interrupt();
	}

	boolean isStopping() {
		return this.stopping;
	}

	boolean isFailing() {
		return this.failing;
	}

	/**
	 * Wait until the loop has ended, also on an interrupted thread: who stops half-way
	 * leaves executions behind.
	 * @param millis how long at most
	 * @return whether it has
	 */
	boolean join(long millis) {
		long deadline = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
		boolean interrupted = false;
		for (long left = millis; left > 0 && this.thread.isAlive();) {
			try {
				this.thread.join(left);
			}
			catch (InterruptedException ex) {
				interrupted = true;
			}
			left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
		}
		if (interrupted) {
			Thread.currentThread().interrupt();
		}
		return !this.thread.isAlive();
	}

}
