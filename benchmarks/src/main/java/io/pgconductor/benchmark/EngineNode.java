package io.pgconductor.benchmark;

import java.util.Arrays;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.Orchestrator;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskRegistry;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.worker.OrchestratorBuilder;
import io.pgconductor.worker.WorkerOptions;
import org.springframework.jdbc.support.SqlArrayValue;

/**
 * A node that serves the tasks of both modes.
 */
final class EngineNode implements AutoCloseable {

	// Outcomes are recorded in the order in which the handlers return, give or take
	// threads that were suspended in between
	private static final int LAST = 64;

	private final Orchestrator orchestrator;

	EngineNode(BenchmarkDatabase database, TaskHandler handler) {
		this(database, WorkerOptions.DEFAULT, handler);
	}

	private EngineNode(BenchmarkDatabase database, WorkerOptions options, TaskHandler handler) {
		TaskRegistry registry = new TaskRegistry();
		for (Mode mode : Mode.values()) {
			registry.register(TaskSpec.of(mode.task(), Order.class, handler)
				.with(new TaskOptions(null, null, null, null, null, null, mode.retention(), null)));
		}
		this.orchestrator = new OrchestratorBuilder(database.conductor(), registry).defaultWorker(options).build();
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
		return rate(database, WorkerOptions.DEFAULT, count);
	}

	/**
	 * Start a node, let it run what is ready, and stop it.
	 * @param database the database
	 * @param options of the worker
	 * @param count how many executions are ready
	 * @return executions per second, from the start to the last one's completion
	 */
	static double rate(BenchmarkDatabase database, WorkerOptions options, int count) {
		UUID[] handled = new UUID[count];
		AtomicInteger next = new AtomicInteger();
		CountDownLatch done = new CountDownLatch(1);
		try (EngineNode node = new EngineNode(database, options, (event, context) -> {
			int index = next.getAndIncrement();
			handled[index] = context.executionId();
			if (index == count - 1) {
				done.countDown();
			}
			return null;
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
