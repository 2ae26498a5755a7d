package io.pgconductor.worker;

import java.util.Collection;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

import io.pgconductor.execution.Attempt;
import org.jspecify.annotations.Nullable;

/**
 * Runs claimed executions, so many at once, in the order they were claimed. A thread
 * takes one after the other until none is left, so that a short execution costs no switch
 * of threads.
 */
final class HandlerThreads {

	private final int concurrency;

	private final Executor executor;

	private final Consumer<Attempt> handler;

	private final Runnable onRoom;

	private final Queue<Attempt> buffer = new ConcurrentLinkedQueue<>();

	private final AtomicInteger buffered = new AtomicInteger();

	private final AtomicInteger running = new AtomicInteger();

	/**
	 * Create it.
	 * @param concurrency how many to run at once
	 * @param executor provides the threads
	 * @param handler runs one attempt; throws nothing
	 * @param onRoom called, often, when an attempt leaves the buffer or ends
	 */
	HandlerThreads(int concurrency, Executor executor, Consumer<Attempt> handler, Runnable onRoom) {
		this.concurrency = concurrency;
		this.executor = executor;
		this.handler = handler;
		this.onRoom = onRoom;
	}

	int buffered() {
		return this.buffered.get();
	}

	int running() {
		return this.running.get();
	}

	/**
	 * Run attempts.
	 * @param attempts the attempts
	 * @param threads how many threads are to run at least, as far as there may be so many
	 */
	void submit(Collection<Attempt> attempts, int threads) {
		this.buffered.addAndGet(attempts.size());
		this.buffer.addAll(attempts);
		startThreads(threads - running());
	}

	/**
	 * Start as many threads as there is something to run for. To be called again and
	 * again, since a thread may not be had at the moment, and since attempts may take
	 * longer than was thought.
	 */
	void startThreads() {
		startThreads(buffered());
	}

	private void startThreads(int count) {
		for (int i = count; i > 0 && reserveThread(); i--) {
			boolean started = false;
			try {
				this.executor.execute(this::runUntilEmpty);
				started = true;
			}
			finally {
				if (!started) {
					this.running.decrementAndGet();
				}
			}
		}
	}

	private boolean reserveThread() {
		int current = this.running.get();
		while (current < this.concurrency) {
			if (this.running.compareAndSet(current, current + 1)) {
				return true;
			}
			current = this.running.get();
		}
		return false;
	}

	private void runUntilEmpty() {
		do {
			try {
				Attempt attempt = next();
				while (attempt != null) {
					this.handler.accept(attempt);
					this.onRoom.run();
					attempt = next();
				}
			}
			finally {
				this.running.decrementAndGet();
			}
			// One may have come between the last look and the decrement
		}
		while (!this.buffer.isEmpty() && reserveThread());
		this.onRoom.run();
	}

	private @Nullable Attempt next() {
		Attempt attempt = this.buffer.poll();
		if (attempt != null) {
			this.buffered.decrementAndGet();
		}
		return attempt;
	}

	/**
	 * Take an attempt away.
	 * @param attempt the attempt
	 * @return {@code false} if a thread has got it, or will never get it
	 */
	boolean remove(Attempt attempt) {
		boolean removed = this.buffer.remove(attempt);
		if (removed) {
			this.buffered.decrementAndGet();
			this.onRoom.run();
		}
		return removed;
	}

	/**
	 * Take away what has not been started.
	 * @param consumer is given each attempt
	 */
	void drainBuffer(Consumer<Attempt> consumer) {
		for (Attempt attempt = next(); attempt != null; attempt = next()) {
			consumer.accept(attempt);
		}
	}

}
