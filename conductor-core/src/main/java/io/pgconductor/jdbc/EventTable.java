package io.pgconductor.jdbc;

import java.sql.Types;
import java.util.Set;
import java.util.UUID;

import io.pgconductor.SchemaName;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Events: emitted by clients, kept for some time, and matched with who waits for them.
 */
public final class EventTable {

	private static final String EMIT = "select id, targets from ${schema}.emit_event(?, ?, ?::jsonb, ?)";

	private static final String MATCH = "select matched, more, unsettled, stuck from ${schema}.match_events(?, ?)";

	// Ids begin with the time in milliseconds, so that nothing younger is read. Of
	// several applications, the one that wants events for longest decides. What unsettled
	// waits may need stays; and for a moment everything does, since a wait that is being
	// recorded is not seen yet.
	private static final String PRUNE = """
			with horizon as materialized (
			    select ${schema}.now() - greatest(max(keep_events), interval '1 minute') as time
			    from ${schema}.node where dead_at is null having bool_and(keep_events is not null)
			), pruned as (
			    delete from ${schema}.event
			    where ctid = any (array (
			        select e.ctid from ${schema}.event e
			        where e.id < (select rpad(lpad(to_hex(floor(greatest(extract(epoch from time), 0) * 1000)::bigint), 12, '0'), 32, '0')::uuid
			                      from horizon)
			          and e.emitted_at <= (select time from horizon) and not e.awaited
			          and not exists (select from ${schema}.event_wait w where w.event = e.name and not w.settled)
			        order by e.id
			        limit :limit for update skip locked))
			    returning 1
			)
			select count(*) from pruned
			""";

	private final JdbcClient jdbc;

	private final String emit;

	private final String match;

	private final String prune;

	public EventTable(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.emit = schema.sql(EMIT);
		this.match = schema.sql(MATCH);
		this.prune = schema.sql(PRUNE);
	}

	/**
	 * What an emission did.
	 *
	 * @param id the event's id, or that of the first one with its key
	 * @param targets who has something to do
	 */
	public record Emitted(UUID id, Set<String> targets) {
	}

	/**
	 * What matching did.
	 *
	 * @param matched how many waits are over
	 * @param more whether there is more to match at once
	 * @param unsettled whether to look again soon
	 * @param stuck the last event that had to be left for later, {@code null} if there is
	 * none
	 */
	public record Matched(int matched, boolean more, boolean unsettled, @Nullable UUID stuck) {
	}

	/**
	 * Emit an event.
	 * @param id its id
	 * @param event its name
	 * @param payload its payload as JSON
	 * @param dedupeKey of which there is one event of that name
	 * @return what was done
	 */
	public Emitted emit(UUID id, String event, @Nullable String payload, @Nullable String dedupeKey) {
		return this.jdbc.sql(this.emit)
			.param(1, id)
			.param(2, event)
			.param(3, payload, Types.VARCHAR)
			.param(4, dedupeKey, Types.VARCHAR)
			.query((rs, row) -> new Emitted(rs.getObject("id", UUID.class),
					SqlArrays.set(rs, "targets", String[].class)))
			.single();
	}

	/**
	 * Match events with the waits for them, unless another node is at it.
	 * @param limit how many at most
	 * @param after look at marked events after this one, {@code null} to look at all
	 * @return what was done
	 */
	public Matched match(int limit, @Nullable UUID after) {
		return this.jdbc.sql(this.match)
			.param(1, limit)
			.param(2, after, Types.OTHER)
			.query((rs, row) -> new Matched(rs.getInt("matched"), rs.getBoolean("more"), rs.getBoolean("unsettled"),
					rs.getObject("stuck", UUID.class)))
			.single();
	}

	/**
	 * Delete events whose time is over, oldest first.
	 * @param limit how many at most
	 * @return how many
	 */
	public int prune(int limit) {
		return this.jdbc.sql(this.prune).param("limit", limit).query(Integer.class).single();
	}

}
