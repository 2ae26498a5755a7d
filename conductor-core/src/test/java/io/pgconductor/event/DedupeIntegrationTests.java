package io.pgconductor.event;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;

import io.pgconductor.Conductor;
import io.pgconductor.EmitOptions;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.transaction.annotation.Isolation;
import org.springframework.transaction.support.TransactionTemplate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Events that are emitted once, however often that is asked for.
 */
class DedupeIntegrationTests {

	private static TestConductor test;

	private static Conductor client;

	@BeforeAll
	static void start() {
		test = new TestConductor(DedupeIntegrationTests.class);
		client = test.conductor();
		test.node(Subscriber.to("first", "*").task(), Subscriber.to("second", "*").task()).start();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	private static UUID emit(String event, String key) {
		return client.emit(event, key, EmitOptions.defaults().dedupeKey(key));
	}

	@Test
	void emitsOnceForFiftyThreadsAtTheSameMoment() throws Exception {
		int threads = 50;
		ExecutorService executor = Executors.newFixedThreadPool(threads);
		try {
			for (int round = 0; round < 5; round++) {
				String key = "key-" + round;
				CyclicBarrier barrier = new CyclicBarrier(threads);
				List<CompletableFuture<UUID>> calls = IntStream.range(0, threads)
					.mapToObj((i) -> CompletableFuture.supplyAsync(() -> {
						meet(barrier);
						return emit("contended", key);
					}, executor))
					.toList();

				Set<UUID> ids = new HashSet<>();
				for (CompletableFuture<UUID> call : calls) {
					ids.add(call.get());
				}
				assertThat(ids).hasSize(1);
				assertThat(EmittedExecutions.tasks(test, ids.iterator().next())).containsExactly("first", "second");
				assertThat(EmittedExecutions.countOfName(test, "contended")).isEqualTo((round + 1) * 2);
			}
		}
		finally {
			executor.shutdown();
		}
	}

	private static void meet(CyclicBarrier barrier) {
		try {
			barrier.await();
		}
		catch (Exception ex) {
			throw new IllegalStateException(ex);
		}
	}

	@Test
	void tellsKeysOfDifferentEventsApart() {
		UUID event = emit("event", "key");
		UUID other = emit("other", "key");

		assertThat(other).isNotEqualTo(event);
		assertThat(emit("event", "key")).isEqualTo(event);
		assertThat(emit("event", "Key")).isNotEqualTo(event);
		assertThat(client.emit("event", null)).isNotEqualTo(client.emit("event", null));
		assertThat(EmittedExecutions.tasks(test, other)).hasSize(2);
	}

	@Test
	void emitsAfterTheFirstWasRolledBack() {
		UUID undone = test.transaction().execute((status) -> {
			UUID id = emit("rolled.back", "key");
			assertThat(emit("rolled.back", "key")).isEqualTo(id);
			status.setRollbackOnly();
			return id;
		});

		UUID id = emit("rolled.back", "key");

		assertThat(id).isNotEqualTo(undone);
		assertThat(EmittedExecutions.countOfName(test, "rolled.back")).isEqualTo(2);
	}

	@Test
	void waitsForTheTransactionOfTheFirst() {
		for (boolean rollback : new boolean[] { true, false }) {
			CompletableFuture<UUID> second = new CompletableFuture<>();
			UUID first = test.transaction().execute((status) -> {
				UUID id = emit("open." + rollback, "key");
				CompletableFuture.supplyAsync(() -> emit("open." + rollback, "key")).thenAccept(second::complete);
				await().atMost(Duration.ofSeconds(30))
					.until(() -> test.elsewhere(() -> test
						.sql("select exists (select from pg_locks where locktype = 'transactionid' and not granted)")
						.query(Boolean.class)
						.single()));
				assertThat(second).isNotDone();
				if (rollback) {
					status.setRollbackOnly();
				}
				return id;
			});

			assertThat(second.join().equals(first)).isEqualTo(!rollback);
			assertThat(EmittedExecutions.countOfName(test, "open." + rollback)).isEqualTo(2);
		}
	}

	@Test
	void worksInTransactionsOfAnyIsolation() {
		UUID first = emit("isolated", "key");
		for (Isolation isolation : List.of(Isolation.READ_UNCOMMITTED, Isolation.REPEATABLE_READ,
				Isolation.SERIALIZABLE)) {
			TransactionTemplate template = test.transaction();
			template.setIsolationLevel(isolation.value());

			UUID again = template.execute((status) -> emit("isolated", "key"));
			assertThat(again).isEqualTo(first);
			UUID own = template.execute((status) -> {
				UUID id = emit("isolated", isolation.name());
				assertThat(emit("isolated", isolation.name())).isEqualTo(id);
				return id;
			});
			assertThat(EmittedExecutions.tasks(test, own)).hasSize(2);
		}
	}

}
