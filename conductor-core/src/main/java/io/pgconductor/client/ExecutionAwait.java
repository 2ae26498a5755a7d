package io.pgconductor.client;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;

import javax.sql.DataSource;

import io.pgconductor.AwaitTimeoutException;
import io.pgconductor.ConductorException;
import io.pgconductor.ExecutionError;
import io.pgconductor.ExecutionFailedException;
import io.pgconductor.ExecutionState;
import io.pgconductor.SchemaName;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskContextHolder;
import io.pgconductor.jdbc.AwaitedExecutions;
import io.pgconductor.task.JsonMapping;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.util.StringUtils;

/**
 * Waits for results. Thread-safe.
 */
final class ExecutionAwait implements AutoCloseable {

	private final ClientTransactions transactions;

	private final JsonMapping json;

	private final ClientFailures failures;

	private final AwaitedExecutions executions;

	private final FinishedListener listener;

	/**
	 * Create it.
	 * @param dataSource gives connections that are apart from any transaction
	 * @param transactions knows where waiting would be in vain
	 * @param schema the schema
	 * @param json reads results
	 */
	ExecutionAwait(DataSource dataSource, ClientTransactions transactions, SchemaName schema, JsonMapping json) {
		this.transactions = transactions;
		this.json = json;
		this.failures = new ClientFailures(schema);
		this.executions = new AwaitedExecutions(JdbcClient.create(dataSource), schema);
		this.listener = new FinishedListener(dataSource, schema);
	}

	@SuppressWarnings("unchecked")
	<R> @Nullable R await(UUID execution, Type type, Duration timeout) {
		if (timeout.isNegative()) {
			throw new IllegalArgumentException("The timeout must not be negative, was " + timeout);
		}
		String call = "await of execution " + execution;
		refuseInHandler(call);
		this.transactions.refuseWaiting(call);
		AwaitedExecutions.Finished finished = timeout.isZero() ? look(execution, call)
				: waitFor(execution, timeout, call);
		if (finished.state() != ExecutionState.COMPLETED) {
			throw failure(finished);
		}
		return (R) this.json.read(finished.result(), type, "result of execution " + execution);
	}

	private static void refuseInHandler(String call) {
		TaskContext context = TaskContextHolder.get();
		if (context != null) {
			throw new IllegalStateException("The " + call + " was called in the handler of task '" + context.task()
					+ "', whose thread it would block: use invoke of the TaskContext, which suspends the handler");
		}
	}

	private AwaitedExecutions.Finished look(UUID execution, String call) {
		try {
			AwaitedExecutions.Found found = this.executions.look(Map.of(execution, Duration.ZERO)).get(execution);
			if (found instanceof AwaitedExecutions.Finished finished) {
				return finished;
			}
			throw (found != null) ? new AwaitTimeoutException(execution, Duration.ZERO) : unknown(execution);
		}
		catch (DataAccessException ex) {
			throw this.failures.explain(call, ex);
		}
	}

	private AwaitedExecutions.Finished waitFor(UUID execution, Duration timeout, String call) {
		Waiter waiter = new Waiter(execution, timeout);
		Waiter.Answer answer;
		try {
			this.listener.add(waiter);
			answer = waiter.await();
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new ConductorException("The " + call + " was interrupted: the execution goes on", ex);
		}
		finally {
			this.listener.remove(waiter);
		}
		if (answer instanceof Waiter.Ended ended) {
			return ended.execution();
		}
		throw (answer != null) ? explain(answer, execution, call) : timeout(execution, timeout);
	}

	private AwaitTimeoutException timeout(UUID execution, Duration timeout) {
		AwaitTimeoutException exception = new AwaitTimeoutException(execution, timeout);
		Throwable failure = this.listener.failure();
		if (failure != null) {
			exception.initCause(failure);
		}
		return exception;
	}

	private RuntimeException explain(Waiter.Answer answer, UUID execution, String call) {
		if (answer instanceof Waiter.Unknown) {
			return unknown(execution);
		}
		if (answer instanceof Waiter.Vanished) {
			return new ConductorException("Execution " + execution + " was deleted before its result could be read");
		}
		if (answer instanceof Waiter.Refused refused) {
			if (refused.cause() instanceof DataAccessException ex
					&& this.failures.explain(call, ex) instanceof ConductorException explained) {
				return explained;
			}
			return new ConductorException("The " + call + " failed", refused.cause());
		}
		return new ConductorException(
				"The " + call + " was ended, since the client or its data source is closed: the execution goes on");
	}

	private static IllegalArgumentException unknown(UUID execution) {
		return new IllegalArgumentException("There is no execution " + execution
				+ ": it was never committed, or it is over and its task doesn't keep it (any longer)");
	}

	private ExecutionFailedException failure(AwaitedExecutions.Finished finished) {
		ExecutionError error = (ExecutionError) this.json.read(finished.error(), ExecutionError.class, "error");
		String why = null;
		if (finished.state() == ExecutionState.CANCELLED) {
			why = finished.cancelReason();
		}
		else if (error != null) {
			why = StringUtils.hasText(error.message()) ? error.message() : error.type();
		}
		return new ExecutionFailedException(finished.id(), finished.state(),
				"Execution " + finished.id() + " of task '" + finished.task() + "' "
						+ ((finished.state() == ExecutionState.CANCELLED) ? "was cancelled" : "failed")
						+ (StringUtils.hasText(why) ? ": " + why : ""),
				error);
	}

	@Override
	public void close() {
		this.listener.close();
	}

}
