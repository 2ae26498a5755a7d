package io.pgconductor.worker;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

import javax.sql.DataSource;

import io.pgconductor.SchemaName;
import io.pgconductor.event.EventMatching;
import io.pgconductor.execution.ApplicationTransactions;
import io.pgconductor.execution.Attempt;
import io.pgconductor.execution.AttemptRunner;
import io.pgconductor.execution.AttemptServices;
import io.pgconductor.execution.BatchRunner;
import io.pgconductor.jdbc.DefinitionSetTable;
import io.pgconductor.jdbc.EngineDataSource;
import io.pgconductor.jdbc.EventTable;
import io.pgconductor.jdbc.ExecutionClaims;
import io.pgconductor.jdbc.ExecutionCoalescing;
import io.pgconductor.jdbc.ExecutionOutcomes;
import io.pgconductor.jdbc.ExecutionTable;
import io.pgconductor.jdbc.ExecutionUpkeep;
import io.pgconductor.jdbc.GatedClaims;
import io.pgconductor.jdbc.NodeTable;
import io.pgconductor.jdbc.RowChangeTable;
import io.pgconductor.jdbc.RunningExecutionTable;
import io.pgconductor.jdbc.ScheduleTable;
import io.pgconductor.jdbc.StepTable;
import io.pgconductor.jdbc.SubscriptionTable;
import io.pgconductor.jdbc.TaskTable;
import io.pgconductor.jdbc.TimeOrderedIds;
import io.pgconductor.rowchange.RowChangeInstallation;
import io.pgconductor.rowchange.RowChangeServices;
import io.pgconductor.schedule.ScheduleFiring;
import io.pgconductor.task.JsonMapping;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskLimits;
import io.pgconductor.task.TaskRegistry;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.core.task.AsyncTaskExecutor;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * Everything that runs between the start and the stop of an orchestrator.
 */
final class RunningNode implements DefaultConductor.Waker {

	private static final Logger logger = LoggerFactory.getLogger(RunningNode.class);

	// Heartbeats and checks every sixth, and a life of two thirds: a crashed node's work
	// is taken over within the time-out, and four heartbeats may get lost
	private static final int BEATS_PER_TIMEOUT = 6;

	private static final int CHORE_PATIENCE_FACTOR = 10;

	// A loop that takes longer is waiting for a database that is out of reach
	private static final Duration LOOP_END = Duration.ofSeconds(5);

	private final NodeOptions options;

	private final Map<String, TaskSpec> tasks;

	private final Node node;

	private final NodeConnection connection;

	private final Promoter promoter;

	private final EventMatcher events;

	private final DeclaredTriggers triggers;

	private final AttemptWatch attempts;

	private final NodeChores chores;

	private final List<QueueWorker> workers = new ArrayList<>();

	private final List<AutoCloseable> executors = new ArrayList<>();

	private final ExecutionTable executions;

	private volatile boolean stopping;

