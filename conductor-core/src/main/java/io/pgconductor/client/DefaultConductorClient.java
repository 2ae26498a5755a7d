package io.pgconductor.client;

import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.regex.Pattern;

import javax.sql.DataSource;

import io.pgconductor.ConductorClient;
import io.pgconductor.EmitOptions;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionFilter;
import io.pgconductor.ExecutionState;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.QueueName;
import io.pgconductor.RowReplay;
import io.pgconductor.ScheduleInfo;
import io.pgconductor.ScheduleOptions;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.AutocommitDataSource;
import io.pgconductor.jdbc.EventTable;
import io.pgconductor.jdbc.ExecutionTable;
import io.pgconductor.jdbc.NewExecution;
import io.pgconductor.jdbc.QueueTable;
import io.pgconductor.jdbc.RowReplays;
import io.pgconductor.jdbc.ScheduleTable;
import io.pgconductor.jdbc.TaskTable;
import io.pgconductor.jdbc.TimeOrderedIds;
import io.pgconductor.task.CronTimes;
import io.pgconductor.task.EventName;
import io.pgconductor.task.JsonMapping;
import io.pgconductor.task.ScheduleName;
import io.pgconductor.task.TaskName;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.PessimisticLockingFailureException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.PlatformTransactionManager;

/**
 * The client on the application's data source.
 */
public class DefaultConductorClient implements ConductorClient, AutoCloseable {

	// Not after an odd number of backslashes: that is a backslash, and then "u0000"
	private static final Pattern NUL = Pattern.compile("(?<!\\\\)(?:\\\\\\\\)*\\\\u0000");

	private static final Logger logger = LoggerFactory.getLogger(ConductorClient.class);

	private final ClientFailures failures;

	private final JsonMapping json;

	private final ClientTransactions transactions;

	private final Tables joined;

	private final Tables separate;

	private final ExecutionAwait await;

	private final ClientListener listener;

	private final TimeOrderedIds ids = new TimeOrderedIds();

	private final Set<String> unregisteredTasks = ConcurrentHashMap.newKeySet();

	/**
	 * What a call works on.
	 *
	 * @param executions the executions
	 * @param events the events
	 * @param schedules the schedules
	 * @param replays the replays of rows
	 * @param tasks the tasks
	 * @param queues the queues
	 */
	private record Tables(ExecutionTable executions, EventTable events, ScheduleTable schedules, RowReplays replays,
			TaskTable tasks, QueueTable queues) {

		static Tables of(JdbcClient jdbc, SchemaName schema, JsonMapping json) {
			return new Tables(new ExecutionTable(jdbc, schema, json), new EventTable(jdbc, schema),
					new ScheduleTable(jdbc, schema, json), new RowReplays(jdbc, schema), new TaskTable(jdbc, schema),
					new QueueTable(jdbc, schema));
		}

	}

	/**
	 * Create the client.
	 * @param dataSource the application's data source
	 * @param transactionManager its transaction manager, if known
	 * @param foreignTransaction what to do in a transaction of something else
	 * @param schema the schema
	 * @param json writes payloads
	 * @param listener is told what was enqueued
	 */
	public DefaultConductorClient(DataSource dataSource, @Nullable PlatformTransactionManager transactionManager,
			ForeignTransaction foreignTransaction, SchemaName schema, JsonMapping json, ClientListener listener) {
		this.failures = new ClientFailures(schema);
		this.json = json;
		this.listener = listener;
		DataSource target = target(dataSource);
		this.transactions = new ClientTransactions(target, transactionManager, foreignTransaction, listener::committed);
		this.joined = Tables.of(JdbcClient.create(target), schema, json);
		AutocommitDataSource separateConnections = new AutocommitDataSource(target);
		this.separate = Tables.of(JdbcClient.create(separateConnections), schema, json);
		this.await = new ExecutionAwait(separateConnections, this.transactions, schema, json);
	}

	// As transaction managers do: the proxy would hand out the connection of the thread's
	// transaction where a separate one is wanted
	private static DataSource target(DataSource dataSource) {
		DataSource target = (dataSource instanceof TransactionAwareDataSourceProxy proxy) ? proxy.getTargetDataSource()
				: null;
		return (target != null) ? target : dataSource;
	}

	// Where the payload was forgotten, the overload without options takes them for it
	private static void verifyIsPayload(@Nullable Object payload, String what) {
		if (payload instanceof InvokeOptions || payload instanceof EmitOptions || payload instanceof ScheduleOptions) {
			throw misplaced(payload, what);
		}
	}

	private static IllegalArgumentException misplaced(Object argument, String what) {
		Class<?> type = (argument instanceof ZoneId) ? ZoneId.class : argument.getClass();
		return new IllegalArgumentException(type.getSimpleName() + " was given as " + what
				+ ": pass it as the last argument, after the payload, which may be null");
	}

