package io.pgconductor.worker;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import io.pgconductor.ConductorClient;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.ExecutionClaims;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * In which order a worker claims, and that it misses nothing by not starting from the
 * beginning each time.
 */
class ClaimCursorIntegrationTests {

	private static final Comparator<ClaimedExecution> ORDER = Comparator.comparingInt(ClaimedExecution::priority)
		.reversed()
		.thenComparing(ClaimedExecution::runAt)
		.thenComparing((execution) -> execution.id().toString());

	private static final UUID NODE = UUID.randomUUID();

	private static TestConductor test;

	private static ConductorClient client;

	@BeforeAll
	static void start() {
		test = new TestConductor(ClaimCursorIntegrationTests.class);
		client = test.conductor();
		test.node(TaskSpec.of("task", null, (event, context) -> null)).drain();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	@BeforeEach
	void empty() {
		test.sql("truncate ${schema}.execution").update();
	}

	private static ClaimCursor cursor() {
		return new ClaimCursor(new ExecutionClaims(JdbcClient.create(test.dataSource()), new SchemaName(test.schema())),
				"default", List.of("task"));
	}

	private static Invoke item(int priority) {
		return Invoke.of(null, InvokeOptions.defaults().priority(priority));
	}

	private static UUID invoke(int priority) {
		return client.invoke("task", null, item(priority).options());
	}

	private static List<UUID> invokeMany(int priority, int count) {
		return client.invokeAll("task", Stream.generate(() -> item(priority)).limit(count).toList());
	}

	private static List<UUID> ids(List<ClaimedExecution> claimed) {
		return claimed.stream().sorted(ORDER).map(ClaimedExecution::id).toList();
	}

	@Test
	void claimsInTheOrderOfManyInterleavedPriorities() {
		Random random = new Random(42);
		List<Invoke> items = Stream.generate(() -> item(random.nextInt(20) - 10)).limit(3000).toList();
		client.invokeAll("task", items);
		List<UUID> expected = test.sql("select id from ${schema}.execution order by priority desc, run_at, id")
			.query(UUID.class)
			.list();
		ClaimCursor cursor = cursor();

		List<UUID> claimed = new ArrayList<>();
		List<ClaimedExecution> batch;
		do {
			batch = cursor.claim(NODE, 37);
			claimed.addAll(ids(batch));
		}
		while (!batch.isEmpty());

		assertThat(claimed).isEqualTo(expected);
	}

	@Test
	void claimsFirstInFirstOutWithinAPriority() {
		List<UUID> expected = new ArrayList<>(invokeMany(-1, 300));
		IntStream.range(0, 100).forEach((i) -> expected.add(invoke(-1)));
		ClaimCursor cursor = cursor();

		List<UUID> claimed = new ArrayList<>();
		while (claimed.size() < 400) {
			claimed.addAll(ids(cursor.claim(NODE, 60)));
		}

		assertThat(claimed).isEqualTo(expected);
	}

	@Test
	void claimsWhatIsMoreImportantNextHoweverManyWait() {
		invokeMany(0, 2000);
		ClaimCursor cursor = cursor();
		cursor.claim(NODE, 100);
		cursor.claim(NODE, 100);

		List<UUID> between = new ArrayList<>();
		for (int priority : new int[] { 1, Integer.MAX_VALUE, 5, 3, 2, 7, 9, 8, 4, 6, 10 }) {
			UUID important = invoke(priority);
			assertThat(ids(cursor.claim(NODE, 5)).get(0)).isEqualTo(important);
			between.add(important);
		}
		UUID least = invoke(Integer.MIN_VALUE);

		List<UUID> rest = new ArrayList<>();
		List<ClaimedExecution> batch;
		do {
			batch = cursor.claim(NODE, 500);
			rest.addAll(ids(batch));
		}
		while (!batch.isEmpty());
		assertThat(rest).endsWith(least).doesNotContainAnyElementsOf(between);
		assertThat(test.count("execution where claimed_by is null")).isZero();
	}

	@Test
	void findsWhatWasCommittedLate() {
		ClaimCursor cursor = cursor();
		invoke(0);
		cursor.claim(NODE, 10);
		CountDownLatch inserted = new CountDownLatch(1);
		CountDownLatch othersClaimed = new CountDownLatch(1);
		CompletableFuture<UUID> late = CompletableFuture.supplyAsync(() -> test.transaction().execute((status) -> {
			UUID id = invoke(0);
			inserted.countDown();
			awaitLatch(othersClaimed);
			return id;
		}));
		awaitLatch(inserted);
		List<UUID> others = invokeMany(0, 50);
		assertThat(ids(cursor.claim(NODE, 50))).isEqualTo(others);

		othersClaimed.countDown();
		late.join();

		assertThat(ids(cursor.claim(NODE, 10))).containsExactly(late.join());
	}

	@Test
	void findsWhatIsBehindWhileThereIsAlwaysMoreAhead() {
		invokeMany(0, 5000);
		ClaimCursor cursor = cursor();
		cursor.claim(NODE, 10);
		cursor.claim(NODE, 10);
		UUID behind = client.invoke("task", null,
				InvokeOptions.defaults().runAt(Instant.now().minus(Duration.ofDays(1))));
		assertThat(ids(cursor.claim(NODE, 10))).doesNotContain(behind);

		await().pollDelay(Duration.ZERO).pollInterval(Duration.ofMillis(20)).atMost(Duration.ofSeconds(5)).until(() -> {
			List<UUID> claimed = ids(cursor.claim(NODE, 10));
			assertThat(claimed).hasSize(10);
			return claimed.contains(behind);
		});
	}

	@Test
	void claimsEachOnceWhateverTheOrderOfCommits() {
		Set<UUID> enqueued = ConcurrentHashMap.newKeySet();
		Set<UUID> claimed = ConcurrentHashMap.newKeySet();
		CompletableFuture<?>[] enqueuers = IntStream.range(0, 3)
			.mapToObj((thread) -> CompletableFuture.runAsync(() -> enqueueAtRandom(new Random(thread), enqueued)))
			.toArray(CompletableFuture[]::new);
		CompletableFuture<Void> allEnqueued = CompletableFuture.allOf(enqueuers);

		CompletableFuture.allOf(IntStream.range(0, 2).mapToObj((thread) -> CompletableFuture.runAsync(() -> {
			ClaimCursor cursor = cursor();
			Random random = new Random(thread);
			long deadline = System.nanoTime() + Duration.ofSeconds(15).toNanos();
			while ((!allEnqueued.isDone() || claimed.size() < enqueued.size()) && System.nanoTime() < deadline) {
				List<ClaimedExecution> batch = cursor.claim(UUID.randomUUID(), 1 + random.nextInt(40));
				batch.forEach((execution) -> assertThat(claimed.add(execution.id())).isTrue());
			}
		})).toArray(CompletableFuture[]::new)).join();

		allEnqueued.join();
		assertThat(claimed).isEqualTo(enqueued);
	}

	private static void enqueueAtRandom(Random random, Set<UUID> enqueued) {
		for (int i = 0; i < 60; i++) {
			test.transaction().executeWithoutResult((status) -> {
				List<UUID> ids = new ArrayList<>();
				int statements = 1 + random.nextInt(5);
				for (int j = 0; j < statements; j++) {
					ids.addAll(client.invokeAll("task",
							Stream.generate(() -> randomItem(random)).limit(1 + random.nextInt(10)).toList()));
				}
				if (random.nextInt(10) == 0) {
					status.setRollbackOnly();
				}
				else {
					enqueued.addAll(ids);
				}
			});
		}
	}

	private static Invoke randomItem(Random random) {
		InvokeOptions options = InvokeOptions.defaults().priority(random.nextInt(16) - 4);
		return Invoke.of(null, random.nextBoolean() ? options
				: options.runAt(Instant.now().minusMillis(60_000 + random.nextInt(2000))));
	}

	private static void awaitLatch(CountDownLatch latch) {
		await().until(() -> latch.getCount() == 0);
	}

}
