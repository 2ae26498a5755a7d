package io.pgconductor.worker;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskWindow;
import io.pgconductor.testing.KeyedTask;
import io.pgconductor.testing.RecordingDataSource;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Of one key's executions that have not begun, the newest runs and the others vanish.
 */
class KeyedExecutionsIntegrationTests {

	private TestConductor test;

	private KeyedTask keyed;

	@BeforeEach
	void install() {
		this.test = new TestConductor(KeyedExecutionsIntegrationTests.class);
		this.keyed = new KeyedTask(this.test, "task");
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	private void register() {
		this.test.node(this.keyed.task()).drain();
	}

	@Test
	void runsTheNewestAndForgetsTheOthers() {
		register();
		for (int i = 1; i <= 30; i++) {
			this.keyed.change(i, "a");
		}

		this.test.node(this.keyed.task()).drain();

		assertThat(this.keyed.runs()).containsExactly(30);
		assertThat(this.test.count("execution")).isZero();
		assertThat(this.test.count("finished_execution")).isOne();
	}

	@Test
	void comparesExecutionsOfOneTaskAndKey() {
		KeyedTask other = new KeyedTask(this.test, "other");
		for (int i = 1; i <= 3; i++) {
			this.keyed.change(i, "a");
			this.keyed.change(10 + i, "b");
			this.keyed.change(20 + i, "");
			other.change(i, "a");
		}

		this.test.node(this.keyed.task(), other.task()).drain();

		assertThat(this.keyed.runs()).containsExactlyInAnyOrder(3, 13, 23);
		assertThat(other.runs()).containsExactly(3);
	}

	@Test
	void runsEachWithoutAKey() {
		for (int i = 1; i <= 20; i++) {
			this.keyed.change(i, (i % 2 == 0) ? "a" : null);
		}

		this.test.node(this.keyed.task()).drain();

		assertThat(this.keyed.runs()).containsExactlyInAnyOrder(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 20);
	}

	@Test
	void goesOnWithWhatHasBegun() {
		CountDownLatch mayEnd = new CountDownLatch(1);
		this.test.node(this.keyed.task((event, context) -> {
			if (event.payload().equals(1)) {
				mayEnd.await();
			}
			return null;
		})).start();
		this.keyed.change(1, "a");
		this.keyed.awaitRun(1);

		this.keyed.changes(2, 5, "a");
		this.keyed.awaitRun(5);
		this.keyed.awaitLive(1);
		mayEnd.countDown();
		this.keyed.awaitLive(0);

		assertThat(this.keyed.runs()).containsExactly(1, 5);
	}

	@Test
	void triesAgainWhatHasBegunAlthoughThereIsANewerOne() {
		this.test.node(this.keyed.task((event, context) -> {
			if (event.payload().equals(1) && context.attempt() == 1) {
				throw new IllegalStateException("test");
			}
			return null;
		}).with(TaskOptions.none().retryPolicy(new RetryPolicy(List.of(Duration.ofHours(1)), 0, Set.of())))).start();
		this.keyed.change(1, "a");
		this.test.await(this.keyed.id(1), ExecutionState.SCHEDULED);

		this.keyed.change(2, "a");
		this.keyed.awaitRun(2);
		this.test.travel(Duration.ofHours(2));
		this.keyed.awaitLive(0);

		assertThat(this.keyed.runs()).containsExactly(1, 2, 1);
		assertThat(this.test.conductor().find(this.keyed.id(1)).orElseThrow().attempt()).isEqualTo(2);
	}

	@Test
	void runsWhenTheKeyHasBeenQuietForTheDelay() {
		Instant start = Instant.now().truncatedTo(ChronoUnit.SECONDS);
		this.test.stopClock(start);
		this.test.node(this.keyed.task()).start();
		for (int i = 0; i < 5; i++) {
			this.test.stopClock(start.plusSeconds(i));
			this.keyed.change(i, "a", Duration.ofSeconds(10), 0);
		}

		this.test.stopClock(start.plusSeconds(10));
		this.keyed.awaitLive(1);
		assertThat(this.keyed.runs()).isEmpty();
		this.test.stopClock(start.plusSeconds(14));
		this.keyed.awaitLive(0);

		assertThat(this.keyed.runs()).containsExactly(4);
	}

	@Test
	void looksAtThePriorityOnlyAmongKeys() {
		register();
		this.keyed.change(1, "a", Duration.ZERO, 9);
		this.keyed.change(2, "a", Duration.ZERO, 1);
		this.keyed.change(3, "b", Duration.ZERO, 5);

		this.test.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(1)), this.keyed.task())
			.drain();

