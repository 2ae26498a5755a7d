package io.pgconductor.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;

import io.pgconductor.SchemaName;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Tells which of the awaited executions have finished, on one session.
 */
public final class FinishedNotifications {

	private final JdbcClient jdbc;

	private final Connection connection;

	private final String channel;

	/**
	 * Create the notifications of a session.
	 * @param jdbc on that session
	 * @param connection that session, one of {@link PGConnection}
	 * @param schema the schema
	 */
	public FinishedNotifications(JdbcClient jdbc, Connection connection, SchemaName schema) {
		this.jdbc = jdbc;
		this.connection = connection;
		this.channel = '"' + schema.value() + ":finished\"";
	}

	/**
	 * Begin to receive notifications.
	 */
	public void listen() {
		this.jdbc.sql("listen " + this.channel).update();
	}

	/**
	 * End it, so that others can use the session.
	 */
	public void unlisten() {
		this.jdbc.sql("unlisten " + this.channel).update();
	}

	/**
	 * Wait for notifications.
	 * @param millis how long at most, at least 1
	 * @return the executions that have finished
	 * @throws SQLException if the connection is broken
	 */
	public Set<UUID> await(int millis) throws SQLException {
		PGNotification[] notifications = this.connection.unwrap(PGConnection.class).getNotifications(millis);
		if (notifications == null) {
			return Set.of();
		}
		Set<UUID> finished = new HashSet<>();
		for (PGNotification notification : notifications) {
			try {
				finished.add(UUID.fromString(notification.getParameter()));
			}
			catch (IllegalArgumentException ex) {
				// Anybody can notify: it is not one of ours
			}
		}
		return finished;
	}

}
