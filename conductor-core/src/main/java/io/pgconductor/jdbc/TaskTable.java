package io.pgconductor.jdbc;

import java.time.Duration;
import java.util.Collection;
import java.util.List;

import io.pgconductor.SchemaName;
import io.pgconductor.task.Retention;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * What the database knows of tasks, for those who enqueue without knowing them.
 */
public final class TaskTable {

	private static final String REGISTER = """
			insert into ${schema}.task as t (name, queue, priority, max_attempts, keep_completed, keep_failed)
			select d.name, d.queue, d.priority, d.max_attempts, d.keep_completed * interval '1 second',
			       d.keep_failed * interval '1 second'
			from unnest(:names::text[], :queues::text[], :priorities::int[], :maxAttempts::int[], :keepCompleted::float8[],
			        :keepFailed::float8[]) as d (name, queue, priority, max_attempts, keep_completed, keep_failed)
			order by d.name
			on conflict (name) do update
			set former_queues = case when t.queue = excluded.queue then t.former_queues
			        else array_append(array_remove(array_remove(t.former_queues, t.queue), excluded.queue), t.queue) end,
			    queue = excluded.queue, priority = excluded.priority, max_attempts = excluded.max_attempts,
			    keep_completed = excluded.keep_completed, keep_failed = excluded.keep_failed, held = false,
			    unserved_since = null
			where (t.queue, t.priority, t.max_attempts, t.keep_completed, t.keep_failed, t.held, t.unserved_since)
			    is distinct from (excluded.queue, excluded.priority, excluded.max_attempts, excluded.keep_completed,
			        excluded.keep_failed, false, null::timestamptz)
			""";

	private static final String UPDATE_SERVED = """
			with served as (
			    select distinct unnest(tasks) as name from ${schema}.node where dead_at is null
			)
			update ${schema}.task t
			set unserved_since = case when s.name is null then pg_catalog.now() end, held = t.held and s.name is null
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
	 */
	public record Definition(String name, String queue, int priority, int maxAttempts, Retention completed,
			Retention failed) {
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
			.update();
	}

	private static @Nullable Double seconds(Retention retention) {
		Duration duration = retention.duration();
		return (duration != null) ? duration.toMillis() / 1e3 : null;
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
