package io.pgconductor.worker;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.IntStream;

import io.pgconductor.Conductor;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.NodeProcess;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

/**
 * What happens to executions when the process dies that runs them.
 */
class NodeCrashIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(60);

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(NodeCrashIntegrationTests.class);
		this.test.sql("create table ${schema}.effect (n int primary key)").update();
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void finishesEverythingOnceWhenOneOfTwoNodesIsKilledUnderLoad() {
		int size = 12_000;
		try (NodeProcess survivor = process("survivor"); NodeProcess victim = process("victim")) {
			survivor.awaitRegistered(this.test, "survivor");
			UUID victimId = victim.awaitRegistered(this.test, "victim");
			List<UUID> ids = this.test.conductor()
				.invokeAll("work", IntStream.range(0, size).mapToObj(Invoke::of).toList());
			Awaitility.await()
				.atMost(LONG)
				.pollInterval(Duration.ofMillis(5))
				.until(() -> this.test.count("effect") > size / 20 && heldBy(victimId) > 0);

			victim.kill();
			victim.awaitExit();
			Awaitility.await().atMost(LONG).until(() -> sessionsOf("victim") == 0);

			Set<UUID> orphans = orphans(victimId);
			assertThat(orphans).isNotEmpty();
			Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == size);
			assertThat(this.test.count("execution")).isZero();
			assertThat(this.test.count("effect")).isEqualTo(size);
			assertThat(finishedInState("completed")).containsExactlyInAnyOrderElementsOf(ids);
			assertThat(finishedWithAttempts(2)).containsAll(orphans);
			assertThat(finishedWithAttempts(1).size() + finishedWithAttempts(2).size()).isEqualTo(size);
			assertThat(survivor.isAlive()).isTrue();
		}
	}

	@Test
	void failsAnExecutionThatKillsItsNodeAgainAndAgain() {
		Orchestrator observer = this.test.node((builder) -> builder.nodeTimeout(NodeProcess.NODE_TIMEOUT),
				TaskSpec.of("other", null, (event, context) -> null));
		observer.start();
		UUID poison = this.test.conductor().invoke("poison", null, InvokeOptions.defaults().maxAttempts(2));

		for (int attempt = 1; attempt <= 2; attempt++) {
			try (NodeProcess process = process("victim")) {
				assertThat(process.awaitExit()).as(process.output()).isOne();
			}
			assertThat(this.test.conductor().find(poison).orElseThrow().attempt()).isEqualTo(attempt);
		}

		try (NodeProcess process = process("healthy")) {
			process.awaitRegistered(this.test, "healthy");
			Execution failed = this.test.await(poison, ExecutionState.FAILED);
			assertThat(failed.attempt()).isEqualTo(2);
			assertThat(failed.error().type()).isEqualTo("io.pgconductor.ConductorException");
			assertThat(failed.error().message()).contains("attempt 2 of 2")
				.contains("died")
				.contains("no attempt is left");
			UUID work = this.test.conductor().invoke("work", 1);
			this.test.await(work, ExecutionState.COMPLETED);
			assertThat(process.isAlive()).isTrue();
		}
	}

	@Test
	void leavesItsPlaceUnderALimitToOthersWhenItIsKilled() {
		List<UUID> ids;
		TaskSpec alone = TaskSpec.of("alone", Integer.class, (event, context) -> event.payload())
			.with(TaskOptions.none().concurrency(1));
		Orchestrator survivor = this.test.node((builder) -> builder.nodeTimeout(NodeProcess.NODE_TIMEOUT), alone);
		try (NodeProcess victim = process("victim")) {
			victim.awaitRegistered(this.test, "victim");
			ids = this.test.conductor().invokeAll("alone", List.of(Invoke.of(1), Invoke.of(2), Invoke.of(3)));
			Awaitility.await().atMost(LONG).until(() -> this.test.count("effect") == 1);

			survivor.start();

			UUID free = this.test.conductor().invoke("work", 100);
			this.test.await(free, ExecutionState.COMPLETED);
			assertThat(finishedInState("completed")).as("one runs, at a node that lives").containsExactly(free);
			victim.kill();
			victim.awaitExit();
		}

		Awaitility.await().atMost(LONG).until(() -> finishedInState("completed").containsAll(ids));
		assertThat(this.test.conductor().find(ids.get(0)).orElseThrow().attempt()).isEqualTo(2);
		assertThat(this.test.sql("select count(*) from ${schema}.execution where phase = 'running'")
			.query(Long.class)
			.single()).isZero();
	}

	@Test
	void keepsDuplicatesOutWhileTheNodeIsKilledThatRunsTheFirst() {
		InvokeOptions once = InvokeOptions.defaults().dedupeKey("once");
		Conductor client = this.test.conductor();
		UUID execution;
		try (NodeProcess victim = process("victim")) {
			victim.awaitRegistered(this.test, "victim");
			execution = client.invoke("endless", null, once);
			this.test.await(execution, ExecutionState.RUNNING);
			victim.kill();
			victim.awaitExit();
		}
		assertThat(client.invoke("endless", null, once)).isEqualTo(execution);

		this.test
			.node((builder) -> builder.nodeTimeout(NodeProcess.NODE_TIMEOUT),
					TaskSpec.of("endless", null, (event, context) -> null))
			.start();

		Execution completed = this.test.await(execution, ExecutionState.COMPLETED);
		assertThat(completed.attempt()).isEqualTo(2);
		assertThat(client.invoke("endless", null, once)).isEqualTo(execution);
		assertThat(this.test.count("finished_execution")).isOne();
	}

	@ParameterizedTest
	@ValueSource(strings = { "TERM", "INT" })
	void givesBackWhatItRunsWhenItIsTerminated(String signal) {
		// Shells start what runs in their background so, and processes inherit it
		assumeFalse(signal.equals("INT") && NodeProcess.wouldIgnoreInterrupt());
		try (NodeProcess process = process("terminated")) {
			UUID node = process.awaitRegistered(this.test, "terminated");
			UUID running = this.test.conductor().invoke("endless", null);
			this.test.await(running, ExecutionState.RUNNING);

			process.send(signal);
			process.awaitExit();

			Execution released = this.test.conductor().find(running).orElseThrow();
			assertThat(released.state()).as(process.output()).isEqualTo(ExecutionState.READY);
			assertThat(released.attempt()).isZero();
			assertThat(this.test.sql("select count(*) from ${schema}.node where id = ?")
				.param(node)
				.query(Integer.class)
				.single()).isZero();
		}
	}

	private NodeProcess process(String application) {
		return NodeProcess.start(TestPostgres.shared().jdbcUrl(), this.test.schema(), application);
	}

	private int sessionsOf(String application) {
		return this.test.sql("select count(*) from pg_stat_activity where application_name = ?")
			.param(application)
			.query(Integer.class)
			.single();
	}

	private int heldBy(UUID node) {
		return this.test.sql("select count(*) from ${schema}.execution where claimed_by = ?")
			.param(node)
			.query(Integer.class)
			.single();
	}

	private Set<UUID> orphans(UUID node) {
		return this.test.sql("select id from ${schema}.execution where claimed_by = ?")
			.param(node)
			.query(UUID.class)
			.set();
	}

	private Set<UUID> finishedInState(String state) {
		return this.test.sql("select id from ${schema}.finished_execution where state = ?")
			.param(state)
			.query(UUID.class)
			.set();
	}

	private Set<UUID> finishedWithAttempts(int attempts) {
		return this.test.sql("select id from ${schema}.finished_execution where attempt = ?")
			.param(attempts)
			.query(UUID.class)
			.set();
	}

}
