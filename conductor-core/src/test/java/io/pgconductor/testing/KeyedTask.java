package io.pgconductor.testing;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;

import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskSpec;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;

/**
 * A task whose executions have a key and a number, and note that they have run.
 */
public final class KeyedTask {

	private static final Duration LONG = Duration.ofSeconds(60);

	private final TestConductor test;

	private final String name;

	private final List<Integer> runs = new CopyOnWriteArrayList<>();

	public KeyedTask(TestConductor test, String name) {
		this.test = test;
		this.name = name;
	}

	public TaskSpec task() {
		return task((event, context) -> null);
	}

	/**
	 * A task that does something after it has noted that it runs.
	 * @param handler what it does
	 * @return the task
	 */
	public TaskSpec task(TaskHandler handler) {
		return TaskSpec.of(this.name, Integer.class, (event, context) -> {
			this.runs.add((Integer) event.payload());
			return handler.handle(event, context);
		});
	}

	public void change(int number, @Nullable String key) {
		change(number, key, Duration.ZERO, 0);
	}

	public void change(int number, @Nullable String key, Duration delay, int priority) {
		this.test.sql("""
				select ${schema}.row_changed(:task, to_json(:number), null, null, :priority, null,
				    :delay * interval '1 second', :key)
				""")
			.param("task", this.name)
			.param("number", number)
			.param("priority", priority)
			.param("delay", delay.toSeconds())
			.param("key", key)
			.query()
			.listOfRows();
	}

	/**
	 * Change something many times, in one transaction.
	 * @param from the first number
	 * @param to the last one
	 * @param key the key
	 */
	public void changes(int from, int to, String key) {
		this.test.sql("""
				select count(${schema}.row_changed(:task, to_json(i), null, null, null, null, null, :key))
				from generate_series(:from, :to) i
				""")
			.param("task", this.name)
			.param("from", from)
			.param("to", to)
			.param("key", key)
			.query(Long.class)
			.single();
	}

	/**
	 * Return the execution with a number.
	 * @param number the number
	 * @return its id
	 */
	public UUID id(int number) {
		return this.test.sql("select id from ${schema}.executions where task = ? and payload::text = ?")
			.param(this.name)
			.param(Integer.toString(number))
			.query(UUID.class)
			.single();
	}

	/**
	 * Return which executions have run, in order.
	 * @return their numbers
	 */
	public List<Integer> runs() {
		return this.runs;
	}

	/**
	 * Wait until an execution runs, or has run.
	 * @param number its number
	 */
	public void awaitRun(int number) {
		Awaitility.await(this.name + " " + number)
			.atMost(LONG)
			.pollInterval(Duration.ofMillis(5))
			.until(() -> this.runs.contains(number));
	}

	/**
	 * Wait until there are as many executions as there should be.
	 * @param count how many are live
	 */
	public void awaitLive(int count) {
		Awaitility.await(this.name)
			.atMost(LONG)
			.pollInterval(Duration.ofMillis(5))
			.until(() -> this.test.count("execution where task = '" + this.name + "'") == count);
	}

}
