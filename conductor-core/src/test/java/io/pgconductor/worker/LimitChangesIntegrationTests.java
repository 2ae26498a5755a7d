package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import io.pgconductor.ConductorClient;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.EventTrigger;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.PayloadPath;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.LogCapture;
import io.pgconductor.testing.TestConductor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/**
 * Limits over redeployments and crashes, and the keys they find in payloads.
 */
class LimitChangesIntegrationTests {

	private final AtomicInteger running = new AtomicInteger();

	private final AtomicInteger most = new AtomicInteger();

	private final AtomicInteger run = new AtomicInteger();

	private final Semaphore permits = new Semaphore(0);

	@RegisterExtension
	final LogCapture log = new LogCapture(MissingKeys.class);

	private TestConductor test;

	private ConductorClient client;

	@BeforeEach
	void start() {
		this.test = new TestConductor(LimitChangesIntegrationTests.class);
		this.client = this.test.conductor();
	}

	@AfterEach
	void stop() {
		this.permits.release(100_000);
		this.test.close();
	}

	record Order(@Nullable Customer customer, int number) {
	}

	record Customer(String shortName) {
	}

	private TaskSpec task() {
		return TaskSpec.of("task", Order.class, (event, context) -> {
			this.most.accumulateAndGet(this.running.incrementAndGet(), Math::max);
			try {
				this.permits.acquire();
				return this.run.incrementAndGet();
			}
			finally {
				this.running.decrementAndGet();
			}
		});
	}

	private static TaskOptions concurrency(int concurrency) {
		return TaskOptions.none().concurrency(concurrency);
	}

	private static TaskOptions byCustomer() {
		return TaskOptions.none().concurrencyKey(PayloadPath.parse("customer.shortName"));
	}

	private void invoke(int count) {
		this.client.invokeAll("task",
				IntStream.range(0, count).mapToObj((i) -> Invoke.of(new Order(new Customer("c" + i % 3), i))).toList());
	}

	private Orchestrator start(TaskSpec task) {
		Orchestrator node = this.test.node(task);
		node.start();
		return node;
	}

	private void awaitRunning(int count) {
		await().atMost(Duration.ofSeconds(20)).until(() -> this.running.get() == count);
	}

	private void finish(int count) {
		this.permits.release(count);
		await().atMost(Duration.ofSeconds(30)).until(() -> this.run.get() == count);
		this.permits.drainPermits();
		this.run.set(0);
		this.most.set(0);
	}

	@Test
	void aChangedLimitAppliesToWhatWaits() {
		start(task().with(concurrency(4))).stop();
		invoke(60);
		Orchestrator four = start(task().with(concurrency(4)));
		awaitRunning(4);
		start(task().with(concurrency(7)));
		awaitRunning(7);

		four.stop();
		finish(60);

		assertThat(this.most.get()).isLessThanOrEqualTo(7);
	}

	@Test
	void aLoweredLimitCountsWhatRuns() {
		start(task().with(concurrency(5))).stop();
		invoke(20);
		start(task().with(concurrency(5)));
		awaitRunning(5);
		start(task().with(concurrency(2)));
		this.permits.release(4);
		await().until(() -> this.run.get() == 4);

		awaitRunning(2);

		await().pollDelay(Duration.ofMillis(300)).until(() -> this.running.get() == 2);
		this.permits.release(1000);
		await().until(() -> this.run.get() == 20);
	}

	@Test
	void aNewLimitAppliesToWhatWaits() {
		start(task()).stop();
		invoke(50);
		this.client.invoke("task", new Order(null, 50), InvokeOptions.defaults().delay(Duration.ofHours(1)));
		start(task().with(concurrency(2)));
		awaitRunning(2);
		this.test.travel(Duration.ofHours(2));

		finish(51);

		assertThat(this.most.get()).isLessThanOrEqualTo(2);
	}

	@Test
	void aRemovedLimitAppliesToWhatWaits() {
		start(task().with(concurrency(1))).stop();
		invoke(50);

		start(task());

		awaitRunning(10);
		finish(50);
	}

	@Test
	void aNewKeyAppliesToWhatWaits() {
		start(task().with(concurrency(1))).stop();
		invoke(50);

		start(task().with(concurrency(1)).with(byCustomer()));

		awaitRunning(3);
		finish(50);
	}

