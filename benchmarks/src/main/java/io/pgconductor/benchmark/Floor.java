package io.pgconductor.benchmark;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

/**
 * What no engine on these statements can beat: one thread claims batch after batch, each
 * beginning where the last one ended, and parses the payloads; another one completes
 * them. Each has a connection of its own.
 */
final class Floor {

	private static final int QUEUED_BATCHES = 4;

	private final BenchmarkDatabase database;

	private final Mode mode;

	private final int batchSize;

	private final BlockingQueue<List<ClaimedRow>> claimed = new ArrayBlockingQueue<>(QUEUED_BATCHES);

	Floor(BenchmarkDatabase database, Mode mode, int batchSize) {
		this.database = database;
		this.mode = mode;
		this.batchSize = batchSize;
	}

	/**
	 * Run what is ready.
	 * @param count how many are ready
	 * @return executions per second, from the first claim to the last completion
	 */
	double rate(int count) {
		try (Connection claiming = this.database.connect(); Connection completing = this.database.connect()) {
			Thread completer = new Thread(() -> complete(completing, count), "floor-complete");
			long begin = System.nanoTime();
			completer.start();
			claim(claiming, count);
			completer.join();
			return count / ((System.nanoTime() - begin) / 1e9);
		}
		catch (SQLException | InterruptedException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private void claim(Connection connection, int count) throws SQLException, InterruptedException {
		try (BareClaims claims = new BareClaims(connection, this.batchSize)) {
			int total = 0;
			while (total < count) {
				List<ClaimedRow> rows = claims.next();
				if (rows.isEmpty()) {
					throw new IllegalStateException("Only " + total + " of " + count + " could be claimed");
				}
				total += rows.size();
				this.claimed.put(rows);
			}
		}
	}

	private void complete(Connection connection, int count) {
		try (BareCompletions completions = new BareCompletions(connection, this.mode)) {
			int total = 0;
			while (total < count) {
				total += completions.complete(this.claimed.take());
			}
		}
		catch (SQLException | InterruptedException ex) {
			throw new IllegalStateException(ex);
		}
	}

}