	RunningNode(DefaultConductor conductor, TaskRegistry registry, NodeOptions options) {
		DefaultConductor.Environment environment = conductor.environment();
		SchemaName schema = environment.schema();
		ConductorMetrics metrics = environment.metrics();
		DataSource engineDataSource = environment.engineDataSource();
		this.options = options;
		this.tasks = registry.byNameOrAlias();
		boolean ownSessions = environment.ownPool() && options.notifications();
		Duration patience = environment.ownPool() ? options.nodeTimeout() : Duration.ZERO;
		EngineDataSource dataSource = new EngineDataSource(engineDataSource, ownSessions, patience);
		JdbcClient jdbc = JdbcClient.create(dataSource);
		TransactionTemplate transactions = new TransactionTemplate(new DataSourceTransactionManager(dataSource));
		NodeTable nodes = new NodeTable(jdbc, schema);
		TaskTable tasks = new TaskTable(jdbc, schema);
		SubscriptionTable subscriptions = new SubscriptionTable(jdbc, schema);
		ScheduleTable schedules = new ScheduleTable(jdbc, schema, environment.json());
		RowChangeInstallation rowChanges = new RowChangeInstallation(environment.application(),
				options.installRowChanges(), registry.tasks(), new RowChangeServices(schema, transactions,
						new RowChangeTable(dataSource, schema), environment.json()));
		this.triggers = new DeclaredTriggers(
				environment.application(), registry.tasks(), new DeclaredTriggers.Tables(transactions, nodes,
						new DefinitionSetTable(jdbc, schema), schedules, subscriptions, rowChanges),
				environment.json());
		this.executions = new ExecutionTable(jdbc, schema, environment.json());
		// Any queue may hold executions of any task: who invokes can choose
		Set<String> queues = new TreeSet<>(registry.queues());
		queues.addAll(options.queues());
		Duration beat = options.nodeTimeout().dividedBy(BEATS_PER_TIMEOUT);
		this.node = new Node(nodes, tasks, transactions, () -> registration(environment, options, queues),
				definitions(registry, options, environment.json()), this.triggers,
				options.nodeTimeout().multipliedBy(2).dividedBy(3), () -> this.workers.forEach(QueueWorker::lose));
		// Some have to read whole tables
		EngineDataSource choreDataSource = new EngineDataSource(engineDataSource, ownSessions,
				patience.multipliedBy(CHORE_PATIENCE_FACTOR));
		this.chores = new NodeChores(choreDataSource, schema, options.nodeTimeout(), beat, this.node, this.triggers,
				schedules);
		this.connection = new NodeConnection(dataSource, schema, options.notifications(), beat, this.node::heartbeat);
		this.events = new EventMatcher(new EventMatching(new EventTable(jdbc, schema)));
		this.promoter = new Promoter(new ExecutionUpkeep(jdbc, schema),
				new ScheduleFiring(transactions, schedules, new TimeOrderedIds()::next, options.misfireThreshold()),
				this.events, this.chores::lookForBrokenSchedules, this.connection, options.notifications());
		ScheduledThreadPoolExecutor timer = new ScheduledThreadPoolExecutor(1,
				(task) -> HandlerExecutors.daemon(task, "conductor-timeouts"));
		// Else it would keep what has ended long before its timeout
		timer.setRemoveOnCancelPolicy(true);
		this.executors.add(timer::shutdownNow);
		RunningExecutionTable running = new RunningExecutionTable(jdbc, schema);
		this.attempts = new AttemptWatch(running, this::heldAttempts, this::cancel, this.connection);
		AttemptServices services = services(conductor, new StepTable(jdbc, schema), running, subscriptions);
		AttemptRunner runner = new AttemptRunner(services, options.completedRetention(), options.failedRetention(),
				timer);
		BatchRunner batches = new BatchRunner(services, runner, timer);
		OutcomeRecorder recorder = new OutcomeRecorder(new ExecutionOutcomes(jdbc, schema), jdbc, transactions,
				ownSessions);
		Map<String, HandlerThreads.Factory> sharedThreads = sharedThreads();
		queues.forEach((queue) -> {
			WorkerOptions workerOptions = options.worker(queue);
			HandlerThreads.Factory threads = sharedThreads.getOrDefault(queue,
					(handler, onRoom) -> new OwnHandlerThreads(workerOptions.concurrency(),
							executor(queue, workerOptions), handler, onRoom));
			this.workers
				.add(new QueueWorker(queue, workerOptions, this.tasks, this.node, new ExecutionClaims(jdbc, schema),
						new GatedClaims(jdbc, schema), new ExecutionCoalescing(jdbc, schema), recorder, runner, batches,
						threads, this.connection, metrics));
		});
		this.chores.listen(this.connection);
		this.chores.setAside(this.node, this.workers);
		this.chores.releaseBehindLongRunners(this.workers);
		this.chores.count(queues, metrics);
	}

	private Map<String, HandlerThreads.Factory> sharedThreads() {
		Map<String, HandlerThreads.Factory> threads = new HashMap<>();
		this.options.sharedWorkers().forEach((name, worker) -> {
			SharedHandlerThreads shared = new SharedHandlerThreads(worker.options().concurrency(),
					executor(name, worker.options()), System::nanoTime);
			worker.weights().forEach((queue, weight) -> threads.put(queue, shared.member(weight)));
		});
		return threads;
	}

