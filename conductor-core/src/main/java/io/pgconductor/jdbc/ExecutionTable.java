package io.pgconductor.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionError;
import io.pgconductor.ExecutionFilter;
import io.pgconductor.ExecutionProgress;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.InvokeOptions;
import io.pgconductor.SchemaName;
import io.pgconductor.task.JsonMapping;
import org.jspecify.annotations.Nullable;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.jdbc.core.simple.JdbcClient;
import tools.jackson.databind.JsonNode;

/**
 * What a client does with executions: enqueue, find, cancel, retry.
 */
public final class ExecutionTable {

	// A task's own options are looked up here, once for all items, so that a client
	// need not know them. What is due at once wakes the worker, what is due within the
	// promoter's longest sleep wakes the promoter.
	private static final String ENQUEUE = """
			with definition as materialized (
			    select t as task, t.queue, t.priority, t.max_attempts, t.held, t.gate from ${schema}.task t where t.name = :task
			), item as (
			    select i.*, coalesce(i.run_at, ${schema}.now() + i.delay * interval '1 second', ${schema}.now()) as due_at
			    from unnest(:ids::uuid[], :payloads::text[], :headers::text[], :queues::text[], :priorities::int[],
			            :runAts::timestamptz[], :delays::float8[], :maxAttempts::int[])
			        as i (id, payload, headers, queue, priority, run_at, delay, max_attempts)
			), created as (
			    insert into ${schema}.execution
			        (id, task, queue, priority, max_attempts, payload, headers, created_at, run_at, phase, gate)
			    select i.id, :task, coalesce(i.queue, d.queue), coalesce(i.priority, d.priority),
			           coalesce(i.max_attempts, d.max_attempts), i.payload::json, i.headers::json, ${schema}.now(), i.due_at,
			           case when i.due_at > ${schema}.now() then 'future'
			                when d.held is false then 'due' else 'held' end,
			           case when d.gate is not null then ${schema}.gate_of(d.task, i.payload::json) end
			    from item i left join definition d on true
			    returning queue, phase, run_at
			), target as (
			    select distinct case phase when 'due' then 'queue:' || queue else 'promoter' end as name
			    from created
			    where phase = 'due' or (phase = 'future' and run_at < ${schema}.now() + interval '5 seconds')
			)
			select exists (select from definition) as registered,
			       (select array_agg(name) filter (where ${schema}.wake(name) is not null) from target) as targets
			""";

	// The same for one execution. Without arrays, names, and nulls of unknown type it
	// costs the client and the server half as much.
	private static final String ENQUEUE_ONE = """
			insert into ${schema}.execution
			    (id, task, queue, priority, max_attempts, payload, headers, created_at, run_at, phase, gate)
			select i.id, i.task, coalesce(i.queue, t.queue), coalesce(i.priority, t.priority),
			       coalesce(i.max_attempts, t.max_attempts), i.payload, i.headers, ${schema}.now(), i.due_at,
			       case when i.due_at > ${schema}.now() then 'future'
			            when t.held is false then 'due' else 'held' end,
			       case when t.gate is not null then ${schema}.gate_of(t, i.payload) end
			from (select ?::uuid as id, ?::text as task, ?::json as payload, ?::json as headers, ?::text as queue,
			          ?::int as priority, ?::int as max_attempts,
			          coalesce(?::timestamptz, ${schema}.now() + ?::float8 * interval '1 second', ${schema}.now()) as due_at) i
			left join ${schema}.task t on t.name = i.task
			returning phase = 'due' or exists (select from ${schema}.task where name = execution.task) as registered,
			    case when phase = 'due' and ${schema}.wake('queue:' || queue) is not null then 'queue:' || queue
			         when phase = 'future' and run_at < ${schema}.now() + interval '5 seconds'
			             and ${schema}.wake('promoter') is not null then 'promoter' end as target
			""";

	// Those with keys are not always new
	private static final String ENQUEUE_KEYED = """
			select registered, executions, targets from ${schema}.invoke_keyed(:task, :ids, :payloads, :headers, :queues,
			    :priorities, :runAts::timestamptz[], :delays, :maxAttempts, :keys, :rules, :windows, :maxWaits)
			""";

