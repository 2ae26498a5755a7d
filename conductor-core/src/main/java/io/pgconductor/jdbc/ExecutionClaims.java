package io.pgconductor.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

import io.pgconductor.SchemaName;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * How a node takes executions, and gives back those it doesn't know of.
 */
public final class ExecutionClaims {

	/**
	 * How many positions a claim can start from. Lower priorities than the last position
	 * are searched from their beginning.
	 */
	public static final int MAX_POSITIONS = 8;

	// "gate is null" and the phase imply the ready index's predicate. The rows are
	// locked, so their ctid cannot change. All written columns are unindexed: a HOT
	// update. A claim that is lost with the database server has never been: it need not
	// wait for the disk, and whatever is written about its executions comes after it in
	// the log. A node that was declared dead claims nothing, although it may not know
	// yet.
	private static final String CLAIM = """
			with paused as materialized (
			    select array (select name from ${schema}.task where paused) as tasks
			), candidate as materialized (
			    select ctid from (
			%s
			    ) ready
			    where not exists (select from ${schema}.node where id = :node and dead_at is not null)
			      and not exists (select from ${schema}.queue where name = :queue and paused)
			    limit :limit
			), relaxed as materialized (
			    select set_config('synchronous_commit', 'off', true)
			)
			update ${schema}.execution
			set claimed_by = :node, claimed_at = ${schema}.now(), claim_no = claim_no + 1,
			    attempt = attempt + case when waiting_for is null then 1 else 0 end
			where ctid = any (array (select ctid from candidate)) and (select true from relaxed)
			returning %s
			""";

	private static final String COLUMNS = """
			id, claim_no, task, attempt, max_attempts, priority, run_at, claimed_at, payload, headers,
			    waiting_for is not null, cancel_requested_at is not null, parent_id, wait_id, coalesce_key is not null,
			    dedupe_key is not null
			""";

	static final String GATED_COLUMNS = COLUMNS.strip() + ", gate, lane";

	private static final String READ = """
			select %s from ${schema}.execution where id = any (:ids) and claimed_by = :node
			""".formatted(GATED_COLUMNS);

	// A locking clause has to be one level below a UNION; LIMIT stops the ranges behind
	private static final String RANGE = """
			        select ctid from (
			            select ctid from ${schema}.execution
			            where queue = :queue and phase = 'due' and gate is null and claimed_by is null and task = any (:tasks)
			              and task <> all ((select tasks from paused)::text[])
			              %s
			            order by queue, priority desc, run_at, id
			            limit :limit for update skip locked) range
			""";

	// A claim whose answer was lost may have happened: what is in the node's name, but
	// unknown to it, goes back as if it had never been claimed.
	private static final String RELEASE_UNKNOWN = """
			with released as (
			    update ${schema}.execution
			    set claimed_by = null, phase = 'due',
			        attempt = attempt - case when waiting_for is null then 1 else 0 end
			    where ctid = any (array (
			        select ctid from ${schema}.execution
			        where queue = :queue and phase = 'due' and gate is null and claimed_by = :node and id <> all (:known)
			        for update skip locked))
			       or ctid = any (array (
			        select ctid from ${schema}.execution
			        where queue = :queue and phase = 'running' and claimed_by = :node and id <> all (:known)
			        for update skip locked))
			    returning queue
			)
			select (select count(*) from released),
			       (select count(${schema}.wake('queue:' || queue)) from (select distinct queue from released) q)
			""";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	private final ConcurrentMap<Integer, String> claimStatements = new ConcurrentHashMap<>();

	public ExecutionClaims(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * Claim what is ready, highest priority first, in order of due time within one.
	 * @param node the node that claims
	 * @param queue the queue
	 * @param tasks names of the tasks that the node can run
	 * @param limit how many to claim at most
	 * @param positions for some priorities, highest first: where to start within that
	 * priority; other priorities are searched from their beginning
	 * @return the claimed executions, in no particular order
	 */
	public List<ClaimedExecution> claim(UUID node, String queue, Collection<String> tasks, int limit,
			List<ClaimPosition> positions) {
		JdbcClient.StatementSpec statement = this.jdbc
			.sql(this.claimStatements.computeIfAbsent(positions.size(), this::claimStatement))
			.param("node", node)
			.param("queue", queue)
			.param("tasks", SqlArrays.texts(tasks))
			.param("limit", limit);
		for (int i = 0; i < positions.size(); i++) {
			ClaimPosition position = positions.get(i);
			statement.param("priority" + i, position.priority())
				.param("runAt" + i, position.runAt())
				.param("id" + i, position.id());
		}
		return statement.query((ResultSet rs) -> rs.next() ? claimed(rs, node, queue, false) : List.of());
	}

	private String claimStatement(int positions) {
		StringBuilder ranges = new StringBuilder();
		for (int i = 0; i < positions; i++) {
			ranges.append(range(((i == 0) ? "" : "and priority < :priority%d ".formatted(i - 1))
					+ "and priority > :priority%d".formatted(i)));
			ranges.append("        union all\n");
			ranges.append(range("and priority = :priority%1$d and (run_at, id) > (:runAt%1$d, :id%1$d)".formatted(i)));
			ranges.append("        union all\n");
		}
		ranges.append(range((positions == 0) ? "" : "and priority < :priority%d".formatted(positions - 1)));
		return this.schema.sql(CLAIM.formatted(ranges, COLUMNS));
	}

	private static String range(String condition) {
		return RANGE.formatted(condition);
	}

	// From the present row on
	static List<ClaimedExecution> claimed(ResultSet rs, UUID node, String queue, boolean mayBeGated)
			throws SQLException {
		List<ClaimedExecution> claimed = new ArrayList<>();
		// The same for all of them
		OffsetDateTime claimedAt = rs.getObject(8, OffsetDateTime.class);
		do {
			claimed.add(new ClaimedExecution(rs.getObject(1, UUID.class), node, rs.getInt(2), rs.getString(3), queue,
					rs.getInt(4), rs.getInt(5), rs.getInt(6), rs.getObject(7, OffsetDateTime.class), claimedAt,
					rs.getString(9), rs.getString(10), rs.getBoolean(11), rs.getBoolean(12),
					rs.getObject(13, UUID.class), rs.getObject(14, UUID.class), rs.getBoolean(15), rs.getBoolean(16),
					mayBeGated ? rs.getString(17) : null, mayBeGated ? rs.getObject(18, Integer.class) : null));
		}
		while (rs.next());
		return claimed;
	}

	/**
	 * Read what is claimed in a node's name.
	 * @param node the node
	 * @param queue the queue
	 * @param ids which executions
	 * @return those of them that the node has
	 */
	public List<ClaimedExecution> read(UUID node, String queue, Collection<UUID> ids) {
		return this.jdbc.sql(this.schema.sql(READ))
			.param("ids", SqlArrays.of("uuid", ids))
			.param("node", node)
			.query((ResultSet rs) -> rs.next() ? claimed(rs, node, queue, true) : List.of());
	}

	/**
	 * Give back executions that are claimed in a node's name without its knowledge.
	 * @param node the node
	 * @param queue the queue
	 * @param known the executions that the node holds
	 * @return how many were given back
	 */
	public int releaseUnknown(UUID node, String queue, Collection<UUID> known) {
		return this.jdbc.sql(this.schema.sql(RELEASE_UNKNOWN))
			.param("node", node)
			.param("queue", queue)
			.param("known", SqlArrays.of("uuid", known))
			.query((rs, row) -> rs.getInt(1))
			.single();
	}

}
