package io.pgconductor.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.Outcome.AwaitingChildren;
import io.pgconductor.jdbc.Outcome.AwaitingEvent;
import io.pgconductor.jdbc.Outcome.Invoking;
import io.pgconductor.jdbc.Outcome.NewChild;
import io.pgconductor.jdbc.Outcome.OutsideWindow;
import io.pgconductor.jdbc.Outcome.RateLimited;
import io.pgconductor.jdbc.Outcome.Sleeping;
import io.pgconductor.jdbc.Outcome.StillAwaitingEvent;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Puts executions to sleep: what they wait for and what they remember of it is written in
 * the statement that gives the claim back. One whose cancellation was requested is left
 * alone.
 */
final class ExecutionSuspensions {

	private static final String FENCE = "e.id = o.id and e.claim_no = o.claim_no and e.claimed_by = :node "
			+ "and e.cancel_requested_at is null";

	private static final String TARGETS = """
			select distinct case phase when 'due' then 'queue:' || queue else 'promoter' end as name
			from %s
			where phase = 'due' or (phase = 'future' and run_at < ${schema}.now() + interval '5 seconds')
			""";

	// The end of a sleep is remembered in UTC: the last year has more digits elsewhere
	private static final String SLEEP = """
			with given as (
			    select *, coalesce(until, ${schema}.now() + delay * interval '1 second') as due_at
			    from unnest(:ids::uuid[], :claimNos::int[], :waitingFor::text[], :givenBack::int[], :steps::text[],
			            :delays::float8[], :untils::timestamptz[])
			        as o (id, claim_no, waiting_for, given_back, step, delay, until)
			), done as (
			    update ${schema}.execution e
			    set claimed_by = null, run_at = o.due_at, attempt = e.attempt - o.given_back,
			        waiting_for = coalesce(o.waiting_for, e.waiting_for),
			        phase = case when o.due_at > ${schema}.now() then 'future' else 'due' end
			    from given o
			    where %s
			    returning e.id, e.queue, e.phase, e.run_at, o.step
			), remembered as (
			    insert into ${schema}.step (execution_id, name, kind, result, finished_at)
			    select id, step, 'sleep',
			           to_json(to_char(run_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')), run_at
			    from done where step is not null
			), target as (
			    %s
			)
			select array (select id from done) as recorded,
			       array (select name from target where ${schema}.wake(name) is not null) as woken
			""".formatted(FENCE, TARGETS.formatted("done"));

	// Behind a closed gate it keeps its place; without a gate it has to wait itself
	private static final String LIMIT = """
			with done as (
			    update ${schema}.execution e
			    set claimed_by = null, waiting_for = coalesce(e.waiting_for, 'limit'),
			        run_at = case when e.gate is null then ${schema}.now() + o.delay * interval '1 second' else e.run_at end,
			        phase = case when e.gate is null and o.delay > 0 then 'future' else 'due' end
			    from unnest(:ids::uuid[], :claimNos::int[], :delays::float8[]) as o (id, claim_no, delay)
			    where %s
			    returning e.id, e.queue, e.phase, e.run_at
			), target as (
			    %s
			)
			select array (select id from done) as recorded,
			       array (select name from target where ${schema}.wake(name) is not null) as woken
			"""
		.formatted(FENCE, TARGETS.formatted("done"));

	private static final String INVOKE = """
			with parent as (
			    update ${schema}.execution e
			    set claimed_by = null, waiting_for = 'children',
			        run_at = case when o.timeout is null then e.run_at
			                      else ${schema}.now() + o.timeout * interval '1 second' end,
			        phase = case when o.timeout is null then 'parked' else 'future' end
			    from unnest(:ids::uuid[], :claimNos::int[], :waits::uuid[], :timeouts::float8[], :steps::text[],
			            :kinds::text[], :pending::int[], :maxSizes::int8[])
			        as o (id, claim_no, wait_id, timeout, step, kind, pending, max_size)
			    where %s
			    returning e.id, e.queue, e.phase, e.run_at, o.wait_id, o.timeout, o.step, o.kind, o.pending, o.max_size
			), waiting as (
			    insert into ${schema}.child_wait (id, parent_id, step, kind, pending, max_size, deadline)
			    select wait_id, id, step, kind, pending, max_size, case when timeout is not null then run_at end from parent
			), child as (
			    insert into ${schema}.execution
			        (id, task, queue, priority, max_attempts, payload, created_at, run_at, phase, parent_id, wait_id, part,
			         gate)
			    select c.id, c.task, t.queue, t.priority, t.max_attempts, c.payload::json, ${schema}.now(), ${schema}.now(),
			           case when t.held is false then 'due' else 'held' end, p.id, p.wait_id, c.part,
			           case when t.gate is not null then ${schema}.gate_of(t, c.payload::json) end
			    from unnest(:children::uuid[], :childWaits::uuid[], :tasks::text[], :parts::int[], :payloads::text[])
			        as c (id, wait_id, task, part, payload)
			    join parent p on p.wait_id = c.wait_id
			    left join ${schema}.task t on t.name = c.task
			    returning queue, phase, run_at
			), target as (
			    %s
			    union
			    %s
			)
			select array (select id from parent) as recorded,
			       array (select name from target where ${schema}.wake(name) is not null) as woken
			"""
		.formatted(FENCE, TARGETS.formatted("child"), TARGETS.formatted("parent"));

