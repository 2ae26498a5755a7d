package io.pgconductor.task;

import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

/**
 * The tasks of a node, by name. Filled before the node starts and unchanged from then on;
 * not thread-safe while it is being filled.
 */
public final class TaskRegistry {

	private final Map<String, TaskSpec> tasks = new LinkedHashMap<>();

	private final Map<String, TaskSpec> byNameOrAlias = new TreeMap<>();

	private final Map<String, TaskOptions> overrides;

	private final Map<String, String> overriddenTasks = new LinkedHashMap<>();

	public TaskRegistry() {
		this(Map.of());
	}

	/**
	 * Create a registry that changes the options of tasks as they are registered.
	 * @param overrides options by task name; case and dashes don't matter
	 */
	public TaskRegistry(Map<String, TaskOptions> overrides) {
		this.overrides = overrides;
	}

	/**
	 * Add a task, unless an override takes it off this node.
	 * @param declared the task as declared
	 * @throws DuplicateTaskException if its name or one of its aliases is taken
	 * @throws InvalidTaskException if an override doesn't fit it
	 */
	public void register(TaskSpec declared) {
		TaskSpec task = override(declared);
		if (task == null) {
			return;
		}
		verifyBatch(task);
		claimName(task.name(), task);
		task.aliases().forEach((alias) -> claimName(alias, task));
		this.tasks.put(task.name(), task);
	}

	private static void verifyBatch(TaskSpec task) {
		boolean takesBatches = task.handler() instanceof BatchHandler;
		String problem = null;
		if (task.batch() != null && !takesBatches) {
			problem = "it is to run in batches, but its handler takes one execution: have it take a List, and mark it "
					+ "with @Task(batch = @Batch(size = …))";
		}
		else if (takesBatches && task.batch() == null) {
			problem = "its handler takes batches, but nothing says how large they are: give it a batch size";
		}
		else if (takesBatches && task.transactional()) {
			problem = "a batch cannot be transactional, since its executions end each by itself: remove one of the two";
		}
		if (problem != null) {
			throw new InvalidTaskException(task + ": " + problem, task.source(), null);
		}
	}

	private void claimName(String name, TaskSpec task) {
		TaskSpec other = this.byNameOrAlias.putIfAbsent(name, task);
		if (other != null) {
			throw new DuplicateTaskException(name, other.source(), task.source());
		}
	}

	private @Nullable TaskSpec override(TaskSpec declared) {
		for (Map.Entry<String, TaskOptions> entry : this.overrides.entrySet()) {
			if (canonical(entry.getKey()).equals(canonical(declared.name()))) {
				String other = this.overriddenTasks.putIfAbsent(entry.getKey(), declared.name());
				if (other != null && !other.equals(declared.name())) {
					throw new InvalidTaskException("The options given for task '" + entry.getKey() + "' fit both '"
							+ other + "' and '" + declared.name() + "': rename one of them", declared.source(), null);
				}
				if (Boolean.FALSE.equals(entry.getValue().enabled())) {
					return null;
				}
				return override(declared, entry.getValue());
			}
		}
		return declared;
	}

	private static TaskSpec override(TaskSpec declared, TaskOptions options) {
		TaskSpec changed = declared.with(options);
		if (options.zone() != null && changed.window() == null) {
			throw new InvalidTaskException(
					"The options given for task '" + declared.name() + "' don't fit: the zone " + options.zone()
							+ " needs a window to apply to: give a window too, or leave the zone out",
					declared.source(), null);
		}
		// Exception types are code: options from outside cannot name them
		RetryPolicy retryPolicy = changed.retryPolicy().withNoRetryFor(declared.retryPolicy().noRetryFor());
		return changed.with(TaskOptions.none().retryPolicy(retryPolicy));
	}

	/**
	 * Check that all overrides have met a task. Call this when all tasks are registered.
	 * @throws UnknownTaskOptionsException if one has not
	 */
	public void verifyOverrides() {
		for (String name : this.overrides.keySet()) {
			if (!this.overriddenTasks.containsKey(name)) {
				throw new UnknownTaskOptionsException(name, this.tasks.keySet());
			}
		}
	}

	private static String canonical(String name) {
		return name.replace("-", "").toLowerCase(Locale.ROOT);
	}

	/**
	 * Find a task by its name or one of its aliases.
	 * @param name the name
	 * @return the task, or {@code null}
	 */
	public @Nullable TaskSpec find(String name) {
		return this.byNameOrAlias.get(name);
	}

	/**
	 * Return all tasks in the order they were registered.
	 * @return the tasks, unmodifiable
	 */
	public Collection<TaskSpec> tasks() {
		return Collections.unmodifiableCollection(this.tasks.values());
	}

	/**
	 * Return all tasks by all their names, aliases included.
	 * @return name → task, unmodifiable
	 */
	public Map<String, TaskSpec> byNameOrAlias() {
		return Collections.unmodifiableMap(this.byNameOrAlias);
	}

	/**
	 * Return the queues that the tasks go to unless an invocation names another one.
	 * @return the names of the queues
	 */
	public Set<String> queues() {
		return this.tasks.values().stream().flatMap(TaskSpec::queues).collect(Collectors.toCollection(TreeSet::new));
	}

}