	@Test
	void whatWasEnqueuedBeforeTheTaskWasKnownIsLimited() {
		invoke(30);

		start(task().with(concurrency(2)).with(byCustomer()));

		awaitRunning(6);
		finish(30);
	}

	@Test
	void aNodeThatDoesNotKnowTheLimitKeepsIt() {
		start(task()).stop();
		this.test.sql("update ${schema}.task set gate = name, concurrency = 2").update();
		invoke(10);

		Orchestrator old = this.test.node(task());
		this.test.sql("""
				create or replace function ${schema}.keep_limit() returns trigger language plpgsql as
				$$ begin new.gate := old.gate; new.concurrency := old.concurrency; return new; end $$
				""").update();
		this.test
			.sql("create trigger keep_limit before update on ${schema}.task for each row "
					+ "execute function ${schema}.keep_limit()")
			.update();
		old.start();

		awaitRunning(2);
		finish(10);
	}

	@Test
	void aCrashLeaksNothing() {
		start(task().with(concurrency(3))).stop();
		invoke(20);
		// As a node leaves it that was killed
		UUID dead = UUID.randomUUID();
		this.test.sql("""
				update ${schema}.execution set phase = 'running', claimed_by = :dead, claimed_at = now(), claim_no = 1,
				    attempt = 1, lane = l.lane
				from (select id, row_number() over (order by id) as lane from ${schema}.execution order by id limit 3) l
				where execution.id = l.id
				""").param("dead", dead).update();

		this.test.node((builder) -> builder.nodeTimeout(Duration.ofSeconds(1)), task().with(concurrency(3))).start();

		awaitRunning(3);
		finish(20);
		assertThat(this.most.get()).isLessThanOrEqualTo(3);
	}

	@Test
	void aRunningHandlerThatFailsFreesItsPlace() {
		TaskSpec failing = TaskSpec.of("failing", Integer.class, (event, context) -> {
			this.run.incrementAndGet();
			throw new IllegalStateException("as told");
		}).with(concurrency(1)).with(TaskOptions.none().maxAttempts(1));
		start(failing);

		this.client.invokeAll("failing", IntStream.range(0, 50).mapToObj(Invoke::of).toList());

		await().until(() -> this.run.get() == 50);
	}

	@Test
	void findsTheKeyWhateverThePayloadCameBy() {
		TaskSpec task = task().with(concurrency(1))
			.with(byCustomer())
			.withTriggers(List.of(EventTrigger.of("ordered", null, List.of("customer"))));
		start(task);
		Order order = new Order(new Customer("ada"), 1);

		this.client.invoke("task", order);
		this.client.invokeAll("task", List.of(Invoke.of(order), Invoke.of(order)));
		this.test.sql("select ${schema}.invoke('task', '{\"customer\": {\"shortName\": \"ada\"}}')")
			.query(UUID.class)
			.single();
		this.test.sql("select ${schema}.invoke('task', '{\"customer\": {\"shortName\": \"ada\"}}', throttle => '1 s')")
			.query(UUID.class)
			.single();
		this.client.emit("ordered", order);
		this.client.schedule("task", "soon", "0 0 1 1 *", order);
		this.test.travel(Duration.ofDays(370));

		await().until(() -> this.test.count("execution") == 7);
		assertThat(gates()).containsExactly("task|customer.shortName=ada|");
		this.test.travel(Duration.ZERO);
		this.client.unschedule("task", "soon");
		finish(7);
	}

	private List<String> gates() {
		return this.test.sql("select distinct translate(gate, E'\\x01', '|') from ${schema}.execution order by 1")
			.query(String.class)
			.list();
	}

	@Test
	void whatHasNoKeySharesALimit() {
		start(task().with(concurrency(1)).with(byCustomer())).stop();
		for (String payload : List.of("null", "1", "[]", "{}", "{\"customer\": null}", "{\"customer\": {}}")) {
			this.test.sql("select ${schema}.invoke('task', :payload::jsonb)")
				.param("payload", payload)
				.query(UUID.class)
				.single();
		}
		this.client.invoke("task", null);
		this.client.invoke("task", Map.of("customer", Map.of("shortName", "a\u0000b")));
		assertThat(gates()).containsExactly("task|customer.shortName=|");

		start(task().with(concurrency(1)).with(byCustomer()));

		awaitRunning(1);
		await().until(() -> this.log.lines().stream().anyMatch((message) -> message.contains("customer.shortName")));
	}

