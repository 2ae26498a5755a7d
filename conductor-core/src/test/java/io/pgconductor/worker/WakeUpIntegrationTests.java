package io.pgconductor.worker;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.stream.IntStream;

import io.pgconductor.ExecutionState;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.RetryAfterException;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * How soon a node notices work that somebody else has made. All nodes here poll so seldom
 * that a lost wake-up cannot be overlooked, and none is in the process, so to speak, of
 * the client.
 */
class WakeUpIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(60);

	// Usually some milliseconds; far below the poll interval also on a busy machine
	private static final long SOON_NANOS = TimeUnit.SECONDS.toNanos(5);

	private static final WorkerOptions NEVER_POLLING = WorkerOptions.DEFAULT.withPollInterval(Duration.ofMinutes(5));

	private final BlockingQueue<Long> delays = new LinkedBlockingQueue<>();

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(WakeUpIntegrationTests.class);
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void startsAtOnceWhatAnotherProcessInvokes() {
		node().start();
		awaitIdle();

		for (int round = 0; round < 300; round++) {
			invoke();
			pause(ThreadLocalRandom.current().nextInt((round % 3 == 0) ? 20_000 : 2000));
		}

		assertAllStartedSoon(300);
	}

	@Test
	void startsAtOnceOneAfterTheOther() {
		node().start();
		awaitIdle();

		for (int round = 0; round < 300; round++) {
			invoke();
			assertAllStartedSoon(1);
		}
	}

	@Test
	void startsAtOnceWhatManyInvokeAtTheSameTime() {
		node().start();
		node().start();
		awaitIdle();

		concurrently(4, (writer) -> {
			for (int round = 0; round < 75; round++) {
				if (round % 5 == 0) {
					this.test.transaction().executeWithoutResult((status) -> {
						// Its lock outlives its statement, but the row's time starts at
						// the commit
						this.test.conductor().invoke("noop", null);
						pause(ThreadLocalRandom.current().nextInt(10_000));
						invoke();
					});
				}
				else {
					invoke();
				}
				pause(ThreadLocalRandom.current().nextInt(20_000));
			}
		});

		assertAllStartedSoon(300);
	}

	@Test
	void startsAtOnceWhatTheIdleOneOfTwoNodesHasToRun() {
		// Who has the lock when both are idle becomes busy, and no longer has it
		CountDownLatch mayEnd = new CountDownLatch(1);
		Orchestrator[] nodes = { this.test.node(one(), blocking(mayEnd), task()),
				this.test.node(one(), blocking(mayEnd), task()) };
		for (Orchestrator node : nodes) {
			node.start();
		}
		awaitIdle();
		UUID blocking = this.test.conductor().invoke("blocking", null);
		this.test.await(blocking, ExecutionState.RUNNING);

		for (int round = 0; round < 50; round++) {
			invoke();
			assertAllStartedSoon(1);
		}

		mayEnd.countDown();
		this.test.await(blocking, ExecutionState.COMPLETED);
	}

	@Test
	void startsAtOnceWhenOneNodeAfterTheOtherBecomesBusy() {
		for (int round = 0; round < 5; round++) {
			CountDownLatch mayEnd = new CountDownLatch(1);
			List<Orchestrator> nodes = IntStream.range(0, 3)
				.mapToObj((i) -> this.test.node(one(), blocking(mayEnd), task()))
				.toList();
			nodes.forEach(Orchestrator::start);
			awaitIdle();

			this.test.await(this.test.conductor().invoke("blocking", null), ExecutionState.RUNNING);
			this.test.await(this.test.conductor().invoke("blocking", null), ExecutionState.RUNNING);
			invoke();

			assertAllStartedSoon(1);
			mayEnd.countDown();
			nodes.forEach(Orchestrator::stop);
		}
	}

	@Test
	void startsAtOnceAfterTheWatchingNodeHasGone() {
		for (int round = 0; round < 5; round++) {
			Orchestrator first = node();
			Orchestrator second = node();
			first.start();
			awaitIdle();
			second.start();
			awaitIdle();

			first.stop();
			invoke();
			assertAllStartedSoon(1);

			first.start();
			awaitIdle();
			second.stop();
			invoke();
			assertAllStartedSoon(1);
			first.stop();
		}
	}

	@Test
	void startsAtOnceAfterTheWatchingSessionsWereTerminated() {
		node().start();
		node().start();
		awaitIdle();

		for (int round = 0; round < 3; round++) {
			this.test.sql("select pg_terminate_backend(pid) from pg_stat_activity "
					+ "where application_name = 'engine' and pid in (select pid from pg_locks where locktype = 'advisory')")
				.query()
				.listOfRows();
			for (int i = 0; i < 5; i++) {
				invoke();
				// Until the session is replaced, it takes up to some seconds
				assertAllStartedWithin(1, TimeUnit.SECONDS.toNanos(30));
			}
		}
		awaitIdle();
		invoke();
		assertAllStartedSoon(1);
	}

	@Test
	void startsDelayedExecutionsInTimeThoughThePromoterSleepsLonger() {
		node().start();
		awaitIdle();

		for (int round = 0; round < 10; round++) {
			this.test.conductor()
				.invoke("task", System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(200),
						InvokeOptions.defaults().delay(Duration.ofMillis(200)));
			assertAllStartedWithin(1, TimeUnit.SECONDS.toNanos(3));
		}
	}

	@Test
	void startsRetriesInTimeThoughThePromoterSleepsLonger() {
		this.test.node((builder) -> builder.defaultWorker(NEVER_POLLING),
				TaskSpec.of("task", Long.class, (event, context) -> {
					if (context.attempt() == 1) {
						throw new RetryAfterException(Duration.ofMillis(200));
					}
					this.delays.add(System.nanoTime() - (Long) event.payload());
					return null;
				}))
			.start();
		awaitIdle();

		for (int round = 0; round < 5; round++) {
			invoke();
			assertAllStartedWithin(1, TimeUnit.SECONDS.toNanos(3));
		}
	}

	@Test
	void startsAtOnceInEachOfManyQueues() {
		TaskSpec[] tasks = IntStream.range(0, 20)
			.mapToObj((i) -> TaskSpec
				.of("task-" + i, Long.class,
						(event, context) -> this.delays.add(System.nanoTime() - (Long) event.payload()))
				.with(TaskOptions.none().queue("queue-" + i)))
			.toArray(TaskSpec[]::new);
		this.test.node((builder) -> builder.defaultWorker(NEVER_POLLING), tasks).start();
		awaitIdle();

		for (int round = 0; round < 5; round++) {
			for (int i = 0; i < 20; i++) {
				this.test.conductor().invoke("task-" + i, System.nanoTime());
				pause(ThreadLocalRandom.current().nextInt(5000));
			}
		}

		assertAllStartedSoon(100);
	}

	@Test
	void pollsWithoutNotifications() {
		this.test
			.node((builder) -> builder.notifications(false)
				.defaultWorker(WorkerOptions.DEFAULT.withPollInterval(Duration.ofMillis(100))), task())
			.start();

		for (int round = 0; round < 20; round++) {
			invoke();
			assertAllStartedSoon(1);
		}
		assertThat(this.test
			.sql("select count(*) from pg_locks where locktype = 'advisory' and objsubid = 1 and granted "
					+ "and database = (select oid from pg_database where datname = current_database())")
			.query(Integer.class)
			.single()).isZero();
	}

	@Test
	void pollsForWhatWasMadeWithoutNotification() {
		this.test
			.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withPollInterval(Duration.ofMillis(200))),
					task())
			.start();
		awaitIdle();

		for (int round = 0; round < 10; round++) {
			this.test.transaction().executeWithoutResult((status) -> {
				this.test.sql("set local conductor.notify = off").update();
				invoke();
			});
			assertAllStartedSoon(1);
		}
	}

	private Orchestrator node() {
		return this.test.node((builder) -> builder.defaultWorker(NEVER_POLLING), task(),
				TaskSpec.of("noop", null, (event, context) -> null));
	}

	private static Consumer<OrchestratorBuilder> one() {
		return (builder) -> builder.defaultWorker(NEVER_POLLING.withConcurrency(1));
	}

	private TaskSpec task() {
		return TaskSpec.of("task", Long.class,
				(event, context) -> this.delays.add(System.nanoTime() - (Long) event.payload()));
	}

	private static TaskSpec blocking(CountDownLatch mayEnd) {
		return TaskSpec.of("blocking", null, (event, context) -> {
			mayEnd.await();
			return null;
		});
	}

	private void invoke() {
		this.test.conductor().invoke("task", System.nanoTime());
	}

	/**
	 * Wait until a node watches the queue, and all others have gone to sleep too.
	 */
	private void awaitIdle() {
		Awaitility.await()
			.atMost(LONG)
			.until(() -> this.test
				.sql("select count(*) from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and granted "
						+ "and classid::bigint << 32 | objid::bigint = ${schema}.wake_key('promoter')")
				.query(Integer.class)
				.single() > 0);
		pause(100_000);
	}

	private void assertAllStartedSoon(int count) {
		assertAllStartedWithin(count, SOON_NANOS);
	}

	private void assertAllStartedWithin(int count, long nanos) {
		for (int i = 0; i < count; i++) {
			try {
				assertThat(this.delays.poll(60, TimeUnit.SECONDS)).as("delay of %s of %s", i, count)
					.isNotNull()
					.isLessThan(nanos);
			}
			catch (InterruptedException ex) {
				throw new IllegalStateException(ex);
			}
		}
	}

	private static void concurrently(int writers, Consumer<Integer> writer) {
		CompletableFuture
			.allOf(IntStream.range(0, writers)
				.mapToObj((i) -> CompletableFuture.runAsync(() -> writer.accept(i), (task) -> new Thread(task).start()))
				.toArray(CompletableFuture[]::new))
			.orTimeout(120, TimeUnit.SECONDS)
			.join();
	}

	private static void pause(int micros) {
		LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(micros));
	}

}
