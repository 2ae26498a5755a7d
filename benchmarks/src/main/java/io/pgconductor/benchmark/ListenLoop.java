package io.pgconductor.benchmark;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.function.Consumer;

import org.postgresql.PGConnection;

/**
 * The least that reacts to work: LISTENs, claims when notified, handles, completes, all
 * on one connection and one thread.
 */
final class ListenLoop implements AutoCloseable {

	static final String CHANNEL = "conductor_benchmark";

	private static final int LONGEST_WAIT_MILLIS = 1000;

	private static final int BATCH_SIZE = 500;

	private final Connection connection;

	private final Consumer<Order> handler;

	private final Thread thread = new Thread(this::run, "listen-loop");

	private volatile boolean stopping;

	ListenLoop(BenchmarkDatabase database, Consumer<Order> handler) {
		this.connection = database.connect();
		this.handler = handler;
	}

	void start() {
		try (Statement statement = this.connection.createStatement()) {
			statement.execute("listen " + CHANNEL);
		}
		catch (SQLException ex) {
			throw new IllegalStateException(ex);
		}
		this.thread.start();
	}

	private void run() {
		try (BareClaims claims = new BareClaims(this.connection, BATCH_SIZE);
				BareCompletions completions = new BareCompletions(this.connection, Mode.DELETE)) {
			PGConnection notified = this.connection.unwrap(PGConnection.class);
			while (!this.stopping) {
				notified.getNotifications(LONGEST_WAIT_MILLIS);
				List<ClaimedRow> rows = claims.fromStart();
				rows.forEach((row) -> this.handler.accept(row.payload()));
				if (!rows.isEmpty()) {
					completions.complete(rows);
				}
			}
		}
		catch (SQLException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@Override
	public void close() {
		this.stopping = true;
		try {
			this.thread.join();
			this.connection.close();
		}
		catch (InterruptedException | SQLException ex) {
			throw new IllegalStateException(ex);
		}
	}

}
