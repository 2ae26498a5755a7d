package io.pgconductor.execution;

import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.NodeProcess;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What a process leaves behind that dies when it is about to commit, or just has.
 */
class CommitCrashIntegrationTests {

	private final AtomicInteger stepRuns = new AtomicInteger();

	private final AtomicInteger taskRuns = new AtomicInteger();

	private TestConductor test;

	private UUID step;

	private UUID task;

	@BeforeEach
	void install() {
		this.test = new TestConductor(CommitCrashIntegrationTests.class);
		this.test.sql("create table ${schema}.effect (n int)").update();
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void leavesNothingBeforeTheCommitAndDoesItAgain() {
		crash(-1);

		assertThat(this.test.count("effect")).isZero();
		assertThat(this.test.count("step")).isZero();
		assertThat(find(this.step).state()).isEqualTo(ExecutionState.RUNNING);
		assertThat(find(this.task).state()).isEqualTo(ExecutionState.RUNNING);
		startHealthyNode();
		assertThat(this.test.await(this.step, ExecutionState.COMPLETED).attempt()).isEqualTo(2);
		assertThat(this.test.await(this.task, ExecutionState.COMPLETED).attempt()).isEqualTo(2);
		assertThat(this.test.count("effect")).isEqualTo(2);
		assertThat(this.stepRuns).hasValue(1);
		assertThat(this.taskRuns).hasValue(1);
	}

	@Test
	void leavesAllAfterTheCommitAndDoesNotDoItAgain() {
		crash(1);

		assertThat(this.test.count("effect")).isEqualTo(2);
		assertThat(find(this.step).state()).isEqualTo(ExecutionState.RUNNING);
		assertThat(find(this.step).steps()).hasSize(1);
		Execution committed = find(this.task);
		assertThat(committed.state()).isEqualTo(ExecutionState.COMPLETED);
		assertThat(committed.attempt()).isOne();
		startHealthyNode();
		assertThat(this.test.await(this.step, ExecutionState.COMPLETED).attempt()).isEqualTo(2);
		assertThat(find(this.task)).isEqualTo(committed);
		assertThat(this.test.count("effect")).isEqualTo(2);
		assertThat(this.stepRuns).hasValue(0);
		assertThat(this.taskRuns).hasValue(0);
	}

	private void crash(int payload) {
		try (NodeProcess process = NodeProcess.start(TestPostgres.shared().jdbcUrl(), this.test.schema(), "victim")) {
			process.awaitRegistered(this.test, "victim");
			this.step = this.test.conductor().invoke("step-transfer", payload);
			this.task = this.test.conductor().invoke("task-transfer", payload);
			assertThat(process.awaitExit()).as(process.output()).isOne();
		}
		// Its sessions may outlive it for a moment
		this.test.sql("select * from ${schema}.execution for update").query().listOfRows();
		// It would be found dead three seconds later
		this.test.sql("update ${schema}.node set alive_until = now()").update();
	}

	private void startHealthyNode() {
		this.test.node((builder) -> builder.nodeTimeout(NodeProcess.NODE_TIMEOUT),
				TaskSpec.of("step-transfer", Integer.class, (event, context) -> {
					context.transaction("transfer", () -> {
						this.stepRuns.incrementAndGet();
						effect(event.payload(Integer.class));
					});
					return null;
				}), TaskSpec.of("task-transfer", Integer.class, (event, context) -> {
					this.taskRuns.incrementAndGet();
					effect(event.payload(Integer.class));
					return null;
				}).with(TaskOptions.none().transactional(true)))
			.start();
	}

	private void effect(int n) {
		this.test.sql("insert into ${schema}.effect values (?)").param(n).update();
	}

	private Execution find(UUID id) {
		return this.test.conductor().find(id).orElseThrow();
	}

}
