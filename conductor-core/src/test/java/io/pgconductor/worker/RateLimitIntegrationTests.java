package io.pgconductor.worker;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import io.pgconductor.ConductorClient;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.Orchestrator;
import io.pgconductor.RetryAfterException;
import io.pgconductor.task.PayloadPath;
import io.pgconductor.task.RateLimit;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.GivenHandlers;
import io.pgconductor.testing.RecordingDataSource;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Limits of how many executions begin within a period.
 */
class RateLimitIntegrationTests {

	private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

	private final List<Call> calls = Collections.synchronizedList(new ArrayList<>());

	private TestConductor test;

	private ConductorClient client;

	@BeforeEach
	void start() {
		this.test = new TestConductor(RateLimitIntegrationTests.class);
		this.client = this.test.conductor();
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	record Call(String customer, int number) {
	}

	private TaskSpec limited(String rate, TaskHandler handler) {
		TaskHandler noting = (event, context) -> {
			this.calls.add((Call) event.payload());
			return handler.handle(event, context);
		};
		return TaskSpec.of("call", Call.class, noting)
			.with(TaskOptions.none().rateLimit(RateLimit.parse(rate)).retryPolicy(GivenHandlers.AT_ONCE));
	}

	private TaskSpec limited(String rate) {
		return limited(rate, (event, context) -> null);
	}

	private static TaskOptions byCustomer() {
		return TaskOptions.none().rateLimitKey(PayloadPath.parse("customer"));
	}

	private List<UUID> invoke(String customer, int count) {
		return this.client.invokeAll("call",
				IntStream.range(0, count).mapToObj((i) -> Invoke.of(new Call(customer, i))).toList());
	}

	private void awaitCalls(int count) {
		await().atMost(Duration.ofSeconds(20)).until(() -> this.calls.size() == count);
	}

	// What has been enqueued by now of this one has been looked at, too
	private void awaitOther() {
		this.test.await(this.client.invoke("other", null), ExecutionState.COMPLETED);
	}

	private static TaskSpec other() {
		return TaskSpec.of("other", null, (event, context) -> null);
	}

	@Test
	void noMoreBeginThanTheLimitUntilTheWindowSlides() {
		this.test.stopClock(START);
		this.test.node(limited("5/1m"), other()).start();
		this.test.node(limited("5/1m"), other()).start();
		awaitOther();
		invoke("a", 3);
		awaitCalls(3);
		this.test.stopClock(START.plusSeconds(30));

		invoke("a", 20);

		awaitCalls(5);
		this.test.stopClock(START.plusSeconds(59));
		awaitOther();
		assertThat(this.calls).hasSize(5);
		this.test.stopClock(START.plusSeconds(60));
		awaitCalls(8);
		awaitOther();
		assertThat(this.calls).hasSize(8);
		this.test.stopClock(START.plusSeconds(90));
		awaitCalls(10);
	}

	@Test
	void everyWindowHoldsTheLimit() {
		this.test.node(limited("20/200ms")).start();
		this.test.node(limited("20/200ms")).start();

		invoke("a", 200);

		awaitCalls(200);
		await().until(() -> this.test.count("finished_execution") == 200);
		Integer most = this.test.sql("""
				select max(n) from (
				    select count(*) as n from ${schema}.finished_execution a join ${schema}.finished_execution b
				        on b.claimed_at >= a.claimed_at and b.claimed_at < a.claimed_at + interval '200 milliseconds'
				    group by a.id, a.claimed_at) w
				""").query(Integer.class).single();
		// Those that were claimed in one go count for one another
		assertThat(most).isLessThanOrEqualTo(20);
	}

	@Test
	void eachKeyHasItsOwnRate() {
		this.test.stopClock(START);
		this.test.node(limited("2/1m").with(byCustomer()), other()).start();
		awaitOther();

		invoke("a", 10);
		invoke("b", 1);
		invoke("c", 3);

		awaitCalls(5);
		awaitOther();
		assertThat(this.calls).extracting(Call::customer).containsExactlyInAnyOrder("a", "a", "b", "c", "c");
	}

	@Test
	void aRateAndAConcurrencyMayHaveDifferentKeys() {
		this.test.stopClock(START);
		TaskSpec task = limited("2/1m").with(byCustomer()).with(TaskOptions.none().concurrency(1));
		this.test.node(task, other()).start();
		awaitOther();

		invoke("a", 5);
		invoke("b", 5);

		awaitCalls(4);
		awaitOther();
		assertThat(this.calls).extracting(Call::customer).containsExactlyInAnyOrder("a", "a", "b", "b");
	}

	@Test
	void whatWaitsRunsAsSoonAsItMay() {
		this.test.node(limited("5/500ms")).start();
		long begin = System.nanoTime();

		invoke("a", 16);

		awaitCalls(16);
		assertThat(Duration.ofNanos(System.nanoTime() - begin)).isGreaterThan(Duration.ofMillis(1400));
	}

	@Test
	void whatWaitsIsNotPolledInALoop() {
		RecordingDataSource recording = new RecordingDataSource(this.test.pool("recorded", 5));
		this.test.node(recording, (builder) -> {
		}, limited("1/1h"), other()).start();
		invoke("a", 100);
		awaitCalls(1);
		awaitOther();
		recording.clear();

		await().pollDelay(Duration.ofSeconds(3)).until(() -> true);

		assertThat(recording.executed("claim_gated")).hasSizeLessThanOrEqualTo(8);
	}

	@Test
	void aHandlerPausesItsWholeKey() {
		this.test.stopClock(START);
		AtomicInteger refused = new AtomicInteger();
		TaskSpec task = limited("100/1s", (event, context) -> {
			Call call = (Call) event.payload();
			if (call.customer().equals("a") && refused.getAndIncrement() == 0) {
				context.rateLimited(Duration.ofMinutes(10));
			}
			return context.attempt();
		}).with(byCustomer());
		Orchestrator node = this.test.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(1)),
				task, other());
		node.start();
		awaitOther();
		UUID first = this.client.invoke("call", new Call("a", 0));
		awaitCalls(1);
		await().until(() -> this.test.count("gate_pause") == 1);

