package io.pgconductor.benchmark;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;

/**
 * The process that enqueues while {@link Latency} is measured: prints a line with an
 * order's number and the monotonic clock right after each commit.
 */
final class LatencyInvoker {

	static final String ENGINE = "engine";

	static final String BARE = "bare";

	private static final int SHORTEST_GAP_MILLIS = 50;

	private static final int LONGEST_GAP_MILLIS = 150;

	private LatencyInvoker() {
	}

	/**
	 * Enqueue.
	 * @param args the database's URL, what enqueues, and how many
	 */
	public static void main(String[] args) {
		try (BenchmarkClient client = new BenchmarkClient(args[0])) {
			Consumer<Order> enqueue = args[1].equals(ENGINE)
					? (order) -> client.conductor().invoke(Mode.DELETE.task(), order)
					: new BareInserts(client.pool())::insertAndNotify;
			StringBuilder committed = new StringBuilder();
			for (int number = 0; number < Integer.parseInt(args[2]); number++) {
				pause();
				enqueue.accept(Order.of(number));
				committed.append(number).append(' ').append(System.nanoTime()).append('\n');
			}
			System.out.print(committed);
		}
	}

	private static void pause() {
		int millis = ThreadLocalRandom.current().nextInt(SHORTEST_GAP_MILLIS, LONGEST_GAP_MILLIS + 1);
		long end = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
		while (end - System.nanoTime() > 0) {
			LockSupport.parkNanos(end - System.nanoTime());
		}
	}

}
