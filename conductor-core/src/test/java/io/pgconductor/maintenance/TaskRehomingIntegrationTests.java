package io.pgconductor.maintenance;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

import io.pgconductor.Conductor;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.ExecutionUpkeep;
import io.pgconductor.jdbc.TaskTable;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Executions of a task that a deployment has moved to another queue.
 */
class TaskRehomingIntegrationTests {

	private TestConductor test;

	private Conductor client;

	@BeforeEach
	void start() {
		this.test = new TestConductor(TaskRehomingIntegrationTests.class);
		this.client = this.test.conductor();
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	private Orchestrator node(String queue) {
		return this.test
			.node(TaskSpec.of("task", null, (event, context) -> context.queue()).with(TaskOptions.none().queue(queue)));
	}

	private UUID invoke(InvokeOptions options) {
		return this.client.invoke("task", null, options);
	}

	private void rehome() {
		JdbcClient jdbc = JdbcClient.create(this.test.dataSource());
		SchemaName schema = new SchemaName(this.test.schema());
		TaskHolding holding = new TaskHolding(new TaskTable(jdbc, schema), new ExecutionUpkeep(jdbc, schema));
		while (holding.rehome()) {
			continue;
		}
	}

	@Test
	void leavesNothingBehindOnAQueueThatTheTaskHasLeft() {
		Orchestrator old = node("old");
		old.start();
		old.stop();
		List<UUID> ids = this.client.invokeAll("task", IntStream.range(0, 2500).mapToObj(Invoke::of).toList());
		UUID chosen = invoke(InvokeOptions.defaults().queue("chosen"));

		node("new").start();

		await().until(() -> this.test.count("finished_execution where queue = 'new'") == 2500);
		assertThat(this.client.find(ids.get(0)).orElseThrow().result().asString()).isEqualTo("new");
		Execution untouched = this.client.find(chosen).orElseThrow();
		assertThat(untouched.queue()).isEqualTo("chosen");
		assertThat(untouched.state()).isEqualTo(ExecutionState.READY);
	}

	@Test
	void bringsAlongWhatBecomesDueLater() {
		Orchestrator old = node("old");
		old.start();
		old.stop();
		UUID delayed = invoke(InvokeOptions.defaults().delay(Duration.ofSeconds(1)));
		UUID cancelled = invoke(InvokeOptions.defaults());
		this.client.cancel(cancelled);
		node("new").start();
		this.client.retry(cancelled);
		this.test.await(delayed, ExecutionState.READY);

		rehome();

		assertThat(this.test.await(delayed, ExecutionState.COMPLETED).queue()).isEqualTo("new");
		assertThat(this.test.await(cancelled, ExecutionState.COMPLETED).queue()).isEqualTo("new");
	}

	@Test
	void leavesAFormerQueueToTheNodesThatServeItStill() {
		Orchestrator old = node("old");
		old.start();
		node("new").start();

		UUID served = invoke(InvokeOptions.defaults().queue("old"));
		rehome();
		assertThat(this.test.await(served, ExecutionState.COMPLETED).queue()).isEqualTo("old");
		old.stop();
		UUID left = invoke(InvokeOptions.defaults().queue("old"));
		rehome();

		assertThat(this.test.await(left, ExecutionState.COMPLETED).queue()).isEqualTo("new");
	}

	@Test
	void comesBackToAQueueThatTheTaskHadLeft() {
		for (String queue : List.of("a", "b", "a", "c", "b")) {
			node(queue).drain();
		}

		assertThat(this.test.sql("select queue || ': ' || array_to_string(former_queues, ' ') from ${schema}.task")
			.query(String.class)
			.single()).isEqualTo("b: a c");
	}

}
