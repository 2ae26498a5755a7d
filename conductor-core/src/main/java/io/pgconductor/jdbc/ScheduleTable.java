package io.pgconductor.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Types;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

import io.pgconductor.MisfirePolicy;
import io.pgconductor.OverlapPolicy;
import io.pgconductor.ScheduleInfo;
import io.pgconductor.ScheduleOptions;
import io.pgconductor.SchemaName;
import io.pgconductor.task.CronTrigger;
import io.pgconductor.task.JsonMapping;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Schedules: what applications declare, what clients make, and when each is to be fired.
 */
public final class ScheduleTable {

	// One that an application declares belongs to it; a dead one's is taken over. An
	// upsert locks whatever it meets: it must not meet those that stay as they are
	private static final String DECLARE = """
			insert into ${schema}.schedule as s
			    (task, name, cron, zone, misfire, overlap, declared, application, changed_at, next_run_at)
			select d.task, d.name, d.cron, d.zone, d.misfire, d.overlap, true, :application, ${schema}.now(), '-infinity'
			from unnest(:tasks::text[], :names::text[], :crons::text[], :zones::text[], :misfires::text[], :overlaps::text[])
			    as d (task, name, cron, zone, misfire, overlap)
			left join ${schema}.schedule o on o.task = d.task and o.name = d.name
			where o.task is null or o.declared
			  and (o.application is null or o.application = :application or not exists (
			        select from ${schema}.node n where n.dead_at is null and n.application = o.application))
			  and (o.cron, o.zone, o.misfire, o.overlap, o.application, o.error) is distinct from
			      (d.cron, d.zone, d.misfire, d.overlap, :application, null)
			order by d.task, d.name
			on conflict (task, name) do update
			set cron = excluded.cron, zone = excluded.zone, misfire = excluded.misfire, overlap = excluded.overlap,
			    application = excluded.application, error = null,
			    changed_at = case when (s.cron, s.zone) = (excluded.cron, excluded.zone) and s.error is null then s.changed_at
			                      else greatest(excluded.changed_at, s.changed_at) end,
			    next_run_at = case when s.paused then null
			                       when (s.cron, s.zone) = (excluded.cron, excluded.zone) and s.error is null then s.next_run_at
			                       else excluded.next_run_at end
			where s.declared
			""";

	private static final String NOT_DECLARED = """
			select d.task, d.name, s.application
			from unnest(:tasks::text[], :names::text[]) as d (task, name)
			join ${schema}.schedule s on s.task = d.task and s.name = d.name
			where not s.declared or s.application is distinct from :application
			""";

	private static final String DROP_OTHERS = """
			with other as materialized (
			    select s.task, s.name from ${schema}.schedule s
			    where s.declared and s.application = :application and not exists (
			        select from unnest(:tasks::text[], :names::text[]) as d (task, name)
			        where d.task = s.task and d.name = s.name)
			    for update skip locked
			)
			delete from ${schema}.schedule s using other o
			where s.task = o.task and s.name = o.name
			returning s.task, s.name
			""";

	private static final String ANY_OTHERS = """
			select exists (
			    select from ${schema}.schedule s
			    where s.declared and s.application = :application and not exists (
			        select from unnest(:tasks::text[], :names::text[]) as d (task, name)
			        where d.task = s.task and d.name = s.name))
			""";

	// Who locks schedules and falls silent must not hold them until TCP gives up
	private static final String BOUND_SILENCE = "set local idle_in_transaction_session_timeout = '30s'";

	// Of a task that no live node serves, ticks are missed rather than piled up
	private static final String DUE = """
			select s.task, s.name, s.cron, s.zone, s.misfire, s.changed_at, ${schema}.now() as now,
			       case when s.next_run_at <> '-infinity' then s.next_run_at end as next_run_at
			from ${schema}.schedule s join ${schema}.task t on t.name = s.task and t.unserved_since is null
			where s.next_run_at <= ${schema}.now()
			order by s.next_run_at
			limit :limit for update of s skip locked
			""";

