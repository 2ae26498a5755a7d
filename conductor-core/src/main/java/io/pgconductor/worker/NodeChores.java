package io.pgconductor.worker;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

import io.pgconductor.SchemaName;
import io.pgconductor.execution.Attempt;
import io.pgconductor.jdbc.EngineDataSource;
import io.pgconductor.jdbc.EventTable;
import io.pgconductor.jdbc.ExecutionKeyTable;
import io.pgconductor.jdbc.ExecutionUpkeep;
import io.pgconductor.jdbc.FinishedExecutionTable;
import io.pgconductor.jdbc.GateTable;
import io.pgconductor.jdbc.NodeTable;
import io.pgconductor.jdbc.ScheduleTable;
import io.pgconductor.jdbc.TaskTable;
import io.pgconductor.maintenance.Gating;
import io.pgconductor.maintenance.NodeRescue;
import io.pgconductor.maintenance.Pruning;
import io.pgconductor.maintenance.TaskHolding;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * What a node does from time to time, beside running executions.
 */
final class NodeChores {

	private static final Duration LONG_RUN = Duration.ofSeconds(10);

	private static final Duration REHOMING_INTERVAL = Duration.ofSeconds(15);

	private static final Duration PRUNING_INTERVAL = Duration.ofSeconds(60);

	private static final Duration LOCKED_INTERVAL = Duration.ofSeconds(2);

	private static final Duration LANE_INTERVAL = Duration.ofSeconds(1);

	private static final int MAX_BROKEN_SHOWN = 10;

	private final Housekeeper housekeeper = new Housekeeper("conductor-housekeeping");

	// Nothing else may hold it up
	private final Housekeeper rescuer = new Housekeeper("conductor-rescue");

	private final TransactionTemplate transactions;

	private final JdbcClient jdbc;

	private final ExecutionUpkeep executions;

	private final TaskHolding holding;

	private final Gating gating;

	private final ScheduleTable schedules;

	private volatile Map<String, String> brokenSchedules = Map.of();

	/**
	 * Create the chores that every node has.
	 * @param dataSource of statements that may have to read whole tables
	 * @param schema the schema
	 * @param nodeTimeout within which a crashed node's executions run elsewhere
	 * @param beat how often to look for them
	 * @param node the node
	 * @param triggers what is declared here
	 * @param schedules whose broken ones are looked for
	 */
	NodeChores(EngineDataSource dataSource, SchemaName schema, Duration nodeTimeout, Duration beat, Node node,
			DeclaredTriggers triggers, ScheduleTable schedules) {
		this.jdbc = JdbcClient.create(dataSource);
		this.transactions = new TransactionTemplate(new DataSourceTransactionManager(dataSource));
		this.executions = new ExecutionUpkeep(this.jdbc, schema);
		TaskTable tasks = new TaskTable(this.jdbc, schema);
		this.holding = new TaskHolding(tasks, this.executions);
		this.gating = new Gating(this.executions);
		this.schedules = schedules;
		NodeRescue rescue = new NodeRescue(this.transactions, this.jdbc, new NodeTable(this.jdbc, schema), tasks,
				this.executions, node::canJudge);
		Pruning pruning = new Pruning(new FinishedExecutionTable(this.jdbc, schema), new EventTable(this.jdbc, schema),
				new ExecutionKeyTable(this.jdbc, schema), new GateTable(this.jdbc, schema));
		this.rescuer.add("rescuing", beat, rescue::run);
		this.housekeeper.addUrgent("releasing held executions", beat, this.holding::release);
		this.housekeeper.addUrgent("holding unserved and paused tasks", PRUNING_INTERVAL, this.holding::hold);
		this.housekeeper.addGradual("rehoming", REHOMING_INTERVAL, this.holding::rehome);
		this.housekeeper.addUrgent("following limits", PRUNING_INTERVAL, this.gating::follow);
		this.housekeeper.addGradual("collecting strays", PRUNING_INTERVAL, this.gating::collectStrays);
		this.housekeeper.addGradual("pruning", PRUNING_INTERVAL, pruning::run);
		this.housekeeper.add("looking for broken schedules", PRUNING_INTERVAL, this::lookForBrokenSchedules);
		this.housekeeper.add("following declarations", nodeTimeout, triggers::follow);
		this.housekeeper.add("declaring what was locked", LOCKED_INTERVAL, triggers::declareLocked);
	}

	/**
	 * Also set executions aside that are in the way of others, since they run long.
	 * @param node the node
	 * @param workers that run them
	 */
	void setAside(Node node, List<QueueWorker> workers) {
		this.housekeeper.add("setting long runners aside", LONG_RUN.dividedBy(2),
				() -> workers.forEach((worker) -> setLongRunnersAside(node, worker)));
	}

	private void setLongRunnersAside(Node node, QueueWorker worker) {
		List<Attempt> longRunners = worker.runningFor(LONG_RUN.toNanos());
		if (!longRunners.isEmpty()) {
			Collection<UUID> aside = this.executions.setAside(node.id(),
					longRunners.stream().map((attempt) -> attempt.execution().id()).toList());
			longRunners.stream()
				.filter((attempt) -> aside.contains(attempt.execution().id()))
				.forEach(Attempt::setAside);
		}
	}

	/**
	 * Also give back what waits on a lane for an attempt that takes long.
	 * @param workers that have it
	 */
	void releaseBehindLongRunners(List<QueueWorker> workers) {
		this.housekeeper.add("releasing what waits for long runners", LANE_INTERVAL,
				() -> workers.forEach(QueueWorker::releaseBehindLongRunners));
	}

	/**
	 * Also count what waits.
	 * @param queues on which queues
	 * @param metrics are told
	 */
	void count(Set<String> queues, ConductorMetrics metrics) {
		if (metrics != ConductorMetrics.NONE) {
			QueueDepths depths = new QueueDepths(this.executions, this.transactions, this.jdbc, metrics, queues);
			this.housekeeper.add("counting", QueueDepths.INTERVAL, depths::update);
		}
	}

	/**
	 * Also do what is urgent when somebody asks for it.
	 * @param connection on which that comes
	 */
	void listen(NodeConnection connection) {
		this.housekeeper.listen(connection);
	}

	void start() {
		this.housekeeper.start();
		this.rescuer.start();
	}

	List<LoopThread> threads() {
		return List.of(this.housekeeper.thread(), this.rescuer.thread());
	}

	boolean isFailing() {
		return this.rescuer.isFailing() || this.housekeeper.isFailing();
	}

	/**
	 * Release all executions that were held back, if their tasks are served by now.
	 */
	void releaseHeld() {
		while (this.holding.release()) {
			continue;
		}
	}

	/**
	 * Have all waiting executions follow the limits of their tasks.
	 */
	void regate() {
		while (this.gating.follow() || this.gating.collectStrays()) {
			continue;
		}
	}

	void lookForBrokenSchedules() {
		this.brokenSchedules = this.schedules.broken(MAX_BROKEN_SHOWN);
	}

	Map<String, String> brokenSchedules() {
		return this.brokenSchedules;
	}

}