	private static final String FIND = """
			select e.*,
			       (select json_agg(s order by s.finished_at, s.name)
			        from (select name, max(finished_at) as finished_at,
			                     case when min(kind) = 'children' then json_agg(result order by part)
			                          else (array_agg(result))[1] end as result
			              from ${schema}.step
			              where execution_id = e.id and finished_at <= ${schema}.now()
			              group by name) s) as steps,
			       array (select c.id from (select id from ${schema}.execution where parent_id = e.id
			                                union all
			                                select id from ${schema}.finished_execution where parent_id = e.id) c
			              order by c.id) as children
			from ${schema}.executions e
			where e.id = any (:ids::uuid[])
			order by e.id desc
			""";

	private static final String CANCEL = """
			select count(*) filter (where ${schema}.cancel(id, :reason)) from pg_catalog.unnest(:ids::uuid[]) id
			""";

	private static final String RETRY = """
			with finished as (
			    delete from ${schema}.finished_execution
			    where id = any (:ids::uuid[]) and state in ('failed', 'cancelled') returning *
			), revived as (
			    insert into ${schema}.execution
			        (id, task, queue, priority, max_attempts, payload, headers, error, claim_no, created_at, run_at, phase,
			         parent_id, dedupe_key, gate)
			    select e.id, e.task, coalesce(e.queue, t.queue), coalesce(e.priority, t.priority),
			           coalesce(e.max_attempts, t.max_attempts), e.payload, e.headers, e.error, e.claim_no, e.created_at,
			           ${schema}.now(), case when t.held is false then 'due' else 'held' end, e.parent_id, e.dedupe_key,
			           case when t.gate is not null then ${schema}.gate_of(t, e.payload) end
			    from finished e left join ${schema}.task t on t.name = e.task
			    returning queue, phase
			), target as (
			    select distinct 'queue:' || queue as name from revived where phase = 'due'
			)
			select (select count(*) from revived) as revived,
			       (select array_agg(name) filter (where ${schema}.wake(name) is not null) from target) as targets
			""";

	private static final String ANY_READY = """
			with served as materialized (
			    select array (
			        select unnest(:tasks::text[])
			        except
			        select name from ${schema}.task where paused) as tasks
			)
			select not exists (select from ${schema}.queue where name = :queue and paused)
			    and (exists (
			             select from ${schema}.execution
			             where queue = :queue and phase = 'due' and gate is null and claimed_by is null
			               and task = any ((select tasks from served)::text[]))
			         or exists (
			             select from ${schema}.execution
			             where queue = :queue and phase = 'due' and gate is not null and claimed_by is null
			               and task = any ((select tasks from served)::text[])))
			""";

	private static final ParameterizedTypeReference<Map<String, String>> HEADERS = new ParameterizedTypeReference<>() {
	};

	private final JdbcClient jdbc;

	private final SchemaName schema;

	private final JsonMapping json;

	private final String enqueueOne;

	public ExecutionTable(JdbcClient jdbc, SchemaName schema, JsonMapping json) {
		this.jdbc = jdbc;
		this.schema = schema;
		this.json = json;
		this.enqueueOne = schema.sql(ENQUEUE_ONE);
	}

	/**
	 * What an enqueueing did.
	 *
	 * @param executions for each of those that were to be enqueued: which it is, or which
	 * one has its key
	 * @param registered whether a worker has ever registered the task
	 * @param targets who has something to do: {@code queue:} and a queue's name, or
	 * {@code promoter}
	 */
	public record Enqueued(List<UUID> executions, boolean registered, Set<String> targets) {
	}

	/**
	 * Enqueue executions of one task.
	 * @param task the task's name
	 * @param executions the executions
	 * @return what was enqueued
	 */
	public Enqueued enqueue(String task, List<NewExecution> executions) {
		if (executions.stream().anyMatch((execution) -> execution.keyRule() != null)) {
			return enqueueKeyed(task, executions);
		}
		if (executions.size() == 1) {
			return enqueue(task, executions.get(0));
		}
		return enqueueing(ENQUEUE, task, executions)
			.query((rs, row) -> new Enqueued(executions.stream().map(NewExecution::id).toList(),
					rs.getBoolean("registered"), targets(rs)))
			.single();
	}

