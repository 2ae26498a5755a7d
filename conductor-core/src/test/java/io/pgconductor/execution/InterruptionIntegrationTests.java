package io.pgconductor.execution;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.WorkerOptions;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Interruptions that come when a handler is about to end: they reach it, or nobody.
 */
class InterruptionIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(30);

	private static final int ROUNDS = 200;

	private final AtomicInteger leaks = new AtomicInteger();

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(InterruptionIntegrationTests.class);
		this.test.sql("create table ${schema}.effect (n int)").update();
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void reachesNoOtherHandlerWhenATimeoutRacesTheEnd() {
		start((event, context) -> {
			spin(3000, 7000);
			return null;
		}, TaskOptions.none().timeout(Duration.ofMillis(5)).maxAttempts(1));

		alternate();

		assertNoLeak("completed", "failed");
	}

	@Test
	void reachesNoOtherHandlerWhenATimeoutRacesStepsAndSuspensions() {
		start((event, context) -> {
			context.step("step", () -> spin(0, 2000));
			context.step("empty", () -> {
			});
			context.sleep("nap", Duration.ZERO);
			context.transaction("transaction", () -> {
				this.test.sql("insert into ${schema}.effect values (1)").update();
				spin(0, 4000);
			});
			return null;
		}, TaskOptions.none().timeout(Duration.ofMillis(8)).maxAttempts(1));

		alternate();

		assertNoLeak("completed", "failed");
	}

	@Test
	void reachesNoOtherHandlerWhenACancellationRacesTheEnd() {
		start((event, context) -> {
			spin(1000, 4000);
			// It is told at once
			this.test.conductor().cancel(context.executionId());
			spin(0, 6000);
			return null;
		}, TaskOptions.none());

		alternate();

		assertNoLeak("cancelled");
	}

	private void start(TaskHandler edgy, TaskOptions options) {
		TaskSpec innocent = TaskSpec.of("innocent", null, (event, context) -> {
			if (Thread.currentThread().isInterrupted()) {
				this.leaks.incrementAndGet();
			}
			LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
			context.step("step", () -> {
			});
			if (Thread.interrupted()) {
				this.leaks.incrementAndGet();
			}
			return null;
		});
		this.test
			.node((builder) -> builder.virtualThreads(false).defaultWorker(WorkerOptions.DEFAULT.withConcurrency(1)),
					TaskSpec.of("edgy", null, edgy).with(options), innocent)
			.start();
	}

	private void alternate() {
		List<UUID> ids = new ArrayList<>();
		this.test.transaction().executeWithoutResult((status) -> {
			for (int i = 0; i < ROUNDS; i++) {
				ids.add(this.test.conductor().invoke("edgy", null));
				ids.add(this.test.conductor().invoke("innocent", null));
			}
		});
		Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == ids.size());
	}

	private void assertNoLeak(String... statesOfEdgy) {
		assertThat(this.leaks).hasValue(0);
		assertThat(statesOf("innocent")).containsExactly("completed");
		assertThat(statesOf("edgy")).containsExactlyInAnyOrder(statesOfEdgy);
	}

	private List<String> statesOf(String task) {
		return this.test.sql("select distinct state from ${schema}.finished_execution where task = ?")
			.param(task)
			.query(String.class)
			.list();
	}

	private static void spin(int minMicros, int maxMicros) {
		long nanos = TimeUnit.MICROSECONDS.toNanos(ThreadLocalRandom.current().nextInt(minMicros, maxMicros));
		for (long end = System.nanoTime() + nanos; System.nanoTime() < end;) {
			Thread.onSpinWait();
		}
	}

}
