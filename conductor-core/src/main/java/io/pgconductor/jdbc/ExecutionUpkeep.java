package io.pgconductor.jdbc;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.UUID;

import io.pgconductor.ExecutionState;
import io.pgconductor.SchemaName;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * What moves executions that no worker is busy with: due times that come, nodes that die
 * or appear.
 */
public final class ExecutionUpkeep {

	// Also resolves what could not be when the execution was enqueued: its task was
	// unknown then. And looks for whatever else the time brings, in the same round trip.
	private static final String PROMOTE = """
			with candidate as materialized (
			    select ctid, task from ${schema}.execution
			    where phase = 'future' and run_at <= ${schema}.now()
			    order by run_at
			    limit :limit for update skip locked
			), promoted as (
			    update ${schema}.execution e
			    set phase = case when t.held is false then 'due' else 'held' end, queue = coalesce(e.queue, t.queue),
			        priority = coalesce(e.priority, t.priority), max_attempts = coalesce(e.max_attempts, t.max_attempts),
			        gate = case when t.gate is not null then ${schema}.gate_of(t, e.payload) end
			    from candidate c left join ${schema}.task t on t.name = c.task
			    where e.ctid = c.ctid
			    returning e.queue, e.phase
			)
			select (select count(*) from promoted) as promoted,
			       (select count(${schema}.wake('queue:' || queue))
			        from (select distinct queue from promoted where phase = 'due') q) as woken,
			       (select (extract(epoch from min(run_at)) - extract(epoch from ${schema}.now()))::float8
			        from ${schema}.execution where phase = 'future' and run_at > ${schema}.now()) as next,
			       (select (extract(epoch from min(next_run_at)) - extract(epoch from ${schema}.now()))::float8
			        from ${schema}.schedule where next_run_at > ${schema}.now()) as next_tick,
			       coalesce((select min(next_run_at) from ${schema}.schedule) <= ${schema}.now(), false) as tick_due,
			       exists (select from ${schema}.event where awaited) as event_marked,
			       exists (select from ${schema}.event_wait where not settled) as wait_unsettled
			""";

	private static final String RELEASE_HELD = """
			with candidate as materialized (
			    select e.ctid, t as task, t.gate, t.queue, t.priority, t.max_attempts
			    from ${schema}.task t
			    cross join lateral (
			        select ctid from ${schema}.execution
			        where phase = 'held' and task = t.name
			        limit :limit for update skip locked) e
			    where not t.held
			    limit :limit
			), released as (
			    update ${schema}.execution e
			    set phase = 'due', queue = coalesce(e.queue, c.queue), priority = coalesce(e.priority, c.priority),
			        max_attempts = coalesce(e.max_attempts, c.max_attempts),
			        gate = case when c.gate is not null then ${schema}.gate_of(c.task, e.payload) end
			    from candidate c
			    where e.ctid = c.ctid
			    returning e.queue
			)
			select (select count(*) from released) as released,
			       (select count(${schema}.wake('queue:' || queue)) from (select distinct queue from released) q) as woken
			""";

	private static final String HOLD = """
			update ${schema}.execution set phase = 'held'
			where ctid = any (array (
			    select ctid from (
			        select ctid from ${schema}.execution
			        where phase = 'due' and gate is null and claimed_by is null and task = any (:tasks)
			        limit :limit for update skip locked) free
			    union all
			    select ctid from (
			        select ctid from ${schema}.execution
			        where phase = 'due' and gate is not null and claimed_by is null and task = any (:tasks)
			        limit :limit for update skip locked) gated))
			""";

	// What is on a queue that some node serves is left: somebody may have chosen it
	private static final String REHOME = """
			with stranded as (
			    select t.name, t.queue, f.queue as former_queue
			    from ${schema}.task t cross join lateral unnest(t.former_queues) as f (queue)
			    where not exists (
			        select from ${schema}.node n
			        where n.dead_at is null and f.queue = any (n.queues) and t.name = any (n.tasks))
			), candidate as materialized (
			    select e.ctid, s.queue
			    from stranded s
			    cross join lateral (
			        select ctid from (
			            select ctid from ${schema}.execution
			            where queue = s.former_queue and phase = 'due' and gate is null and claimed_by is null and task = s.name
			            limit :limit for update skip locked) free
			        union all
			        select ctid from (
			            select ctid from ${schema}.execution
			            where queue = s.former_queue and phase = 'due' and gate is not null and claimed_by is null
			              and task = s.name
			            limit :limit for update skip locked) gated) e
			    limit :limit
			), rehomed as (
			    update ${schema}.execution e set queue = c.queue
			    from candidate c
			    where e.ctid = c.ctid
			    returning e.queue
			)
			select (select count(*) from rehomed) as rehomed,
			       (select count(${schema}.wake('queue:' || queue)) from (select distinct queue from rehomed) q) as woken
			""";