		assertThat(this.keyed.runs()).containsExactlyInAnyOrder(2, 3);
	}

	@Test
	void runsTheLastThatWasNotCancelled() {
		register();
		for (int i = 1; i <= 3; i++) {
			this.keyed.change(i, "a");
		}
		UUID newest = this.keyed.id(3);
		assertThat(this.test.conductor().cancel(newest)).isTrue();

		this.test.node(this.keyed.task()).drain();

		assertThat(this.keyed.runs()).containsExactly(2);
		assertThat(this.test.conductor().find(newest).map(Execution::state)).contains(ExecutionState.CANCELLED);
	}

	@Test
	void runsWhatIsRetriedAfterItWasCancelledAlthoughThereIsANewerOne() {
		register();
		this.keyed.change(1, "a");
		UUID cancelled = this.keyed.id(1);
		this.test.conductor().cancel(cancelled);
		this.test.conductor().retry(cancelled);
		this.keyed.change(2, "a");

		this.test.node(this.keyed.task()).drain();

		assertThat(this.keyed.runs()).containsExactlyInAnyOrder(1, 2);
	}

	@Test
	void runsTheNewestWhenTheTaskIsServedAtLast() {
		register();
		this.test.sql("update ${schema}.task set held = true").update();
		for (int i = 1; i <= 3; i++) {
			this.keyed.change(i, "a");
		}
		assertThat(this.test.count("execution where phase = 'held'")).isEqualTo(3);

		this.test.node(this.keyed.task()).drain();

		assertThat(this.keyed.runs()).containsExactly(3);
	}

	@Test
	void hasNotBegunWhileItsTimeWindowIsClosed() {
		Instant midnight = Instant.now().truncatedTo(ChronoUnit.DAYS);
		this.test.stopClock(midnight.plus(Duration.ofHours(10)));
		this.test
			.node(this.keyed.task().with(TaskOptions.none().window(TaskWindow.parse("22:00-06:00", ZoneOffset.UTC))))
			.start();
		for (int i = 1; i <= 3; i++) {
			this.keyed.change(i, "a");
			this.test.await(this.keyed.id(i), ExecutionState.SCHEDULED);
		}

		this.test.stopClock(midnight.plus(Duration.ofHours(22)));
		this.keyed.awaitLive(0);

		assertThat(this.keyed.runs()).containsExactly(3);
		assertThat(this.test.conductor().find(this.keyed.id(3)).orElseThrow().attempt()).isOne();
	}

	@Test
	void tellsLongKeysApart() {
		String key = "long".repeat(10_000);
		for (int i = 1; i <= 3; i++) {
			this.keyed.change(i, key + "a");
			this.keyed.change(10 + i, key + "b");
		}

		this.test.node(this.keyed.task()).drain();

		assertThat(this.keyed.runs()).containsExactlyInAnyOrder(3, 13);
	}

	@Test
	void dropsABacklogInFewStatements() {
		register();
		this.keyed.changes(1, 20_000, "a");
		this.keyed.change(20_001, null);
		RecordingDataSource engine = new RecordingDataSource(this.test.pool("engine", 4));
		Orchestrator node = this.test.node(engine, (builder) -> {
		}, this.keyed.task());

		node.drain();

		assertThat(this.keyed.runs()).containsExactlyInAnyOrder(20_000, 20_001);
		assertThat(this.test.count("execution")).isZero();
		assertThat(engine.executed("coalesce_claimed")).hasSizeLessThan(10);
	}

	@Test
	void asksForNoDecisionWithoutKeys() {
		register();
		for (int i = 1; i <= 20; i++) {
			this.keyed.change(i, null);
		}
		RecordingDataSource engine = new RecordingDataSource(this.test.pool("engine", 4));

		this.test.node(engine, (builder) -> {
		}, this.keyed.task()).drain();

		assertThat(this.keyed.runs()).hasSize(20);
		assertThat(engine.executed("coalesce_claimed")).isEmpty();
	}

	@Test
	void runsNowAndThenWhileAKeyChangesAllTheTime() {
		this.test.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(1)), this.keyed.task())
			.start();

		int last = 0;
		long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
		while (this.keyed.runs().size() < 5 && System.nanoTime() - deadline < 0) {
			this.keyed.change(++last, "a");
		}
		assertThat(this.keyed.runs()).hasSizeGreaterThanOrEqualTo(5);
		this.keyed.awaitLive(0);

		assertThat(this.keyed.runs()).isSorted().doesNotHaveDuplicates().endsWith(last);
	}

}
