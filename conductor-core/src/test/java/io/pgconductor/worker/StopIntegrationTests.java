package io.pgconductor.worker;

import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.Orchestrator;
import io.pgconductor.OrchestratorInfo.State;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskRegistry;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.UnreliableDataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The graceful end of a node.
 */
class StopIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(30);

	private final CountDownLatch started = new CountDownLatch(1);

	private Set<Thread> threadsBefore;

	private TestConductor test;

	@BeforeEach
	void install() {
		this.threadsBefore = engineThreads();
		this.test = new TestConductor(StopIntegrationTests.class);
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void flipsTheStateAndCanBeCalledAgainAndAgain() {
		Orchestrator node = node((event, context) -> null);
		CompletableFuture<Void> stopped = node.stopped().toCompletableFuture();
		assertThat(node.info().state()).isEqualTo(State.NEW);
		node.stop();
		assertThat(node.info().state()).isEqualTo(State.NEW);

		node.start();

		assertThat(node.info().state()).isEqualTo(State.RUNNING);
		assertThat(stopped).isNotDone();

		node.stop();
		node.stop();
		node.stop();

		assertThat(node.info().state()).isEqualTo(State.STOPPED);
		assertThat(stopped).isCompleted();
		assertThat(this.test.count("node")).isZero();
	}

	@Test
	void startsAgainAsANewNode() {
		Orchestrator node = node((event, context) -> null);
		node.start();
		UUID first = node.info().id();
		node.stop();
		UUID id = this.test.conductor().invoke("task", null);

		node.start();

		this.test.await(id, ExecutionState.COMPLETED);
		assertThat(node.info().id()).isNotEqualTo(first);
		assertThat(node.stopped().toCompletableFuture()).isNotDone();
	}

	@Test
	void leavesNoThreadBehind() {
		Orchestrator node = node((event, context) -> null);
		node.start();
		this.test.await(this.test.conductor().invoke("task", null), ExecutionState.COMPLETED);

		node.stop();

		assertNoThreadIsLeft();
	}

	@Test
	void survivesBeingStartedAndStoppedFromManyThreads() {
		Orchestrator node = node((event, context) -> null);

		CompletableFuture
			.allOf(IntStream.range(0, 20)
				.mapToObj((i) -> CompletableFuture.runAsync((i % 2 == 0) ? node::start : node::stop,
						(task) -> new Thread(task).start()))
				.toArray(CompletableFuture[]::new))
			.orTimeout(60, TimeUnit.SECONDS)
			.join();
		node.stop();

		assertThat(this.test.count("node")).isZero();
		assertNoThreadIsLeft();
	}

	@Test
	void letsRunningHandlersFinish() {
		CountDownLatch mayEnd = new CountDownLatch(1);
		Orchestrator node = node((event, context) -> {
			this.started.countDown();
			mayEnd.await();
			return "done";
		});
		node.start();
		UUID id = this.test.conductor().invoke("task", null);
		awaitStart();

		CompletableFuture<Void> stop = CompletableFuture.runAsync(node::stop);
		Awaitility.await().atMost(LONG).until(() -> node.info().state() == State.STOPPING);
		UUID unclaimed = this.test.conductor().invoke("task", null);
		mayEnd.countDown();
		stop.orTimeout(30, TimeUnit.SECONDS).join();

		assertThat(find(id).state()).isEqualTo(ExecutionState.COMPLETED);
		assertThat(find(id).result().asString()).isEqualTo("done");
		assertThat(find(unclaimed).state()).isEqualTo(ExecutionState.READY);
		assertThat(find(unclaimed).attempt()).isZero();
	}

	@Test
	void interruptsHandlersThatTakeTooLongAndGivesTheirAttemptsBack() {
		Orchestrator node = this.test.node((builder) -> builder.shutdownTimeout(Duration.ofMillis(100)),
				task(this::waitForever));
		node.start();
		UUID id = this.test.conductor().invoke("task", null);
		awaitStart();

		node.stop();

		assertThat(find(id).state()).isEqualTo(ExecutionState.READY);
		assertThat(find(id).attempt()).isZero();
		assertThat(find(id).error()).isNull();
		assertThat(this.test.count("node")).isZero();
		assertNoThreadIsLeft();
		node((event, context) -> "elsewhere").start();
		Execution completed = this.test.await(id, ExecutionState.COMPLETED);
		assertThat(completed.result().asString()).isEqualTo("elsewhere");
		assertThat(completed.attempt()).isOne();
	}

	@Test
	void leavesWhatIgnoresItsInterruptToTheNodeTimeout() {
		AtomicBoolean mayEnd = new AtomicBoolean();
		AtomicReference<Thread> handlerThread = new AtomicReference<>();
		Orchestrator stubborn = this.test.node(
				(builder) -> builder.shutdownTimeout(Duration.ZERO).nodeTimeout(Duration.ofSeconds(3)),
				task((event, context) -> {
					handlerThread.set(Thread.currentThread());
					this.started.countDown();
					while (!mayEnd.get()) {
						Thread.onSpinWait();
					}
					return "late";
				}));
		stubborn.start();
		UUID id = this.test.conductor().invoke("task", null);
		awaitStart();
		UUID stubbornId = stubborn.info().id();

		stubborn.stop();

		assertThat(stubborn.info().state()).isEqualTo(State.STOPPED);
		assertThat(find(id).state()).isEqualTo(ExecutionState.RUNNING);
		assertThat(this.test.sql("select claimed_by from ${schema}.execution").query(UUID.class).single())
			.isEqualTo(stubbornId);
		this.test.node((builder) -> builder.nodeTimeout(Duration.ofSeconds(3)), task((event, context) -> "elsewhere"))
			.start();
		Execution completed = this.test.await(id, ExecutionState.COMPLETED);
		assertThat(completed.result().asString()).isEqualTo("elsewhere");
		assertThat(completed.attempt()).isEqualTo(2);
		mayEnd.set(true);
		Awaitility.await().atMost(LONG).until(() -> !handlerThread.get().isAlive());
		assertThat(find(id)).isEqualTo(completed);
	}

	@Test
	void givesBackWhatItHasClaimedButNotStarted() {
		AtomicInteger warmUps = new AtomicInteger();
		Orchestrator node = this.test.node(
				(builder) -> builder.shutdownTimeout(Duration.ZERO)
					.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(1)),
				TaskSpec.of("task", Boolean.class, (event, context) -> {
					if (Boolean.TRUE.equals(event.payload())) {
						return waitForever(null, null);
					}
					return warmUps.incrementAndGet();
				}));
		node.start();
		this.test.conductor().invokeAll("task", IntStream.range(0, 500).mapToObj((i) -> Invoke.of(false)).toList());
		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == 500);
		List<UUID> ids = this.test.conductor()
			.invokeAll("task", IntStream.range(0, 100).mapToObj((i) -> Invoke.of(i == 0)).toList());
		awaitStart();
		assertThat(claimedCount()).isGreaterThan(2);

		node.stop();

		assertThat(claimedCount()).isZero();
		assertThat(ids.stream().map(this::find)).hasSize(100)
			.allMatch((execution) -> execution.state() == ExecutionState.READY && execution.attempt() == 0);
		assertThat(warmUps).hasValue(500);
	}

	@Test
	void stopsCompletelyOnAnInterruptedThread() {
		CountDownLatch mayEnd = new CountDownLatch(1);
		Orchestrator node = node((event, context) -> {
			this.started.countDown();
			mayEnd.await();
			return "done";
		});
		node.start();
		UUID id = this.test.conductor().invoke("task", null);
		awaitStart();
		AtomicBoolean stillInterrupted = new AtomicBoolean();

		Thread stopper = new Thread(() -> {
			Thread.currentThread().interrupt();
			node.stop();
			stillInterrupted.set(Thread.currentThread().isInterrupted());
		});
		stopper.start();
		Awaitility.await().atMost(LONG).until(() -> node.info().state() == State.STOPPING);
		mayEnd.countDown();
		Awaitility.await().atMost(LONG).until(() -> !stopper.isAlive());

		assertThat(stillInterrupted).isTrue();
		assertThat(find(id).state()).isEqualTo(ExecutionState.COMPLETED);
		assertThat(this.test.count("node")).isZero();
		assertNoThreadIsLeft();
	}

	@Test
	void stopsWhileItWaitsForADatabaseThatIsDown() {
		CountDownLatch hanging = new CountDownLatch(1);
		UnreliableDataSource down = new UnreliableDataSource(this.test.dataSource(), "");
		down.onConnect(() -> {
			throw new SQLException("The connection is refused");
		});
		Orchestrator node = new OrchestratorBuilder(new ConductorBuilder(down).build(), new TaskRegistry()).build();
		node.start();
		assertThat(node.info().state()).isEqualTo(State.STARTING);
		assertThat(node.info().lastError()).contains("The connection is refused");
		down.onConnect(() -> {
			hanging.countDown();
			return new CountDownLatch(1).await(5, TimeUnit.MINUTES);
		});
		Awaitility.await().atMost(LONG).until(() -> hanging.getCount() == 0);

		CompletableFuture<Void> stop = CompletableFuture.runAsync(node::stop);

		assertThat(stop).succeedsWithin(LONG);
		assertThat(node.info().state()).isEqualTo(State.STOPPED);
		assertThat(node.stopped().toCompletableFuture()).isCompleted();
		assertNoThreadIsLeft();
	}

	private Orchestrator node(TaskHandler handler) {
		return this.test.node(task(handler));
	}

	private static TaskSpec task(TaskHandler handler) {
		return TaskSpec.of("task", null, handler);
	}

	private Object waitForever(Object event, Object context) throws InterruptedException {
		this.started.countDown();
		new CountDownLatch(1).await();
		return "never";
	}

	private void awaitStart() {
		Awaitility.await().atMost(LONG).pollInterval(Duration.ofMillis(5)).until(() -> this.started.getCount() == 0);
	}

	private Execution find(UUID id) {
		return this.test.conductor().find(id).orElseThrow();
	}

	private int claimedCount() {
		return this.test.sql("select count(*) from ${schema}.execution where claimed_by is not null")
			.query(Integer.class)
			.single();
	}

	private void assertNoThreadIsLeft() {
		Awaitility.await().atMost(Duration.ofSeconds(10)).untilAsserted(() -> {
			Set<Thread> left = engineThreads();
			left.removeAll(this.threadsBefore);
			assertThat(left).isEmpty();
		});
	}

	private static Set<Thread> engineThreads() {
		return Thread.getAllStackTraces()
			.keySet()
			.stream()
			.filter((thread) -> thread.getName().startsWith("conductor-"))
			.collect(Collectors.toSet());
	}

}
