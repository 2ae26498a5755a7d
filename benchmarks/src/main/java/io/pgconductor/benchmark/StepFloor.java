package io.pgconductor.benchmark;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.task.JsonMapping;
import tools.jackson.databind.json.JsonMapper;

/**
 * What no engine on these statements can beat while executions have steps: one thread
 * claims, some record the steps one by one, and one completes what has all of them. Each
 * has a connection of its own.
 */
final class StepFloor {

	private static final int CLAIM_SIZE = 500;

	private static final int COMPLETION_SIZE = 1000;

	private static final int QUEUED_CLAIMS = 4;

	private final BenchmarkDatabase database;

	private final int count;

	private final JsonMapper mapper = JsonMapping.mapperBuilder().build();

	private final BlockingQueue<ClaimedRow> claimed = new ArrayBlockingQueue<>(QUEUED_CLAIMS * CLAIM_SIZE);

	private final BlockingQueue<ClaimedRow> stepped = new LinkedBlockingQueue<>();

	private final AtomicInteger taken = new AtomicInteger();

	/**
	 * Create it, for one run.
	 * @param database the database
	 * @param count how many executions are ready
	 */
	StepFloor(BenchmarkDatabase database, int count) {
		this.database = database;
		this.count = count;
	}

	/**
	 * Run what is ready.
	 * @param stepConnections how many connections record steps
	 * @return executions per second, from the first claim to the last completion
	 */
	double rate(int stepConnections) {
		List<Connection> connections = new ArrayList<>();
		for (int i = 0; i < stepConnections + 2; i++) {
			connections.add(this.database.connect());
		}
		ExecutorService threads = Executors.newFixedThreadPool(connections.size());
		try {
			List<Future<?>> parts = new ArrayList<>();
			long begin = System.nanoTime();
			parts.add(threads.submit(part(() -> claim(connections.get(0)))));
			parts.add(threads.submit(part(() -> complete(connections.get(1)))));
			for (Connection connection : connections.subList(2, connections.size())) {
				parts.add(threads.submit(part(() -> step(connection))));
			}
			Waiting.forAll(parts);
			return this.count / ((System.nanoTime() - begin) / 1e9);
		}
		finally {
			threads.shutdownNow();
			for (Connection connection : connections) {
				close(connection);
			}
		}
	}

	private interface Part {

		void run() throws SQLException, InterruptedException;

	}

	private static Callable<Boolean> part(Part part) {
		return () -> {
			part.run();
			return true;
		};
	}

	private void claim(Connection connection) throws SQLException, InterruptedException {
		try (BareClaims claims = new BareClaims(connection, CLAIM_SIZE)) {
			int total = 0;
			while (total < this.count) {
				List<ClaimedRow> rows = claims.next();
				if (rows.isEmpty()) {
					throw new IllegalStateException("Only " + total + " of " + this.count + " could be claimed");
				}
				total += rows.size();
				for (ClaimedRow row : rows) {
					this.claimed.put(row);
				}
			}
		}
	}

	private void step(Connection connection) throws SQLException, InterruptedException {
		try (BareSteps steps = new BareSteps(connection)) {
			while (this.taken.getAndIncrement() < this.count) {
				ClaimedRow row = this.claimed.take();
				for (String name : StepRate.STEPS) {
					steps.record(row, name, this.mapper.writeValueAsString(row.payload()));
				}
				this.stepped.put(row);
			}
		}
	}

	private void complete(Connection connection) throws SQLException, InterruptedException {
		try (BareCompletions completions = BareCompletions.withSteps(connection, null)) {
			int total = 0;
			while (total < this.count) {
				List<ClaimedRow> rows = new ArrayList<>(List.of(this.stepped.take()));
				this.stepped.drainTo(rows, COMPLETION_SIZE - 1);
				total += completions.complete(rows);
			}
		}
	}

	private static void close(Connection connection) {
		try {
			connection.close();
		}
		catch (SQLException ex) {
			throw new IllegalStateException(ex);
		}
	}

}
