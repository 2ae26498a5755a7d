package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.BatchHandler;
import io.pgconductor.task.Batching;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;
import static org.hamcrest.Matchers.is;

/**
 * Queues that share a worker.
 */
class SharedWorkerIntegrationTests {

	private final List<String> run = Collections.synchronizedList(new ArrayList<>());

	private final AtomicInteger running = new AtomicInteger();

	private final AtomicInteger mostRunning = new AtomicInteger();

	private final CountDownLatch mayEnd = new CountDownLatch(1);

	private TestConductor test;

	@BeforeEach
	void start() {
		this.test = new TestConductor(SharedWorkerIntegrationTests.class);
	}

	@AfterEach
	void stop() {
		this.mayEnd.countDown();
		this.test.close();
	}

	@Test
	void sharesThreadsByWeights() {
		Orchestrator node = this.test.node(shared(4, Map.of("mail", 3, "report", 1)), pausing("mail", 3),
				pausing("report", 3));
		invoke("report", 400);
		invoke("mail", 400);

		node.drain();

		assertThat(this.run).hasSize(800);
		assertThat(this.run.subList(50, 250)).filteredOn("mail"::equals).hasSizeBetween(120, 180);
		assertThat(this.mostRunning).hasValue(4);
	}

	@Test
	void givesAThreadThatComesFreeToTheQueueThatIsDue() {
		this.test.node(shared(1, Map.of("mail", 1, "report", 1)), pausing("mail", 0), pausing("report", 200)).start();
		invoke("report", 20);
		await().untilAtomic(this.running, is(1));

		UUID mail = invoke("mail", 1).get(0);

		this.test.await(mail, ExecutionState.COMPLETED);
		assertThat(this.run.indexOf("mail")).isLessThan(10);
	}

	@Test
	void keepsNothingFromOtherNodesWhileItsThreadsAreTaken() {
		Map<String, Integer> weights = Map.of("mail", 1, "report", 1);
		this.test.node(shared(2, weights), pausing("mail", 0), waiting("report")).start();
		List<UUID> reports = invoke("report", 4);
		await().untilAtomic(this.running, is(2));
		List<UUID> mails = invoke("mail", 10);

		this.test.node(shared(2, weights), pausing("mail", 0), pausing("report", 0)).start();

		mails.forEach((mail) -> this.test.await(mail, ExecutionState.COMPLETED));
		await().until(() -> this.run.stream().filter("report"::equals).count() == 2);
		this.mayEnd.countDown();
		reports.forEach((report) -> this.test.await(report, ExecutionState.COMPLETED));
	}

	@Test
	void servesQueuesThatNoTaskIsIn() {
		this.test.node(shared(1, Map.of("mail", 1, "vip", 5)), pausing("mail", 0)).start();

		UUID execution = this.test.conductor().invoke("mail", null, InvokeOptions.defaults().queue("vip"));

		this.test.await(execution, ExecutionState.COMPLETED);
	}

	@Test
	void runsBatchesThatAreNotFullAtAStop() {
		BatchHandler handler = (events, context) -> Collections.nCopies(events.size(), events.size());
		Orchestrator node = this.test.node(shared(1, Map.of("mail", 1, "report", 1)),
				TaskSpec.of("mail", null, handler)
					.with(TaskOptions.none().queue("mail").batch(new Batching(100, Duration.ofMinutes(1)))),
				pausing("report", 0));
		node.start();
		List<UUID> mails = invoke("mail", 3);
		mails.forEach((mail) -> this.test.await(mail, ExecutionState.RUNNING));

		node.stop();

		mails.forEach((mail) -> assertThat(this.test.await(mail, ExecutionState.COMPLETED).result()).hasToString("3"));
	}

	@Test
	void refusesQueuesWithTwoWorkers() {
		assertThatIllegalArgumentException()
			.isThrownBy(() -> this.test.node((builder) -> builder.worker("mail", WorkerOptions.DEFAULT)
				.sharedWorker("small", WorkerOptions.DEFAULT, Map.of("mail", 1))))
			.withMessage("queue 'mail' can have only one worker, but has the shared worker 'small' and one of its own");
		assertThatIllegalArgumentException()
			.isThrownBy(() -> this.test
				.node((builder) -> builder.sharedWorker("a", WorkerOptions.DEFAULT, Map.of("mail", 1))
					.sharedWorker("b", WorkerOptions.DEFAULT, Map.of("mail", 1))))
			.withMessageStartingWith("queue 'mail' can have only one worker, but has the shared worker '")
			.withMessageContainingAll("'a'", "'b'");
	}

	private Consumer<OrchestratorBuilder> shared(int concurrency, Map<String, Integer> weights) {
		return (builder) -> builder.sharedWorker("small", WorkerOptions.DEFAULT.withConcurrency(concurrency), weights);
	}

	private TaskSpec pausing(String name, int millis) {
		return task(name, () -> this.mayEnd.await(millis, TimeUnit.MILLISECONDS));
	}

	private TaskSpec waiting(String name) {
		return task(name, () -> this.mayEnd.await(1, TimeUnit.MINUTES));
	}

	private TaskSpec task(String name, Callable<Boolean> work) {
		return TaskSpec.of(name, null, (event, context) -> {
			this.mostRunning.accumulateAndGet(this.running.incrementAndGet(), Math::max);
			try {
				work.call();
				return this.run.add(name);
			}
			finally {
				this.running.decrementAndGet();
			}
		}).with(TaskOptions.none().queue(name));
	}

	private List<UUID> invoke(String task, int count) {
		return this.test.conductor().invokeAll(task, Collections.nCopies(count, Invoke.of(null)));
	}

}
