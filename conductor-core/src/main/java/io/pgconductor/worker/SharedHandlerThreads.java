package io.pgconductor.worker;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

import io.pgconductor.execution.Attempt;
import org.jspecify.annotations.Nullable;

/**
 * Threads that several queues share by weights. While there is work in all of them, each
 * gets its share of the threads' time; what one leaves, the others use. A thread that
 * comes free goes to the queue that has had the least time for its weight, and is kept
 * for that queue until its claim is back if it has claimed nothing yet. Nothing that runs
 * is broken off.
 * <p>
 * The order is that of start-time fair queueing (Goyal, Vin and Cheng, 1996), with the
 * average of a queue's past durations for what has only been started: it is corrected
 * when that ends. A queue saves up nothing while it has nothing to run.
 */
final class SharedHandlerThreads {

	private static final double WEIGHT_OF_NEWEST = 0.2;

	private final int concurrency;

	private final Executor executor;

	private final LongSupplier nanoClock;

	private final ReentrantLock lock = new ReentrantLock();

	private final List<Member> members = new ArrayList<>();

	// Started or reserved
	private int taken;

	private double virtualTime;

	/**
	 * Create them.
	 * @param concurrency how many works to run at once, of all queues
	 * @param executor provides the threads
	 * @param nanoClock tells how long something takes
	 */
	SharedHandlerThreads(int concurrency, Executor executor, LongSupplier nanoClock) {
		this.concurrency = concurrency;
		this.executor = executor;
		this.nanoClock = nanoClock;
	}

	/**
	 * Add a queue, before anything is submitted.
	 * @param weight its share of the threads' time in proportion to the others' weights
	 * @return creates the queue's part of these threads
	 */
	HandlerThreads.Factory member(int weight) {
		return (handler, onRoom) -> {
			Member member = new Member(weight, handler, onRoom);
			this.members.add(member);
			return member;
		};
	}

	/**
	 * Give threads that nobody has to those that have something for them to do.
	 * @return how many threads are to be started
	 */
	private int distribute() {
		int started = 0;
		while (this.taken < this.concurrency) {
			Member next = mostDue((member) -> member.waiting || member.wanted > 0);
			if (next == null) {
				break;
			}
			this.taken++;
			if (next.wanted > 0) {
				next.wanted--;
				started++;
			}
			else {
				next.keepThread();
			}
		}
		return started;
	}

	private @Nullable Member mostDue(Predicate<Member> condition) {
		Member result = null;
		for (Member member : this.members) {
			if (condition.test(member) && (result == null || member.used < result.used)) {
				result = member;
			}
		}
		return result;
	}

	private void start(int threads) {
		for (int i = 0; i < threads; i++) {
			boolean started = false;
			try {
				this.executor.execute(this::runUntilEmpty);
				started = true;
			}
			finally {
				if (!started) {
					cancel(threads - i);
				}
			}
		}
	}

	private void cancel(int threads) {
		this.lock.lock();
		try {
			this.taken -= threads;
		}
		finally {
			this.lock.unlock();
		}
	}

	private void runUntilEmpty() {
		boolean passedOn = false;
		try {
			for (Started started = next(); started != null; started = next()) {
				run(started);
			}
			passedOn = true;
		}
		finally {
			if (!passedOn) {
				cancel(1);
			}
		}
	}

	/**
	 * Return what the calling thread is to run. If it is nothing, the thread's place is
	 * free, or kept for a queue that has to claim first.
	 */
	private @Nullable Started next() {
		this.lock.lock();
		try {
			Member next = mostDue((member) -> member.waiting || !member.buffer.isEmpty());
			if (next == null) {
				this.taken--;
				return null;
			}
			if (!next.buffer.isEmpty()) {
				return next.next();
			}
			next.keepThread();
			Member behind = mostDue((member) -> !member.buffer.isEmpty());
			if (behind != null) {
				behind.wanted++;
			}
			return null;
		}
		finally {
			this.lock.unlock();
		}
	}

	private double longestAverageNanos() {
		return this.members.stream()
			.mapToDouble((member) -> member.averageNanos)
			.filter((average) -> !Double.isNaN(average))
			.max()
			.orElse(0);
	}

	private void run(Started started) {
		Member member = started.member;
		long start = this.nanoClock.getAsLong();
		try {
			member.handler.accept(started.work);
		}
		finally {
			member.ended(started, this.nanoClock.getAsLong() - start);
		}
		member.onRoom.run();
	}

	private record Started(Member member, Work work, double chargedNanos) {
	}

	private final class Member implements HandlerThreads {

		private final int weight;

		private final Consumer<Work> handler;

		private final Runnable onRoom;

		private final Deque<Work> buffer = new ArrayDeque<>();

		// Changed under the lock only
		private volatile int buffered;

		private volatile int running;

		private int reserved;

		// Threads that could not be started, although there was something for them
		private int wanted;

		// The next claim has no thread to find work for
		private boolean waiting;

		// Divided by the weight
		private double used;

		private double averageNanos = Double.NaN;

