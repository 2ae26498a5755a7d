package io.pgconductor.benchmark;

import java.util.Arrays;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.Orchestrator;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskRegistry;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.worker.OrchestratorBuilder;
import org.springframework.jdbc.support.SqlArrayValue;

/**
 * A node that serves the tasks of both modes, always: else their executions would be held
 * back.
 */
final class EngineNode implements AutoCloseable {

	// Outcomes are recorded in the order in which the handlers return, give or take
	// threads that were suspended in between
	private static final int LAST = 64;

	private final Orchestrator orchestrator;

	/**
	 * Create a node with the default options.
	 * @param database the database
	 * @param handler of the tasks of both modes
	 * @param others more tasks
	 */
	EngineNode(BenchmarkDatabase database, TaskHandler handler, TaskSpec... others) {
		TaskRegistry registry = new TaskRegistry();
		for (Mode mode : Mode.values()) {
			registry.register(task(mode.task(), mode.retention(), handler));
		}
		for (TaskSpec other : others) {
			registry.register(other);
		}
		this.orchestrator = new OrchestratorBuilder(database.conductor(), registry).build();
	}

	/**
	 * Return a task whose executions are deleted when they complete.
	 * @param name the task's name
	 * @param handler the task's handler
	 * @return the task
	 */
	static TaskSpec task(String name, TaskHandler handler) {
		return task(name, Retention.AT_ONCE, handler);
	}

	private static TaskSpec task(String name, Retention retention, TaskHandler handler) {
		return TaskSpec.of(name, Order.class, handler).with(TaskOptions.none().removeOnComplete(retention));
	}

	void start() {
		this.orchestrator.start();
	}

	@Override
	public void close() {
		this.orchestrator.stop();
	}

	/**
	 * Start a node, let it run what is ready, and stop it.
	 * @param database the database
	 * @param count how many executions are ready
	 * @return executions per second, from the start to the last one's completion
	 */
	static double rate(BenchmarkDatabase database, int count) {
		return rate(database, count, (event, context) -> null);
	}

	/**
	 * Start a node, let it run what is ready, and stop it.
	 * @param database the database
	 * @param count how many executions are ready
	 * @param handler what each of them does
	 * @return executions per second, from the start to the last one's completion
	 */
	static double rate(BenchmarkDatabase database, int count, TaskHandler handler) {
		UUID[] handled = new UUID[count];
		AtomicInteger next = new AtomicInteger();
		CountDownLatch done = new CountDownLatch(1);
		try (EngineNode node = new EngineNode(database, (event, context) -> {
			Object result = handler.handle(event, context);
			int index = next.getAndIncrement();
			handled[index] = context.executionId();
			if (index == count - 1) {
				done.countDown();
			}
			return result;
		})) {
			node.start();
			long begin = System.nanoTime();
			Waiting.forLatch(done);
			Object[] last = Arrays.copyOfRange(handled, Math.max(0, count - LAST), count);
			Waiting.until(() -> isRecorded(database, last));
			return count / ((System.nanoTime() - begin) / 1e9);
		}
	}

	private static boolean isRecorded(BenchmarkDatabase database, Object[] ids) {
		return !database.sql("select exists (select from ${schema}.execution where id = any (?))")
			.param(new SqlArrayValue("uuid", ids))
			.query(Boolean.class)
			.single();
	}

}
