package io.pgconductor.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import java.util.stream.Collectors;

import io.pgconductor.ExecutionState;
import io.pgconductor.SchemaName;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Executions that clients wait for.
 */
public final class AwaitedExecutions {

	// Marks are a minute ahead of what is compared, so that each is written once a
	// minute. They last for two at most: who waits longer looks again by then, and
	// nothing is kept for somebody who has gone. Rows that somebody has locked are left
	// alone: no call is to wait for another's lock.
	private static final String LOOK = """
			with awaited as materialized (
			    select a.id, least(a.seconds, 60) as seconds
			    from unnest(:ids::uuid[], :seconds::float8[]) as a (id, seconds)
			), unmarked as materialized (
			    select e.id, a.seconds
			    from ${schema}.execution e join awaited a on a.id = e.id
			    where e.id = any (:ids::uuid[])
			      and (e.awaited_until is null or e.awaited_until < ${schema}.now() + a.seconds * interval '1 second')
			    for no key update of e skip locked
			), marked as (
			    update ${schema}.execution e
			    set awaited_until = greatest(e.awaited_until,
			            ${schema}.now() + (u.seconds + 60) * interval '1 second')
			    from unmarked u
			    where e.id = u.id and e.id = any (:ids::uuid[])
			    returning e.id
			)
			select e.id, e.task, null as state, null::json as result, null::json as error, null as cancel_reason,
			       m.id is not null or coalesce(e.awaited_until >= ${schema}.now() + a.seconds * interval '1 second', false)
			           as marked
			from ${schema}.execution e join awaited a on a.id = e.id left join marked m on m.id = e.id
			where e.id = any (:ids::uuid[])
			union all
			select id, task, state, result, error, cancel_reason, true
			from ${schema}.finished_execution
			where id = any (:ids::uuid[])
			""";

	private final JdbcClient jdbc;

	private final String look;

	public AwaitedExecutions(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.look = schema.sql(LOOK);
	}

	/**
	 * What became of an execution that somebody waits for.
	 */
	public sealed interface Found permits Live, Finished {

		/**
		 * Return which execution it is.
		 * @return its id
		 */
		UUID id();

	}

	/**
	 * It is not over.
	 *
	 * @param id its id
	 * @param marked whether its end will be told, and kept; {@code false} while somebody
	 * holds a lock on it
	 */
	public record Live(UUID id, boolean marked) implements Found {
	}

	/**
	 * It is over.
	 *
	 * @param id its id
	 * @param task its task's name
	 * @param state how it ended
	 * @param result its result as JSON
	 * @param error what its last attempt failed with, as JSON
	 * @param cancelReason why it was cancelled
	 */
	public record Finished(UUID id, String task, ExecutionState state, @Nullable String result, @Nullable String error,
			@Nullable String cancelReason) implements Found {
	}

	/**
	 * Look at executions, and mark those that are not over: their end is to be told, and
	 * to be kept for a minute longer than it is waited for, or for two at most. Look more
	 * often than once a minute.
	 * @param awaited for how long each is waited for from now on
	 * @return what became of those that there are
	 */
	public Map<UUID, Found> look(Map<UUID, Duration> awaited) {
		List<Map.Entry<UUID, Duration>> rows = List.copyOf(awaited.entrySet());
		return this.jdbc.sql(this.look)
			.param("ids", SqlArrays.column("uuid", rows, Map.Entry::getKey))
			.param("seconds", SqlArrays.column("float8", rows, (row) -> row.getValue().toMillis() / 1e3))
			.query((rs, row) -> found(rs))
			.list()
			.stream()
			.collect(Collectors.toMap(Found::id, Function.identity()));
	}

	private static Found found(ResultSet rs) throws SQLException {
		UUID id = rs.getObject("id", UUID.class);
		String state = rs.getString("state");
		if (state == null) {
			return new Live(id, rs.getBoolean("marked"));
		}
		return new Finished(id, rs.getString("task"), ExecutionState.valueOf(state.toUpperCase(Locale.ROOT)),
				rs.getString("result"), rs.getString("error"), rs.getString("cancel_reason"));
	}

}
