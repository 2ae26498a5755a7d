package io.pgconductor.worker;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets one thread wait for what others have to tell. A signal that is raised while nobody
 * waits is kept for the next wait. Raising one that is raised already costs one volatile
 * read.
 */
final class Signal {

	private final ReentrantLock lock = new ReentrantLock();

	private final Condition isRaised = this.lock.newCondition();

	private volatile boolean raised;

	void raise() {
		if (this.raised) {
			return;
		}
		this.lock.lock();
		try {
			this.raised = true;
			this.isRaised.signalAll();
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Wait until the signal is raised, and lower it. An interrupt doesn't end the wait.
	 * @param nanos how long at most; not positive: don't wait
	 * @return whether it was raised
	 */
	boolean await(long nanos) {
		long deadline = System.nanoTime() + nanos;
		boolean interrupted = false;
		this.lock.lock();
		try {
			long left = nanos;
			while (!this.raised && left > 0) {
				try {
					left = this.isRaised.awaitNanos(left);
				}
				catch (InterruptedException ex) {
					interrupted = true;
					left = deadline - System.nanoTime();
				}
			}
			boolean was = this.raised;
			this.raised = false;
			return was;
		}
		finally {
			this.lock.unlock();
			if (interrupted) {
				Thread.currentThread().interrupt();
			}
		}
	}

	boolean awaitMillis(long millis) {
		return await(TimeUnit.MILLISECONDS.toNanos(millis));
	}

}
