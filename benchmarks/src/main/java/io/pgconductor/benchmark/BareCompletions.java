package io.pgconductor.benchmark;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Arrays;
import java.util.List;

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.ExecutionOutcomes;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.jdbc.Recording;
import io.pgconductor.task.Retention;
import org.jspecify.annotations.Nullable;

/**
 * Completes with the engine's statements, on one connection. Used by one thread.
 */
final class BareCompletions implements AutoCloseable {

	private final RecordedStatement recorded;

	private final PreparedStatement statement;

	private final boolean together;

	/**
	 * Complete executions without steps.
	 * @param connection the connection
	 * @param mode what becomes of them
	 * @throws SQLException if the statement cannot be prepared
	 */
	BareCompletions(Connection connection, Mode mode) throws SQLException {
		this(connection, new Outcome.Completed(null, mode.retention(), false));
	}

	private BareCompletions(Connection connection, Outcome.Completed outcome) throws SQLException {
		this.recorded = RecordedStatement.of((jdbc) -> new ExecutionOutcomes(jdbc, SchemaName.DEFAULT)
			.record(List.of(new Recording(StandIn.execution(Mode.DELETE.task()), outcome))));
		this.statement = connection.prepareStatement(this.recorded.sql());
		this.together = outcome.hasSteps();
	}

	/**
	 * Complete executions with steps or a parent, and delete them.
	 * @param connection the connection
	 * @param result the result of each, as JSON
	 * @return the completions
	 * @throws SQLException if the statement cannot be prepared
	 */
	static BareCompletions withSteps(Connection connection, @Nullable String result) throws SQLException {
		return new BareCompletions(connection, new Outcome.Completed(result, Retention.AT_ONCE, true));
	}

	/**
	 * Complete executions.
	 * @param rows the executions
	 * @return how many were completed
	 */
	int complete(List<ClaimedRow> rows) throws SQLException {
		this.recorded.bind(this.statement, new Values(rows));
		int completed = 0;
		try (ResultSet rs = this.statement.executeQuery()) {
			while (rs.next()) {
				completed += this.together ? length(rs.getArray("finished")) : 1;
			}
		}
		return completed;
	}

	private static int length(@Nullable Array array) throws SQLException {
		return (array != null) ? ((Object[]) array.getArray()).length : 0;
	}

	@Override
	public void close() throws SQLException {
		this.statement.close();
	}

	private record Values(List<ClaimedRow> rows) implements RecordedStatement.Values {

		@Override
		public Object scalar(Object recorded) {
			return recorded;
		}

		@Override
		public @Nullable Object[] column(@Nullable Object recorded) {
			if (StandIn.ID.equals(recorded)) {
				return this.rows.stream().map(ClaimedRow::id).toArray();
			}
			if (Integer.valueOf(StandIn.CLAIM_NO).equals(recorded)) {
				return this.rows.stream().map(ClaimedRow::claimNo).toArray();
			}
			@Nullable Object[] same = new @Nullable Object[this.rows.size()];
			Arrays.fill(same, recorded);
			return same;
		}

	}

}
