package io.pgconductor.jdbc;

import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.UUID;

import io.pgconductor.SchemaName;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * How a node decides which of the executions with a key that it has claimed begin: of
 * those that have not begun, the newest of each key does.
 */
public final class ExecutionCoalescing {

	// In some 25 ms: others of the batch wait for it
	private static final int MAX_DROPPED = 10_000;

	private static final String DECIDE = """
			select begun, cancelled, taken, undecided, more from ${schema}.coalesce_claimed(:node, :ids, :claimNos, :most)
			""";

	private final JdbcClient jdbc;

	private final String decide;

	private final ExecutionClaims claims;

	public ExecutionCoalescing(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.decide = schema.sql(DECIDE);
		this.claims = new ExecutionClaims(jdbc, schema);
	}

	/**
	 * What was decided. Executions that are mentioned nowhere have vanished.
	 *
	 * @param begun those of the claimed ones that begin
	 * @param cancelled those of the claimed ones that must not run
	 * @param taken newer ones that were claimed in their place, and begin
	 * @param undecided those about which to ask again
	 * @param more whether to ask again at once: there is more to drop than can be dropped
	 * at once
	 */
	public record Decision(Set<UUID> begun, Set<UUID> cancelled, List<ClaimedExecution> taken, Set<UUID> undecided,
			boolean more) {
	}

	private record Decided(Set<UUID> begun, Set<UUID> cancelled, Set<UUID> taken, Set<UUID> undecided, boolean more) {
	}

	/**
	 * Decide about executions. Those that begin have no key any more, and run to their
	 * end, whatever comes. After an error it may be called again for the same ones; what
	 * was taken in their place is claimed in the node's name without its knowledge then.
	 * @param node the node that has claimed them
	 * @param queue the queue it has claimed them from
	 * @param claimed the executions
	 * @return what was decided
	 */
	public Decision decide(UUID node, String queue, Collection<ClaimedExecution> claimed) {
		Decided decided = this.jdbc.sql(this.decide)
			.param("node", node)
			.param("ids", SqlArrays.column("uuid", claimed, ClaimedExecution::id))
			.param("claimNos", SqlArrays.ints(claimed, ClaimedExecution::claimNo))
			.param("most", MAX_DROPPED)
			.query((rs, row) -> new Decided(SqlArrays.set(rs, "begun", UUID[].class),
					SqlArrays.set(rs, "cancelled", UUID[].class), SqlArrays.set(rs, "taken", UUID[].class),
					SqlArrays.set(rs, "undecided", UUID[].class), rs.getBoolean("more")))
			.single();
		List<ClaimedExecution> taken = decided.taken().isEmpty() ? List.of()
				: this.claims.read(node, queue, decided.taken());
		return new Decision(decided.begun(), decided.cancelled(), taken, decided.undecided(), decided.more());
	}

}