	// What has gone by must not be due again: a change may have begun before it
	private static final String ADVANCE = """
			with tick as materialized (
			    select s.task, s.name, s.payload, d.next_at, d.tick_at, d.error,
			           case when s.overlap = 'allow' or not exists (
			                    select from ${schema}.execution e where e.id = s.last_execution_id) then d.id end as id
			    from unnest(:tasks::text[], :names::text[], :nexts::timestamptz[], :ticks::timestamptz[], :ids::uuid[],
			            :errors::text[]) as d (task, name, next_at, tick_at, id, error)
			    join ${schema}.schedule s on s.task = d.task and s.name = d.name
			), advanced as (
			    update ${schema}.schedule s
			    set next_run_at = t.next_at, error = t.error, changed_at = greatest(s.changed_at, t.tick_at),
			        last_run_at = case when t.id is null then s.last_run_at else t.tick_at end,
			        last_execution_id = coalesce(t.id, s.last_execution_id)
			    from tick t
			    where s.task = t.task and s.name = t.name
			), created as (
			    insert into ${schema}.execution
			        (id, task, queue, priority, max_attempts, payload, headers, created_at, run_at, phase, gate)
			    select t.id, t.task, d.queue, d.priority, d.max_attempts, t.payload,
			           json_build_object('conductor.schedule', t.name, 'conductor.time', t.tick_at),
			           ${schema}.now(), ${schema}.now(), case when d.held is false then 'due' else 'held' end,
			           case when d.gate is not null then ${schema}.gate_of(d, t.payload) end
			    from tick t left join ${schema}.task d on d.name = t.task
			    where t.id is not null
			    returning queue, phase
			)
			select count(*) as fired,
			       array (select 'queue:' || q.queue from (select distinct queue from created where phase = 'due') q
			              where ${schema}.wake('queue:' || q.queue) is not null) as woken
			from created
			""";

	private static final String PUT = """
			select true from (select ${schema}.put_schedule(?, ?, ?, ?, ?::json, ?, ?)) put
			""";

	private static final String WAKE = "select ${schema}.wake('promoter')";

	private static final String LIST = """
			select task, name, cron, zone, payload, misfire, overlap, declared, application, paused, error, next_run_at,
			       last_run_at, last_execution_id
			from ${schema}.schedules order by task, name
			""";

	private static final String BROKEN = """
			select task, name, error from ${schema}.schedule where error is not null order by task, name limit :limit
			""";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	private final JsonMapping json;

	public ScheduleTable(JdbcClient jdbc, SchemaName schema, JsonMapping json) {
		this.jdbc = jdbc;
		this.schema = schema;
		this.json = json;
	}

	/**
	 * A schedule that is declared.
	 *
	 * @param task the task's name
	 * @param trigger the schedule
	 */
	public record Declaration(String task, CronTrigger trigger) {
	}

	/**
	 * Which schedule.
	 *
	 * @param task the task's name
	 * @param name the schedule's name
	 */
	public record Key(String task, String name) {

		@Override
		public String toString() {
			return this.name.equals(this.task) ? "'" + this.task + "'"
					: "'" + this.name + "' of task '" + this.task + "'";
		}

	}

	/**
	 * A schedule whose time has come, locked until the end of the transaction.
	 *
	 * @param key which one
	 * @param cron its cron expression
	 * @param zone its time zone
	 * @param misfire what becomes of missed ticks
	 * @param changedAt after which its ticks begin
	 * @param tick its next tick; {@code null}: to be computed
	 * @param now the database's time
	 */
	public record Due(Key key, String cron, String zone, MisfirePolicy misfire, Instant changedAt,
			@Nullable Instant tick, Instant now) {
	}

