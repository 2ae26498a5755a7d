package io.pgconductor.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.ClaimPosition;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.ExecutionClaims;
import io.pgconductor.jdbc.ExecutionOutcomes;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.jdbc.Recording;
import io.pgconductor.task.JsonMapping;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.ObjectReader;

/**
 * What no engine on these statements can beat: one thread claims batch after batch, each
 * beginning where the last one ended, and parses the payloads; another one completes
 * them. Each has a connection of its own.
 */
final class Floor {

	private static final UUID NODE = UUID.randomUUID();

	// Stand-ins for what differs from run to run
	private static final int LIMIT = 987_654_321;

	private static final UUID ID = new UUID(1, 1);

	private static final int CLAIM_NO = 987_654_322;

	private static final OffsetDateTime RUN_AT = OffsetDateTime.of(2001, 2, 3, 4, 5, 6, 0, ZoneOffset.UTC);

	private static final int QUEUED_BATCHES = 4;

	private final BenchmarkDatabase database;

	private final Mode mode;

	private final int batchSize;

	private final RecordedStatement firstClaim;

	private final RecordedStatement nextClaim;

	private final RecordedStatement completion;

	private final BlockingQueue<List<Row>> completions = new ArrayBlockingQueue<>(QUEUED_BATCHES);

	private final ObjectReader reader = JsonMapping.mapperBuilder().build().readerFor(Order.class);

	private @Nullable ClaimPosition position;

	private record Row(UUID id, int claimNo) {
	}

	Floor(BenchmarkDatabase database, Mode mode, int batchSize) {
		this.database = database;
		this.mode = mode;
		this.batchSize = batchSize;
		this.firstClaim = recordClaim(List.of());
		this.nextClaim = recordClaim(List.of(new ClaimPosition(0, RUN_AT, ID)));
		ClaimedExecution claimed = new ClaimedExecution(ID, NODE, CLAIM_NO, mode.task(), "default", 1, 1, 0, RUN_AT,
				RUN_AT, null, null);
		this.completion = RecordedStatement.of((jdbc) -> new ExecutionOutcomes(jdbc, SchemaName.DEFAULT)
			.record(List.of(new Recording(claimed, new Outcome.Completed(null, mode.retention())))));
	}

	private RecordedStatement recordClaim(List<ClaimPosition> positions) {
		return RecordedStatement.of((jdbc) -> new ExecutionClaims(jdbc, SchemaName.DEFAULT).claim(NODE, "default",
				Arrays.stream(Mode.values()).map(Mode::task).toList(), LIMIT, positions));
	}

	/**
	 * Run what is ready.
	 * @param count how many are ready
	 * @return executions per second, from the first claim to the last completion
	 */
	double rate(int count) {
		try (Connection claiming = this.database.connect(); Connection completing = this.database.connect()) {
			this.position = null;
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
		try (PreparedStatement first = connection.prepareStatement(this.firstClaim.sql());
				PreparedStatement next = connection.prepareStatement(this.nextClaim.sql())) {
			int claimed = 0;
			while (claimed < count) {
				boolean fromStart = this.position == null;
				PreparedStatement statement = fromStart ? first : next;
				(fromStart ? this.firstClaim : this.nextClaim).bind(statement, new ClaimValues());
				List<Row> rows = rows(statement);
				claimed += rows.size();
				if (rows.isEmpty()) {
					throw new IllegalStateException("Only " + claimed + " of " + count + " could be claimed");
				}
				this.completions.put(rows);
			}
		}
	}

	private List<Row> rows(PreparedStatement statement) throws SQLException {
		List<Row> rows = new ArrayList<>(this.batchSize);
		try (ResultSet rs = statement.executeQuery()) {
			while (rs.next()) {
				UUID id = rs.getObject("id", UUID.class);
				ClaimPosition here = new ClaimPosition(rs.getInt("priority"),
						rs.getObject("run_at", OffsetDateTime.class), id);
				if (this.position == null || here.isAfter(this.position)) {
					this.position = here;
				}
				this.reader.readValue(rs.getString("payload"));
				rows.add(new Row(id, rs.getInt("claim_no")));
			}
		}
		return rows;
	}

	private void complete(Connection connection, int count) {
		try (PreparedStatement statement = connection.prepareStatement(this.completion.sql())) {
			int completed = 0;
			while (completed < count) {
				this.completion.bind(statement, new CompletionValues(this.completions.take()));
				try (ResultSet rs = statement.executeQuery()) {
					while (rs.next()) {
						completed++;
					}
				}
			}
		}
		catch (SQLException | InterruptedException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private final class ClaimValues implements RecordedStatement.Values {

		@Override
		public Object scalar(Object recorded) {
			if (recorded.equals(LIMIT)) {
				return Floor.this.batchSize;
			}
			ClaimPosition known = Floor.this.position;
			if (known == null) {
				return recorded;
			}
			return recorded.equals(RUN_AT) ? known.runAt() : recorded.equals(ID) ? known.id() : recorded;
		}

		@Override
		public Object[] column(@Nullable Object recorded) {
			return new Object[] { recorded };
		}

	}

	private record CompletionValues(List<Row> rows) implements RecordedStatement.Values {

		@Override
		public Object scalar(Object recorded) {
			return recorded;
		}

		@Override
		public Object[] column(@Nullable Object recorded) {
			if (ID.equals(recorded)) {
				return this.rows.stream().map(Row::id).toArray();
			}
			if (Integer.valueOf(CLAIM_NO).equals(recorded)) {
				return this.rows.stream().map(Row::claimNo).toArray();
			}
			Object[] same = new Object[this.rows.size()];
			Arrays.fill(same, recorded);
			return same;
		}

	}

}
