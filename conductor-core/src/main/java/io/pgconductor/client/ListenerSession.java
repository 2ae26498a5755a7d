package io.pgconductor.client;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import javax.sql.DataSource;

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.AwaitedExecutions;
import io.pgconductor.jdbc.FinishedNotifications;
import io.pgconductor.jdbc.SqlErrors;
import org.postgresql.PGConnection;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * A connection that is held while somebody waits for executions. Used by one thread.
 */
final class ListenerSession {

	private static final Logger logger = LoggerFactory.getLogger(ListenerSession.class);

	// Each of its statements takes a moment, and all calls wait for them
	private static final int NETWORK_TIMEOUT_MILLIS = (int) Duration.ofSeconds(5).toMillis();

	private final Connection connection;

	private final AwaitedExecutions executions;

	private final FinishedNotifications notifications;

	private boolean listening;

	private int formerNetworkTimeout;

	private ListenerSession(Connection connection, SchemaName schema) {
		this.connection = connection;
		JdbcClient jdbc = JdbcClient.create(new SingleConnectionDataSource(connection, true));
		this.executions = new AwaitedExecutions(jdbc, schema);
		this.notifications = new FinishedNotifications(jdbc, connection, schema);
	}

	/**
	 * Take a connection, and listen on it if it can be listened on.
	 * @param dataSource where to take it from
	 * @param schema the schema
	 * @return the session
	 * @throws SQLException if there is no connection
	 */
	static ListenerSession open(DataSource dataSource, SchemaName schema) throws SQLException {
		ListenerSession session = new ListenerSession(dataSource.getConnection(), schema);
		try {
			session.listen();
			return session;
		}
		catch (Throwable ex) {
			session.giveUp(ex);
			throw ex;
		}
	}

	private void listen() throws SQLException {
		if (!this.connection.isWrapperFor(PGConnection.class)) {
			return;
		}
		try {
			this.notifications.listen();
		}
		catch (DataAccessException ex) {
			if (SqlErrors.isConnectionFailure(ex)) {
				throw ex;
			}
			logger.debug("Nobody can listen on this connection: looks have to do", ex);
			return;
		}
		this.formerNetworkTimeout = this.connection.getNetworkTimeout();
		this.listening = true;
		this.connection.setNetworkTimeout(Runnable::run, NETWORK_TIMEOUT_MILLIS);
	}

	AwaitedExecutions executions() {
		return this.executions;
	}

	boolean isListening() {
		return this.listening;
	}

	/**
	 * Wait for notifications.
	 * @param nanos how long at most
	 * @return the executions that have finished
	 * @throws SQLException if the connection is broken
	 */
	Set<UUID> await(long nanos) throws SQLException {
		return this.notifications.await((int) Math.max(1, TimeUnit.NANOSECONDS.toMillis(nanos)));
	}

	/**
	 * Give the connection back as it was.
	 * @throws SQLException if that fails
	 */
	void release() throws SQLException {
		if (this.listening && !isBroken()) {
			this.notifications.unlisten();
			this.connection.setNetworkTimeout(Runnable::run, this.formerNetworkTimeout);
		}
		this.connection.close();
	}

	// Asked of the driver: a pool that is closed breaks the connection, and would then
	// complain about its use
	private boolean isBroken() throws SQLException {
		return this.connection.unwrap(PGConnection.class) instanceof Connection session && session.isClosed();
	}

	/**
	 * Give the connection back after a failure.
	 * @param failure what failed
	 */
	void giveUp(Throwable failure) {
		try {
			if (failure instanceof SQLException || failure instanceof Error || SqlErrors.isConnectionFailure(failure)) {
				// No pool is to hand it out again: it may be broken, and may listen still
				this.connection.abort(Runnable::run);
				this.connection.close();
			}
			else {
				release();
			}
		}
		catch (SQLException | DataAccessException ex) {
			logger.debug("The connection cannot be given back", ex);
		}
	}

}