	/**
	 * How a schedule goes on.
	 *
	 * @param key which one
	 * @param tick the tick that is over, or a time before which all are; {@code null} if
	 * none is
	 * @param execution the id of the execution to invoke; {@code null} if none is to be
	 * @param next the next tick; {@code null} if there is none
	 * @param error why it cannot be fired, {@code null} if it can
	 */
	public record Advance(Key key, @Nullable Instant tick, @Nullable UUID execution, @Nullable Instant next,
			@Nullable String error) {
	}

	/**
	 * What firing did.
	 *
	 * @param executions how many were invoked
	 * @param woken who has something to do now
	 */
	public record Fired(int executions, Set<String> woken) {
	}

	/**
	 * Add and change what an application declares. To be called under
	 * {@link NodeTable#lockMembership()}.
	 * @param application the application, {@code null} if it has no name
	 * @param declarations all its schedules
	 * @return those that are not its own, since a call has replaced them, or another live
	 * application declares them: they are left alone
	 */
	public Set<Key> declare(@Nullable String application, List<Declaration> declarations) {
		int changed = declared(DECLARE, application, declarations)
			.param("crons", SqlArrays.texts(declarations, (d) -> cron(d)))
			.param("zones", SqlArrays.texts(declarations, (d) -> d.trigger().times().zone().getId()))
			.param("misfires", SqlArrays.texts(declarations, (d) -> word(d.trigger().misfire())))
			.param("overlaps", SqlArrays.texts(declarations, (d) -> word(d.trigger().overlap())))
			.update();
		if (changed > 0) {
			this.jdbc.sql(this.schema.sql(WAKE)).query(Boolean.class).single();
		}
		return new HashSet<>(declared(NOT_DECLARED, application, declarations).query((rs, row) -> key(rs)).list());
	}

	private static String cron(Declaration declaration) {
		return declaration.trigger().times().expression();
	}

	private static String word(Enum<?> value) {
		return value.name().toLowerCase(Locale.ROOT);
	}

	private static Key key(ResultSet rs) throws SQLException {
		return new Key(rs.getString("task"), rs.getString("name"));
	}

	private JdbcClient.StatementSpec declared(String sql, @Nullable String application,
			List<Declaration> declarations) {
		return this.jdbc.sql(this.schema.sql(sql))
			.param("application", application, Types.VARCHAR)
			.param("tasks", SqlArrays.texts(declarations, Declaration::task))
			.param("names", SqlArrays.texts(declarations, (d) -> d.trigger().name()));
	}

	/**
	 * Drop what an application does not declare any more, but for what others have
	 * locked.
	 * @param application the application
	 * @param declarations all its schedules
	 * @return those that were dropped
	 */
	public Collection<Key> dropOthers(String application, List<Declaration> declarations) {
		return declared(DROP_OTHERS, application, declarations).query((rs, row) -> key(rs)).list();
	}

	/**
	 * Return whether there is something that an application does not declare any more.
	 * @param application the application
	 * @param declarations all its schedules
	 * @return whether there is
	 */
	public boolean anyOthers(String application, List<Declaration> declarations) {
		return declared(ANY_OTHERS, application, declarations).query(Boolean.class).single();
	}

	/**
	 * Lock schedules whose time has come, in the order of their ticks; those that others
	 * have locked are theirs.
	 * @param limit how many at most
	 * @return the schedules
	 */
	public List<Due> due(int limit) {
		this.jdbc.sql(BOUND_SILENCE).update();
		return this.jdbc.sql(this.schema.sql(DUE))
			.param("limit", limit)
			.query((rs, row) -> new Due(key(rs), rs.getString("cron"), rs.getString("zone"),
					MisfirePolicy.valueOf(rs.getString("misfire").toUpperCase(Locale.ROOT)),
					rs.getObject("changed_at", OffsetDateTime.class).toInstant(), instant(rs, "next_run_at"),
					rs.getObject("now", OffsetDateTime.class).toInstant()))
			.list();
	}