	// The children may have ended while the parent ran: they did not wake it then
	private static final String AWAIT_CHILDREN = """
			with waiting as materialized (
			    select w.id, w.parent_id, w.deadline,
			           w.pending = 0 or w.error is not null or coalesce(w.deadline <= ${schema}.now(), false) as over
			    from ${schema}.child_wait w
			    where w.id = any (:waits::uuid[])
			    order by w.id for update
			), done as (
			    update ${schema}.execution e
			    set claimed_by = null, waiting_for = 'children',
			        run_at = case when w.over is false then coalesce(w.deadline, e.run_at) else ${schema}.now() end,
			        phase = case when w.over is not false then 'due' when w.deadline is null then 'parked' else 'future' end
			    from unnest(:ids::uuid[], :claimNos::int[], :waits::uuid[]) as o (id, claim_no, wait_id)
			    left join waiting w on w.id = o.wait_id
			    where %s
			    returning e.id, e.queue, e.phase, e.run_at
			), target as (
			    %s
			)
			select array (select id from done) as recorded,
			       array (select name from target where ${schema}.wake(name) is not null) as woken
			"""
		.formatted(FENCE, TARGETS.formatted("done"));

	// An event counts whose transaction this snapshot doesn't see. One that is being
	// emitted at this moment may not see the wait: it is looked at soon, as long as
	// others
	// are, or else by a wake-up.
	private static final String AWAIT_EVENT = """
			with done as (
			    update ${schema}.execution e
			    set claimed_by = null, waiting_for = 'event', phase = 'future',
			        run_at = ${schema}.now() + o.timeout * interval '1 second'
			    from unnest(:ids::uuid[], :claimNos::int[], :waits::uuid[], :steps::text[], :events::text[], :filters::text[],
			            :timeouts::float8[])
			        as o (id, claim_no, wait_id, step, event, filter, timeout)
			    where %s
			    returning e.id, e.queue, e.phase, e.run_at, o.wait_id, o.step, o.event, o.filter
			), waiting as (
			    insert into ${schema}.event_wait (id, execution_id, step, event, filter, snapshot, deadline)
			    select wait_id, id, step, event, filter::jsonpath, pg_current_snapshot(), run_at from done
			), target as (
			    %s
			    union
			    select 'promoter'
			    where exists (select from done) and not exists (select from ${schema}.event_wait w where not w.settled)
			)
			select array (select id from done) as recorded,
			       array (select name from target where ${schema}.wake(name) is not null) as woken
			"""
		.formatted(FENCE, TARGETS.formatted("done"));

