package io.pgconductor.worker;

import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;

import io.pgconductor.ConductorException;
import io.pgconductor.EventDefinition;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.OrchestratorInfo.State;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskRegistry;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.UnreliableDataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Running until nothing is left to run.
 */
class DrainIntegrationTests {

	private final AtomicInteger runs = new AtomicInteger();

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(DrainIntegrationTests.class);
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void runsFiftyInSeveralBatches() {
		Orchestrator node = this.test.node(
				(builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withFetchBatchSize(7).withConcurrency(3)),
				countingTask());
		List<UUID> ids = this.test.conductor().invokeAll("task", IntStream.range(0, 50).mapToObj(Invoke::of).toList());

		drain(node);

		assertThat(this.runs).hasValue(50);
		assertThat(ids)
			.allMatch((id) -> this.test.conductor().find(id).orElseThrow().state() == ExecutionState.COMPLETED);
		assertThat(node.info().state()).isEqualTo(State.STOPPED);
		assertThat(this.test.count("node")).isZero();
	}

	@Test
	void returnsFromAnEmptyQueue() {
		Orchestrator node = this.test.node(countingTask());

		drain(node);

		assertThat(this.runs).hasValue(0);
		assertThat(node.info().state()).isEqualTo(State.STOPPED);
	}

	@Test
	void runsWhatIsEnqueuedMeanwhile() {
		Orchestrator node = this.test.node(TaskSpec.of("chain", Integer.class, (event, context) -> {
			int left = (Integer) event.payload();
			if (left > 0) {
				this.test.conductor()
					.invoke("chain", left - 1, InvokeOptions.defaults().queue((left % 2 == 0) ? "default" : "other"));
			}
			return this.runs.incrementAndGet();
		}), TaskSpec.of("other", null, (event, context) -> null).with(TaskOptions.none().queue("other")));
		this.test.conductor().invoke("chain", 30);

		drain(node);

		assertThat(this.runs).hasValue(31);
		assertThat(this.test.count("execution")).isZero();
	}

	@Test
	void runsRetriesThatAreDueAtOnce() {
		RetryPolicy atOnce = new RetryPolicy(List.of(Duration.ZERO), 0, Set.of());
		Orchestrator node = this.test.node(TaskSpec.of("task", null, (event, context) -> {
			this.runs.incrementAndGet();
			if (context.attempt() < 3) {
				throw new IllegalStateException("not yet");
			}
			return null;
		}).with(TaskOptions.none().retryPolicy(atOnce)));
		UUID id = this.test.conductor().invoke("task", null);

		drain(node);

		assertThat(this.runs).hasValue(3);
		assertThat(this.test.conductor().find(id).orElseThrow().state()).isEqualTo(ExecutionState.COMPLETED);
	}