	@Override
	public UUID invoke(String task, @Nullable Object payload, InvokeOptions options) {
		return invokeAll(task, List.of(Invoke.of(payload, options))).get(0);
	}

	@Override
	public List<UUID> invokeAll(String task, Collection<Invoke> items) {
		TaskName.validate(task);
		List<NewExecution> executions = new ArrayList<>(items.size());
		for (Invoke item : items) {
			verifyIsPayload(item.payload(), "payload for task '" + task + "'");
			verifyHasKey(item.options(), task);
			executions.add(new NewExecution(this.ids.next(),
					this.json.write(item.payload(), "payload for task '" + task + "'"), headers(item.options(), task),
					item.options()));
		}
		if (executions.isEmpty()) {
			return List.of();
		}
		ExecutionTable.Enqueued enqueued = write("invoke of task '" + task + "'",
				(tables) -> tables.executions().enqueue(task, executions), ExecutionTable.Enqueued::targets);
		if (!enqueued.registered()) {
			this.listener.unregisteredTaskInvoked(task);
			if (this.unregisteredTasks.add(task)) {
				logger.warn("Task '{}' was invoked, but no worker has ever registered it: "
						+ "its executions are held until one does", task);
			}
		}
		return enqueued.executions();
	}

	private static void verifyHasKey(InvokeOptions options, String task) {
		if (options.onDuplicate() != null && options.dedupeKey() == null) {
			throw new IllegalArgumentException(
					"Task '" + task + "' was invoked with onDuplicate " + options.onDuplicate()
							+ ", but without a dedupeKey that it could be about: give one, or leave it out");
		}
	}

	private @Nullable String headers(InvokeOptions options, String task) {
		return options.headers().isEmpty() ? null
				: this.json.write(options.headers(), "map of headers for task '" + task + "'");
	}

	@Override
	public Optional<Execution> find(UUID execution) {
		return on(this.transactions.isReadJoined(), "find", (tables) -> tables.executions().find(execution));
	}

	@Override
	public boolean retry(UUID execution) {
		return retry(List.of(execution)) > 0;
	}

	private int retry(List<UUID> executions) {
		return write("retry", (tables) -> tables.executions().retry(executions), ExecutionTable.Revived::targets)
			.executions();
	}

	@Override
	public boolean cancel(UUID execution, @Nullable String reason) {
		return cancel(List.of(execution), reason) > 0;
	}

	private int cancel(List<UUID> executions, @Nullable String reason) {
		return write("cancel", (tables) -> tables.executions().cancel(executions, reason));
	}

	@Override
	public List<Execution> query(ExecutionFilter filter) {
		int limit = (filter.limit() != null) ? filter.limit() : ExecutionFilter.DEFAULT_LIMIT;
		if (limit > ExecutionFilter.MAX_QUERY_LIMIT) {
			throw new IllegalArgumentException("The limit of the query is " + limit + ", but a page has at most "
					+ ExecutionFilter.MAX_QUERY_LIMIT + " executions: go on with before(the last one's id)");
		}
		return on(this.transactions.isReadJoined(), "query", (tables) -> {
			List<UUID> found = tables.executions().search(filter, EnumSet.allOf(ExecutionState.class), limit);
			return found.isEmpty() ? List.of() : tables.executions().find(found);
		});
	}

	@Override
	public long retryAll(ExecutionFilter filter) {
		return new BulkLoop("retryAll", (limit, before) -> search(filter, BulkLoop.RETRIED, limit, before), this::retry)
			.run(filter);
	}

	@Override
	public long cancelAll(ExecutionFilter filter, @Nullable String reason) {
		boolean joined = this.transactions.isWriteJoined("cancelAll");
		return new BulkLoop("cancelAll", (limit, before) -> search(filter, BulkLoop.CANCELLED, limit, before),
				(executions) -> cancelMany(executions, reason, joined))
			.run(filter);
	}

	private List<UUID> search(ExecutionFilter filter, Set<ExecutionState> states, int limit, @Nullable UUID before) {
		ExecutionFilter rest = (before != null) ? filter.before(before) : filter;
		return on(this.transactions.isReadJoined(), "query",
				(tables) -> tables.executions().search(rest, states, limit));
	}

	// Each takes locks in the order that workers do, but many in one transaction don't
	private int cancelMany(List<UUID> executions, @Nullable String reason, boolean joined) {
		try {
			return cancel(executions, reason);
		}
		catch (PessimisticLockingFailureException ex) {
			if (joined) {
				throw ex;
			}
			return executions.stream().mapToInt((execution) -> cancel(List.of(execution), reason)).sum();
		}
	}

