package io.pgconductor.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;

import io.pgconductor.SchemaName;
import org.postgresql.PGConnection;
import org.postgresql.PGNotification;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * The waiting side of the wake-up handshake, on one session. What is waited for is a
 * target: {@code queue:} and a queue's name, or {@code promoter}.
 */
public final class WakeLocks {

	private static final String TRY_LOCK = """
			select case when pg_try_advisory_lock(${schema}.wake_key(:target)) then 'LOCKED'
			            when pg_try_advisory_lock_shared(${schema}.wake_key(:target)) then
			                case when pg_advisory_unlock_shared(${schema}.wake_key(:target)) then 'HELD_BY_WRITERS' end
			            else 'HELD_BY_NODE' end
			""";

	private static final String UNLOCK = "select pg_advisory_unlock(${schema}.wake_key(:target))";

	private final JdbcClient jdbc;

	private final Connection connection;

	private final SchemaName schema;

	/**
	 * Create the locks of a session.
	 * @param jdbc on that session
	 * @param connection that session
	 * @param schema the schema
	 */
	public WakeLocks(JdbcClient jdbc, Connection connection, SchemaName schema) {
		this.jdbc = jdbc;
		this.connection = connection;
		this.schema = schema;
	}

	/**
	 * Begin to receive notifications.
	 */
	public void listen() {
		this.jdbc.sql("listen \"" + this.schema.value() + ":wake\"").update();
	}

	/**
	 * Wait for notifications.
	 * @param millis how long at most, at least 1
	 * @return the targets that were notified
	 * @throws SQLException if the connection is broken
	 */
	public List<String> await(int millis) throws SQLException {
		PGNotification[] notifications = this.connection.unwrap(PGConnection.class).getNotifications(millis);
		return (notifications != null) ? Arrays.stream(notifications).map(PGNotification::getParameter).toList()
				: List.of();
	}

	/**
	 * What became of an attempt to lock.
	 */
	public enum LockResult {

		/**
		 * This session has the lock.
		 */
		LOCKED,

		/**
		 * Another waiting node has it.
		 */
		HELD_BY_NODE,

		/**
		 * Only transactions that make work have it, until they end.
		 */
		HELD_BY_WRITERS

	}

	/**
	 * Try to lock a target, without waiting.
	 * @param target what is waited for
	 * @return what became of it
	 */
	public LockResult tryLock(String target) {
		return LockResult
			.valueOf(this.jdbc.sql(this.schema.sql(TRY_LOCK)).param("target", target).query(String.class).single());
	}

	/**
	 * Unlock a target that this session has locked.
	 * @param target what was waited for
	 */
	public void unlock(String target) {
		this.jdbc.sql(this.schema.sql(UNLOCK)).param("target", target).query(Boolean.class).single();
	}

}
