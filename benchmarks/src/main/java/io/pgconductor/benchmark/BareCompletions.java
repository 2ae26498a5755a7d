package io.pgconductor.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.ExecutionOutcomes;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.jdbc.Recording;
import org.jspecify.annotations.Nullable;

/**
 * Completes with the engine's statements, on one connection. Used by one thread.
 */
final class BareCompletions implements AutoCloseable {

	// Stand-ins for what differs from row to row
	private static final UUID ID = new UUID(1, 1);

	private static final int CLAIM_NO = 987_654_322;

	private final RecordedStatement recorded;

	private final PreparedStatement statement;

	BareCompletions(Connection connection, Mode mode) throws SQLException {
		OffsetDateTime now = OffsetDateTime.now();
		ClaimedExecution claimed = new ClaimedExecution(ID, BareClaims.NODE, CLAIM_NO, mode.task(), "default", 1, 1, 0,
				now, now, null, null);
		this.recorded = RecordedStatement.of((jdbc) -> new ExecutionOutcomes(jdbc, SchemaName.DEFAULT)
			.record(List.of(new Recording(claimed, new Outcome.Completed(null, mode.retention())))));
		this.statement = connection.prepareStatement(this.recorded.sql());
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
				completed++;
			}
		}
		return completed;
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
		public Object[] column(@Nullable Object recorded) {
			if (ID.equals(recorded)) {
				return this.rows.stream().map(ClaimedRow::id).toArray();
			}
			if (Integer.valueOf(CLAIM_NO).equals(recorded)) {
				return this.rows.stream().map(ClaimedRow::claimNo).toArray();
			}
			Object[] same = new Object[this.rows.size()];
			Arrays.fill(same, recorded);
			return same;
		}

	}

}
