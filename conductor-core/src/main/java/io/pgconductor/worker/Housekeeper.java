package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does what has to be done now and then, each chore at its own interval. A chore that
 * fails is tried again at its next time, and holds up no other.
 */
final class Housekeeper {

	private static final Logger logger = LoggerFactory.getLogger(Housekeeper.class);

	private final Signal signal = new Signal();

	private final List<Chore> chores = new ArrayList<>();

	private final LoopThread thread = new LoopThread("conductor-housekeeping", true, this.signal, this::round);

	private static final class Chore {

		private final String name;

		private final long intervalNanos;

		private final Runnable work;

		private long nextNanos = System.nanoTime();

		private boolean failing;

		Chore(String name, Duration interval, Runnable work) {
			this.name = name;
			this.intervalNanos = interval.toNanos();
			this.work = work;
		}

	}

	void add(String name, Duration interval, Runnable work) {
		this.chores.add(new Chore(name, interval, work));
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
				run(chore);
				chore.nextNanos = System.nanoTime() + chore.intervalNanos;
			}
			sleepNanos = Math.min(sleepNanos, chore.nextNanos - System.nanoTime());
		}
		this.signal.await(sleepNanos);
	}

	private static void run(Chore chore) {
		try {
			chore.work.run();
			if (chore.failing) {
				chore.failing = false;
				logger.info("Housekeeping works again: {}", chore.name);
			}
		}
		catch (RuntimeException ex) {
			if (!chore.failing) {
				chore.failing = true;
				logger.warn("Housekeeping failed, and is tried again every {} ms ({}): {}",
						TimeUnit.NANOSECONDS.toMillis(chore.intervalNanos), chore.name, ex.toString());
			}
			logger.debug("Housekeeping failed: {}", chore.name, ex);
		}
	}

}