	private static final String STILL_AWAIT_EVENT = """
			select recorded, woken from ${schema}.await_events(:node, :ids::uuid[], :claimNos::int[], :waits::uuid[])
			""";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	ExecutionSuspensions(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * Suspend until some time.
	 * @param node the node that holds the executions
	 * @param recordings of {@link Sleeping} and {@link OutsideWindow}
	 * @return what was recorded
	 */
	Recorded sleep(UUID node, List<Recording> recordings) {
		return FencedStatement.of(this.jdbc, this.schema.sql(SLEEP), node, recordings)
			.param("waitingFor", SqlArrays.texts(recordings, ExecutionSuspensions::waitingFor))
			.param("givenBack", SqlArrays.ints(recordings, (r) -> (isPostponed(r) && !r.execution().resumed()) ? 1 : 0))
			.param("steps", SqlArrays.texts(recordings, (r) -> (r.outcome() instanceof Sleeping s) ? s.step() : null))
			.param("delays",
					SqlArrays.column("float8", recordings,
							(r) -> (r.outcome() instanceof Sleeping s) ? seconds(s.delay()) : null))
			.param("untils",
					SqlArrays.texts(recordings,
							(r) -> (r.outcome() instanceof Sleeping s) ? text(s.until())
									: text(((OutsideWindow) r.outcome()).until())))
			.query(ExecutionSuspensions::recorded)
			.single();
	}

	private static boolean isPostponed(Recording recording) {
		return recording.outcome() instanceof OutsideWindow outside && !outside.begun();
	}

	private static @Nullable String waitingFor(Recording recording) {
		if (recording.outcome() instanceof Sleeping) {
			return "sleep";
		}
		return isPostponed(recording) ? null : "window";
	}

	private static @Nullable String text(@Nullable Object value) {
		return (value != null) ? value.toString() : null;
	}

	/**
	 * Suspend until a limit of somebody else lets the executions go on.
	 * @param node the node that holds the executions
	 * @param recordings of {@link RateLimited}
	 * @return what was recorded
	 */
	Recorded limit(UUID node, List<Recording> recordings) {
		return FencedStatement.of(this.jdbc, this.schema.sql(LIMIT), node, recordings)
			.param("delays",
					SqlArrays.column("float8", recordings, (r) -> seconds(((RateLimited) r.outcome()).delay())))
			.query(ExecutionSuspensions::recorded)
			.single();
	}

	/**
	 * Invoke children and suspend until they have ended.
	 * @param node the node that holds the executions
	 * @param recordings of {@link Invoking}
	 * @return what was recorded
	 */
	Recorded invoke(UUID node, List<Recording> recordings) {
		List<Invoking> outcomes = recordings.stream().map((r) -> (Invoking) r.outcome()).toList();
		List<NewChild> children = new ArrayList<>();
		List<UUID> waits = new ArrayList<>();
		List<String> tasks = new ArrayList<>();
		for (Invoking invoking : outcomes) {
			for (NewChild child : invoking.children()) {
				children.add(child);
				waits.add(invoking.waitId());
				tasks.add(invoking.task());
			}
		}
		return FencedStatement.of(this.jdbc, this.schema.sql(INVOKE), node, recordings)
			.param("waits", SqlArrays.column("uuid", outcomes, Invoking::waitId))
			.param("timeouts", SqlArrays.column("float8", outcomes, (o) -> seconds(o.timeout())))
			.param("steps", SqlArrays.texts(outcomes, Invoking::step))
			.param("kinds", SqlArrays.texts(outcomes, (o) -> o.single() ? "child" : "children"))
			.param("pending", SqlArrays.ints(outcomes, (o) -> o.children().size()))
			.param("maxSizes", SqlArrays.column("int8", outcomes, Invoking::maxResultSize))
			.param("children", SqlArrays.column("uuid", children, NewChild::id))
			.param("childWaits", SqlArrays.of("uuid", waits))
			.param("tasks", SqlArrays.texts(tasks))
			.param("parts", SqlArrays.ints(children, NewChild::part))
			.param("payloads", SqlArrays.texts(children, NewChild::payload))
			.query(ExecutionSuspensions::recorded)
			.single();
	}

	/**
	 * Go on waiting for children, unless they have ended meanwhile.
	 * @param node the node that holds the executions
	 * @param recordings of {@link AwaitingChildren}
	 * @return what was recorded
	 */
	Recorded awaitChildren(UUID node, List<Recording> recordings) {
		return FencedStatement.of(this.jdbc, this.schema.sql(AWAIT_CHILDREN), node, recordings)
			.param("waits", SqlArrays.column("uuid", recordings, (r) -> ((AwaitingChildren) r.outcome()).waitId()))
			.query(ExecutionSuspensions::recorded)
			.single();
	}

	/**
	 * Suspend until an event has come, or the time is over.
	 * @param node the node that holds the executions
	 * @param recordings of {@link AwaitingEvent}
	 * @return what was recorded
	 */
	Recorded awaitEvent(UUID node, List<Recording> recordings) {
		List<AwaitingEvent> outcomes = recordings.stream().map((r) -> (AwaitingEvent) r.outcome()).toList();
		return FencedStatement.of(this.jdbc, this.schema.sql(AWAIT_EVENT), node, recordings)
			.param("waits", SqlArrays.column("uuid", outcomes, AwaitingEvent::waitId))
			.param("steps", SqlArrays.texts(outcomes, AwaitingEvent::step))
			.param("events", SqlArrays.texts(outcomes, AwaitingEvent::event))
			.param("filters", SqlArrays.texts(outcomes, AwaitingEvent::filter))
			.param("timeouts", SqlArrays.column("float8", outcomes, (o) -> seconds(o.timeout())))
			.query(ExecutionSuspensions::recorded)
			.single();
	}

	/**
	 * Go on waiting for events, unless they have come meanwhile.
	 * @param node the node that holds the executions
	 * @param recordings of {@link StillAwaitingEvent}
	 * @return what was recorded
	 */
	Recorded stillAwaitEvent(UUID node, List<Recording> recordings) {
		return FencedStatement.of(this.jdbc, this.schema.sql(STILL_AWAIT_EVENT), node, recordings)
			.param("waits", SqlArrays.column("uuid", recordings, (r) -> ((StillAwaitingEvent) r.outcome()).waitId()))
			.query(ExecutionSuspensions::recorded)
			.single();
	}

	private static @Nullable Double seconds(@Nullable Duration duration) {
		return (duration != null) ? duration.getSeconds() + duration.getNano() / 1e9 : null;
	}

	private static Recorded recorded(ResultSet rs, int row) throws SQLException {
		return new Recorded(SqlArrays.set(rs, "recorded", UUID[].class), SqlArrays.set(rs, "woken", String[].class));
	}

}
