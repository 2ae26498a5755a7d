package io.pgconductor.client;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.stream.IntStream;

import io.pgconductor.ConductorClient;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.OnDuplicate;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

/**
 * Invocations with keys, throttles and debounces.
 */
class InvokeKeyedIntegrationTests {

	private static final InvokeOptions KEEP = InvokeOptions.defaults().dedupeKey("key");

	private static final InvokeOptions REPLACE = KEEP.onDuplicate(OnDuplicate.REPLACE);

	private static final Duration MINUTE = Duration.ofMinutes(1);

	private final List<String> run = Collections.synchronizedList(new ArrayList<>());

	private final Semaphore permits = new Semaphore(0);

	private TestConductor test;

	private ConductorClient client;

	@BeforeEach
	void start() {
		this.test = new TestConductor(InvokeKeyedIntegrationTests.class);
		this.client = this.test.conductor();
		// Registered, so that nothing is held
		Orchestrator node = this.test.node(tasks());
		node.start();
		node.stop();
	}

	@AfterEach
	void stop() {
		this.permits.release(1000);
		this.test.close();
	}

	private TaskSpec[] tasks() {
		TaskSpec task = TaskSpec.of("task", String.class, (event, context) -> this.run.add((String) event.payload()));
		TaskSpec slow = TaskSpec.of("slow", String.class, (event, context) -> {
			this.permits.acquire();
			return this.run.add((String) event.payload());
		});
		TaskSpec gone = TaskSpec.of("gone", String.class, task.handler())
			.with(TaskOptions.none().removeOnComplete(Retention.AT_ONCE));
		TaskSpec sleeping = TaskSpec.of("sleeping", String.class, (event, context) -> {
			context.sleep("a day", Duration.ofDays(1));
			return this.run.add((String) event.payload());
		});
		return new TaskSpec[] { task, slow, gone, sleeping };
	}

	private Orchestrator startNode() {
		Orchestrator node = this.test.node(tasks());
		node.start();
		return node;
	}

	private void drain() {
		this.test.node(tasks()).drain();
	}

	@Test
	void keepsTheFirstWhileItIsLive() {
		UUID first = this.client.invoke("task", "first", KEEP);

		assertThat(this.client.invoke("task", "second", KEEP)).isEqualTo(first);
		assertThat(this.client.invoke("task", "other key", InvokeOptions.defaults().dedupeKey("other")))
			.isNotEqualTo(first);
		assertThat(this.client.invoke("slow", "other task", KEEP)).isNotEqualTo(first);

		assertThat(this.test.count("execution")).isEqualTo(3);
		assertThat(this.client.find(first).orElseThrow().payload().asString()).isEqualTo("first");
	}

	@Test
	void keepsTheFirstWhileItIsRetained() {
		UUID first = this.client.invoke("task", "first", KEEP);
		drain();

		assertThat(this.client.invoke("task", "second", KEEP)).isEqualTo(first);

		drain();
		assertThat(this.run).containsExactly("first");
	}

	@Test
	void freesTheKeyOfWhatIsNotRetained() {
		UUID first = this.client.invoke("gone", "first", KEEP);
		drain();

		assertThat(this.client.invoke("gone", "second", KEEP)).isNotEqualTo(first);

		drain();
		assertThat(this.run).containsExactly("first", "second");
		assertThat(this.test.count("execution_key")).isZero();
	}

	@Test
	void freesTheKeyOfWhatIsPruned() {
		UUID first = this.client.invoke("task", "first", KEEP);
		drain();
		this.test.travel(Duration.ofDays(8));
		Orchestrator node = startNode();
		await().atMost(Duration.ofSeconds(20)).until(() -> this.test.count("finished_execution") == 0);
		node.stop();

		assertThat(this.test.count("execution_key")).isZero();
		assertThat(this.client.invoke("task", "second", KEEP)).isNotEqualTo(first);
	}

	@Test
	void freesTheKeyOfWhatIsCancelledAndNotRetained() {
		this.test.sql("update ${schema}.task set keep_failed = '0'").update();
		UUID first = this.client.invoke("task", "first", KEEP);

		assertThat(this.client.cancel(first)).isTrue();

		assertThat(this.client.invoke("task", "second", KEEP)).isNotEqualTo(first);
	}