	@Test
	void leavesWhatIsNotDueAlone() {
		Orchestrator node = this.test.node(countingTask());
		UUID later = this.test.conductor().invoke("task", 1, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		UUID now = this.test.conductor().invoke("task", 2);

		drain(node);

		assertThat(this.runs).hasValue(1);
		assertThat(this.test.conductor().find(now).orElseThrow().state()).isEqualTo(ExecutionState.COMPLETED);
		assertThat(this.test.conductor().find(later).orElseThrow().state()).isEqualTo(ExecutionState.SCHEDULED);
	}

	@Test
	void runsWhatHasBecomeDue() {
		Orchestrator node = this.test.node(countingTask());
		this.test.conductor().invoke("task", 1, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		this.test.travel(Duration.ofHours(2));

		drain(node);

		assertThat(this.runs).hasValue(1);
	}

	@Test
	void leavesTasksOfOthersAlone() {
		Orchestrator other = this.test.node(TaskSpec.of("foreign", null, (event, context) -> null));
		other.start();
		other.stop();
		Orchestrator drained = this.test.node(countingTask());
		UUID foreign = this.test.conductor().invoke("foreign", null);
		this.test.conductor().invoke("task", 1);

		drain(drained);

		assertThat(this.runs).hasValue(1);
		assertThat(this.test.conductor().find(foreign).orElseThrow().state()).isEqualTo(ExecutionState.READY);
	}

	@Test
	void drainsARunningNode() {
		Orchestrator node = this.test.node(countingTask());
		node.start();
		this.test.conductor().invokeAll("task", IntStream.range(0, 50).mapToObj(Invoke::of).toList());

		drain(node);

		assertThat(this.runs).hasValue(50);
		assertThat(node.info().state()).isEqualTo(State.STOPPED);
	}

	@Test
	void endsWhenTheNodeIsStopped() {
		CountDownLatch started = new CountDownLatch(1);
		Orchestrator node = this.test.node((builder) -> builder.shutdownTimeout(Duration.ZERO),
				TaskSpec.of("task", null, (event, context) -> {
					started.countDown();
					new CountDownLatch(1).await();
					return null;
				}));
		this.test.conductor().invoke("task", null);
		CompletableFuture<Void> drain = CompletableFuture.runAsync(node::drain);
		Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> started.getCount() == 0);

		node.stop();

		assertThat(drain).succeedsWithin(Duration.ofSeconds(30));
	}

	@Test
	void saysThatTheDatabaseIsDown() {
		UnreliableDataSource down = new UnreliableDataSource(this.test.dataSource(), "");
		down.onConnect(() -> {
			throw new SQLException("The connection is refused");
		});
		Orchestrator node = new OrchestratorBuilder(new ConductorBuilder(down).build(), new TaskRegistry()).build();

		assertThatExceptionOfType(ConductorException.class).isThrownBy(node::drain)
			.withMessageContaining("cannot be reached")
			.withMessageContaining("The connection is refused");

		assertThat(node.info().state()).isEqualTo(State.STOPPED);
	}

	@Test
	void givesUpWhenTheDatabaseDoesNotComeBack() {
		UnreliableDataSource engine = new UnreliableDataSource(this.test.dataSource(), "");
		Orchestrator node = this.test.node(engine, (builder) -> builder.nodeTimeout(Duration.ofSeconds(2)),
				TaskSpec.of("task", null, (event, context) -> {
					engine.onConnect(() -> {
						throw new SQLException("The connection is refused");
					});
					return null;
				}));
		this.test.conductor().invoke("task", null);

		assertThatExceptionOfType(ConductorException.class).isThrownBy(node::drain)
			.withMessageContaining("cannot be reached")
			.withMessageContaining("The connection is refused");

		assertThat(node.info().state()).isEqualTo(State.STOPPED);
	}

	@Test
	void stopsWhenItIsInterrupted() {
		CountDownLatch started = new CountDownLatch(1);
		Orchestrator node = this.test.node((builder) -> builder.shutdownTimeout(Duration.ZERO),
				TaskSpec.of("task", null, (event, context) -> {
					started.countDown();
					new CountDownLatch(1).await();
					return null;
				}));
		UUID id = this.test.conductor().invoke("task", null);
		AtomicReference<Throwable> failure = new AtomicReference<>();
		Thread drain = new Thread(node::drain);
		drain.setUncaughtExceptionHandler((thread, ex) -> failure.set(ex));
		drain.start();
		Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> started.getCount() == 0);

		drain.interrupt();

		Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> !drain.isAlive());
		assertThat(failure.get()).isInstanceOf(ConductorException.class).hasMessageContaining("Interrupted");
		assertThat(node.info().state()).isEqualTo(State.STOPPED);
		assertThat(this.test.conductor().find(id).orElseThrow().state()).isEqualTo(ExecutionState.READY);
	}

	private TaskSpec countingTask() {
		return TaskSpec.of("task", Integer.class, (event, context) -> this.runs.incrementAndGet());
	}

	private static void drain(Orchestrator node) {
		CompletableFuture.runAsync(node::drain).orTimeout(60, TimeUnit.SECONDS).join();
	}

	@Test
	void bringsEventsToWhoWaitsForThem() {
		TaskSpec waiter = TaskSpec.of("waiter", null,
				(event, context) -> context
					.awaitEvent("wait", EventDefinition.of("event", String.class), Duration.ofHours(1))
					.orElseThrow());
		UUID id = this.test.conductor().invoke("waiter", null);
		drain(this.test.node(waiter));
		assertThat(this.test.conductor().find(id).orElseThrow().state()).isEqualTo(ExecutionState.WAITING);
		this.test.conductor().emit("event", "done");

		drain(this.test.node(waiter));

		assertThat(this.test.conductor().find(id).orElseThrow().result().asString()).isEqualTo("done");
	}

}
