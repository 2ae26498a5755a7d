package io.pgconductor.task;

import java.util.Set;

import io.pgconductor.ConductorException;

/**
 * Options are given for a task that this node doesn't have.
 */
public class UnknownTaskOptionsException extends ConductorException {

	private final String task;

	private final Set<String> knownTasks;

	UnknownTaskOptionsException(String task, Set<String> knownTasks) {
		super("Options are given for task '" + task + "', but there is no such task; there are " + knownTasks);
		this.task = task;
		this.knownTasks = Set.copyOf(knownTasks);
	}

	public String task() {
		return this.task;
	}

	public Set<String> knownTasks() {
		return this.knownTasks;
	}

}