	/**
	 * Move schedules on, and invoke what they say, in the transaction that has locked
	 * them.
	 * @param advances how each goes on
	 * @return what was done
	 */
	public Fired advance(List<Advance> advances) {
		return this.jdbc.sql(this.schema.sql(ADVANCE))
			.param("tasks", SqlArrays.texts(advances, (a) -> a.key().task()))
			.param("names", SqlArrays.texts(advances, (a) -> a.key().name()))
			.param("nexts", SqlArrays.column("timestamptz", advances, Advance::next))
			.param("ticks", SqlArrays.column("timestamptz", advances, Advance::tick))
			.param("ids", SqlArrays.column("uuid", advances, Advance::execution))
			.param("errors", SqlArrays.texts(advances, Advance::error))
			.query((rs, row) -> new Fired(rs.getInt("fired"), SqlArrays.set(rs, "woken", String[].class)))
			.single();
	}

	/**
	 * Make a schedule, or replace the one of that name.
	 * @param key which one
	 * @param cron a valid cron expression
	 * @param payload what the task is invoked with, as JSON
	 * @param options how it runs
	 */
	public void put(Key key, String cron, @Nullable String payload, ScheduleOptions options) {
		this.jdbc.sql(this.schema.sql(PUT))
			.param(1, key.task())
			.param(2, key.name())
			.param(3, cron)
			.param(4, options.zone().getId())
			.param(5, payload, Types.VARCHAR)
			.param(6, word(options.misfire()))
			.param(7, word(options.overlap()))
			.query(Boolean.class)
			.single();
	}

	/**
	 * Remove a schedule.
	 * @param key which one
	 * @return whether there was one
	 */
	public boolean remove(Key key) {
		return call("unschedule", key);
	}

	/**
	 * Stop a schedule until it is resumed.
	 * @param key which one
	 * @return whether it ran
	 */
	public boolean pause(Key key) {
		return call("pause_schedule", key);
	}

	/**
	 * Let a paused schedule go on with its next tick.
	 * @param key which one
	 * @return whether it was paused
	 */
	public boolean resume(Key key) {
		return call("resume_schedule", key);
	}

	private boolean call(String function, Key key) {
		return this.jdbc.sql(this.schema.sql("select ${schema}." + function + "(?, ?)"))
			.param(1, key.task())
			.param(2, key.name())
			.query(Boolean.class)
			.single();
	}

	/**
	 * Return all schedules.
	 * @return by task and name
	 */
	public List<ScheduleInfo> list() {
		return this.jdbc.sql(this.schema.sql(LIST)).query((rs, row) -> info(rs)).list();
	}

	/**
	 * Return schedules that cannot be fired.
	 * @param limit how many at most
	 * @return task and name → what is wrong, in that order
	 */
	public Map<String, String> broken(int limit) {
		Map<String, String> broken = new LinkedHashMap<>();
		this.jdbc.sql(this.schema.sql(BROKEN)).param("limit", limit).query((rs) -> {
			broken.put(rs.getString("task") + "/" + rs.getString("name"), rs.getString("error"));
		});
		return broken;
	}

	private ScheduleInfo info(ResultSet rs) throws SQLException {
		return new ScheduleInfo(rs.getString("task"), rs.getString("name"), rs.getString("cron"), rs.getString("zone"),
				this.json.readTree(rs.getString("payload")),
				MisfirePolicy.valueOf(rs.getString("misfire").toUpperCase(Locale.ROOT)),
				OverlapPolicy.valueOf(rs.getString("overlap").toUpperCase(Locale.ROOT)), rs.getBoolean("declared"),
				rs.getString("application"), rs.getBoolean("paused"), instant(rs, "next_run_at"),
				instant(rs, "last_run_at"), rs.getObject("last_execution_id", UUID.class), rs.getString("error"));
	}

	private static @Nullable Instant instant(ResultSet rs, String column) throws SQLException {
		OffsetDateTime time = rs.getObject(column, OffsetDateTime.class);
		return (time != null) ? time.toInstant() : null;
	}

}