	private Enqueued enqueueKeyed(String task, List<NewExecution> executions) {
		return enqueueing(ENQUEUE_KEYED, task, executions)
			.param("keys", SqlArrays.texts(executions, (e) -> e.options().dedupeKey()))
			.param("rules", SqlArrays.texts(executions, NewExecution::keyRule))
			.param("windows", SqlArrays.column("float8", executions,
					(e) -> seconds((e.options().throttle() != null) ? e.options().throttle() : e.options().debounce())))
			.param("maxWaits", SqlArrays.column("float8", executions, (e) -> seconds(e.options().maxWait())))
			.query((rs, row) -> new Enqueued(List.of((UUID[]) rs.getArray("executions").getArray()),
					rs.getBoolean("registered"), targets(rs)))
			.single();
	}

	private JdbcClient.StatementSpec enqueueing(String sql, String task, List<NewExecution> executions) {
		return this.jdbc.sql(this.schema.sql(sql))
			.param("task", task)
			.param("ids", SqlArrays.column("uuid", executions, NewExecution::id))
			.param("payloads", SqlArrays.texts(executions, NewExecution::payload))
			.param("headers", SqlArrays.texts(executions, NewExecution::headers))
			.param("queues", SqlArrays.texts(executions, (e) -> e.options().queue()))
			.param("priorities", SqlArrays.ints(executions, (e) -> e.options().priority()))
			.param("runAts", SqlArrays.column("timestamptz", executions, (e) -> e.options().runAt()))
			.param("delays", SqlArrays.column("float8", executions, (e) -> seconds(e.options().delay())))
			.param("maxAttempts", SqlArrays.ints(executions, (e) -> e.options().maxAttempts()));
	}

	private Enqueued enqueue(String task, NewExecution execution) {
		InvokeOptions options = execution.options();
		return this.jdbc.sql(this.enqueueOne)
			.param(1, execution.id())
			.param(2, task)
			.param(3, execution.payload(), Types.VARCHAR)
			.param(4, execution.headers(), Types.VARCHAR)
			.param(5, options.queue(), Types.VARCHAR)
			.param(6, options.priority(), Types.INTEGER)
			.param(7, options.maxAttempts(), Types.INTEGER)
			.param(8, (options.runAt() != null) ? options.runAt().toString() : null, Types.VARCHAR)
			.param(9, seconds(options.delay()), Types.DOUBLE)
			.query((rs, row) -> {
				String target = rs.getString("target");
				return new Enqueued(List.of(execution.id()), rs.getBoolean("registered"),
						(target != null) ? Set.of(target) : Set.of());
			})
			.single();
	}

	private static @Nullable Double seconds(@Nullable Duration duration) {
		return (duration != null) ? duration.getSeconds() + duration.getNano() / 1e9 : null;
	}

	public Optional<Execution> find(UUID id) {
		return find(List.of(id)).stream().findFirst();
	}

	/**
	 * Find executions.
	 * @param ids their ids
	 * @return those that there are, the greatest id first
	 */
	public List<Execution> find(List<UUID> ids) {
		return this.jdbc.sql(this.schema.sql(FIND)).param("ids", uuids(ids)).query((rs, row) -> execution(rs)).list();
	}

	/**
	 * Look for executions.
	 * @param filter which ones; its limit doesn't count
	 * @param states the states to look at
	 * @param limit how many at most
	 * @return their ids, the greatest first
	 */
	public List<UUID> search(ExecutionFilter filter, Set<ExecutionState> states, int limit) {
		ExecutionSearch search = ExecutionSearch.of(filter, states, limit);
		return this.jdbc.sql(this.schema.sql(search.sql())).params(search.parameters()).query(UUID.class).list();
	}