	@Test
	void replacesWhatHasNotBegun() {
		UUID first = this.client.invoke("task", "first", REPLACE);

		assertThat(this.client.invoke("task", "second", REPLACE.priority(7))).isEqualTo(first);
		assertThat(this.client.invoke("task", "third", REPLACE.priority(8))).isEqualTo(first);

		assertThat(this.client.find(first).orElseThrow().priority()).isEqualTo(8);
		drain();
		assertThat(this.run).containsExactly("third");
	}

	@Test
	void aReplacementTakesItsOwnTime() {
		UUID first = this.client.invoke("task", "first", REPLACE.delay(Duration.ofDays(1)));
		assertThat(this.client.find(first).orElseThrow().state()).isEqualTo(ExecutionState.SCHEDULED);

		this.client.invoke("task", "second", REPLACE);

		drain();
		assertThat(this.run).containsExactly("second");
	}

	@Test
	void followsWhatRuns() {
		startNode();
		UUID first = this.client.invoke("slow", "first", REPLACE);
		this.test.await(first, ExecutionState.RUNNING);

		UUID second = this.client.invoke("slow", "second", REPLACE.delay(MINUTE));
		UUID third = this.client.invoke("slow", "third", REPLACE);

		assertThat(second).isNotEqualTo(first).isEqualTo(third);
		this.permits.release(2);
		this.test.await(third, ExecutionState.COMPLETED);
		assertThat(this.run).containsExactlyInAnyOrder("first", "third");
	}

	@Test
	void followsWhatSleepsAndWhatHasFinished() {
		startNode();
		UUID sleeping = this.client.invoke("sleeping", "first", REPLACE);
		this.test.await(sleeping, ExecutionState.WAITING);
		UUID finished = this.client.invoke("task", "first", REPLACE);
		this.test.await(finished, ExecutionState.COMPLETED);

		assertThat(this.client.invoke("sleeping", "second", REPLACE)).isNotEqualTo(sleeping);
		assertThat(this.client.invoke("task", "second", REPLACE)).isNotEqualTo(finished);
	}

	@Test
	void foldsEqualKeysOfOneCall() {
		List<UUID> kept = this.client.invokeAll("task",
				List.of(Invoke.of("a", KEEP), Invoke.of("plain"), Invoke.of("b", KEEP)));
		List<UUID> replaced = this.client.invokeAll("gone", List.of(Invoke.of("c", REPLACE), Invoke.of("d", REPLACE)));

		assertThat(kept.get(0)).isEqualTo(kept.get(2)).isNotEqualTo(kept.get(1));
		assertThat(replaced.get(0)).isEqualTo(replaced.get(1));
		drain();
		assertThat(this.run).containsExactlyInAnyOrder("a", "plain", "d");
	}

	@Test
	void manyThreadsGetOneExecution() throws InterruptedException {
		for (int round = 0; round < 200; round++) {
			InvokeOptions options = InvokeOptions.defaults().dedupeKey("round " + round);
			assertThat(inParallel(50, () -> this.client.invoke("task", "one", options))).hasSize(1);
		}
		assertThat(this.test.count("execution")).isEqualTo(200);
	}

	@Test
	void nothingSlipsThroughAsAnExecutionFinishes() throws InterruptedException {
		startNode();
		for (int round = 0; round < 300; round++) {
			InvokeOptions options = InvokeOptions.defaults().dedupeKey("round " + round);
			UUID first = this.client.invoke("task", "one", options);
			// Some of them as it runs, some as it finishes, some later
			assertThat(inParallel(10, () -> this.client.invoke("task", "two", options))).containsExactly(first);
		}
		await().until(() -> this.run.size() == 300);
	}

	@Test
	void whatIsNotRetainedRunsOnceForEachFreeKey() throws InterruptedException {
		startNode();
		Set<UUID> ids = new HashSet<>();
		for (int round = 0; round < 300; round++) {
			ids.addAll(inParallel(5, () -> this.client.invoke("gone", "one", KEEP)));
		}
		await().until(() -> this.run.size() == ids.size() && this.test.count("execution") == 0);
		assertThat(this.test.count("execution_key")).isZero();
	}

	@Test
	void replacementsNeverGetLost() throws InterruptedException {
		startNode();
		for (int round = 0; round < 300; round++) {
			String last = "last of " + round;
			inParallel(4, () -> this.client.invoke("task", "some", REPLACE));
			this.client.invoke("task", last, REPLACE);
			if (round % 50 == 0) {
				await().until(() -> this.run.contains(last));
			}
		}
		await().until(() -> this.run.contains("last of 299"));
	}

