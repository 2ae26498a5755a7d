package io.pgconductor.jdbc;

import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;

import org.jspecify.annotations.Nullable;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

/**
 * What the engine has to know about errors of the database.
 */
public final class SqlErrors {

	// Connections, credentials, databases, resources, operators, the system: nobody's
	// data is at fault
	private static final Set<String> UNAVAILABLE_CLASSES = Set.of("08", "28", "3D", "53", "57", "58");

	// Parameters, features, cardinalities, data, grammar
	private static final Set<String> BAD_EXPRESSION_CLASSES = Set.of("07", "0A", "21", "22", "42");

	private static final String INSUFFICIENT_PRIVILEGE = "42501";

	private static final String QUERY_CANCELED = "57014";

	private static final String READ_ONLY_TRANSACTION = "25006";

	private static final Set<String> MISSING_SCHEMA_STATES = Set.of("3F000", "42P01", "42883", "42703");

	private SqlErrors() {
	}

	/**
	 * Return whether a statement gave up waiting for a lock.
	 * @param error the error, or one that was caused by it
	 * @return whether it was a lock that could not be had in time
	 */
	public static boolean isLockTimeout(Throwable error) {
		return "55P03".equals(sqlState(error));
	}

	/**
	 * Return whether the database has given up a transaction that can succeed at another
	 * try: a serialization failure, or a deadlock.
	 * @param error the error, or one that was caused by it
	 * @return whether the transaction is worth another try
	 */
	public static boolean isSerializationFailure(Throwable error) {
		String state = sqlState(error);
		return "40001".equals(state) || "40P01".equals(state);
	}

	/**
	 * Return whether the values of a statement were at fault: nothing but other values
	 * will make it work.
	 * @param error the error, or one that was caused by it
	 * @return whether it was a data exception or a violated constraint
	 */
	public static boolean isBadData(Throwable error) {
		String state = sqlState(error);
		return state != null && (state.startsWith("22") || state.startsWith("23") || state.startsWith("54"));
	}

	/**
	 * Return whether an SQL expression of a user's was at fault: its words, its types, or
	 * what it came upon in some row.
	 * @param error the error, or one that was caused by it
	 * @return whether it was the expression
	 */
	static boolean isBadExpression(Throwable error) {
		String state = sqlState(error);
		return state != null && state.length() == 5 && BAD_EXPRESSION_CLASSES.contains(state.substring(0, 2))
				&& !state.equals(INSUFFICIENT_PRIVILEGE);
	}

	/**
	 * Return whether a statement wanted what its role must not do.
	 * @param error the error, or one that was caused by it
	 * @return whether a privilege is missing
	 */
	static boolean isMissingPrivilege(Throwable error) {
		return INSUFFICIENT_PRIVILEGE.equals(sqlState(error));
	}

	/**
	 * Return what the database said, without the position in a statement that its reader
	 * doesn't know.
	 * @param error the error, or one that was caused by it
	 * @return its message
	 */
	public static String message(Throwable error) {
		SQLException root = rootSqlException(error);
		ServerErrorMessage server = (root instanceof PSQLException psql) ? psql.getServerErrorMessage() : null;
		return String
			.valueOf((server != null) ? server.getMessage() : (root != null) ? root.getMessage() : error.getMessage());
	}

	/**
	 * Return whether the database was out of reach, or can do nothing for anybody at the
	 * moment (too many connections, a full disk, a stand-by), so that the same statement
	 * is worth another try later.
	 * @param error the error, or one that was caused by it
	 * @return whether the connection or the server failed
	 */
	public static boolean isConnectionFailure(Throwable error) {
		SQLException root = rootSqlException(error);
		if (root == null) {
			return false;
		}
		// A pool that gives no connection tells no state
		String state = root.getSQLState();
		return state == null || isUnavailable(state) || root instanceof SQLTransientConnectionException;
	}

	private static boolean isUnavailable(String state) {
		return (state.length() == 5 && UNAVAILABLE_CLASSES.contains(state.substring(0, 2))
				&& !state.equals(QUERY_CANCELED)) || state.equals(READ_ONLY_TRANSACTION);
	}

	/**
	 * Return whether a table, column or function was not there.
	 * @param error the error, or one that was caused by it
	 * @return whether the schema is missing or doesn't fit
	 */
	public static boolean isMissingSchema(Throwable error) {
		String state = sqlState(error);
		return state != null && MISSING_SCHEMA_STATES.contains(state);
	}

	/**
	 * Return whether a statement would have written in a read-only transaction.
	 * @param error the error, or one that was caused by it
	 * @return whether the transaction is read-only
	 */
	public static boolean isReadOnly(Throwable error) {
		return READ_ONLY_TRANSACTION.equals(sqlState(error));
	}

	/**
	 * Return whether a text was not in the language that it was to be in.
	 * @param state the state of the error
	 * @return whether it was a syntax error
	 */
	static boolean isSyntaxError(@Nullable String state) {
		// The last: a character that no text can have
		return "42601".equals(state) || "22P02".equals(state) || "2201B".equals(state) || "22021".equals(state);
	}

	/**
	 * Return whether a JSONPath expression gave something else than true or false.
	 * @param state the state of the error
	 * @return whether it did
	 */
	static boolean isNoPredicate(@Nullable String state) {
		return "22038".equals(state);
	}

	private static @Nullable String sqlState(Throwable error) {
		SQLException root = rootSqlException(error);
		return (root != null) ? root.getSQLState() : null;
	}

	static @Nullable SQLException rootSqlException(Throwable error) {
		SQLException found = null;
		for (Throwable t = error; t != null; t = t.getCause()) {
			if (t instanceof SQLException sql) {
				found = sql;
			}
		}
		return found;
	}

}
