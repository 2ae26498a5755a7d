package io.pgconductor.jdbc;

import java.sql.Types;
import java.util.List;
import java.util.UUID;

import io.pgconductor.SchemaName;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * What executions remember: results of steps, ends of sleeps, results of children and
 * what became of waiting for them. Writes are fenced.
 */
public final class StepTable {

	private static final String LOAD = """
			select name, part, kind, result, null::uuid as wait_id, false as settled, false as overdue
			from ${schema}.step where execution_id = ?
			union all
			select step, 0, kind, error, id, pending = 0, coalesce(deadline <= ${schema}.now(), false)
			from ${schema}.child_wait where parent_id = ?
			union all
			select step, 0, 'event', null, id, false, deadline <= ${schema}.now()
			from ${schema}.event_wait where execution_id = ?
			""";

	private static final String FENCE = "from ${schema}.execution where id = ? and claimed_by = ? and claim_no = ?";

	// Locked against its deletion, which is to find the step; against nothing else
	private static final String RECORD = """
			with fence as (select id %s for key share)
			insert into ${schema}.step (execution_id, name, kind, result, finished_at)
			select id, ?, 'step', ?::json, ${schema}.now() from fence
			on conflict do nothing
			""".formatted(FENCE);

	private static final String LOCK_FENCE = "select id %s for share".formatted(FENCE);

	// The fence comes last in a transaction, and is locked: else a rescue could let the
	// step run elsewhere before this transaction ends. A key conflict rolls it back.
	private static final String RECORD_LOCKED = """
			with fence as (select id %s for share)
			insert into ${schema}.step (execution_id, name, kind, result, finished_at)
			select id, ?, 'step', ?::json, ${schema}.now() from fence
			""".formatted(FENCE);

	private static final String IS_RECORDED = """
			select exists (select from ${schema}.step s where s.execution_id = e.id and s.name = ?)
			from (select id %s) e
			""".formatted(FENCE);

	private static final String TIME_OUT = "select ${schema}.time_out_children(?, ?, ?, ?)";

	private static final String TIME_OUT_EVENT = """
			select true from (select ${schema}.time_out_event(?, ?, ?, ?)) done
			""";

	private final JdbcClient jdbc;

	private final String load;

	private final String record;

	private final String recordLocked;

	private final String lockFence;

	private final String isRecorded;

	private final String timeOut;

	private final String timeOutEvent;

	public StepTable(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.load = schema.sql(LOAD);
		this.record = schema.sql(RECORD);
		this.recordLocked = schema.sql(RECORD_LOCKED);
		this.lockFence = schema.sql(LOCK_FENCE);
		this.isRecorded = schema.sql(IS_RECORDED);
		this.timeOut = schema.sql(TIME_OUT);
		this.timeOutEvent = schema.sql(TIME_OUT_EVENT);
	}

	/**
	 * Something that is remembered.
	 *
	 * @param name the step's name
	 * @param part of several children: which one's result
	 * @param kind step, sleep, child, children or event
	 * @param json the result; of a wait: what it ended with, {@code null} while it lasts
	 * @param waitId the id of a wait, {@code null} for a result
	 * @param settled whether all children of a wait have ended
	 * @param overdue whether the time of a wait is over
	 */
	public record StoredStep(String name, int part, String kind, @Nullable String json, @Nullable UUID waitId,
			boolean settled, boolean overdue) {
	}

	/**
	 * Load all that an execution remembers.
	 * @param execution the execution's id
	 * @return results and waits, in no particular order
	 */
	public List<StoredStep> load(UUID execution) {
		return this.jdbc.sql(this.load)
			.param(1, execution)
			.param(2, execution)
			.param(3, execution)
			.query((rs, row) -> new StoredStep(rs.getString(1), rs.getInt(2), rs.getString(3), rs.getString(4),
					rs.getObject(5, UUID.class), rs.getBoolean(6), rs.getBoolean(7)))
			.list();
	}

	/**
	 * Record the result of a step.
	 * @param execution whose step it is
	 * @param name the step's name
	 * @param result the result as JSON
	 * @return {@code false} if the execution's claim is over: nothing was recorded
	 */
	public boolean record(ClaimedExecution execution, String name, @Nullable String result) {
		// Or it was recorded by a statement whose answer was lost
		return insert(this.record, execution, name, result) || isRecorded(execution, name);
	}

	private boolean insert(String sql, ClaimedExecution execution, String name, @Nullable String result) {
		return this.jdbc.sql(sql)
			.param(1, execution.id())
			.param(2, execution.node())
			.param(3, execution.claimNo())
			.param(4, name)
			.param(5, result, Types.VARCHAR)
			.update() > 0;
	}

	private boolean isRecorded(ClaimedExecution execution, String name) {
		return this.jdbc.sql(this.isRecorded)
			.param(1, name)
			.param(2, execution.id())
			.param(3, execution.node())
			.param(4, execution.claimNo())
			.query(Boolean.class)
			.optional()
			.orElse(false);
	}

	/**
	 * Record the result of a step as the last thing in a transaction, and keep others
	 * from claiming the execution until that ends.
	 * @param execution whose step it is
	 * @param name the step's name
	 * @param result the result as JSON
	 * @return {@code false} if the execution's claim is over: the transaction is to be
	 * rolled back
	 */
	public boolean recordInTransaction(ClaimedExecution execution, String name, @Nullable String result) {
		return insert(this.recordLocked, execution, name, result);
	}

	/**
	 * Record the result of a step in a transaction that goes on, and that ends with
	 * {@link #lockFence} or with the completion of the execution.
	 * @param execution whose step it is
	 * @param name the step's name
	 * @param result the result as JSON
	 * @return {@code false} if the execution's claim is over: the transaction is to be
	 * rolled back
	 */
	public boolean recordInOpenTransaction(ClaimedExecution execution, String name, @Nullable String result) {
		return insert(this.record, execution, name, result);
	}

	/**
	 * Keep others from claiming an execution until the transaction ends, which is now.
	 * @param execution the execution
	 * @return {@code false} if the execution's claim is over: the transaction is to be
	 * rolled back
	 */
	public boolean lockFence(ClaimedExecution execution) {
		return !this.jdbc.sql(this.lockFence)
			.param(1, execution.id())
			.param(2, execution.node())
			.param(3, execution.claimNo())
			.query(UUID.class)
			.list()
			.isEmpty();
	}

	/**
	 * Give up waiting for children whose time is over, and cancel them.
	 * @param execution the parent
	 * @param waitId the id of the wait
	 */
	public void timeOutChildren(ClaimedExecution execution, UUID waitId) {
		timeOut(this.timeOut, execution, waitId);
	}

	/**
	 * Give up waiting for an event whose time is over, unless it has come after all.
	 * Either is remembered.
	 * @param execution the execution that waits
	 * @param waitId the id of the wait
	 */
	public void timeOutEvent(ClaimedExecution execution, UUID waitId) {
		timeOut(this.timeOutEvent, execution, waitId);
	}

	private void timeOut(String sql, ClaimedExecution execution, UUID waitId) {
		this.jdbc.sql(sql)
			.param(1, execution.node())
			.param(2, execution.id())
			.param(3, execution.claimNo())
			.param(4, waitId)
			.query((rs, row) -> true)
			.single();
	}

}
