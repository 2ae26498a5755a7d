package io.pgconductor.execution;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;

import io.pgconductor.Conductor;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Orchestrator;
import io.pgconductor.RetryAfterException;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.OrchestratorBuilder;
import io.pgconductor.worker.WorkerOptions;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/**
 * What the tests of children share: a schema for each class, whose tables are emptied and
 * whose nodes are stopped after each test.
 */
@TestInstance(Lifecycle.PER_CLASS)
abstract class AbstractChildTests {

	static final Duration LONG = Duration.ofSeconds(60);

	private final List<Orchestrator> nodes = new ArrayList<>();

	TestConductor test;

	Conductor client;

	@BeforeAll
	void install() {
		this.test = new TestConductor(getClass());
		this.client = this.test.conductor();
	}

	@AfterAll
	void close() {
		this.test.close();
	}

	@AfterEach
	void clear() {
		this.nodes.forEach(Orchestrator::stop);
		this.nodes.clear();
		this.test.travel(Duration.ZERO);
		this.test
			.sql("truncate ${schema}.execution, ${schema}.finished_execution, ${schema}.step, ${schema}.child_wait, "
					+ "${schema}.node, ${schema}.task")
			.update();
	}

	Orchestrator start(TaskSpec... tasks) {
		return start((builder) -> {
		}, tasks);
	}

	Orchestrator start(Consumer<OrchestratorBuilder> customizer, TaskSpec... tasks) {
		return start(this.test.node((builder) -> {
			// What still runs at the end of a test waits for an interrupt
			builder.shutdownTimeout(Duration.ofMillis(100));
			customizer.accept(builder);
		}, tasks));
	}

	Orchestrator start(Orchestrator node) {
		this.nodes.add(node);
		node.start();
		return node;
	}

	/**
	 * Make tasks known without serving them.
	 * @param tasks the tasks
	 */
	void register(TaskSpec... tasks) {
		start(tasks).stop();
	}

	static Consumer<OrchestratorBuilder> concurrency(int handlers) {
		return (builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(handlers));
	}

	static TaskSpec on(String queue, TaskSpec task) {
		return with(queue, null, null, task);
	}

	static TaskSpec with(String queue, @Nullable Integer priority, @Nullable Integer maxAttempts, TaskSpec task) {
		return task.with(TaskOptions.none().queue(queue).priority(priority).maxAttempts(maxAttempts));
	}

	static RetryAfterException retryNow(String message) {
		return new RetryAfterException(Duration.ZERO, message, null);
	}

	/**
	 * Travel in time, and have due what is due then.
	 * @param ahead how far the clock is ahead from now on
	 */
	void travel(Duration ahead) {
		this.test.travel(ahead);
		this.test.sql("select pg_notify('${schema}:wake', 'promoter')").query((rs, row) -> true).single();
	}

	Execution completed(UUID execution) {
		return ended(execution, ExecutionState.COMPLETED);
	}

	Execution failed(UUID execution) {
		return ended(execution, ExecutionState.FAILED);
	}

	Execution cancelled(UUID execution) {
		return ended(execution, ExecutionState.CANCELLED);
	}

	private Execution ended(UUID execution, ExecutionState state) {
		return Awaitility.await(state + " of " + execution)
			.atMost(LONG)
			.pollInterval(Duration.ofMillis(10))
			.until(() -> find(execution), (found) -> {
				if (found.state().isFinished() && found.state() != state) {
					throw new AssertionError("It has ended otherwise: " + found);
				}
				return found.state() == state;
			});
	}

	/**
	 * Have a waiting execution run again although nothing has happened.
	 * @param execution the execution
	 */
	void runAgain(UUID execution) {
		this.test
			.sql("update ${schema}.execution set phase = 'due', run_at = ${schema}.now() "
					+ "where id = ? and claimed_by is null and waiting_for is not null")
			.param(execution)
			.update();
		this.test.sql("select pg_notify('${schema}:wake', 'queue:default')").query((rs, row) -> true).single();
	}

	Execution find(UUID execution) {
		return this.client.find(execution).orElseThrow();
	}

	/**
	 * Wait until an execution has invoked children.
	 * @param parent the execution
	 * @param count how many
	 * @return the children, in order
	 */
	List<UUID> children(UUID parent, int count) {
		return Awaitility.await("children of " + parent)
			.atMost(LONG)
			.pollInterval(Duration.ofMillis(10))
			.until(() -> find(parent).children(), (children) -> children.size() == count);
	}

	UUID child(UUID parent) {
		return children(parent, 1).get(0);
	}

	/**
	 * Wait until nothing is live.
	 */
	void awaitAllEnded() {
		Awaitility.await("end of all").atMost(LONG).until(() -> this.test.count("execution") == 0);
	}

}
