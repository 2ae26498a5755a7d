package io.pgconductor.client;

import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.stream.IntStream;

import io.pgconductor.ConductorClient;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.WorkerOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

/**
 * Pausing and resuming queues and tasks.
 */
class PauseIntegrationTests {

	private final List<Integer> run = Collections.synchronizedList(new ArrayList<>());

	private final Semaphore permits = new Semaphore(0);

	private TestConductor test;

	private ConductorClient client;

	@BeforeEach
	void start() {
		this.test = new TestConductor(PauseIntegrationTests.class);
		this.client = this.test.conductor();
	}

	@AfterEach
	void stop() {
		this.permits.release(1000);
		this.test.close();
	}

	private Orchestrator startNode() {
		Orchestrator node = this.test.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(1)),
				tasks());
		node.start();
		return node;
	}

	private TaskSpec[] tasks() {
		TaskSpec task = TaskSpec.of("task", Integer.class, (event, context) -> this.run.add((Integer) event.payload()));
		TaskSpec limited = TaskSpec.of("limited", Integer.class, task.handler())
			.with(TaskOptions.none().concurrency(1));
		TaskSpec slow = TaskSpec.of("slow", Integer.class, (event, context) -> {
			this.permits.acquire();
			return this.run.add((Integer) event.payload());
		}).with(TaskOptions.none().queue("slow"));
		TaskSpec other = TaskSpec.of("other", null, (event, context) -> "done");
		return new TaskSpec[] { task, limited, slow, other };
	}

	enum What {

		TASK {
			@Override
			boolean pause(ConductorClient client) {
				return client.pauseTask("task") & client.pauseTask("limited");
			}

			@Override
			boolean resume(ConductorClient client) {
				return client.resumeTask("task") & client.resumeTask("limited");
			}
		},

		QUEUE {
			@Override
			boolean pause(ConductorClient client) {
				return client.pauseQueue("default");
			}

			@Override
			boolean resume(ConductorClient client) {
				return client.resumeQueue("default");
			}
		};

		abstract boolean pause(ConductorClient client);

		abstract boolean resume(ConductorClient client);

	}

	private UUID awaitOther() {
		UUID other = this.client.invoke("other", null, InvokeOptions.defaults().queue("slow"));
		this.test.await(other, ExecutionState.COMPLETED);
		return other;
	}

	@ParameterizedTest
	@EnumSource(What.class)
	void runsNothingUntilItIsResumed(What what) {
		startNode();
		startNode();
		assertThat(what.pause(this.client)).isTrue();
		assertThat(what.pause(this.client)).isFalse();

		this.client.invokeAll("task", IntStream.range(0, 50).mapToObj(Invoke::of).toList());
		this.client.invokeAll("limited", IntStream.range(50, 100).mapToObj(Invoke::of).toList());

		awaitOther();
		assertThat(this.run).isEmpty();
		assertThat(what.resume(this.client)).isTrue();
		assertThat(what.resume(this.client)).isFalse();
		await().atMost(Duration.ofSeconds(20)).until(() -> this.run.size() == 100);
	}

	@ParameterizedTest
	@EnumSource(What.class)
	void outlivesRestarts(What what) {
		startNode().stop();
		what.pause(this.client);
		this.client.invoke("task", 1);

		startNode();

		awaitOther();
		assertThat(this.run).isEmpty();
		what.resume(this.client);
		await().atMost(Duration.ofSeconds(20)).until(() -> this.run.size() == 1);
	}

	@ParameterizedTest
	@EnumSource(What.class)
	void doesNothingIfItIsRolledBack(What what) {
		startNode();

		this.test.transaction().executeWithoutResult((status) -> {
			what.pause(this.client);
			status.setRollbackOnly();
		});
		this.client.invoke("task", 1);

		await().until(() -> this.run.size() == 1);
	}

	@ParameterizedTest
	@EnumSource(What.class)
	void nothingIsClaimedAfterwards(What what) {
		startNode();
		for (int round = 0; round < 100; round++) {
			this.client.invokeAll("task", IntStream.range(0, 20).mapToObj(Invoke::of).toList());
			what.pause(this.client);
			awaitEndOfClaims();
			long claimed = claimed();
			awaitOther();
			assertThat(claimed()).isEqualTo(claimed);
			what.resume(this.client);
		}
		await().atMost(Duration.ofSeconds(20)).until(() -> this.run.size() == 2000);
	}

	// One that has begun before may still come through
	private void awaitEndOfClaims() {
		OffsetDateTime paused = this.test.sql("select clock_timestamp()").query(OffsetDateTime.class).single();
		await().until(() -> this.test
			.sql("""
					select not exists (
					    select from pg_stat_activity
					    where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle' and xact_start < ?)
					""")
			.param(paused)
			.query(Boolean.class)
			.single());
	}

	private long claimed() {
		return this.test
			.sql("select count(*) from ${schema}.executions where task = 'task' and (state <> 'ready' or attempt > 0)")
			.query(Long.class)
			.single();
	}

	@Test
	void letsWhatRunsGoOn() {
		startNode();
		UUID running = this.client.invoke("slow", 1);
		this.test.await(running, ExecutionState.RUNNING);

		this.client.pauseTask("slow");
		this.client.pauseQueue("slow");
		this.permits.release();

		this.test.await(running, ExecutionState.COMPLETED);
	}

	@Test
	void keepsTheOrder() {
		Orchestrator node = startNode();
		this.client.pauseTask("task");
		this.client.invokeAll("task", IntStream.range(0, 100).mapToObj(Invoke::of).toList());
		this.client.invoke("task", 100, InvokeOptions.defaults().priority(1));
		node.stop();
		this.client.resumeTask("task");

		this.test.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(1)), tasks()).drain();

		assertThat(this.run.get(0)).isEqualTo(100);
		assertThat(this.run.subList(1, 101)).containsExactlyElementsOf(IntStream.range(0, 100).boxed().toList());
	}

	@Test
	void aDrainDoesNotWaitForIt() {
		startNode().stop();
		this.client.pauseTask("task");
		this.client.pauseQueue("slow");
		this.client.invoke("task", 1);
		this.client.invoke("other", null, InvokeOptions.defaults().queue("slow"));
		UUID other = this.client.invoke("other", null);

		this.test.node(tasks()).drain();

		assertThat(this.client.find(other).orElseThrow().state()).isEqualTo(ExecutionState.COMPLETED);
		assertThat(this.run).isEmpty();
	}

	@Test
	void takesWhatWaitsOutOfTheWayOfOthers() {
		Orchestrator node = startNode();
		node.stop();
		this.client.invokeAll("task", IntStream.range(0, 20_000).mapToObj(Invoke::of).toList());
		this.client.invokeAll("limited", IntStream.range(0, 100).mapToObj(Invoke::of).toList());

		this.client.pauseTask("task");
		this.client.pauseTask("limited");
		node.start();

		this.test.await(this.client.invoke("other", null), ExecutionState.COMPLETED);
		await().atMost(Duration.ofSeconds(20)).until(() -> held() == 20_100);
		this.client.resumeTask("task");
		this.client.resumeTask("limited");
		await().atMost(Duration.ofSeconds(30)).until(() -> this.run.size() == 20_100);
	}

	private long held() {
		return this.test.sql("select count(*) from ${schema}.execution where phase = 'held'")
			.query(Long.class)
			.single();
	}

	@Test
	void sqlDoesTheSame() {
		startNode();
		assertThat(sql("pause_task('task')")).isTrue();
		assertThat(sql("pause_queue('slow')")).isTrue();
		assertThat(this.client.pauseTask("task")).isFalse();
		assertThat(this.test.sql("select name from ${schema}.paused order by kind").query(String.class).list())
			.containsExactly("slow", "task");

		assertThat(sql("resume_task('task')")).isTrue();
		assertThat(sql("resume_queue('slow')")).isTrue();
		assertThat(sql("resume_queue('slow')")).isFalse();
	}

	private boolean sql(String call) {
		return this.test.sql("select ${schema}." + call).query(Boolean.class).single();
	}

	@Test
	void refusesWhatIsNotThere() {
		assertThatExceptionOfType(RuntimeException.class).isThrownBy(() -> this.client.pauseTask("unknown"))
			.withMessageContaining("'unknown'");
		assertThatIllegalArgumentException().isThrownBy(() -> this.client.pauseQueue("no queue"));
		assertThatExceptionOfType(RuntimeException.class).isThrownBy(() -> sql("pause_queue('no queue')"));
		assertThat(this.client.pauseQueue("a-queue-to-come")).isTrue();
	}

}