	private Executor executor(String worker, WorkerOptions workerOptions) {
		AsyncTaskExecutor executor = HandlerExecutors.create(worker, workerOptions.concurrency(),
				this.options.virtualThreads());
		if (executor instanceof DisposableBean pool) {
			this.executors.add(pool::destroy);
		}
		return executor;
	}

	private NodeTable.Registration registration(DefaultConductor.Environment environment, NodeOptions options,
			Set<String> queues) {
		return new NodeTable.Registration(environment.application(), hostName(), queues, this.tasks.keySet(),
				this.triggers.digest(), options.eventRetention());
	}

	private static String hostName() {
		try {
			return InetAddress.getLocalHost().getHostName();
		}
		catch (UnknownHostException ex) {
			return "unknown";
		}
	}

	private AttemptServices services(DefaultConductor conductor, StepTable steps, RunningExecutionTable running,
			SubscriptionTable filters) {
		DefaultConductor.Environment environment = conductor.environment();
		SchemaName schema = environment.schema();
		JdbcClient joined = JdbcClient.create(conductor.dataSource());
		return new AttemptServices(environment.json(), steps, running, filters, new StepTable(joined, schema),
				new ExecutionOutcomes(joined, schema), new ApplicationTransactions(conductor.transactionManager()),
				conductor, new TimeOrderedIds()::next, environment.maxFanInSize(), () -> this.stopping);
	}

	private List<Attempt> heldAttempts() {
		return this.workers.stream().flatMap((worker) -> worker.held().stream()).toList();
	}

	private void cancel(Attempt attempt) {
		this.workers.stream()
			.filter((worker) -> worker.queue().equals(attempt.execution().queue()))
			.forEach((worker) -> worker.cancel(attempt));
	}

	private static List<TaskTable.Definition> definitions(TaskRegistry registry, NodeOptions options,
			JsonMapping json) {
		List<TaskTable.Definition> definitions = new ArrayList<>();
		registry.byNameOrAlias().forEach((name, task) -> {
			Retention completed = task.removeOnComplete();
			Retention failed = task.removeOnFail();
			definitions.add(new TaskTable.Definition(name, task.queue(), task.priority(), task.maxAttempts(),
					(completed != null) ? completed : options.completedRetention(),
					(failed != null) ? failed : options.failedRetention(), task.name(), TaskLimits.of(task, json)));
		});
		return definitions;
	}

	/**
	 * Start everything.
	 * @param strict whether to refuse declarations that the database doesn't understand,
	 * rather than to leave them out
	 * @throws io.pgconductor.task.InvalidTaskException if one was refused; nothing is
	 * started then
	 */
	void start(boolean strict) {
		this.triggers.verify(strict);
		this.node.register();
		this.connection.start();
		this.events.start();
		this.promoter.start();
		this.attempts.start();
		this.chores.start();
		this.workers.forEach(QueueWorker::start);
		logger.info("Node {} has started: it serves queues {} with tasks {}", this.node.id(),
				this.workers.stream().map(QueueWorker::queue).toList(), this.tasks.keySet());
	}

	UUID id() {
		return this.node.id();
	}

	@Nullable Instant lastHeartbeat() {
		return this.node.lastHeartbeat();
	}

	Map<String, String> brokenSchedules() {
		return this.chores.brokenSchedules();
	}

	@Nullable String failure() {
		if (this.connection.isFailing()) {
			return "The node's connection to the database is broken, and being replaced";
		}
		if (this.promoter.thread().isFailing()) {
			return "Executions cannot be made due, and schedules not fired";
		}
		if (this.events.thread().isFailing()) {
			return "Events cannot be brought to executions that wait for them";
		}
		if (this.attempts.thread().isFailing()) {
			return "Running executions cannot be asked whether they were cancelled";
		}
		if (this.chores.isFailing()) {
			return "Housekeeping fails";
		}
		if (this.triggers.problem() != null) {
			return this.triggers.problem();
		}
		return this.workers.stream().map(QueueWorker::failure).filter(Objects::nonNull).findFirst().orElse(null);
	}

