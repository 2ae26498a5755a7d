package io.pgconductor.jdbc;

import java.time.Duration;
import java.util.Collection;
import java.util.List;

import io.pgconductor.SchemaName;
import io.pgconductor.task.PayloadPath;
import io.pgconductor.task.RateLimit;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskLimits;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * What the database knows of tasks, for those who enqueue without knowing them.
 */
public final class TaskTable {

	// Who waits may have something to do under the new limits. Executions that are there
	// already are looked at again when what decides about their
	// gates has changed: how much is let through is read when they are claimed
	private static final String REGISTER = """
			with registered as (
			    insert into ${schema}.task as t
			        (name, queue, priority, max_attempts, keep_completed, keep_failed, gate, concurrency, concurrency_path,
			         concurrency_row_path, rate_limit, rate_period, rate_path, rate_row_path, regated_to)
			    select d.name, d.queue, d.priority, d.max_attempts, d.keep_completed * interval '1 second',
			           d.keep_failed * interval '1 second', d.gate, d.concurrency, string_to_array(d.concurrency_path, '.'),
			           string_to_array(d.concurrency_row_path, '.'), d.rate_limit, d.rate_period * interval '1 second',
			           string_to_array(d.rate_path, '.'), string_to_array(d.rate_row_path, '.'),
			           case when d.gate is not null then '00000000-0000-0000-0000-000000000000'::uuid end
			    from unnest(:names::text[], :queues::text[], :priorities::int[], :maxAttempts::int[], :keepCompleted::float8[],
			            :keepFailed::float8[], :gates::text[], :concurrencies::int[], :concurrencyPaths::text[],
			            :concurrencyRowPaths::text[], :rateLimits::int[], :ratePeriods::float8[], :ratePaths::text[],
			            :rateRowPaths::text[])
			        as d (name, queue, priority, max_attempts, keep_completed, keep_failed, gate, concurrency, concurrency_path,
			            concurrency_row_path, rate_limit, rate_period, rate_path, rate_row_path)
			    order by d.name
			    on conflict (name) do update
			    set former_queues = case when t.queue = excluded.queue then t.former_queues
			            else array_append(array_remove(array_remove(t.former_queues, t.queue), excluded.queue), t.queue) end,
			        queue = excluded.queue, priority = excluded.priority, max_attempts = excluded.max_attempts,
			        keep_completed = excluded.keep_completed, keep_failed = excluded.keep_failed, held = t.paused,
			        unserved_since = null, gate = excluded.gate, concurrency = excluded.concurrency,
			        concurrency_path = excluded.concurrency_path, concurrency_row_path = excluded.concurrency_row_path,
			        rate_limit = excluded.rate_limit, rate_period = excluded.rate_period, rate_path = excluded.rate_path,
			        rate_row_path = excluded.rate_row_path,
			        regated_to = case
			            when (t.gate, t.concurrency_path, t.concurrency_row_path, t.rate_path, t.rate_row_path)
			                is distinct from (excluded.gate, excluded.concurrency_path, excluded.concurrency_row_path,
			                    excluded.rate_path, excluded.rate_row_path)
			            then '00000000-0000-0000-0000-000000000000'::uuid
			            else t.regated_to end
			    where (t.queue, t.priority, t.max_attempts, t.keep_completed, t.keep_failed, t.held, t.unserved_since, t.gate,
			            t.concurrency, t.concurrency_path, t.concurrency_row_path, t.rate_limit, t.rate_period, t.rate_path,
			            t.rate_row_path)
			        is distinct from (excluded.queue, excluded.priority, excluded.max_attempts, excluded.keep_completed,
			            excluded.keep_failed, t.paused, null::timestamptz, excluded.gate, excluded.concurrency,
			            excluded.concurrency_path, excluded.concurrency_row_path, excluded.rate_limit, excluded.rate_period,
			            excluded.rate_path, excluded.rate_row_path)
			    returning queue
			)
			select count(${schema}.wake('queue:' || queue)) from (select distinct queue from registered) r
			""";

	private static final String UPDATE_SERVED = """
			with served as (
			    select distinct unnest(tasks) as name from ${schema}.node where dead_at is null
			)
			update ${schema}.task t
			set unserved_since = case when s.name is null then pg_catalog.now() end, held = t.paused or (t.held and s.name is null)
			from ${schema}.task o left join served s on s.name = o.name
			where t.name = o.name and (o.unserved_since is null) <> (s.name is not null)
			""";

	private static final String HOLD_UNSERVED = """
			update ${schema}.task
			set held = true
			where not held and unserved_since < pg_catalog.now() - :grace * interval '1 second'
			returning name
			""";

	private static final String HELD = "select name from ${schema}.task where held";

	private static final String PAUSE = "select ${schema}.pause_task(:task)";

