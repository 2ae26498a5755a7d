package io.pgconductor.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import io.pgconductor.SchemaName;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * How a node takes executions of limited tasks: as many as their gates let through.
 */
public final class GatedClaims {

	// Looked at in some milliseconds
	private static final int GATES = 75;

	private static final int FEWEST_GATES = 25;

	// Each row has what the claim came back with, and an execution, unless none was
	// claimed
	private static final String CLAIM = """
			select %s, c.last, c.ended, c.complete, c.busy, c.opening
			from ${schema}.claim_gated(:node, :queue, :tasks, :depths, :most, :hints, :after, :gates) c
			cross join lateral (select (c.claimed).*) e
			""".formatted(ExecutionClaims.GATED_COLUMNS);

	private final JdbcClient jdbc;

	private final String claim;

	public GatedClaims(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.claim = schema.sql(CLAIM);
	}

	/**
	 * What a claim came back with.
	 *
	 * @param executions what was claimed
	 * @param last the gate to go on after
	 * @param ended whether the last of all gates was looked at
	 * @param complete whether all gates were
	 * @param busy whether another node was just claiming executions of the same tasks
	 * @param opening the time until a gate opens that is closed by its rate or a pause;
	 * {@code null} if none is
	 */
	public record Claim(List<ClaimedExecution> executions, String last, boolean ended, boolean complete, boolean busy,
			@Nullable Duration opening) {
	}

	/**
	 * Claim what gates let through. If this fails, something may be claimed in the node's
	 * name without its knowledge.
	 * @param node the node that claims
	 * @param queue the queue
	 * @param depths names of the tasks that the node can run, and how many of their
	 * executions may wait for one another on one lane, the running one included
	 * @param limit how many to claim at most
	 * @param hints gates to look at first
	 * @param after the gate to go on after; empty: begin with the first
	 * @return what was claimed
	 */
	public Claim claim(UUID node, String queue, Map<String, Integer> depths, int limit, Collection<String> hints,
			String after) {
		List<Map.Entry<String, Integer>> tasks = List.copyOf(depths.entrySet());
		return this.jdbc.sql(this.claim)
			.param("node", node)
			.param("queue", queue)
			.param("tasks", SqlArrays.texts(tasks, Map.Entry::getKey))
			.param("depths", SqlArrays.ints(tasks, Map.Entry::getValue))
			.param("most", limit)
			.param("hints", SqlArrays.texts(hints))
			.param("after", after)
			.param("gates", Math.max(GATES - hints.size(), FEWEST_GATES))
			.query((ResultSet rs) -> claim(rs, node, queue));
	}

	private static Claim claim(ResultSet rs, UUID node, String queue) throws SQLException {
		rs.next();
		String last = rs.getString("last");
		boolean ended = rs.getBoolean("ended");
		boolean complete = rs.getBoolean("complete");
		boolean busy = rs.getBoolean("busy");
		Duration opening = opening(rs.getObject("opening", Double.class));
		boolean none = rs.getObject("id") == null;
		return new Claim(none ? List.of() : ExecutionClaims.claimed(rs, node, queue, true), last, ended, complete, busy,
				opening);
	}

	private static @Nullable Duration opening(@Nullable Double seconds) {
		return (seconds != null) ? Duration.ofMillis((long) Math.ceil(Math.max(0, seconds) * 1000)) : null;
	}

}
