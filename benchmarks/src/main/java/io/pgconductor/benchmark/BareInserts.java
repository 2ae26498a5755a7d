package io.pgconductor.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Types;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

import javax.sql.DataSource;

import io.pgconductor.task.JsonMapping;
import tools.jackson.databind.json.JsonMapper;

/**
 * Inserts the rows that an invoke makes, and does nothing else.
 */
final class BareInserts {

	private static final String INSERT = """
			insert into conductor.execution
			    (id, task, queue, priority, max_attempts, payload, created_at, run_at, phase)
			values (?, ?, ?, ?, ?, ?::json, ?, ?, 'due')
			""";

	private static final String NOTIFYING = INSERT + "returning pg_notify('" + ListenLoop.CHANNEL + "', '')";

	private static final String WITH_EVENT = """
			with emitted as (
			    insert into conductor.event (id, name, payload, emitted_at, xid, awaited)
			    values (?, ?, ?::jsonb, ?, pg_current_xact_id(), false)
			    returning payload
			)
			insert into conductor.execution
			    (id, task, queue, priority, max_attempts, payload, headers, created_at, run_at, phase)
			select ?, ?, 'default', 0, 3, payload, ?::json, ?, ?, 'due' from emitted
			""";

	private static final String INSERT_ALL = """
			insert into conductor.execution
			    (id, task, queue, priority, max_attempts, payload, created_at, run_at, phase)
			select id, task, queue, priority, max_attempts, payload::json, created_at, run_at, 'due'
			from unnest(?::uuid[], ?::text[], ?::text[], ?::int[], ?::int[], ?::text[], ?::timestamptz[], ?::timestamptz[])
			    as i (id, task, queue, priority, max_attempts, payload, created_at, run_at)
			""";

	private static final int MAX_ATTEMPTS = 3;

	private final DataSource pool;

	private final JsonMapper mapper = JsonMapping.mapperBuilder().build();

	private final AtomicInteger made = new AtomicInteger();

	private record Row(UUID id, String payload, OffsetDateTime now) {
	}

	BareInserts(DataSource pool) {
		this.pool = pool;
	}

	private Row row(Order order) {
		OffsetDateTime now = OffsetDateTime.now();
		// In the order of their creation, like the ids of an invoke
		long high = now.toInstant().toEpochMilli() << 16 | 0x7000 | (this.made.getAndIncrement() & 0xfff);
		return new Row(new UUID(high, ThreadLocalRandom.current().nextLong()), this.mapper.writeValueAsString(order),
				now);
	}

	void insert(Order order) {
		single(INSERT, row(order));
	}

	void insertAndNotify(Order order) {
		single(NOTIFYING, row(order));
	}

	void insertWithEvent(Order order, String event, String task) {
		Row emitted = row(order);
		Row execution = row(order);
		String headers = this.mapper.writeValueAsString(
				Map.of("conductor.event", event, "conductor.event-id", emitted.id(), "conductor.time", emitted.now()));
		try (Connection connection = this.pool.getConnection();
				PreparedStatement statement = connection.prepareStatement(WITH_EVENT)) {
			statement.setObject(1, emitted.id());
			statement.setString(2, event);
			statement.setString(3, emitted.payload());
			statement.setObject(4, emitted.now(), Types.TIMESTAMP_WITH_TIMEZONE);
			statement.setObject(5, execution.id());
			statement.setString(6, task);
			statement.setString(7, headers);
			statement.setObject(8, execution.now(), Types.TIMESTAMP_WITH_TIMEZONE);
			statement.setObject(9, execution.now(), Types.TIMESTAMP_WITH_TIMEZONE);
			statement.execute();
		}
		catch (SQLException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private void single(String sql, Row row) {
		try (Connection connection = this.pool.getConnection();
				PreparedStatement statement = connection.prepareStatement(sql)) {
			statement.setObject(1, row.id());
			statement.setString(2, Mode.DELETE.task());
			statement.setString(3, "default");
			statement.setInt(4, 0);
			statement.setInt(5, MAX_ATTEMPTS);
			statement.setString(6, row.payload());
			statement.setObject(7, row.now(), Types.TIMESTAMP_WITH_TIMEZONE);
			statement.setObject(8, row.now(), Types.TIMESTAMP_WITH_TIMEZONE);
			statement.execute();
		}
		catch (SQLException ex) {
			throw new IllegalStateException(ex);
		}
	}

	void insertAll(List<Order> orders) {
		List<Row> rows = new ArrayList<>(orders.size());
		orders.forEach((order) -> rows.add(row(order)));
		try (Connection connection = this.pool.getConnection();
				PreparedStatement statement = connection.prepareStatement(INSERT_ALL)) {
			set(statement, 1, "uuid", rows, Row::id);
			set(statement, 2, "text", rows, (row) -> Mode.DELETE.task());
			set(statement, 3, "text", rows, (row) -> "default");
			set(statement, 4, "int4", rows, (row) -> 0);
			set(statement, 5, "int4", rows, (row) -> MAX_ATTEMPTS);
			set(statement, 6, "text", rows, Row::payload);
			set(statement, 7, "timestamptz", rows, Row::now);
			set(statement, 8, "timestamptz", rows, Row::now);
			statement.executeUpdate();
		}
		catch (SQLException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private static void set(PreparedStatement statement, int index, String type, List<Row> rows,
			Function<Row, Object> value) throws SQLException {
		Object[] column = rows.stream().map(value).toArray();
		statement.setArray(index, statement.getConnection().createArrayOf(type, column));
	}

}
