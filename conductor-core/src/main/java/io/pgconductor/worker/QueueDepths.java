package io.pgconductor.worker;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import io.pgconductor.ExecutionState;
import io.pgconductor.jdbc.ExecutionUpkeep;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionOperations;

/**
 * How many executions wait in each queue of this node, read from the database now and
 * then. Looks at so many executions at most: with more of them, the numbers are lower
 * bounds.
 */
final class QueueDepths {

	static final Duration INTERVAL = Duration.ofSeconds(30);

	private static final int MAX_EXECUTIONS = 100_000;

	private static final List<ExecutionState> STATES = List.of(ExecutionState.SCHEDULED, ExecutionState.READY,
			ExecutionState.RUNNING, ExecutionState.WAITING);

	private final ExecutionUpkeep executions;

	private final TransactionOperations transactions;

	private final JdbcClient jdbc;

	private final Map<Key, Long> depths = new ConcurrentHashMap<>();

	private record Key(String queue, ExecutionState state) {
	}

	QueueDepths(ExecutionUpkeep executions, TransactionOperations transactions, JdbcClient jdbc,
			ConductorMetrics metrics, Collection<String> queues) {
		this.executions = executions;
		this.transactions = transactions;
		this.jdbc = jdbc;
		for (String queue : queues) {
			for (ExecutionState state : STATES) {
				Key key = new Key(queue, state);
				this.depths.put(key, 0L);
				metrics.watchDepth(queue, state, () -> this.depths.getOrDefault(key, 0L));
			}
		}
	}

	void update() {
		List<ExecutionUpkeep.Depth> counted = this.transactions.execute((status) -> {
			this.jdbc.sql("set local enable_seqscan = on").update();
			return this.executions.depths(MAX_EXECUTIONS);
		});
		this.depths.replaceAll((key, old) -> 0L);
		if (counted != null) {
			counted.forEach((depth) -> this.depths.computeIfPresent(new Key(depth.queue(), depth.state()),
					(key, old) -> depth.depth()));
		}
	}

}
