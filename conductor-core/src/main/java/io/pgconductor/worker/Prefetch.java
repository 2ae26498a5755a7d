package io.pgconductor.worker;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.IntSupplier;

/**
 * Decides how many executions a worker claims: enough to keep its handlers busy until the
 * next claim comes back, but no more than it expects to start within 100 ms, so that a
 * slow task doesn't sit on work that another node could do. Durations are reported by any
 * thread; the rest is used by the claiming thread.
 */
final class Prefetch {

	private static final long HORIZON_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

	private static final long THREAD_SHARE_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

	private static final double WEIGHT_OF_NEWEST = 0.3;

	private final IntSupplier threads;

	private final int batchSize;

	private final LongAdder totalNanos = new LongAdder();

	private final LongAdder count = new LongAdder();

	private long seenNanos;

	private long seenCount;

	private double averageNanos = Double.NaN;

	/**
	 * Create it.
	 * @param threads how many threads the worker can expect to have
	 * @param batchSize how many executions one claim takes at most
	 */
	Prefetch(IntSupplier threads, int batchSize) {
		this.threads = threads;
		this.batchSize = batchSize;
	}

	/**
	 * Note how long a handler has run.
	 * @param nanos the duration
	 */
	void ran(long nanos) {
		this.totalNanos.add(nanos);
		this.count.increment();
	}

	/**
	 * Return whether it is worth a claim yet. Claims are made when half of what is wanted
	 * ahead is used up.
	 * @param buffered how many are claimed and not started
	 * @return whether it is
	 */
	boolean isDue(int buffered) {
		updateAverage();
		return buffered <= refillAt();
	}

	/**
	 * Return how many executions to claim now.
	 * @param buffered how many are claimed and not started
	 * @param free how many threads have nothing to run
	 * @return the number
	 */
	int room(int buffered, int free) {
		return (int) Math.max(0, Math.min(this.batchSize, (long) free + ahead() - buffered));
	}

	/**
	 * Return down to how many buffered executions the next claim can wait.
	 * @return the number
	 */
	int refillAt() {
		return ahead() / 2;
	}

	/**
	 * Return how many threads it takes to run some executions within a millisecond. More
	 * of them would only get in one another's way.
	 * @param executions how many executions
	 * @return at least 1, at most one for each of them
	 */
	int threads(int executions) {
		if (Double.isNaN(this.averageNanos)) {
			return executions;
		}
		return (int) Math.min(executions, 1 + executions * this.averageNanos / THREAD_SHARE_NANOS);
	}

	private int ahead() {
		if (Double.isNaN(this.averageNanos)) {
			return 0;
		}
		int expected = this.threads.getAsInt();
		double startedWithinHorizon = expected * HORIZON_NANOS / Math.max(this.averageNanos, 1);
		return (startedWithinHorizon < expected) ? 0 : (int) Math.min(startedWithinHorizon, 2.0 * this.batchSize);
	}

	private void updateAverage() {
		long newCount = this.count.sum();
		long newNanos = this.totalNanos.sum();
		if (newCount > this.seenCount) {
			double newest = (double) (newNanos - this.seenNanos) / (newCount - this.seenCount);
			this.averageNanos = Double.isNaN(this.averageNanos) ? newest
					: this.averageNanos + WEIGHT_OF_NEWEST * (newest - this.averageNanos);
			this.seenCount = newCount;
			this.seenNanos = newNanos;
		}
	}

}
