package io.pgconductor.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

import javax.sql.DataSource;

import io.pgconductor.ConductorClient;
import io.pgconductor.Execution;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.AutocommitDataSource;
import io.pgconductor.jdbc.ExecutionTable;
import io.pgconductor.jdbc.NewExecution;
import io.pgconductor.jdbc.TimeOrderedIds;
import io.pgconductor.task.JsonMapping;
import io.pgconductor.task.TaskName;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.PlatformTransactionManager;

/**
 * The client on the application's data source.
 */
public class DefaultConductorClient implements ConductorClient, AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(ConductorClient.class);

	private final ClientFailures failures;

	private final JsonMapping json;

	private final ClientTransactions transactions;

	private final ExecutionTable joined;

	private final ExecutionTable separate;

	private final ExecutionAwait await;

	private final ClientListener listener;

	private final TimeOrderedIds ids = new TimeOrderedIds();

	private final Set<String> unregisteredTasks = ConcurrentHashMap.newKeySet();

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
		this.joined = new ExecutionTable(JdbcClient.create(target), schema, json);
		AutocommitDataSource separateConnections = new AutocommitDataSource(target);
		this.separate = new ExecutionTable(JdbcClient.create(separateConnections), schema, json);
		this.await = new ExecutionAwait(separateConnections, this.transactions, schema, json);
	}

	// As transaction managers do: the proxy would hand out the connection of the thread's
	// transaction where a separate one is wanted
	private static DataSource target(DataSource dataSource) {
		DataSource target = (dataSource instanceof TransactionAwareDataSourceProxy proxy) ? proxy.getTargetDataSource()
				: null;
		return (target != null) ? target : dataSource;
	}

	@Override
	public UUID invoke(String task, @Nullable Object payload, InvokeOptions options) {
		return invokeAll(task, List.of(Invoke.of(payload, options))).get(0);
	}

	@Override
	public List<UUID> invokeAll(String task, Collection<Invoke> items) {
		TaskName.validate(task);
		List<UUID> created = new ArrayList<>(items.size());
		List<NewExecution> executions = new ArrayList<>(items.size());
		for (Invoke item : items) {
			UUID id = this.ids.next();
			created.add(id);
			executions.add(new NewExecution(id, this.json.write(item.payload(), "payload for task '" + task + "'"),
					headers(item.options(), task), item.options()));
		}
		if (!executions.isEmpty()) {
			ExecutionTable.Enqueued enqueued = write("invoke of task '" + task + "'",
					(table) -> table.enqueue(task, executions), ExecutionTable.Enqueued::targets);
			if (!enqueued.registered()) {
				this.listener.unregisteredTaskInvoked(task);
				if (this.unregisteredTasks.add(task)) {
					logger.warn("Task '{}' was invoked, but no worker has ever registered it: "
							+ "its executions are held until one does", task);
				}
			}
		}
		return created;
	}

	private @Nullable String headers(InvokeOptions options, String task) {
		return options.headers().isEmpty() ? null
				: this.json.write(options.headers(), "map of headers for task '" + task + "'");
	}

	@Override
	public Optional<Execution> find(UUID execution) {
		return on(this.transactions.isReadJoined(), "find", (table) -> table.find(execution));
	}

	@Override
	public boolean retry(UUID execution) {
		return write("retry", (table) -> table.retry(execution), (targets) -> targets.orElse(Set.of())).isPresent();
	}

	@Override
	public boolean cancel(UUID execution, @Nullable String reason) {
		return write("cancel", (table) -> table.cancel(execution, reason), (cancelled) -> Set.of());
	}

	@Override
	public <R> @Nullable R await(UUID execution, Class<R> type, Duration timeout) {
		return this.await.await(execution, type, timeout);
	}

	@Override
	public <R> @Nullable R await(UUID execution, ParameterizedTypeReference<R> type, Duration timeout) {
		return this.await.await(execution, type.getType(), timeout);
	}

	/**
	 * Give back what waiting calls use, and end those calls. Other calls go on working.
	 */
	@Override
	public void close() {
		this.await.close();
	}

	private <T> T write(String call, Function<ExecutionTable, T> operation, Function<T, Set<String>> targets) {
		boolean join = this.transactions.isWriteJoined(call);
		T result = on(join, call, operation);
		this.transactions.written(join, targets.apply(result));
		return result;
	}

	private <T> T on(boolean join, String call, Function<ExecutionTable, T> operation) {
		try {
			return operation.apply(join ? this.joined : this.separate);
		}
		catch (DataAccessException ex) {
			throw this.failures.explain(call, ex);
		}
	}

}