	@Test
	void replacingAndCancellingDoNotDeadlock() throws InterruptedException {
		this.test.sql("update ${schema}.task set keep_failed = '0'").update();
		for (int round = 0; round < 200; round++) {
			UUID id = this.client.invoke("task", "first", REPLACE);
			inParallel(4, () -> {
				this.client.cancel(id);
				return this.client.invoke("task", "next", REPLACE);
			});
		}
		assertThat(this.test.count("execution_key")).isLessThanOrEqualTo(1);
	}

	@Test
	void crossedKeysOfTwoCallsDoNotDeadlock() throws InterruptedException {
		List<Invoke> items = IntStream.range(0, 50)
			.mapToObj((i) -> Invoke.of("x",
					InvokeOptions.defaults().dedupeKey("key-" + i).onDuplicate(OnDuplicate.REPLACE)))
			.toList();
		List<Invoke> reversed = new ArrayList<>(items);
		Collections.reverse(reversed);
		for (int round = 0; round < 100; round++) {
			Set<List<UUID>> ids = inParallel(4, () -> {
				boolean even = Thread.currentThread().getId() % 2 == 0;
				return this.client.invokeAll("task", even ? items : reversed);
			});
			assertThat(ids).allSatisfy((list) -> assertThat(list).hasSize(50));
		}
		assertThat(this.test.count("execution")).isEqualTo(50);
	}

	private <T> Set<T> inParallel(int threads, Callable<T> work) throws InterruptedException {
		Set<T> results = Collections.synchronizedSet(new HashSet<>());
		List<Throwable> failures = Collections.synchronizedList(new ArrayList<>());
		CountDownLatch go = new CountDownLatch(1);
		List<Thread> all = IntStream.range(0, threads).mapToObj((i) -> new Thread(() -> {
			try {
				go.await();
				results.add(work.call());
			}
			catch (Throwable ex) {
				failures.add(ex);
			}
		})).toList();
		all.forEach(Thread::start);
		go.countDown();
		for (Thread thread : all) {
			thread.join();
		}
		assertThat(failures).isEmpty();
		return results;
	}

	@Test
	void rollbackUndoesIt() {
		UUID undone = this.test.transaction().execute((status) -> {
			status.setRollbackOnly();
			return this.client.invoke("task", "undone", KEEP);
		});

		assertThat(this.client.invoke("task", "done", KEEP)).isNotEqualTo(undone);
		assertThat(this.test.count("execution")).isEqualTo(1);
	}

	@Test
	void throttlesFromTheFirstOn() {
		InvokeOptions options = InvokeOptions.defaults().throttle(MINUTE);
		UUID first = this.client.invoke("task", "first", options);
		assertThat(this.client.invoke("task", "second", options)).isEqualTo(first);
		assertThat(this.client.invoke("task", "keyed", options.dedupeKey("key"))).isNotEqualTo(first);
		assertThat(this.client.invoke("slow", "other", options)).isNotEqualTo(first);
		this.permits.release();
		drain();

		assertThat(this.client.invoke("task", "third", options)).isEqualTo(first);
		this.test.travel(MINUTE.plusSeconds(1));

		assertThat(this.client.invoke("task", "fourth", options)).isNotEqualTo(first);
		drain();
		assertThat(this.run).containsExactlyInAnyOrder("first", "keyed", "other", "fourth");
	}

	@Test
	void aThrottleOutlivesWhatIsNotRetained() {
		InvokeOptions options = InvokeOptions.defaults().throttle(MINUTE);
		UUID first = this.client.invoke("gone", "first", options);
		drain();

		assertThat(this.client.find(first)).isEmpty();
		assertThat(this.client.invoke("gone", "second", options)).isEqualTo(first);

		this.test.travel(Duration.ofHours(1));
		startNode();
		await().atMost(Duration.ofSeconds(20)).until(() -> this.test.count("execution_key") == 0);
		assertThat(this.client.invoke("gone", "third", options)).isNotEqualTo(first);
	}

