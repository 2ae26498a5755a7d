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

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.ClaimPosition;
import io.pgconductor.jdbc.ExecutionClaims;
import io.pgconductor.task.JsonMapping;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.ObjectReader;

/**
 * Claims with the engine's statements, and parses the payloads, on one connection. Used
 * by one thread.
 */
final class BareClaims implements AutoCloseable {

	static final UUID NODE = UUID.randomUUID();

	// Stand-ins for what differs from claim to claim
	private static final int LIMIT = 987_654_321;

	private static final String TASK = "stand-in";

	private static final UUID ID = new UUID(1, 1);

	private static final OffsetDateTime RUN_AT = OffsetDateTime.of(2001, 2, 3, 4, 5, 6, 0, ZoneOffset.UTC);

	private static final RecordedStatement FROM_START = record(List.of());

	private static final RecordedStatement FROM_POSITION = record(List.of(new ClaimPosition(0, RUN_AT, ID)));

	private static final List<String> TASKS = Arrays.stream(Mode.values()).map(Mode::task).toList();

	private final int batchSize;

	private final List<String> tasks;

	private final PreparedStatement fromStart;

	private final PreparedStatement fromPosition;

	private final ObjectReader reader = JsonMapping.mapperBuilder().build().readerFor(Order.class);

	private @Nullable ClaimPosition position;

	BareClaims(Connection connection, int batchSize) throws SQLException {
		this(connection, batchSize, TASKS);
	}

	BareClaims(Connection connection, int batchSize, List<String> tasks) throws SQLException {
		this.batchSize = batchSize;
		this.tasks = tasks;
		this.fromStart = connection.prepareStatement(FROM_START.sql());
		this.fromPosition = connection.prepareStatement(FROM_POSITION.sql());
	}

	private static RecordedStatement record(List<ClaimPosition> positions) {
		return RecordedStatement.of((jdbc) -> new ExecutionClaims(jdbc, SchemaName.DEFAULT).claim(NODE, "default",
				List.of(TASK), LIMIT, positions));
	}

	/**
	 * Claim from the beginning of the ready index.
	 * @return what was claimed
	 */
	List<ClaimedRow> fromStart() throws SQLException {
		FROM_START.bind(this.fromStart, new Values(this.batchSize, this.tasks, null));
		return rows(this.fromStart);
	}

	/**
	 * Claim from where the last claim ended.
	 * @return what was claimed
	 */
	List<ClaimedRow> next() throws SQLException {
		if (this.position == null) {
			return fromStart();
		}
		FROM_POSITION.bind(this.fromPosition, new Values(this.batchSize, this.tasks, this.position));
		return rows(this.fromPosition);
	}

	private List<ClaimedRow> rows(PreparedStatement statement) throws SQLException {
		List<ClaimedRow> rows = new ArrayList<>(this.batchSize);
		try (ResultSet rs = statement.executeQuery()) {
			while (rs.next()) {
				UUID id = rs.getObject("id", UUID.class);
				ClaimPosition here = new ClaimPosition(rs.getInt("priority"),
						rs.getObject("run_at", OffsetDateTime.class), id);
				if (this.position == null || here.isAfter(this.position)) {
					this.position = here;
				}
				rows.add(new ClaimedRow(id, rs.getInt("claim_no"), this.reader.readValue(rs.getString("payload"))));
			}
		}
		return rows;
	}

	@Override
	public void close() throws SQLException {
		this.fromStart.close();
		this.fromPosition.close();
	}

	private record Values(int batchSize, List<String> tasks,
			@Nullable ClaimPosition position) implements RecordedStatement.Values {

		@Override
		public Object scalar(Object recorded) {
			if (recorded.equals(LIMIT)) {
				return this.batchSize;
			}
			if (this.position == null) {
				return recorded;
			}
			return recorded.equals(RUN_AT) ? this.position.runAt()
					: recorded.equals(ID) ? this.position.id() : recorded;
		}

		@Override
		public Object[] column(@Nullable Object recorded) {
			if (!TASK.equals(recorded)) {
				throw new IllegalStateException("The claim has become one with a batch of parameters");
			}
			return this.tasks.toArray();
		}

	}

}
