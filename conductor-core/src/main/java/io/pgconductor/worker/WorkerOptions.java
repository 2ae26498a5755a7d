package io.pgconductor.worker;

import java.time.Duration;

/**
 * How the worker of one queue works.
 *
 * @param concurrency how many handlers run at once on this node, from 1 to 100,000
 * @param pollInterval how long work can stay unnoticed if no notification comes, positive
 * @param fetchBatchSize how many executions one claim takes at most, from 1 to 10,000
 * @param flushInterval how long a result may wait for others before it is recorded; zero:
 * it is recorded as soon as the previous ones are
 */
public record WorkerOptions(int concurrency, Duration pollInterval, int fetchBatchSize, Duration flushInterval) {

	/**
	 * 10 handlers, polling every second, at most 500 executions per claim, no flush
	 * interval.
	 */
	public static final WorkerOptions DEFAULT = new WorkerOptions(10, Duration.ofSeconds(1), 500, Duration.ZERO);

	private static final int MAX_CONCURRENCY = 100_000;

	private static final int MAX_FETCH_BATCH_SIZE = 10_000;

	public WorkerOptions {
		if (concurrency < 1 || concurrency > MAX_CONCURRENCY) {
			throw new IllegalArgumentException(
					"worker concurrency must be between 1 and " + MAX_CONCURRENCY + ", was " + concurrency);
		}
		if (pollInterval.isNegative() || pollInterval.isZero()) {
			throw new IllegalArgumentException("worker poll-interval must be positive, was " + pollInterval);
		}
		if (fetchBatchSize < 1 || fetchBatchSize > MAX_FETCH_BATCH_SIZE) {
			throw new IllegalArgumentException("worker fetch-batch-size must be between 1 and " + MAX_FETCH_BATCH_SIZE
					+ ", was " + fetchBatchSize);
		}
		if (flushInterval.isNegative()) {
			throw new IllegalArgumentException("worker flush-interval must not be negative, was " + flushInterval);
		}
	}

	public WorkerOptions withConcurrency(int concurrency) {
		return new WorkerOptions(concurrency, this.pollInterval, this.fetchBatchSize, this.flushInterval);
	}

	public WorkerOptions withPollInterval(Duration pollInterval) {
		return new WorkerOptions(this.concurrency, pollInterval, this.fetchBatchSize, this.flushInterval);
	}

	public WorkerOptions withFetchBatchSize(int fetchBatchSize) {
		return new WorkerOptions(this.concurrency, this.pollInterval, fetchBatchSize, this.flushInterval);
	}

	public WorkerOptions withFlushInterval(Duration flushInterval) {
		return new WorkerOptions(this.concurrency, this.pollInterval, this.fetchBatchSize, flushInterval);
	}

}