	@Override
	public void wakeLocally(Iterable<String> targets) {
		this.connection.wakeLocally(targets);
	}

	/**
	 * Return whether nothing is ready or running here, after promoting what is due, and
	 * matching events.
	 * @return whether everything is done
	 */
	boolean isDrained() {
		while (this.promoter.promote() | this.events.match()) {
			continue;
		}
		this.chores.releaseHeld();
		this.chores.regate();
		this.workers.stream()
			.filter((worker) -> !this.executions.anyReady(worker.queue(), this.tasks.keySet()))
			.forEach(QueueWorker::runGathered);
		long claims = claimCount();
		return isIdle()
				&& this.workers.stream()
					.noneMatch((worker) -> this.executions.anyReady(worker.queue(), this.tasks.keySet()))
				&& isIdle() && claims == claimCount();
	}

	private boolean isIdle() {
		return this.workers.stream().allMatch(QueueWorker::isIdle);
	}

	private long claimCount() {
		return this.workers.stream().mapToLong(QueueWorker::claimCount).sum();
	}

	void stop() {
		logger.info("Node {} stops: it claims nothing more, and gives {} running handlers {} to finish", id(),
				running(), this.options.shutdownTimeout());
		long deadline = System.nanoTime() + this.options.shutdownTimeout().toNanos();
		this.stopping = true;
		stopLoops();
		this.workers.forEach(QueueWorker::releaseUnstarted);
		this.workers.forEach(QueueWorker::runGathered);
		awaitHandlers(deadline);
		this.workers.forEach(QueueWorker::releaseUnstarted);
		if (running() > 0) {
			logger.info("Interrupting {} handlers that still run", running());
			this.workers.forEach(QueueWorker::interruptRunning);
			awaitHandlers(System.nanoTime() + this.options.interruptTimeout().toNanos());
		}
		long flushed = System.nanoTime() + this.options.interruptTimeout().toNanos();
		this.workers.forEach(QueueWorker::stopFlushing);
		this.attempts.thread().stop();
		List<UUID> unfinished = new ArrayList<>();
		this.workers.forEach((worker) -> unfinished.addAll(worker.awaitFlushed(flushed)));
		this.connection.stop();
		this.executors.forEach(RunningNode::close);
		if (unfinished.isEmpty() && this.workers.stream().noneMatch(QueueWorker::hasUnknownClaims)) {
			removeNode();
		}
		else if (unfinished.isEmpty()) {
			logger.warn("Node {} has stopped, but may have claimed executions without knowing it, since the database "
					+ "was out of reach. Other nodes take them over after the node timeout", id());
		}
		else {
			// Released now, they would run twice
			logger.warn(
					"Node {} leaves {} executions behind, whose handlers did not end or whose outcome could not "
							+ "be recorded: {}. Other nodes take them over after the node timeout",
					id(), unfinished.size(), unfinished);
		}
	}

	private void stopLoops() {
		List<LoopThread> loops = new ArrayList<>(List.of(this.promoter.thread(), this.events.thread()));
		loops.addAll(this.chores.threads());
		this.workers.forEach((worker) -> loops.add(worker.claimThread()));
		loops.forEach(LoopThread::stop);
		long deadline = System.nanoTime() + LOOP_END.toNanos();
		loops.forEach((loop) -> loop.join(TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime())));
	}

	private void awaitHandlers(long deadline) {
		Signal pause = new Signal();
		while (this.workers.stream().anyMatch(QueueWorker::isRunning) && System.nanoTime() - deadline < 0) {
			pause.await(TimeUnit.MILLISECONDS.toNanos(5));
		}
	}

	private int running() {
		return this.workers.stream().mapToInt(QueueWorker::running).sum();
	}

	private void removeNode() {
		try {
			this.node.remove();
			logger.info("Node {} has stopped", id());
		}
		catch (RuntimeException ex) {
			logger.warn("Node {} has stopped, but could not sign off: {}", id(), ex.toString());
		}
	}

	private static void close(AutoCloseable closeable) {
		try {
			closeable.close();
		}
		catch (Exception ex) {
			logger.debug("A pool of threads didn't close", ex);
		}
	}

}
