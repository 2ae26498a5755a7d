package io.pgconductor.worker;

import java.util.HashSet;
import java.util.Map;
import java.util.Set;

import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.task.PayloadPath;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Warns, once for each task, of executions whose payload lacks the key of a limit. Used
 * by the claiming thread.
 */
final class MissingKeys {

	private static final Logger logger = LoggerFactory.getLogger(MissingKeys.class);

	private static final String SEPARATOR = "\u0001";

	private final Map<String, TaskSpec> tasks;

	private final Set<String> warned = new HashSet<>();

	/**
	 * Create it.
	 * @param tasks the tasks of the node by name
	 */
	MissingKeys(Map<String, TaskSpec> tasks) {
		this.tasks = tasks;
	}

	/**
	 * Look at the gate of an execution, whose name tells the keys that were found.
	 * @param execution the execution
	 */
	void look(ClaimedExecution execution) {
		TaskSpec task = this.tasks.get(execution.task());
		String gate = execution.gate();
		if (task == null || gate == null || this.warned.contains(task.name())) {
			return;
		}
		String[] parts = gate.split(SEPARATOR, -1);
		if (parts.length == 3) {
			look(execution, task, "concurrencyKey", task.concurrencyKey(), parts[1]);
			look(execution, task, "rateLimitKey", task.rateLimitKey(), parts[2]);
		}
	}

	private void look(ClaimedExecution execution, TaskSpec task, String name, @Nullable PayloadPath path, String key) {
		if (path != null && key.endsWith("=") && key.indexOf('=') == key.length() - 1 && this.warned.add(task.name())) {
			logger.warn("{}: there is no '{}', its {}, in the payload of execution {}. Such executions share one limit "
					+ "among themselves", task, path, name, execution.id());
		}
	}

}