		Member(int weight, Consumer<Work> handler, Runnable onRoom) {
			this.weight = weight;
			this.handler = handler;
			this.onRoom = onRoom;
		}

		@Override
		public int buffered() {
			return this.buffered;
		}

		@Override
		public int running() {
			return this.running;
		}

		@Override
		public int expected() {
			SharedHandlerThreads.this.lock.lock();
			try {
				int weights = SharedHandlerThreads.this.members.stream()
					.filter((member) -> member == this || member.isActive())
					.mapToInt((member) -> member.weight)
					.sum();
				return Math.max(1, (int) ((long) SharedHandlerThreads.this.concurrency * this.weight / weights));
			}
			finally {
				SharedHandlerThreads.this.lock.unlock();
			}
		}

		@Override
		public int reserve() {
			SharedHandlerThreads.this.lock.lock();
			try {
				catchUp();
				int free = SharedHandlerThreads.this.concurrency - SharedHandlerThreads.this.taken;
				SharedHandlerThreads.this.taken += free;
				this.reserved += free;
				this.waiting = this.reserved == 0;
				return this.reserved;
			}
			finally {
				SharedHandlerThreads.this.lock.unlock();
			}
		}

		@Override
		public void giveBack() {
			int started;
			SharedHandlerThreads.this.lock.lock();
			try {
				SharedHandlerThreads.this.taken -= this.reserved;
				this.reserved = 0;
				this.waiting = false;
				started = distribute();
			}
			finally {
				SharedHandlerThreads.this.lock.unlock();
			}
			start(started);
		}

		@Override
		public void submit(Collection<Work> works, int threads) {
			int started;
			SharedHandlerThreads.this.lock.lock();
			try {
				catchUp();
				// Threads that leave nothing behind may all be with attempts that take
				// long
				int more = this.buffer.isEmpty() ? threads : threads - this.running;
				this.buffer.addAll(works);
				noteBuffered();
				started = want(more);
			}
			finally {
				SharedHandlerThreads.this.lock.unlock();
			}
			start(started);
		}

		@Override
		public void startThreads() {
			int started;
			SharedHandlerThreads.this.lock.lock();
			try {
				started = want(this.buffered);
			}
			finally {
				SharedHandlerThreads.this.lock.unlock();
			}
			start(started);
		}

		private int want(int threads) {
			this.wanted = Math.max(this.wanted, Math.min(threads, this.buffered));
			int kept = Math.min(this.reserved, this.wanted);
			this.reserved -= kept;
			this.wanted -= kept;
			return kept + distribute();
		}

		@Override
		public @Nullable Work remove(Attempt attempt) {
			Work removed = null;
			SharedHandlerThreads.this.lock.lock();
			try {
				for (Iterator<Work> works = this.buffer.iterator(); removed == null && works.hasNext();) {
					Work work = works.next();
					if (work.remove(attempt)) {
						removed = work;
						if (work.size() == 0) {
							works.remove();
							noteBuffered();
						}
					}
				}
			}
			finally {
				SharedHandlerThreads.this.lock.unlock();
			}
			if (removed != null) {
				this.onRoom.run();
			}
			return removed;
		}

		@Override
		public void drainBuffer(Consumer<Work> consumer) {
			List<Work> drained;
			SharedHandlerThreads.this.lock.lock();
			try {
				drained = List.copyOf(this.buffer);
				this.buffer.clear();
				noteBuffered();
			}
			finally {
				SharedHandlerThreads.this.lock.unlock();
			}
			drained.forEach(consumer);
		}

		private void noteBuffered() {
			this.buffered = this.buffer.size();
			this.wanted = Math.min(this.wanted, this.buffered);
		}

		private boolean isActive() {
			return this.waiting || this.running > 0 || this.reserved > 0 || !this.buffer.isEmpty();
		}

		/**
		 * Forget the time that was not used when there was nothing to run.
		 */
		private void catchUp() {
			if (!isActive()) {
				this.used = Math.max(this.used, SharedHandlerThreads.this.virtualTime);
			}
		}

		private void keepThread() {
			this.reserved++;
			this.waiting = false;
			this.onRoom.run();
		}

		private Started next() {
			SharedHandlerThreads.this.virtualTime = Math.max(SharedHandlerThreads.this.virtualTime, this.used);
			this.running = this.running + 1;
			Work work = this.buffer.remove();
			noteBuffered();
			double charged = Double.isNaN(this.averageNanos) ? longestAverageNanos() : this.averageNanos;
			this.used += charged / this.weight;
			return new Started(this, work, charged);
		}

		private void ended(Started started, long nanos) {
			SharedHandlerThreads.this.lock.lock();
			try {
				this.running = this.running - 1;
				this.used += (nanos - started.chargedNanos) / this.weight;
				this.averageNanos = Double.isNaN(this.averageNanos) ? nanos
						: this.averageNanos + WEIGHT_OF_NEWEST * (nanos - this.averageNanos);
			}
			finally {
				SharedHandlerThreads.this.lock.unlock();
			}
		}

	}

}
