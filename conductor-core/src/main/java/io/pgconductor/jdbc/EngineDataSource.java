package io.pgconductor.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collections;
import java.util.Set;
import java.util.WeakHashMap;

import javax.sql.DataSource;

import org.postgresql.PGConnection;

/**
 * The engine's connections. Where their sessions belong to the engine alone, the planner
 * is told to walk the indexes that the statements are shaped for, also on a table that
 * was never analysed, and no statement waits long for a row that somebody else holds.
 */
public final class EngineDataSource extends AutocommitDataSource {

	private static final String SESSION_SETTINGS = """
			set enable_seqscan = off; set enable_bitmapscan = off; set enable_sort = off; set jit = off;
			set lock_timeout = '100ms'
			""";

	private final boolean ownSessions;

	private final int networkTimeoutMillis;

	private final Set<PGConnection> preparedSessions = Collections.synchronizedSet(newWeakSet());

	/**
	 * Create the data source.
	 * @param target the pool
	 * @param ownSessions whether the sessions behind the pool are used by nobody else
	 */
	public EngineDataSource(DataSource target, boolean ownSessions) {
		this(target, ownSessions, Duration.ZERO);
	}

	/**
	 * Create a data source whose connections don't wait for ever for a database that has
	 * gone without a word.
	 * @param target the pool; it sets the time-out back when a connection returns
	 * @param ownSessions whether the sessions behind the pool are used by nobody else
	 * @param networkTimeout how long a statement may take before its connection is given
	 * up; zero: for ever
	 */
	public EngineDataSource(DataSource target, boolean ownSessions, Duration networkTimeout) {
		super(target);
		this.ownSessions = ownSessions;
		this.networkTimeoutMillis = (int) Math.min(networkTimeout.toMillis(), Integer.MAX_VALUE);
	}

	private static Set<PGConnection> newWeakSet() {
		return Collections.newSetFromMap(new WeakHashMap<>());
	}

	@Override
	protected void prepare(Connection connection) throws SQLException {
		if (this.networkTimeoutMillis > 0) {
			connection.setNetworkTimeout(Runnable::run, this.networkTimeoutMillis);
		}
		if (this.ownSessions && !this.preparedSessions.contains(connection.unwrap(PGConnection.class))) {
			try (Statement statement = connection.createStatement()) {
				statement.execute(SESSION_SETTINGS);
			}
			this.preparedSessions.add(connection.unwrap(PGConnection.class));
		}
	}

}
