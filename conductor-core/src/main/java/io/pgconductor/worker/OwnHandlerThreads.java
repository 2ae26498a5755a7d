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
 * The threads of a queue that has some of its own. A thread takes one work after the
 * other until none is left, so that a short execution costs no switch of threads.
 */
final class OwnHandlerThreads implements HandlerThreads {

	private final int concurrency;

	private final Executor executor;

	private final Consumer<Work> handler;

	private final Runnable onRoom;

	private final Queue<Work> buffer = new ConcurrentLinkedQueue<>();

	private final AtomicInteger buffered = new AtomicInteger();

	private final AtomicInteger running = new AtomicInteger();

	/**
	 * Create it.
	 * @param concurrency how many to run at once
	 * @param executor provides the threads
	 * @param handler runs an attempt or a batch; throws nothing
	 * @param onRoom called, often, when something leaves the buffer or ends
	 */
	OwnHandlerThreads(int concurrency, Executor executor, Consumer<Work> handler, Runnable onRoom) {
		this.concurrency = concurrency;
		this.executor = executor;
		this.handler = handler;
		this.onRoom = onRoom;
	}

	@Override
	public int buffered() {
		return this.buffered.get();
	}

	@Override
	public int running() {
		return this.running.get();
	}

	@Override
	public int expected() {
		return this.concurrency;
	}

	@Override
	public int reserve() {
		return Math.max(0, this.concurrency - running());
	}

	@Override
	public void giveBack() {
		// Nobody else wants them
	}

	@Override
	public void submit(Collection<Work> works, int threads) {
		// Threads that leave nothing behind may all be with attempts that take long
		boolean empty = this.buffered.getAndAdd(works.size()) == 0;
		this.buffer.addAll(works);
		startThreads(empty ? threads : threads - running());
	}

	@Override
	public void startThreads() {
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
				Work work = next();
				while (work != null) {
					this.handler.accept(work);
					this.onRoom.run();
					work = next();
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

	private @Nullable Work next() {
		Work work = this.buffer.poll();
		if (work != null) {
			this.buffered.decrementAndGet();
		}
		return work;
	}

	@Override
	public @Nullable Work remove(Attempt attempt) {
		for (Work work : this.buffer) {
			if (work.remove(attempt)) {
				if (work.size() == 0 && this.buffer.remove(work)) {
					this.buffered.decrementAndGet();
					this.onRoom.run();
				}
				return work;
			}
		}
		return null;
	}

	@Override
	public void drainBuffer(Consumer<Work> consumer) {
		for (Work work = next(); work != null; work = next()) {
			consumer.accept(work);
		}
	}

}
