package io.pgconductor.maintenance;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

import io.pgconductor.Conductor;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Executions of tasks that no live node serves.
 */
class TaskHoldingIntegrationTests {

	private static final TaskSpec GONE = TaskSpec.of("gone", null, (event, context) -> null);

	private static final TaskSpec SERVED = TaskSpec.of("served", null, (event, context) -> null);

	private TestConductor test;

	private Conductor client;

	@BeforeEach
	void start() {
		this.test = new TestConductor(TaskHoldingIntegrationTests.class);
		this.client = this.test.conductor();
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	private boolean isUnserved(String task) {
		return this.test.count("task where unserved_since is not null and name = '" + task + "'") == 1;
	}

	private boolean isHeld(String task) {
		return this.test.count("task where held and name = '" + task + "'") == 1;
	}

	/**
	 * Let the last node of a task be gone for a while.
	 */
	private void forget(String task, Duration age) {
		this.test
			.sql("update ${schema}.task set unserved_since = unserved_since - :age * interval '1 second' "
					+ "where name = :task")
			.param("age", age.toSeconds())
			.param("task", task)
			.update();
	}

	@Test
	void leavesATaskThatANodeDoesNotKnowToOthers() {
		Orchestrator other = this.test.node(GONE);
		other.start();
		other.stop();
		UUID unknown = this.client.invoke("gone", null, InvokeOptions.defaults().priority(9));
		this.test.node(SERVED).start();

		this.test.await(this.client.invoke("served", null), ExecutionState.COMPLETED);

		assertThat(this.client.find(unknown).orElseThrow().state()).isEqualTo(ExecutionState.READY);
		assertThat(this.client.find(unknown).orElseThrow().attempt()).isZero();
		other.start();
		this.test.await(unknown, ExecutionState.COMPLETED);
	}

	@Test
	void notesSinceWhenATaskHasNoNode() {
		Orchestrator first = this.test.node(GONE, SERVED);
		Orchestrator second = this.test.node(SERVED);
		first.start();
		second.start();
		assertThat(isUnserved("gone")).isFalse();

		first.stop();
		assertThat(isUnserved("gone")).isTrue();
		assertThat(isUnserved("served")).isFalse();

		first.start();
		assertThat(isUnserved("gone")).isFalse();
	}

	@Test
	void holdsNothingWithinTheGraceOfARestart() {
		Orchestrator restarting = this.test.node(GONE);
		restarting.start();
		restarting.stop();
		forget("gone", Duration.ofMinutes(4));

		this.test.node(SERVED).start();
		this.test.await(this.client.invoke("served", null), ExecutionState.COMPLETED);

		UUID id = this.client.invoke("gone", null);
		assertThat(this.test.count("execution where phase = 'due' and id = '" + id + "'")).isOne();
	}

	@Test
	void holdsAllExecutionsOfATaskThatNobodyServesUntilSomebodyDoes() {
		Orchestrator former = this.test.node(GONE);
		former.start();
		former.stop();
		List<UUID> before = this.client.invokeAll("gone", IntStream.range(0, 5000).mapToObj(Invoke::of).toList());
		UUID delayed = this.client.invoke("gone", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		forget("gone", Duration.ofMinutes(10));

		this.test.node(SERVED).start();
		await().until(() -> this.test.count("execution where task = 'gone' and phase = 'held'") == 5000);
		assertThat(isHeld("gone")).isTrue();
		UUID after = this.client.invoke("gone", null);
		UUID afterBySql = this.test.sql("select ${schema}.invoke('gone')").query(UUID.class).single();
		UUID soon = this.client.invoke("gone", null, InvokeOptions.defaults().delay(Duration.ofMillis(50)));
		await().until(() -> this.test.count("execution where task = 'gone' and phase = 'held'") == 5003);
		assertThat(this.client.find(before.get(0)).orElseThrow().state()).isEqualTo(ExecutionState.READY);
		assertThat(this.client.cancel(before.get(0))).isTrue();
		assertThat(this.client.retry(before.get(0))).isTrue();
		assertThat(this.test.count("execution where task = 'gone' and phase = 'due'")).isZero();
		this.test.await(this.client.invoke("served", null), ExecutionState.COMPLETED);

		former.start();
		await().atMost(Duration.ofSeconds(20))
			.until(() -> this.test.count("finished_execution where task = 'gone' and state = 'completed'") == 5003);
		assertThat(isHeld("gone")).isFalse();
		assertThat(List.of(before.get(0), after, afterBySql, soon))
			.allMatch((id) -> this.client.find(id).orElseThrow().state() == ExecutionState.COMPLETED);
		assertThat(this.client.find(delayed).orElseThrow().state()).isEqualTo(ExecutionState.SCHEDULED);
		this.test.await(this.client.invoke("gone", null), ExecutionState.COMPLETED);
	}

}
