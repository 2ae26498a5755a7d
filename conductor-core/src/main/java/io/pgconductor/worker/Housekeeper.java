package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does what has to be done now and then, each chore at its own interval. A chore that
 * fails is tried again soon, and holds up no other.
 */
final class Housekeeper {

	private static final Logger logger = LoggerFactory.getLogger(Housekeeper.class);

	// What is done once in a while is not to be reported as failing for so long
	private static final long LONGEST_RETRY_NANOS = TimeUnit.SECONDS.toNanos(5);

	private final Signal signal = new Signal();

	private final List<Chore> chores = new ArrayList<>();

	private final LoopThread thread;

	Housekeeper(String threadName) {
		this.thread = new LoopThread(threadName, true, this.signal, this::round);
	}

	private static final class Chore {

		private final String name;

		private final long intervalNanos;

		private final BooleanSupplier work;

		private final boolean urgent;

		private long nextNanos = System.nanoTime();

		private volatile boolean failing;

		Chore(String name, Duration interval, BooleanSupplier work, boolean urgent) {
			this.name = name;
			this.intervalNanos = interval.toNanos();
			this.work = work;
			this.urgent = urgent;
		}

	}

	void add(String name, Duration interval, Runnable work) {
		addGradual(name, interval, () -> {
			work.run();
			return false;
		});
	}

	/**
	 * Add a chore that is done bit by bit, so that it holds up no other, and takes half
	 * of the time at most, so that the database can do other things.
	 * @param name the chore's name
	 * @param interval when it is done again
	 * @param work does a bit of it, and tells whether there is more to do
	 */
	void addGradual(String name, Duration interval, BooleanSupplier work) {
		this.chores.add(new Chore(name, interval, work, false));
	}

	/**
	 * Add a chore that is done bit by bit, and also when somebody asks for it.
	 * @param name the chore's name
	 * @param interval when it is done again
	 * @param work does a bit of it, and tells whether there is more to do at once
	 */
	void addUrgent(String name, Duration interval, BooleanSupplier work) {
		this.chores.add(new Chore(name, interval, work, true));
	}

	/**
	 * Do what is urgent whenever somebody notifies.
	 * @param connection on which that comes
	 */
	void listen(NodeConnection connection) {
		connection.sleeper("housekeeping", this.signal);
	}

	boolean isFailing() {
		return this.thread.isFailing() || this.chores.stream().anyMatch((chore) -> chore.failing);
	}

	void start() {
		this.thread.start();
	}

	LoopThread thread() {
		return this.thread;
	}

	private void round() {
		long sleepNanos = TimeUnit.SECONDS.toNanos(1);
		for (Chore chore : this.chores) {
			if (System.nanoTime() - chore.nextNanos >= 0 && !this.thread.isStopping()) {
				chore.nextNanos = run(chore) + System.nanoTime();
			}
			sleepNanos = Math.min(sleepNanos, chore.nextNanos - System.nanoTime());
		}
		if (this.signal.await(sleepNanos)) {
			this.chores.stream()
				.filter((chore) -> chore.urgent)
				.forEach((chore) -> chore.nextNanos = System.nanoTime());
		}
	}

	/**
	 * Do a chore.
	 * @param chore the chore
	 * @return in how many nanoseconds it is to be done again
	 */
	private static long run(Chore chore) {
		try {
			long start = System.nanoTime();
			boolean more = chore.work.getAsBoolean();
			if (chore.failing) {
				chore.failing = false;
				logger.info("Housekeeping works again: {}", chore.name);
			}
			if (!more) {
				return chore.intervalNanos;
			}
			return chore.urgent ? 0 : System.nanoTime() - start;
		}
		catch (RuntimeException ex) {
			long retryNanos = Math.min(chore.intervalNanos, LONGEST_RETRY_NANOS);
			if (!chore.failing) {
				chore.failing = true;
				logger.warn("Housekeeping failed, and is tried again every {} ms ({}): {}",
						TimeUnit.NANOSECONDS.toMillis(retryNanos), chore.name, ex.toString());
			}
			logger.debug("Housekeeping failed: {}", chore.name, ex);
			return retryNanos;
		}
	}

}
