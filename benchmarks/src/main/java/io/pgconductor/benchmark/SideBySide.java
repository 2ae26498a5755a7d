package io.pgconductor.benchmark;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntConsumer;

/**
 * Two ways to write the same rows, which take turns every some hundred milliseconds,
 * since the disk has its moods.
 *
 * @param bare rates of the one that is compared with, per second, round by round
 * @param engine rates of the other one
 */
record SideBySide(List<Double> bare, List<Double> engine) {

	private static final int TURNS = 20;

	/**
	 * What is written in a round.
	 *
	 * @param count how many rows each way writes
	 * @param step how many of them by one call
	 * @param clients how many threads call at once
	 */
	record Amount(int count, int step, int clients) {
	}

	/**
	 * Measure them.
	 * @param database is emptied before each round
	 * @param rounds how many rounds, after one that warms up
	 * @param amount what is written in a round
	 * @param bare writes what has some number, and the rows of the same call
	 * @param engine does so in the other way
	 * @param verify checks what was written in a round
	 * @return the rates
	 */
	static SideBySide measure(BenchmarkDatabase database, int rounds, Amount amount, IntConsumer bare,
			IntConsumer engine, Runnable verify) {
		List<List<Double>> rates = measure(database, rounds, amount, List.of(bare, engine), verify);
		return new SideBySide(rates.get(0), rates.get(1));
	}

	/**
	 * Measure more than two ways.
	 * @param database is emptied before each round
	 * @param rounds how many rounds, after one that warms up
	 * @param amount what is written in a round
	 * @param ways each writes what has some number, and the rows of the same call
	 * @param verify checks what was written in a round
	 * @return the rates of each, per second, round by round
	 */
	static List<List<Double>> measure(BenchmarkDatabase database, int rounds, Amount amount, List<IntConsumer> ways,
			Runnable verify) {
		List<List<Double>> rates = new ArrayList<>();
		ways.forEach((way) -> rates.add(new ArrayList<>()));
		ExecutorService clients = Executors.newFixedThreadPool(amount.clients());
		try {
			for (int round = 0; round <= rounds; round++) {
				database.reset();
				long[] nanos = new long[ways.size()];
				int turn = Math.max(amount.step() * amount.clients(), amount.count() / TURNS);
				for (int from = 0; from < amount.count(); from += turn) {
					for (int i = 0; i < nanos.length; i++) {
						// None always follows the same one
						int way = (round + from / turn + i) % nanos.length;
						nanos[way] += nanos(clients, amount, from, from + turn, ways.get(way));
					}
				}
				verify.run();
				for (int way = 0; way < nanos.length && round > 0; way++) {
					rates.get(way).add(amount.count() / (nanos[way] / 1e9));
				}
			}
		}
		finally {
			clients.shutdownNow();
		}
		return rates;
	}

	private static long nanos(ExecutorService clients, Amount amount, int from, int to, IntConsumer write) {
		int share = (to - from) / amount.clients();
		List<Future<?>> running = new ArrayList<>();
		long begin = System.nanoTime();
		for (int client = 0; client < amount.clients(); client++) {
			int first = from + client * share;
			running.add(clients.submit(() -> {
				for (int number = first; number < first + share; number += amount.step()) {
					write.accept(number);
				}
			}));
		}
		for (Future<?> client : running) {
			try {
				client.get();
			}
			catch (InterruptedException | ExecutionException ex) {
				throw new IllegalStateException(ex);
			}
		}
		return System.nanoTime() - begin;
	}

}