	private static final String REGATE = "select ${schema}.regate(:limit)";

	// Those that were enqueued by who did not know of a limit yet. Nobody claims them.
	private static final String REGATE_STRAYS = """
			select case when exists (select from ${schema}.task where gate is not null) then ${schema}.regate(
			    array (select id from ${schema}.execution
			           where phase = 'due' and gate is null and claimed_by is null
			             and task = any (array (select name from ${schema}.task where gate is not null))
			           limit :limit),
			    array (select name from ${schema}.task where gate is not null)) else 0 end
			""";

	private static final String SET_ASIDE = """
			update ${schema}.execution set phase = 'parked'
			where ctid = any (array (
			    select ctid from ${schema}.execution
			    where id = any (:ids) and claimed_by = :node and phase = 'due'
			    for no key update skip locked))
			returning id
			""";

	// What has no attempt left is claimed once more, and then fails with all that belongs
	// to it. What was cancelled and rescued before was not ended: that rescuer has died.
	// What has a key still was claimed, but not begun.
	private static final String RESCUE = """
			with rescued as (
			    update ${schema}.execution
			    set claimed_by = null, phase = 'due', waiting_for = null,
			        attempt = attempt - case when coalesce_key is not null and waiting_for is null then 1 else 0 end
			    where ctid = any (array (
			        select e.ctid from ${schema}.execution e
			        where e.claimed_by is not null
			          and not exists (select from ${schema}.node n where n.id = e.claimed_by and n.dead_at is null)
			        limit :limit for update of e skip locked))
			    returning id, queue, cancel_requested_at
			)
			select (select count(*) from rescued) as rescued,
			       array (select id from rescued where cancel_requested_at is not null
			              union all
			              (select id from ${schema}.execution
			               where claimed_by is null and cancel_requested_at is not null limit :limit)) as cancelled,
			       (select count(${schema}.wake('queue:' || queue)) from (select distinct queue from rescued) q) as woken
			""";

	private static final String CANCEL_RESCUED = """
			with patience as materialized (select set_config('lock_timeout', '100ms', true))
			select ${schema}.cancel_idle(:id, null) from patience
			""";

