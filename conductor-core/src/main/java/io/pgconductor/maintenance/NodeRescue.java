package io.pgconductor.maintenance;

import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.function.BooleanSupplier;

import io.pgconductor.jdbc.ExecutionUpkeep;
import io.pgconductor.jdbc.NodeTable;
import io.pgconductor.jdbc.TaskTable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionOperations;

/**
 * Declares nodes dead that have missed their heartbeats, and takes back what they held. A
 * dead node stays as a tombstone for some time, and its executions are looked for again
 * and again, less and less often: a claim of its that was under way when it died may
 * commit later.
 */
public final class NodeRescue {

	private static final Logger logger = LoggerFactory.getLogger(NodeRescue.class);

	private static final int BATCH_SIZE = 1000;

	private static final Duration TOMBSTONE_AGE = Duration.ofMinutes(30);

	// Each takes the time of a lock's time-out
	private static final int MAX_REFUSALS = 10;

	private final TransactionOperations transactions;

	private final JdbcClient jdbc;

	private final NodeTable nodes;

	private final TaskTable tasks;

	private final ExecutionUpkeep executions;

	private final BooleanSupplier judge;

	private final Set<UUID> cancelled = new LinkedHashSet<>();

	// Once for each start: whatever a node has left that nobody remembers is found then
	private boolean first = true;

	/**
	 * Create the rescue of a node.
	 * @param transactions on the same connections as what follows
	 * @param jdbc to the database
	 * @param nodes the table of nodes
	 * @param tasks the table of tasks
	 * @param executions what the nodes hold
	 * @param judge whether this node can tell by now who is dead: it cannot while its own
	 * heartbeats don't arrive, since then those of the others may not either
	 */
	public NodeRescue(TransactionOperations transactions, JdbcClient jdbc, NodeTable nodes, TaskTable tasks,
			ExecutionUpkeep executions, BooleanSupplier judge) {
		this.transactions = transactions;
		this.jdbc = jdbc;
		this.nodes = nodes;
		this.tasks = tasks;
		this.executions = executions;
		this.judge = judge;
	}

	/**
	 * Look for dead nodes and what they left. Call this often: it costs next to nothing
	 * while all nodes live.
	 */
	public void run() {
		NodeTable.Look look = this.nodes.look();
		boolean buried = look.dying() && this.judge.getAsBoolean() && bury();
		if (buried || look.rescueDue() || this.first) {
			rescue();
			this.first = false;
		}
		endCancelled();
	}

	private boolean bury() {
		List<UUID> dead = this.transactions.execute((status) -> {
			this.nodes.lockMembership();
			if (!this.judge.getAsBoolean()) {
				// It has taken long to get here
				return List.<UUID>of();
			}
			List<UUID> buried = this.nodes.bury();
			this.tasks.updateServed();
			return buried;
		});
		if (dead == null || dead.isEmpty()) {
			return false;
		}
		logger.warn("Nodes {} have missed their heartbeats: their executions are taken over", dead);
		return true;
	}

	private void rescue() {
		int rescued = 0;
		ExecutionUpkeep.Rescue batch;
		do {
			batch = this.transactions.execute((status) -> rescueBatch());
			if (batch != null) {
				rescued += batch.rescued();
				this.cancelled.addAll(batch.cancelled());
			}
		}
		while (batch != null && batch.rescued() == BATCH_SIZE);
		if (rescued > 0) {
			logger.info("Rescued {} executions of dead nodes", rescued);
		}
	}

	private ExecutionUpkeep.@Nullable Rescue rescueBatch() {
		if (!this.nodes.tryLockRescue()) {
			return null;
		}
		// Who holds what has no index: one sequential read beats one through an index
		this.jdbc.sql("set local enable_seqscan = on").update();
		this.jdbc.sql("set local statement_timeout = 0").update();
		ExecutionUpkeep.Rescue rescue = this.executions.rescue(BATCH_SIZE);
		if (rescue.rescued() < BATCH_SIZE) {
			this.nodes.postponeRescue();
			this.nodes.forget(TOMBSTONE_AGE);
		}
		return rescue;
	}

	// There may be no node that serves their tasks, and would end them at a claim
	private void endCancelled() {
		int refusals = 0;
		for (UUID execution : List.copyOf(this.cancelled)) {
			if (refusals == MAX_REFUSALS) {
				return;
			}
			this.cancelled.remove(execution);
			try {
				this.executions.cancelRescued(execution);
			}
			catch (DataAccessException ex) {
				logger.debug("Execution {} was cancelled and rescued, and ends later", execution, ex);
				this.cancelled.add(execution);
				refusals++;
			}
		}
	}

}