	/**
	 * Cancel executions, or request it from the workers that hold them.
	 * @param ids the executions' ids
	 * @param reason kept with them
	 * @return for how many this call did it
	 */
	public int cancel(List<UUID> ids, @Nullable String reason) {
		return this.jdbc.sql(this.schema.sql(CANCEL))
			.param("ids", uuids(ids))
			.param("reason", storable(reason), Types.VARCHAR)
			.query(Integer.class)
			.single();
	}

	private static Object uuids(List<UUID> ids) {
		return SqlArrays.column("uuid", ids, (id) -> id);
	}

	// A text of PostgreSQL has no place for the NUL character
	private static @Nullable String storable(@Nullable String text) {
		return (text != null) ? text.replace('\u0000', '\uFFFD') : null;
	}

	/**
	 * What a retry did.
	 *
	 * @param executions how many executions are ready again
	 * @param targets who has something to do
	 */
	public record Revived(int executions, Set<String> targets) {
	}

	/**
	 * Make failed and cancelled executions ready again, with all their attempts.
	 * @param ids the executions' ids; those in another state stay as they are
	 * @return what was done
	 */
	public Revived retry(List<UUID> ids) {
		return this.jdbc.sql(this.schema.sql(RETRY))
			.param("ids", uuids(ids))
			.query((rs, row) -> new Revived(rs.getInt("revived"), targets(rs)))
			.single();
	}

	private static Set<String> targets(ResultSet rs) throws SQLException {
		return SqlArrays.set(rs, "targets", String[].class);
	}

	/**
	 * Return whether there is an execution to claim.
	 * @param queue the queue
	 * @param tasks names of the tasks to consider
	 * @return whether there is one
	 */
	public boolean anyReady(String queue, Collection<String> tasks) {
		return this.jdbc.sql(this.schema.sql(ANY_READY))
			.param("queue", queue)
			.param("tasks", SqlArrays.texts(tasks))
			.query(Boolean.class)
			.single();
	}

	private Execution execution(ResultSet rs) throws SQLException {
		return new Execution(rs.getObject("id", UUID.class), rs.getString("task"), rs.getString("queue"),
				ExecutionState.valueOf(rs.getString("state").toUpperCase(Locale.ROOT)), rs.getInt("priority"),
				Objects.requireNonNull(instant(rs, "run_at")), Objects.requireNonNull(instant(rs, "created_at")),
				instant(rs, "started_at"), instant(rs, "finished_at"), rs.getInt("attempt"), rs.getInt("max_attempts"),
				this.json.readTree(rs.getString("payload")), headers(rs), this.json.readTree(rs.getString("result")),
				error(rs), rs.getString("cancel_reason"), rs.getString("waiting_for"), progress(rs), steps(rs),
				rs.getObject("parent_id", UUID.class), List.of((UUID[]) rs.getArray("children").getArray()));
	}

	private static @Nullable ExecutionProgress progress(ResultSet rs) throws SQLException {
		Double fraction = rs.getObject("progress", Double.class);
		return (fraction != null) ? new ExecutionProgress(fraction, rs.getString("progress_message")) : null;
	}

	private List<ExecutionStep> steps(ResultSet rs) throws SQLException {
		JsonNode steps = this.json.readTree(rs.getString("steps"));
		if (steps == null) {
			return List.of();
		}
		return steps.valueStream()
			.map((step) -> new ExecutionStep(step.get("name").asString(),
					step.get("result").isNull() ? null : step.get("result"),
					OffsetDateTime.parse(step.get("finished_at").asString()).toInstant()))
			.toList();
	}

	private static @Nullable Instant instant(ResultSet rs, String column) throws SQLException {
		OffsetDateTime time = rs.getObject(column, OffsetDateTime.class);
		return (time != null) ? time.toInstant() : null;
	}

	@SuppressWarnings("unchecked")
	private Map<String, String> headers(ResultSet rs) throws SQLException {
		Object headers = this.json.read(rs.getString("headers"), HEADERS.getType(), "headers");
		return (headers != null) ? Map.copyOf((Map<String, String>) headers) : Map.of();
	}

	private @Nullable ExecutionError error(ResultSet rs) throws SQLException {
		return (ExecutionError) this.json.read(rs.getString("error"), ExecutionError.class, "error");
	}

}