	private static final String RESUME = "select ${schema}.resume_task(:task)";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	public TaskTable(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * A task as others need to know it.
	 *
	 * @param name its name or one of its aliases
	 * @param queue its queue
	 * @param priority its priority
	 * @param maxAttempts its attempts
	 * @param completed how long completed executions are kept
	 * @param failed how long failed and cancelled ones are kept
	 * @param task the name of the task that has it as its name or alias: what limits one
	 * limits the others, too
	 * @param limits what limits the task; {@code null}: nothing
	 */
	public record Definition(String name, String queue, int priority, int maxAttempts, Retention completed,
			Retention failed, String task, @Nullable TaskLimits limits) {

		@Nullable String gate() {
			return (this.limits != null) ? this.task : null;
		}

		@Nullable Integer concurrency() {
			return (this.limits != null) ? this.limits.concurrency() : null;
		}

		@Nullable PayloadPath concurrencyKey() {
			return (this.limits != null) ? this.limits.concurrencyKey() : null;
		}

		@Nullable RateLimit rateLimit() {
			return (this.limits != null) ? this.limits.rateLimit() : null;
		}

		@Nullable PayloadPath rateLimitKey() {
			return (this.limits != null) ? this.limits.rateLimitKey() : null;
		}

	}

	/**
	 * Register the tasks of a node that is about to serve them.
	 * @param definitions the tasks
	 */
	public void register(List<Definition> definitions) {
		this.jdbc.sql(this.schema.sql(REGISTER))
			.param("names", SqlArrays.texts(definitions, Definition::name))
			.param("queues", SqlArrays.texts(definitions, Definition::queue))
			.param("priorities", SqlArrays.ints(definitions, Definition::priority))
			.param("maxAttempts", SqlArrays.ints(definitions, Definition::maxAttempts))
			.param("keepCompleted", SqlArrays.column("float8", definitions, (d) -> seconds(d.completed())))
			.param("keepFailed", SqlArrays.column("float8", definitions, (d) -> seconds(d.failed())))
			.param("gates", SqlArrays.texts(definitions, Definition::gate))
			.param("concurrencies", SqlArrays.ints(definitions, Definition::concurrency))
			.param("concurrencyPaths", SqlArrays.texts(definitions, (d) -> text(d.concurrencyKey())))
			.param("concurrencyRowPaths", SqlArrays.texts(definitions, (d) -> columns(d.concurrencyKey())))
			.param("rateLimits",
					SqlArrays.ints(definitions, (d) -> (d.rateLimit() != null) ? d.rateLimit().executions() : null))
			.param("ratePeriods",
					SqlArrays.column("float8", definitions,
							(d) -> (d.rateLimit() != null) ? d.rateLimit().period().toMillis() / 1e3 : null))
			.param("ratePaths", SqlArrays.texts(definitions, (d) -> text(d.rateLimitKey())))
			.param("rateRowPaths", SqlArrays.texts(definitions, (d) -> columns(d.rateLimitKey())))
			.query(Long.class)
			.single();
	}

	private static @Nullable String text(@Nullable PayloadPath path) {
		return (path != null) ? path.toString() : null;
	}

	private static @Nullable String columns(@Nullable PayloadPath path) {
		return (path != null) ? path.toColumns().toString() : null;
	}

	private static @Nullable Double seconds(Retention retention) {
		Duration duration = retention.duration();
		return (duration != null) ? duration.toMillis() / 1e3 : null;
	}

	/**
	 * Have nobody run a task until it is resumed.
	 * @param task the task's name
	 * @return {@code false} if it was paused before
	 */
	public boolean pause(String task) {
		return this.jdbc.sql(this.schema.sql(PAUSE)).param("task", task).query(Boolean.class).single();
	}

	/**
	 * Have a paused task run again.
	 * @param task the task's name
	 * @return {@code false} if it was not paused
	 */
	public boolean resume(String task) {
		return this.jdbc.sql(this.schema.sql(RESUME)).param("task", task).query(Boolean.class).single();
	}

	/**
	 * Note which tasks have no live node. To be called in the transaction that changes
	 * the membership, after {@link NodeTable#lockMembership()}.
	 */
	public void updateServed() {
		this.jdbc.sql(this.schema.sql(UPDATE_SERVED)).update();
	}

	/**
	 * Mark tasks as held that had no live node for some time.
	 * @param grace the time
	 * @return the names of the tasks that are held from now on
	 */
	public Collection<String> holdUnserved(Duration grace) {
		return this.jdbc.sql(this.schema.sql(HOLD_UNSERVED))
			.param("grace", grace.toSeconds())
			.query(String.class)
			.list();
	}

	/**
	 * Return the tasks whose executions are held.
	 * @return their names
	 */
	public Collection<String> held() {
		return this.jdbc.sql(this.schema.sql(HELD)).query(String.class).list();
	}

}
