package io.pgconductor.benchmark;

import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Waits for what a benchmark has set going, and gives up when it hangs.
 */
final class Waiting {

	private static final long LONGEST_SECONDS = 600;

	private Waiting() {
	}

	static void forLatch(CountDownLatch latch) {
		try {
			if (!latch.await(LONGEST_SECONDS, TimeUnit.SECONDS)) {
				throw new IllegalStateException("Not done after " + LONGEST_SECONDS + " s");
			}
		}
		catch (InterruptedException ex) {
			throw new IllegalStateException(ex);
		}
	}

	/**
	 * Wait for some parts of one thing. When one fails, the others may never end.
	 * @param parts the parts
	 */
	static void forAll(List<Future<?>> parts) {
		until(() -> parts.stream().allMatch(Future::isDone) || parts.stream().anyMatch(Waiting::hasFailed));
	}

	private static boolean hasFailed(Future<?> part) {
		if (!part.isDone()) {
			return false;
		}
		try {
			part.get();
			return false;
		}
		catch (InterruptedException | ExecutionException ex) {
			throw new IllegalStateException(ex);
		}
	}

	static <T> T forNext(BlockingQueue<T> queue) {
		try {
			T next = queue.poll(LONGEST_SECONDS, TimeUnit.SECONDS);
			if (next == null) {
				throw new IllegalStateException("Not done after " + LONGEST_SECONDS + " s");
			}
			return next;
		}
		catch (InterruptedException ex) {
			throw new IllegalStateException(ex);
		}
	}

	static void until(BooleanSupplier condition) {
		long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LONGEST_SECONDS);
		while (!condition.getAsBoolean()) {
			if (System.nanoTime() > deadline) {
				throw new IllegalStateException("Not done after " + LONGEST_SECONDS + " s");
			}
			LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
		}
	}

}
