package io.pgconductor.execution;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.pgconductor.ChildFailedException;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.NonRetryableException;
import io.pgconductor.task.TaskSpec;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Children that end at the same moment as one another, or as something happens to their
 * parents.
 */
class ChildRacesIntegrationTests extends AbstractChildTests {

	private static void pause(int maxMicros) {
		LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(ThreadLocalRandom.current().nextInt(maxMicros)));
	}

	private static TaskSpec sleeper() {
		return TaskSpec.of("sleeper", null, (event, context) -> {
			context.sleep("long", Duration.ofDays(1));
			return null;
		});
	}

	@Test
	void wakesTheParentOnceWhenItsLastTwoChildrenEndAtTheSameMomentOnTwoNodes() {
		int rounds = 400;
		Map<Integer, CyclicBarrier> barriers = new ConcurrentHashMap<>();
		Map<Integer, AtomicInteger> parentRuns = new ConcurrentHashMap<>();
		TaskSpec parent = TaskSpec.of("parent", Integer.class, (event, context) -> {
			int n = event.payload(Integer.class);
			parentRuns.computeIfAbsent(n, (key) -> new AtomicInteger()).incrementAndGet();
			return context.invokeAll("children", "child", List.of(n, n), Integer.class);
		});
		TaskSpec child = TaskSpec.of("child", Integer.class, (event, context) -> {
			int n = event.payload(Integer.class);
			meet(barriers.computeIfAbsent(n, (key) -> new CyclicBarrier(2)));
			return n;
		});
		start(on("parents", parent));
		start(concurrency(8), on("children", child));
		start(concurrency(8), on("children", child));

		List<UUID> ids = new ArrayList<>();
		for (int batch = 0; batch < 20; batch++) {
			int first = batch * rounds / 20;
			ids.addAll(this.client.invokeAll("parent",
					IntStream.range(first, first + rounds / 20).mapToObj(Invoke::of).toList()));
			pause(20_000);
		}

		awaitAllEnded();
		for (int n = 0; n < rounds; n++) {
			assertThat(find(ids.get(n)).result()).hasToString("[" + n + "," + n + "]");
			assertThat(parentRuns.get(n)).hasValue(2);
		}
		assertThat(this.test.count("child_wait")).isZero();
	}

	private static void meet(CyclicBarrier barrier) throws InterruptedException {
		try {
			barrier.await(20, TimeUnit.MILLISECONDS);
		}
		catch (BrokenBarrierException | TimeoutException ex) {
			// The other one runs later
		}
	}

	@Test
	void neverLeavesAParentAsleepThatRunsAgainWhileItsChildrenEnd() throws Exception {
		int size = 200;
		int leastDisturbances = 400;
		AtomicInteger parentRuns = new AtomicInteger();
		AtomicInteger childRuns = new AtomicInteger();
		TaskSpec parent = TaskSpec.of("parent", Integer.class, (event, context) -> {
			parentRuns.incrementAndGet();
			int n = event.payload(Integer.class);
			int first = context.invoke("first", "child", n, Integer.class);
			int second = context.invoke("second", "child", n, Integer.class, Duration.ofMinutes(10));
			List<Integer> others = context.invokeAll("others", "child", List.of(n, n), Integer.class);
			return first + second + others.get(0) + others.get(1);
		});
		TaskSpec child = TaskSpec.of("child", Integer.class, (event, context) -> {
			childRuns.incrementAndGet();
			pause(3_000);
			return event.payload();
		});
		start(on("parents", parent), on("children", child));
		start(on("parents", parent), on("children", child));
		AtomicBoolean over = new AtomicBoolean();
		AtomicInteger disturbed = new AtomicInteger();
		CompletableFuture<Void> disturbance = CompletableFuture.runAsync(() -> {
			while (!over.get()) {
				disturbed.addAndGet(this.test.sql("""
						update ${schema}.execution set phase = 'due', run_at = ${schema}.now()
						where ctid = any (array (
						    select ctid from ${schema}.execution
						    where task = 'parent' and claimed_by is null and waiting_for = 'children' and phase <> 'due'
						      and random() < 0.2
						    for update skip locked))
						""").update());
				pause(5_000);
			}
		}, (task) -> new Thread(task).start());

		List<UUID> ids = new ArrayList<>();
		try {
			for (int batch = 0; batch < 2 || (batch < 20 && disturbed.get() < leastDisturbances); batch++) {
				int first = ids.size();
				ids.addAll(this.client.invokeAll("parent",
						IntStream.range(first, first + size).mapToObj(Invoke::of).toList()));
				awaitAllEnded();
			}
		}
		finally {
			over.set(true);
		}
		disturbance.get(20, TimeUnit.SECONDS);
		assertThat(disturbed).hasValueGreaterThanOrEqualTo(leastDisturbances);
		assertThat(parentRuns).hasValueGreaterThan(ids.size() * 4);
		assertThat(childRuns).hasValue(ids.size() * 4);
		for (int n = 0; n < ids.size(); n++) {
			Execution done = find(ids.get(n));
			assertThat(done.state()).isEqualTo(ExecutionState.COMPLETED);
			assertThat(done.result().asInt()).isEqualTo(4 * n);
			assertThat(done.children()).hasSize(4);
		}
		assertThat(this.test.count("child_wait")).isZero();
	}

	@Test
	void endsAllChildrenWhenSomeFailAtTheSameMoment() {
		int rounds = 200;
		TaskSpec parent = TaskSpec.of("parent", Integer.class, (event, context) -> {
			try {
				return context.invokeAll("children", "child", List.of(0, 1, 2, 3, 4), Integer.class).size();
			}
			catch (ChildFailedException ex) {
				return ex.child();
			}
		});
		TaskSpec child = TaskSpec.of("child", Integer.class, (event, context) -> {
			int n = event.payload(Integer.class);
			pause(2_000);
			if (n > 2) {
				throw new NonRetryableException("no " + n);
			}
			if (n == 1) {
				context.invoke("grandchild", "sleeper", null, Void.class);
			}
			return n;
		});
		start(on("parents", parent), on("children", child), sleeper());
		start(on("parents", parent), on("children", child), sleeper());

		List<UUID> ids = this.client.invokeAll("parent", IntStream.range(0, rounds).mapToObj(Invoke::of).toList());

		awaitAllEnded();
		for (UUID id : ids) {
			Execution done = find(id);
			assertThat(done.state()).isEqualTo(ExecutionState.COMPLETED);
			assertThat(done.children()).hasSize(5);
			assertThat(find(UUID.fromString(done.result().asString())).state()).isEqualTo(ExecutionState.FAILED);
			assertThat(find(done.children().get(1)).state()).isEqualTo(ExecutionState.CANCELLED);
		}
		assertThat(this.test.sql("select count(*) from ${schema}.child_wait where error is null")
			.query(Long.class)
			.single()).isZero();
	}

	@Test
	void leavesNoOrphanWhenAParentIsCancelledAsItInvokes() {
		int rounds = 300;
		TaskSpec parent = TaskSpec.of("parent", null,
				(event, context) -> context.invokeAll("children", "middle", List.of(1, 2), Object.class));
		TaskSpec middle = TaskSpec.of("middle", null,
				(event, context) -> context.invoke("child", "sleeper", null, Object.class));
		start(on("parents", parent), on("middle", middle), sleeper());
		start(on("parents", parent), on("middle", middle), sleeper());

		List<UUID> ids = new ArrayList<>();
		for (int round = 0; round < rounds; round++) {
			UUID id = this.client.invoke("parent", null);
			ids.add(id);
			pause(1 + round % 30 * 1000);
			assertThat(this.client.cancel(id, "race")).isTrue();
		}

		awaitAllEnded();
		assertThat(ids).allSatisfy((id) -> assertThat(find(id).state()).isEqualTo(ExecutionState.CANCELLED));
		assertThat(this.test.sql("select distinct state from ${schema}.finished_execution").query(String.class).list())
			.containsExactly("cancelled");
		assertThat(this.test.sql("select count(distinct task) from ${schema}.finished_execution")
			.query(Integer.class)
			.single()).isEqualTo(3);
		assertThat(this.test.count("child_wait")).isZero();
	}

	@Test
	void endsEverythingWhileFamiliesCompleteAndAreCancelledAtAllLevels() {
		ListAppender<ILoggingEvent> log = new ListAppender<>();
		log.start();
		Logger logger = (Logger) LoggerFactory.getLogger("io.pgconductor");
		logger.addAppender(log);
		try {
			TaskSpec parent = TaskSpec.of("parent", Integer.class, (event, context) -> {
				int caught = 0;
				for (int i = 0; i < 2; i++) {
					try {
						context.invokeAll("children " + i, "middle", List.of(1, 2, 3), Integer.class);
					}
					catch (ChildFailedException ex) {
						caught++;
					}
				}
				return caught;
			});
			TaskSpec middle = TaskSpec.of("middle", Integer.class, (event, context) -> {
				context.invokeAll("children", "leaf", List.of(1, 2, 3), Integer.class);
				return 1;
			});
			TaskSpec leaf = TaskSpec.of("leaf", Integer.class, (event, context) -> {
				pause(2_000);
				return 1;
			});
			start(on("parents", parent), on("middle", middle), on("leaves", leaf));
			start(on("parents", parent), on("middle", middle), on("leaves", leaf));

			AtomicInteger cancelled = new AtomicInteger();
			AtomicBoolean over = new AtomicBoolean();
			List<CompletableFuture<Void>> cancellers = IntStream.range(0, 3)
				.mapToObj((canceller) -> CompletableFuture.runAsync(() -> {
					while (!over.get()) {
						for (UUID id : anyLive(canceller)) {
							if (this.client.cancel(id, "race")) {
								cancelled.incrementAndGet();
							}
						}
						pause(10_000);
					}
				}, (task) -> new Thread(task).start()))
				.toList();
			List<UUID> ids = new ArrayList<>();
			try {
				for (int batch = 0; batch < 40
						|| (batch < 400 && (cancelled.get() <= 100 || cancelledParents() == 0)); batch++) {
					ids.addAll(invokeTen());
					pause(100_000);
				}
			}
			finally {
				over.set(true);
			}
			cancellers.forEach((canceller) -> canceller.orTimeout(20, TimeUnit.SECONDS).join());
			List<UUID> undisturbed = invokeTen();
			awaitAllEnded();

			assertThat(cancelled).hasValueGreaterThan(100);
			assertThat(cancelledParents()).isPositive();
			assertThat(ids).map((id) -> find(id).state())
				.isSubsetOf(ExecutionState.COMPLETED, ExecutionState.CANCELLED);
			assertThat(undisturbed).map((id) -> find(id).state()).containsOnly(ExecutionState.COMPLETED);
			assertThat(this.test.sql("select count(*) from ${schema}.child_wait where error is null")
				.query(Long.class)
				.single()).isZero();
			assertThat(log.list.stream()
				.filter((event) -> event.getLevel().isGreaterOrEqual(Level.WARN))
				.map(ILoggingEvent::getFormattedMessage)
				.filter((message) -> !message.contains("failed for good"))).isEmpty();
		}
		finally {
			logger.detachAppender(log);
		}
	}

	private List<UUID> invokeTen() {
		return this.client.invokeAll("parent", IntStream.range(0, 10).mapToObj(Invoke::of).toList());
	}

	private long cancelledParents() {
		return this.test.count("finished_execution where task = 'parent' and state = 'cancelled'");
	}

	private List<UUID> anyLive(int seed) {
		return this.test.sql("select id from ${schema}.execution order by hashtext(id::text || ?) limit 3")
			.param(seed)
			.query(UUID.class)
			.list();
	}

}