	@Test
	void keysOfAnyLengthAndKindAreKeys() {
		start(task().with(concurrency(1)).with(byCustomer())).stop();
		for (Object key : List.of("x".repeat(10_000), "a\nb", Map.of("a", 1), List.of(1, 2), true, 1.5, "\u00fc")) {
			this.client.invokeAll("task", List.of(Invoke.of(Map.of("customer", Map.of("shortName", key))),
					Invoke.of(Map.of("customer", Map.of("shortName", key)))));
		}

		assertThat(gates()).hasSize(7);
	}

	@Test
	void anAliasSharesTheLimitOfItsTask() {
		TaskSpec task = task().with(concurrency(2)).withAliases(Set.of("former"));
		start(task);

		this.client.invokeAll("former", List.of(Invoke.of(null), Invoke.of(null), Invoke.of(null)));
		invoke(3);

		awaitRunning(2);
		finish(6);
		assertThat(this.most.get()).isLessThanOrEqualTo(2);
	}

	@Test
	void queuesShareTheLimitOfATask() {
		start(task().with(concurrency(2))).stop();
		invoke(3);
		this.client.invokeAll("task", List.of(Invoke.of(null, InvokeOptions.defaults().queue("second")),
				Invoke.of(null, InvokeOptions.defaults().queue("second"))));
		this.test.node((builder) -> builder.worker("second", WorkerOptions.DEFAULT), task().with(concurrency(2)))
			.start();

		awaitRunning(2);

		await().pollDelay(Duration.ofMillis(300)).until(() -> this.running.get() == 2);
		finish(5);
	}

	@Test
	void cancelsWhatWaitsOnALane() {
		List<UUID> all = Collections.synchronizedList(new ArrayList<>());
		TaskSpec quick = TaskSpec.of("quick", null, (event, context) -> null).with(concurrency(1));
		start(quick);
		for (int round = 0; round < 200; round++) {
			List<UUID> ids = this.client.invokeAll("quick",
					List.of(Invoke.of(1), Invoke.of(2), Invoke.of(3), Invoke.of(4)));
			this.client.cancel(ids.get(round % 4));
			all.addAll(ids);
		}
		await().atMost(Duration.ofSeconds(20)).until(() -> this.test.count("execution") == 0);
		assertThat(all).allSatisfy((id) -> assertThat(this.client.find(id).orElseThrow().state())
			.isIn(ExecutionState.COMPLETED, ExecutionState.CANCELLED));
	}

	@Test
	void aTransactionalTaskFreesItsPlaceAsItCommits() {
		AtomicInteger transactions = new AtomicInteger();
		TaskSpec task = TaskSpec.of("transactional", null, (event, context) -> transactions.incrementAndGet())
			.with(concurrency(1))
			.with(TaskOptions.none().transactional(true));
		start(task);

		this.client.invokeAll("transactional", IntStream.range(0, 100).mapToObj(Invoke::of).toList());

		await().atMost(Duration.ofSeconds(20)).until(() -> transactions.get() == 100);
	}

	@Test
	void refusesKeysThatCannotBe() {
		assertRefused(task().with(concurrency(1)).with(TaskOptions.none().concurrencyKey(PayloadPath.parse("custmer"))),
				"concurrencyKey 'custmer'", "customer, number");
		assertRefused(
				task().with(concurrency(1)).with(TaskOptions.none().concurrencyKey(PayloadPath.parse("number.x"))),
				"int has no property 'x'");
		assertRefused(task().with(byCustomer()), "there is no concurrency");
		assertRefused(task().with(TaskOptions.none().rateLimitKey(PayloadPath.parse("number"))),
				"there is no rateLimit");
	}

	private void assertRefused(TaskSpec task, String... parts) {
		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> start(task))
			.withMessageContaining("Task 'task'")
			.satisfies((ex) -> assertThat(ex.getMessage()).contains(parts));
	}

}
