package io.pgconductor.testing;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

import io.pgconductor.ConductorClient;
import io.pgconductor.InvokeOptions;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;

/**
 * A task whose executions bring their handlers along, so that many tests can share a
 * node. Failed attempts follow one another at once.
 */
public final class GivenHandlers {

	/**
	 * Another attempt follows at once.
	 */
	public static final RetryPolicy AT_ONCE = new RetryPolicy(List.of(Duration.ZERO), 0, Set.of());

	private final Map<String, TaskHandler> handlers = new ConcurrentHashMap<>();

	private final String task;

	/**
	 * Create it.
	 * @param task the task's name
	 */
	public GivenHandlers(String task) {
		this.task = task;
	}

	/**
	 * Return the task.
	 * @return what a node is to serve
	 */
	public TaskSpec task() {
		return TaskSpec.of(this.task, String.class, (event, context) -> handler(event.payload()).handle(event, context))
			.with(TaskOptions.none().retryPolicy(AT_ONCE));
	}

	private TaskHandler handler(Object name) {
		TaskHandler handler = this.handlers.get((String) name);
		if (handler == null) {
			throw new IllegalStateException("No handler was given for " + name);
		}
		return handler;
	}

	/**
	 * Invoke the task.
	 * @param client where
	 * @param handler runs the attempts of this execution
	 * @return the execution's id
	 */
	public UUID invoke(ConductorClient client, TaskHandler handler) {
		return invoke(client, handler, InvokeOptions.defaults());
	}

	/**
	 * Invoke the task.
	 * @param client where
	 * @param handler runs the attempts of this execution
	 * @param options of this execution
	 * @return the execution's id
	 */
	public UUID invoke(ConductorClient client, TaskHandler handler, InvokeOptions options) {
		return client.invoke(this.task, payload(handler), options);
	}

	/**
	 * Return a payload for who invokes the task in some other way.
	 * @param handler runs the attempts of that execution
	 * @return the payload
	 */
	public String payload(TaskHandler handler) {
		String name = UUID.randomUUID().toString();
		this.handlers.put(name, handler);
		return name;
	}

}