		invoke("a", 3);
		List<UUID> others = invoke("b", 3);

		others.forEach((id) -> this.test.await(id, ExecutionState.COMPLETED));
		awaitOther();
		assertThat(this.calls).hasSize(4);
		this.test.stopClock(START.plusSeconds(601));
		awaitCalls(8);
		assertThat(this.calls.get(4)).isEqualTo(new Call("a", 0));
		assertThat(this.test.await(first, ExecutionState.COMPLETED).attempt()).isEqualTo(1);
	}

	@Test
	void aFailureThatTellsWhenPausesTheKeyToo() {
		this.test.stopClock(START);
		TaskSpec task = limited("100/1s", (event, context) -> {
			if (this.calls.size() == 1) {
				throw new RetryAfterException(Duration.ofMinutes(10));
			}
			return null;
		});
		this.test.node(task, other()).start();
		awaitOther();
		UUID first = this.client.invoke("call", new Call("a", 0));
		await().until(() -> this.test.count("gate_pause") == 1);

		List<UUID> ids = invoke("a", 2);

		awaitOther();
		assertThat(this.calls).hasSize(1);
		this.test.stopClock(START.plusSeconds(601));
		ids.forEach((id) -> this.test.await(id, ExecutionState.COMPLETED));
		assertThat(this.test.await(first, ExecutionState.COMPLETED).attempt()).isEqualTo(2);
	}

	@Test
	void withoutALimitItWaitsAlone() {
		AtomicInteger refused = new AtomicInteger();
		TaskSpec task = TaskSpec.of("free", String.class, (event, context) -> {
			if (event.payload().equals("refused") && refused.getAndIncrement() == 0) {
				context.rateLimited(Duration.ofMinutes(10));
			}
			return context.attempt();
		});
		this.test.node(task).start();
		UUID first = this.client.invoke("free", "refused");
		this.test.await(first, ExecutionState.WAITING);

		this.test.await(this.client.invoke("free", "other"), ExecutionState.COMPLETED);

		assertThat(this.client.find(first).orElseThrow().waitingFor()).isEqualTo("limit");
		this.test.travel(Duration.ofMinutes(11));
		assertThat(this.test.await(first, ExecutionState.COMPLETED).attempt()).isEqualTo(1);
	}

	@Test
	void aPauseOfWhatHasOnlyAConcurrencyLimitIsForThat() {
		this.test.stopClock(START);
		AtomicInteger refused = new AtomicInteger();
		TaskSpec task = TaskSpec.of("call", Call.class, (event, context) -> {
			this.calls.add((Call) event.payload());
			if (refused.getAndIncrement() == 0) {
				context.rateLimited(Duration.ofMinutes(10));
			}
			return null;
		}).with(TaskOptions.none().concurrency(3).concurrencyKey(PayloadPath.parse("customer")));
		this.test.node(task, other()).start();
		awaitOther();
		this.client.invoke("call", new Call("a", 0));
		await().until(() -> this.test.count("gate_pause") == 1);

		invoke("a", 2);
		List<UUID> others = invoke("b", 2);

		others.forEach((id) -> this.test.await(id, ExecutionState.COMPLETED));
		awaitOther();
		assertThat(this.calls).hasSize(3);
		this.test.stopClock(START.plusSeconds(601));
		awaitCalls(6);
	}

}
