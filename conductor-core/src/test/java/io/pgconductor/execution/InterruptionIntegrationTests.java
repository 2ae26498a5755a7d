package io.pgconductor.execution;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

import io.pgconductor.SuspensionSignal;
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

	private static final int ROUNDS = 150;

	private static final int MAX_ROUNDS = 10 * ROUNDS;

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
		Duration timeout = Duration.ofMillis(5);
		Edge end = new Edge(timeout);
		start((event, context) -> {
			long begin = System.nanoTime();
			end.approach(begin);
			end.passed(!Thread.currentThread().isInterrupted());
			return null;
		}, TaskOptions.none().timeout(timeout).maxAttempts(1));

		alternate("completed", "failed");

		assertNoLeak("completed", "failed");
	}

	@Test
	void reachesNoOtherHandlerWhenATimeoutRacesStepsAndSuspensions() {
		Duration timeout = Duration.ofMillis(15);
		Edge suspension = new Edge(timeout);
		Edge end = new Edge(timeout);
		start((event, context) -> {
			long begin = System.nanoTime();
			AtomicReference<Edge> edge = new AtomicReference<>(end);
			boolean passed = false;
			try {
				context.step("step", () -> {
					edge.set(suspension);
					suspension.approach(begin);
				});
				context.step("empty", () -> {
				});
				context.sleep("nap", Duration.ZERO);
				context.transaction("transaction", () -> {
					this.test.sql("insert into ${schema}.effect values (1)").update();
					end.approach(begin);
				});
				passed = true;
				return null;
			}
			catch (SuspensionSignal ex) {
				passed = true;
				throw ex;
			}
			finally {
				edge.get().passed(passed && !Thread.currentThread().isInterrupted());
			}
		}, TaskOptions.none().timeout(timeout).maxAttempts(1));

		alternate("completed", "failed");

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

		alternate("cancelled");

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

	/**
	 * Run both tasks in turns, until the edgy one has ended in all these ways.
	 */
	private void alternate(String... statesOfEdgy) {
		List<UUID> ids = new ArrayList<>();
		while (ids.isEmpty() || (ids.size() < 2 * MAX_ROUNDS && !statesOf("edgy").containsAll(List.of(statesOfEdgy)))) {
			this.test.transaction().executeWithoutResult((status) -> {
				for (int i = 0; i < ROUNDS; i++) {
					ids.add(this.test.conductor().invoke("edgy", null));
					ids.add(this.test.conductor().invoke("innocent", null));
				}
			});
			Awaitility.await().atMost(LONG).until(() -> this.test.count("finished_execution") == ids.size());
		}
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
		spinUntil(System.nanoTime()
				+ TimeUnit.MICROSECONDS.toNanos(ThreadLocalRandom.current().nextInt(minMicros, maxMicros)));
	}

	private static void spinUntil(long end) {
		while (System.nanoTime() - end < 0) {
			Thread.onSpinWait();
		}
	}

	/**
	 * The moment that lets a run be in time about as often as not. It is found, since it
	 * is another one on each machine.
	 */
	private static final class Edge {

		private static final int STEP_MICROS = 500;

		private final AtomicInteger micros;

		Edge(Duration first) {
			this.micros = new AtomicInteger((int) TimeUnit.MICROSECONDS.convert(first));
		}

		void approach(long begin) {
			int jitter = ThreadLocalRandom.current().nextInt(-2 * STEP_MICROS, 2 * STEP_MICROS);
			spinUntil(begin + TimeUnit.MICROSECONDS.toNanos(this.micros.get() + jitter));
		}

		void passed(boolean inTime) {
			this.micros.addAndGet(inTime ? STEP_MICROS : -STEP_MICROS);
		}

	}

}