	@Test
	void debouncesToTheLast() {
		InvokeOptions options = InvokeOptions.defaults().debounce(MINUTE);
		UUID first = this.client.invoke("task", "first", options);
		this.test.travel(Duration.ofSeconds(50));
		assertThat(this.client.invoke("task", "second", options)).isEqualTo(first);
		this.test.travel(Duration.ofSeconds(100));
		drain();
		assertThat(this.run).isEmpty();
		assertThat(this.client.invoke("task", "third", options)).isEqualTo(first);

		this.test.travel(Duration.ofSeconds(161));
		drain();

		assertThat(this.run).containsExactly("third");
		assertThat(this.client.invoke("task", "fourth", options)).isNotEqualTo(first);
	}

	@Test
	void aDebounceWaitsNoLongerThanItMay() {
		Instant start = Instant.parse("2026-01-01T00:00:00Z");
		InvokeOptions options = InvokeOptions.defaults().dedupeKey("key").debounce(MINUTE, Duration.ofSeconds(90));
		this.test.stopClock(start);
		UUID id = this.client.invoke("task", "first", options);
		this.test.stopClock(start.plusSeconds(50));
		this.client.invoke("task", "second", options);

		assertThat(this.client.find(id).orElseThrow().runAt()).isEqualTo(start.plusSeconds(90));
		this.test.stopClock(start.plusSeconds(91));
		UUID next = this.client.invoke("task", "third", options);
		drain();
		this.test.stopClock(start.plusSeconds(152));
		drain();

		assertThat(next).isEqualTo(id);
		assertThat(this.run).containsExactly("third");
	}

	@Test
	void sqlDoesTheSame() {
		UUID first = sql("dedupe_key => 'key'");

		assertThat(sql("dedupe_key => 'key'")).isEqualTo(first);
		assertThat(this.client.invoke("task", "x", KEEP)).isEqualTo(first);
		assertThat(sql("dedupe_key => 'key', on_duplicate => 'replace', priority => 9")).isEqualTo(first);
		assertThat(this.client.find(first).orElseThrow().priority()).isEqualTo(9);
		assertThat(sql("throttle => '1 minute'")).isEqualTo(sql("throttle => '1 minute'"));
		assertThat(sql("dedupe_key => 'd', debounce => '1 minute', max_wait => '1 hour'"))
			.isEqualTo(sql("dedupe_key => 'd', debounce => '1 minute', max_wait => '1 hour'"));
	}

	private UUID sql(String options) {
		return this.test.sql("select ${schema}.invoke('task', '\"sql\"', " + options + ")").query(UUID.class).single();
	}

	@Test
	void refusesWhatContradictsItself() {
		assertThatIllegalArgumentException()
			.isThrownBy(
					() -> this.client.invoke("task", null, InvokeOptions.defaults().onDuplicate(OnDuplicate.REPLACE)))
			.withMessageContaining("Task 'task'")
			.withMessageContaining("dedupeKey");
		for (String wrong : List.of("on_duplicate => 'replace'", "dedupe_key => 'k', on_duplicate => 'x'",
				"dedupe_key => ''", "dedupe_key => repeat('x', 513)", "throttle => '1 s', debounce => '1 s'",
				"throttle => '-1 s'", "debounce => '1 s', delay => '1 s'", "max_wait => '1 s'",
				"debounce => '2 s', max_wait => '1 s'")) {
			assertThatExceptionOfType(RuntimeException.class).isThrownBy(() -> sql(wrong));
		}
		assertThat(this.test.count("execution")).isZero();
		assertThat(this.test.count("execution_key")).isZero();
	}

	@Test
	void takesTheLongestKeyOfAnyCharacters() {
		InvokeOptions options = InvokeOptions.defaults().dedupeKey("🦆".repeat(256));

		assertThat(this.client.invoke("task", "a", options)).isEqualTo(this.client.invoke("task", "b", options));
	}

	@Test
	void invokesThousandsAtOnce() {
		List<Invoke> items = IntStream.range(0, 5000)
			.mapToObj((i) -> Invoke.of("x", InvokeOptions.defaults().dedupeKey("key-" + i)))
			.toList();

		List<UUID> ids = this.client.invokeAll("task", items);

		assertThat(this.client.invokeAll("task", items)).isEqualTo(ids);
		assertThat(new HashSet<>(ids)).hasSize(5000);
	}

	@Test
	void aRetriedExecutionHasItsKeyStill() {
		UUID first = this.client.invoke("task", "first", KEEP);
		this.client.cancel(first);
		assertThat(this.client.retry(first)).isTrue();

		assertThat(this.client.invoke("task", "second", KEEP)).isEqualTo(first);
	}

}
