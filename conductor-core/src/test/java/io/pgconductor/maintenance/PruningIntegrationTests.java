package io.pgconductor.maintenance;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

import io.pgconductor.Conductor;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.NonRetryableException;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.EventTable;
import io.pgconductor.jdbc.ExecutionKeyTable;
import io.pgconductor.jdbc.FinishedExecutionTable;
import io.pgconductor.jdbc.GateTable;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * How long finished executions are kept.
 */
class PruningIntegrationTests {

	private TestConductor test;

	private Conductor client;

	@BeforeEach
	void start() {
		this.test = new TestConductor(PruningIntegrationTests.class);
		this.client = this.test.conductor();
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	private static TaskSpec task(String name, @Nullable Retention completed, @Nullable Retention failed) {
		return TaskSpec.of(name, String.class, (event, context) -> {
			if ("fail".equals(event.payload())) {
				throw new NonRetryableException("as told");
			}
			return "done";
		}).with(TaskOptions.none().removeOnComplete(completed).removeOnFail(failed));
	}

	private FinishedExecutionTable finished() {
		return new FinishedExecutionTable(JdbcClient.create(this.test.dataSource()),
				new SchemaName(this.test.schema()));
	}

	private EventTable events() {
		return new EventTable(JdbcClient.create(this.test.dataSource()), new SchemaName(this.test.schema()));
	}

	private void prune() {
		JdbcClient jdbc = JdbcClient.create(this.test.dataSource());
		SchemaName schema = new SchemaName(this.test.schema());
		Pruning pruning = new Pruning(finished(), events(), new ExecutionKeyTable(jdbc, schema),
				new GateTable(jdbc, schema));
		while (pruning.run()) {
			continue;
		}
	}

	private @Nullable Duration kept(UUID id) {
		Double seconds = this.test
			.sql("select extract(epoch from expires_at - finished_at) from ${schema}.finished_execution where id = :id")
			.param("id", id)
			.query((rs, row) -> Optional.ofNullable(rs.getBigDecimal(1)))
			.single()
			.map(BigDecimal::doubleValue)
			.orElse(null);
		return (seconds != null) ? Duration.ofMillis(Math.round(seconds * 1000)) : null;
	}

	@Test
	void isInTheWayOfNoReader() throws Exception {
		int size = 10_000;
		this.client.invokeAll("soon", Collections.nCopies(size, Invoke.of("x")));
		UUID kept = this.client.invoke("ever", null);
		this.test
			.node(task("soon", Retention.of(Duration.ofHours(1)), null), task("ever", Retention.NEVER, Retention.NEVER))
			.drain();
		this.test.travel(Duration.ofHours(2));
		String viewed = "select count(*) from ${schema}.executions where state = 'completed'";
		CompletableFuture<Void> pruned = CompletableFuture.runAsync(this::prune);
		List<Long> counts = new ArrayList<>();
		boolean last;

		do {
			last = pruned.isDone();
			counts.add(this.test.sql(viewed).query(Long.class).single());
			assertThat(this.client.find(kept)).isPresent();
		}
		while (!last);

		pruned.get();
		assertThat(counts).isSortedAccordingTo(Comparator.reverseOrder()).endsWith(1L);
	}

	@Test
	void keepsWhatFinishedAsLongAsItsTaskSays() {
		this.test
			.node(task("days", Retention.of(Duration.ofDays(2)), Retention.of(Duration.ofMillis(1500))),
					task("ever", Retention.NEVER, Retention.NEVER))
			.start();

		UUID completed = this.client.invoke("days", null);
		UUID failed = this.client.invoke("days", "fail");
		UUID completedForEver = this.client.invoke("ever", null);
		UUID failedForEver = this.client.invoke("ever", "fail");
		UUID cancelled = cancelled("days");
		UUID cancelledForEver = cancelled("ever");
		this.test.await(completed, ExecutionState.COMPLETED);
		this.test.await(failed, ExecutionState.FAILED);
		this.test.await(completedForEver, ExecutionState.COMPLETED);
		this.test.await(failedForEver, ExecutionState.FAILED);

		assertThat(kept(completed)).isEqualTo(Duration.ofDays(2));
		assertThat(kept(failed)).isEqualTo(Duration.ofMillis(1500));
		assertThat(kept(cancelled)).isEqualTo(Duration.ofMillis(1500));
		assertThat(kept(completedForEver)).isNull();
		assertThat(kept(failedForEver)).isNull();
		assertThat(kept(cancelledForEver)).isNull();
	}

	private UUID cancelled(String task) {
		UUID id = this.client.invoke(task, null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		assertThat(this.client.cancel(id)).isTrue();
		return id;
	}

	@Test
	void keepsWhatFinishedForSomeDaysUnlessTold() {
		this.test.node(task("task", null, null)).start();
		UUID completed = this.client.invoke("task", null);
		UUID failed = this.client.invoke("task", "fail");
		this.test.await(completed, ExecutionState.COMPLETED);
		this.test.await(failed, ExecutionState.FAILED);

		assertThat(kept(completed)).isEqualTo(Duration.ofDays(7));
		assertThat(kept(failed)).isEqualTo(Duration.ofDays(30));
		assertThat(kept(cancelled("task"))).isEqualTo(Duration.ofDays(30));
		assertThat(kept(cancelled("unheard-of"))).isEqualTo(Duration.ofDays(30));
	}

	@Test
	void keepsWhatFinishedAsLongAsTheNodeSaysWhereItsTaskDoesNot() {
		this.test
			.node((builder) -> builder.retention(Retention.AT_ONCE, Retention.NEVER), task("general", null, null),
					task("own", Retention.of(Duration.ofHours(1)), Retention.AT_ONCE))
			.start();
		UUID completed = this.client.invoke("general", null);
		UUID failed = this.client.invoke("general", "fail");
		UUID ownCompleted = this.client.invoke("own", null);
		UUID ownFailed = this.client.invoke("own", "fail");
		this.test.await(failed, ExecutionState.FAILED);
		this.test.await(ownCompleted, ExecutionState.COMPLETED);
		await().until(() -> this.test.count("execution") == 0);

		assertThat(this.client.find(completed)).isEmpty();
		assertThat(kept(failed)).isNull();
		assertThat(kept(ownCompleted)).isEqualTo(Duration.ofHours(1));
		assertThat(this.client.find(ownFailed)).isEmpty();
		assertThat(kept(cancelled("general"))).isNull();
		assertThat(this.client.find(cancelled("own"))).isEmpty();
	}

	@Test
	void prunesWhatIsDueAndNothingElse() {
		this.test.node(task("task", Retention.of(Duration.ofDays(1)), null), task("ever", Retention.NEVER, null))
			.start();
		UUID due = this.client.invoke("task", null);
		UUID failed = this.client.invoke("task", "fail");
		UUID kept = this.client.invoke("ever", null);
		UUID delayed = this.client.invoke("task", null, InvokeOptions.defaults().delay(Duration.ofDays(100)));
		UUID ready = this.client.invoke("task", null, InvokeOptions.defaults().queue("unserved"));
		UUID held = this.client.invoke("unheard-of", null);
		this.test.await(due, ExecutionState.COMPLETED);
		this.test.await(failed, ExecutionState.FAILED);
		this.test.await(kept, ExecutionState.COMPLETED);

		prune();
		assertThat(this.client.find(due)).isPresent();
		this.test.travel(Duration.ofDays(2));
		prune();

		assertThat(this.client.find(due)).isEmpty();
		assertThat(List.of(failed, kept, delayed, ready, held)).allMatch((id) -> this.client.find(id).isPresent());
		this.test.travel(Duration.ofDays(99));
		prune();
		assertThat(this.client.find(failed)).isEmpty();
		assertThat(List.of(kept, delayed, ready, held)).allMatch((id) -> this.client.find(id).isPresent());
	}

	@Test
	void prunesThousandsOldestFirstInBoundedBatches() {
		this.test
			.sql("""
					insert into ${schema}.finished_execution (id, run_at, created_at, finished_at, expires_at, claim_no, attempt,
					    priority, max_attempts, queue, state, task)
					select ${schema}.uuid_v7(), now(), now(), now(),
					       case when i % 4 < 3 then now() - i * interval '1 second' when i % 8 = 3 then now() + interval '1 day' end,
					       1, 1, 0, 3, 'default', 'completed', 'task'
					from generate_series(1, 8000) i""")
			.update();

		assertThat(finished().prune(1000)).isEqualTo(1000);
		assertThat(this.test.count("finished_execution where expires_at < now() and attempt > 6667")).isZero();
		prune();

		assertThat(this.test.count("finished_execution")).isEqualTo(2000);
		assertThat(this.test.count("finished_execution where expires_at <= now()")).isZero();
		assertThat(finished().prune(1000)).isZero();
	}

	@Test
	void prunesWhileNodesRun() {
		this.test
			.sql("""
					insert into ${schema}.finished_execution (id, run_at, created_at, finished_at, expires_at, claim_no, attempt,
					    priority, max_attempts, queue, state, task)
					select ${schema}.uuid_v7(), now(), now(), now(), now(), 1, 1, 0, 3, 'default', 'completed', 'task'
					from generate_series(1, 5000) i""")
			.update();

		this.test.node(task("task", null, null)).start();

		await().until(() -> this.test.count("finished_execution") == 0);
	}

	@Test
	void forgetsTheStepsOfWhatItPrunes() {
		Retention hour = Retention.of(Duration.ofHours(1));
		this.test.node(TaskSpec.of("stepwise", String.class, (event, context) -> {
			context.step("step", String.class, () -> "result");
			context.sleep("nap", Duration.ZERO);
			if ("fail".equals(event.payload())) {
				throw new NonRetryableException("as told");
			}
			return null;
		}).with(TaskOptions.none().removeOnComplete(hour).removeOnFail(hour)),
				TaskSpec.of("other", null, (event, context) -> context.step("step", String.class, () -> "result")))
			.start();
		UUID completed = this.client.invoke("stepwise", null);
		UUID failed = this.client.invoke("stepwise", "fail");
		UUID other = this.client.invoke("other", null);
		this.test.await(completed, ExecutionState.COMPLETED);
		this.test.await(failed, ExecutionState.FAILED);
		this.test.await(other, ExecutionState.COMPLETED);

		this.test.travel(Duration.ofHours(2));
		prune();

		assertThat(this.client.find(completed)).isEmpty();
		assertThat(this.client.retry(failed)).isFalse();
		assertThat(this.client.find(other).orElseThrow().steps()).hasSize(1);
		assertThat(this.test.count("step")).isOne();
	}

}
