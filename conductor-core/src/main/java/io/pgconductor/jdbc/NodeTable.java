package io.pgconductor.jdbc;

import java.sql.Types;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.UUID;

import io.pgconductor.SchemaName;
import io.pgconductor.task.Retention;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * The nodes: who lives, who died. Life is measured by the clock of the database server
 * itself, which nobody's travels in time change.
 */
public final class NodeTable {

	private static final String BOUND_WAITS = "set local lock_timeout = '100ms'";

	private static final String LOCK_MEMBERSHIP = "select pg_advisory_xact_lock(${schema}.wake_key('membership'))";

	private static final String TRY_LOCK_MEMBERSHIP = "select pg_try_advisory_xact_lock(${schema}.wake_key('membership'))";

	private static final String REGISTER = """
			insert into ${schema}.node (id, application, host, queues, tasks, definitions, keep_events, alive_until)
			values (:id, :application, :host, :queues::text[], :tasks::text[], :definitions,
			        :keepEvents::float8 * interval '1 second', pg_catalog.clock_timestamp() + :life * interval '1 second')
			""";

	private static final String HEARTBEAT = """
			update ${schema}.node set alive_until = pg_catalog.now() + :life * interval '1 second'
			where id = :id and dead_at is null
			""";

	private static final String REMOVE = "delete from ${schema}.node where id = :id";

	private static final String LOOK = """
			select coalesce(bool_or(dead_at is null and alive_until < pg_catalog.now()), false) as dying,
			       coalesce(bool_or(rescue_at <= pg_catalog.now()), false) as rescue_due
			from ${schema}.node
			""";

	private static final String BURY = """
			update ${schema}.node set dead_at = pg_catalog.now(), rescue_at = pg_catalog.now()
			where dead_at is null and alive_until < pg_catalog.now()
			returning id
			""";

	private static final String TRY_LOCK_RESCUE = "select pg_try_advisory_xact_lock(${schema}.wake_key('rescue'))";

	// Three times the age: after 5 s, 20 s, 80 s …
	private static final String POSTPONE_RESCUE = """
			update ${schema}.node
			set rescue_at = pg_catalog.now() + greatest(interval '5 seconds', 3 * (pg_catalog.now() - dead_at))
			where rescue_at <= pg_catalog.now()
			""";

	private static final String FORGET = """
			delete from ${schema}.node n
			where n.dead_at < pg_catalog.now() - :age * interval '1 second'
			  and not exists (select from ${schema}.execution e where e.claimed_by = n.id)
			""";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	public NodeTable(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * Keep others from changing the membership until the transaction ends, and see what
	 * those before have changed. Since all of them wait, it waits for no other lock long.
	 */
	public void lockMembership() {
		this.jdbc.sql("set local lock_timeout = '30s'").update();
		this.jdbc.sql(this.schema.sql(LOCK_MEMBERSHIP)).query((rs, row) -> 1).single();
		this.jdbc.sql(BOUND_WAITS).update();
	}

	/**
	 * The same, unless another is at it.
	 * @return {@code false} if another one is
	 */
	public boolean tryLockMembership() {
		this.jdbc.sql(BOUND_WAITS).update();
		return this.jdbc.sql(this.schema.sql(TRY_LOCK_MEMBERSHIP)).query(Boolean.class).single();
	}

	/**
	 * A node as others need to know it.
	 *
	 * @param application the application it belongs to
	 * @param host the machine it runs on
	 * @param queues the queues it serves
	 * @param tasks the names it serves, aliases included
	 * @param definitions the digest of the schedules and subscriptions it declares
	 * @param keepEvents how long it wants events to be kept
	 */
	public record Registration(@Nullable String application, String host, Collection<String> queues,
			Collection<String> tasks, @Nullable String definitions, Retention keepEvents) {
	}

	/**
	 * Register a node.
	 * @param id its id
	 * @param node what it is
	 * @param life how long it counts as alive without a heartbeat
	 */
	public void register(UUID id, Registration node, Duration life) {
		Duration keepEvents = node.keepEvents().duration();
		this.jdbc.sql(this.schema.sql(REGISTER))
			.param("id", id)
			.param("application", node.application())
			.param("host", node.host())
			.param("queues", SqlArrays.texts(node.queues()))
			.param("tasks", SqlArrays.texts(node.tasks()))
			.param("definitions", node.definitions())
			.param("keepEvents", (keepEvents != null) ? keepEvents.toMillis() / 1e3 : null, Types.DOUBLE)
			.param("life", life.toMillis() / 1e3)
			.update();
	}

	/**
	 * Tell that a node lives.
	 * @param id its id
	 * @param life how long it counts as alive without another heartbeat
	 * @return {@code false} if it was declared dead
	 */
	public boolean heartbeat(UUID id, Duration life) {
		return this.jdbc.sql(this.schema.sql(HEARTBEAT))
			.param("id", id)
			.param("life", life.toMillis() / 1e3)
			.update() > 0;
	}

	/**
	 * Remove a node that has given back all it had.
	 * @param id its id
	 */
	public void remove(UUID id) {
		this.jdbc.sql(this.schema.sql(REMOVE)).param("id", id).update();
	}

	/**
	 * What there is to do about nodes.
	 *
	 * @param dying whether one has missed its heartbeats and was not declared dead yet
	 * @param rescueDue whether it is time to look for what dead ones have left
	 */
	public record Look(boolean dying, boolean rescueDue) {
	}

	/**
	 * Look whether there is something to do.
	 * @return what there is
	 */
	public Look look() {
		return this.jdbc.sql(this.schema.sql(LOOK))
			.query((rs, row) -> new Look(rs.getBoolean("dying"), rs.getBoolean("rescue_due")))
			.single();
	}

	/**
	 * Declare nodes dead that have missed their heartbeats.
	 * @return their ids
	 */
	public List<UUID> bury() {
		return this.jdbc.sql(this.schema.sql(BURY)).query(UUID.class).list();
	}

	/**
	 * Keep others from rescuing until the transaction ends.
	 * @return {@code false} if another node is at it
	 */
	public boolean tryLockRescue() {
		return this.jdbc.sql(this.schema.sql(TRY_LOCK_RESCUE)).query(Boolean.class).single();
	}

	/**
	 * Note that all that dead nodes have left so far was rescued.
	 */
	public void postponeRescue() {
		this.jdbc.sql(this.schema.sql(POSTPONE_RESCUE)).update();
	}

	/**
	 * Forget nodes that died long ago and have left nothing.
	 * @param age how long ago
	 */
	public void forget(Duration age) {
		this.jdbc.sql(this.schema.sql(FORGET)).param("age", age.toSeconds()).update();
	}

}
