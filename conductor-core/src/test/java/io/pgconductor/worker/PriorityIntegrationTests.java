package io.pgconductor.worker;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * The order in which handlers run.
 */
class PriorityIntegrationTests {

	private final List<UUID> run = Collections.synchronizedList(new ArrayList<>());

	private TestConductor test;

	@BeforeEach
	void start() {
		this.test = new TestConductor(PriorityIntegrationTests.class);
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	private UUID invoke(int priority) {
		return this.test.conductor().invoke("task", null, InvokeOptions.defaults().priority(priority));
	}

	@Test
	void runsWhatIsMoreImportantFirstAndElseWhatCameFirst() {
		List<UUID> lowest = List.of(invoke(Integer.MIN_VALUE), invoke(Integer.MIN_VALUE));
		List<UUID> low = List.of(invoke(-5), invoke(-5), invoke(-5));
		List<UUID> high = List.of(invoke(5), invoke(5), invoke(5));
		List<UUID> highest = List.of(invoke(Integer.MAX_VALUE), invoke(Integer.MAX_VALUE));
		List<UUID> middle = List.of(invoke(0), invoke(0), invoke(0));

		this.test
			.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(1)),
					TaskSpec.of("task", null, (event, context) -> this.run.add(context.executionId())))
			.drain();

		assertThat(this.run).isEqualTo(Stream.of(highest, high, middle, low, lowest).flatMap(List::stream).toList());
	}

	@Test
	void runsThousandsInOrder() {
		List<UUID> ids = this.test.conductor()
			.invokeAll("task", IntStream.range(0, 3000).mapToObj(Invoke::of).toList());

		this.test
			.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(1)),
					TaskSpec.of("task", null, (event, context) -> this.run.add(context.executionId())))
			.drain();

		assertThat(this.run).isEqualTo(ids);
	}

	@Test
	void letsWhatIsImportantPassAFlood() {
		int batch = 100;
		Semaphore permits = new Semaphore(0);
		this.test.conductor()
			.invokeAll("task",
					IntStream.range(0, 20_000)
						.mapToObj((i) -> Invoke.of(i, InvokeOptions.defaults().priority(-1)))
						.toList());
		this.test.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withFetchBatchSize(batch)),
				TaskSpec.of("task", null, (event, context) -> {
					permits.acquire();
					return this.run.add(context.executionId());
				}))
			.start();
		permits.release(5000);
		await().until(() -> this.run.size() == 5000);

		UUID important = invoke(100);
		permits.release(20_000);
		await().until(() -> this.run.size() == 20_001);

		// What is claimed ahead, twice a batch at most, and one more batch under way
		assertThat(this.run.indexOf(important)).isBetween(5000, 5000 + 3 * batch + 10);
	}

}