	@Override
	public <R> @Nullable R await(UUID execution, Class<R> type, Duration timeout) {
		return this.await.await(execution, type, timeout);
	}

	@Override
	public <R> @Nullable R await(UUID execution, ParameterizedTypeReference<R> type, Duration timeout) {
		return this.await.await(execution, type.getType(), timeout);
	}

	@Override
	public UUID emit(String event, @Nullable Object payload, EmitOptions options) {
		EventName.validate(event);
		verifyIsPayload(payload, "payload of event '" + event + "'");
		String json = this.json.write(payload, "payload of event '" + event + "'");
		if (json != null && NUL.matcher(json).find()) {
			// Kept as jsonb, for filters and fields
			throw new InvalidPayloadException(
					"The payload of event '" + event + "' contains the NUL character, which PostgreSQL cannot store");
		}
		UUID id = this.ids.next();
		return write("emit of event '" + event + "'",
				(tables) -> tables.events().emit(id, event, json, options.dedupeKey()), EventTable.Emitted::targets)
			.id();
	}

	@Override
	public void schedule(String task, String name, String cron, @Nullable Object payload, ScheduleOptions options) {
		ScheduleTable.Key key = key(task, name);
		verifyIsPayload(payload, "payload of schedule " + key);
		if (payload instanceof ZoneId) {
			throw misplaced(payload, "payload of schedule " + key);
		}
		String expression = CronTimes.parse(cron, options.zone()).expression();
		String json = this.json.write(payload, "payload of schedule " + key);
		write("schedule " + key, (tables) -> {
			tables.schedules().put(key, expression, json, options);
			return true;
		}, (done) -> Set.of("promoter"));
	}

	private static ScheduleTable.Key key(String task, String name) {
		return new ScheduleTable.Key(TaskName.validate(task), ScheduleName.validate(name));
	}

	@Override
	public boolean unschedule(String task, String name) {
		ScheduleTable.Key key = key(task, name);
		return write("unschedule " + key, (tables) -> tables.schedules().remove(key));
	}

	@Override
	public boolean pauseQueue(String queue) {
		QueueName.validate(queue);
		return write("pause of queue '" + queue + "'", (tables) -> tables.queues().pause(queue));
	}

	@Override
	public boolean resumeQueue(String queue) {
		QueueName.validate(queue);
		return write("resumption of queue '" + queue + "'", (tables) -> tables.queues().resume(queue),
				(resumed) -> Set.of("queue:" + queue));
	}

	@Override
	public boolean pauseTask(String task) {
		TaskName.validate(task);
		return write("pause of task '" + task + "'", (tables) -> tables.tasks().pause(task));
	}

	@Override
	public boolean resumeTask(String task) {
		TaskName.validate(task);
		return write("resumption of task '" + task + "'", (tables) -> tables.tasks().resume(task));
	}

	@Override
	public boolean pauseSchedule(String task, String name) {
		ScheduleTable.Key key = key(task, name);
		return write("pause of schedule " + key, (tables) -> tables.schedules().pause(key));
	}

	@Override
	public boolean resumeSchedule(String task, String name) {
		ScheduleTable.Key key = key(task, name);
		return write("resumption of schedule " + key, (tables) -> tables.schedules().resume(key),
				(resumed) -> Set.of("promoter"));
	}

	@Override
	public List<ScheduleInfo> schedules() {
		return on(this.transactions.isReadJoined(), "list of schedules", (tables) -> tables.schedules().list());
	}

	@Override
	public long replay(String task, RowReplay rows) {
		TaskName.validate(task);
		String call = "replay of " + rows + " for task '" + task + "'";
		return new ReplayLoop(call, this.transactions.isWriteJoined(call), System::nanoTime).run(
				(step) -> write(call, (tables) -> step.apply(tables.replays()), RowReplays.Progress::targets), task,
				rows);
	}

	/**
	 * Give back what waiting calls use, and end those calls. Other calls go on working.
	 */
	@Override
	public void close() {
		this.await.close();
	}

	private <T> T write(String call, Function<Tables, T> operation) {
		return write(call, operation, (result) -> Set.of());
	}

	private <T> T write(String call, Function<Tables, T> operation, Function<T, Set<String>> targets) {
		boolean join = this.transactions.isWriteJoined(call);
		T result = on(join, call, operation);
		this.transactions.written(join, targets.apply(result));
		return result;
	}

	private <T> T on(boolean join, String call, Function<Tables, T> operation) {
		try {
			return operation.apply(join ? this.joined : this.separate);
		}
		catch (DataAccessException ex) {
			throw this.failures.explain(call, ex);
		}
	}

}