	private static final String DEPTHS = """
			select queue, state, count(*) as depth
			from (select coalesce(queue, 'default') as queue,
			             case when claimed_by is not null then 'RUNNING'
			                  when phase in ('due', 'held') then 'READY'
			                  when waiting_for is not null then 'WAITING'
			                  else 'SCHEDULED' end as state
			      from ${schema}.execution limit :limit) e
			group by queue, state
			""";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	public ExecutionUpkeep(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * What a promotion did.
	 *
	 * @param promoted how many executions became due
	 * @param next the time until the next one does; {@code null} if none is scheduled
	 * @param nextTick the time until the next tick of a schedule; {@code null} if there
	 * is none
	 * @param tickDue whether the tick of a schedule has come
	 * @param eventMarked whether there is an event that somebody may wait for
	 * @param waitUnsettled whether there is a wait that may have missed its event
	 */
	public record Promotion(int promoted, @Nullable Duration next, @Nullable Duration nextTick, boolean tickDue,
			boolean eventMarked, boolean waitUnsettled) {
	}

	/**
	 * What a rescue did.
	 *
	 * @param rescued how many executions were taken back
	 * @param cancelled those of them and of earlier rescues whose cancellation was
	 * requested
	 */
	public record Rescue(int rescued, Set<UUID> cancelled) {
	}

	/**
	 * How many executions of a queue are in a state.
	 *
	 * @param queue the queue
	 * @param state the state
	 * @param depth how many
	 */
	public record Depth(String queue, ExecutionState state, long depth) {
	}

	/**
	 * Make executions due whose time has come, earliest first.
	 * @param limit how many at most
	 * @return what was done
	 */
	public Promotion promote(int limit) {
		return this.jdbc.sql(this.schema.sql(PROMOTE))
			.param("limit", limit)
			.query((rs, row) -> new Promotion(rs.getInt("promoted"), seconds(rs.getObject("next", Double.class)),
					seconds(rs.getObject("next_tick", Double.class)), rs.getBoolean("tick_due"),
					rs.getBoolean("event_marked"), rs.getBoolean("wait_unsettled")))
			.single();
	}

	private static @Nullable Duration seconds(@Nullable Double seconds) {
		if (seconds == null) {
			return null;
		}
		// An infinite time, or one further away than a Duration in nanoseconds reaches
		return Duration.ofMillis((long) Math.min(seconds * 1000, Long.MAX_VALUE / 1_000_000.0));
	}

	/**
	 * Make held executions ready whose task is served again.
	 * @param limit how many at most
	 * @return how many
	 */
	public int releaseHeld(int limit) {
		return this.jdbc.sql(this.schema.sql(RELEASE_HELD))
			.param("limit", limit)
			.query((rs, row) -> rs.getInt("released"))
			.single();
	}

	/**
	 * Take ready executions of tasks that nobody serves out of the way of others.
	 * @param tasks names of the tasks
	 * @param limit how many at most
	 * @return how many
	 */
	public int hold(Collection<String> tasks, int limit) {
		return this.jdbc.sql(this.schema.sql(HOLD))
			.param("tasks", SqlArrays.texts(tasks))
			.param("limit", limit)
			.update();
	}

	/**
	 * Move ready executions to their task's queue that were left on a former one which no
	 * live node serves any more.
	 * @param limit how many at most
	 * @return how many
	 */
	public int rehome(int limit) {
		return this.jdbc.sql(this.schema.sql(REHOME))
			.param("limit", limit)
			.query((rs, row) -> rs.getInt("rehomed"))
			.single();
	}

	/**
	 * Have executions wait at the gates that they belong to, since limits have changed.
	 * @param limit how many are looked at
	 * @return whether there is more to do at once
	 */
	public boolean regate(int limit) {
		return this.jdbc.sql(this.schema.sql(REGATE)).param("limit", limit).query(Boolean.class).single();
	}

	/**
	 * Have executions of limited tasks wait at a gate that wait at none.
	 * @param limit how many at most
	 * @return how many did
	 */
	public int regateStrays(int limit) {
		return this.jdbc.sql(this.schema.sql(REGATE_STRAYS)).param("limit", limit).query(Integer.class).single();
	}

	/**
	 * Take executions that run for long out of the way of those that are ready.
	 * @param node the node that runs them
	 * @param ids their ids
	 * @return those that were; others may be locked
	 */
	public Collection<UUID> setAside(UUID node, Collection<UUID> ids) {
		return this.jdbc.sql(this.schema.sql(SET_ASIDE))
			.param("node", node)
			.param("ids", SqlArrays.of("uuid", ids))
			.query(UUID.class)
			.list();
	}

	/**
	 * Take back executions from nodes that don't live. There is no index on who holds
	 * what, so this reads the whole table.
	 * @param limit how many at most
	 * @return what was done
	 */
	public Rescue rescue(int limit) {
		return this.jdbc.sql(this.schema.sql(RESCUE))
			.param("limit", limit)
			.query((rs, row) -> new Rescue(rs.getInt("rescued"), SqlArrays.set(rs, "cancelled", UUID[].class)))
			.single();
	}

	/**
	 * End a rescued execution whose cancellation was requested, unless a node has claimed
	 * it meanwhile in order to do so.
	 * @param id the execution's id
	 */
	public void cancelRescued(UUID id) {
		this.jdbc.sql(this.schema.sql(CANCEL_RESCUED)).param("id", id).query((rs, row) -> true).single();
	}

	/**
	 * Count executions by queue and state.
	 * @param limit how many executions are looked at
	 * @return the counts; those that are zero are missing
	 */
	public List<Depth> depths(int limit) {
		return this.jdbc.sql(this.schema.sql(DEPTHS))
			.param("limit", limit)
			.query((rs, row) -> new Depth(rs.getString("queue"), ExecutionState.valueOf(rs.getString("state")),
					rs.getLong("depth")))
			.list();
	}

}
