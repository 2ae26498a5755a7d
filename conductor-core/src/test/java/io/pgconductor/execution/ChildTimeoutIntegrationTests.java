package io.pgconductor.execution;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import io.pgconductor.ChildTimeoutException;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskDefinition;
import io.pgconductor.task.TaskSpec;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Children that take too long.
 */
class ChildTimeoutIntegrationTests extends AbstractChildTests {

	private static final Duration HOUR = Duration.ofHours(1);

	private static String resultOf(TaskContext context, String step, String task, Duration timeout) {
		try {
			return context.invoke(step, task, null, String.class, timeout);
		}
		catch (ChildTimeoutException ex) {
			assertThat(ex.step()).isEqualTo(step);
			return "timeout: " + ex.getMessage();
		}
	}

	private static TaskSpec sleeper() {
		return TaskSpec.of("sleeper", null, (event, context) -> {
			context.sleep("years", Duration.ofDays(1000));
			return "woken";
		});
	}

	@Test
	void cancelsAChildThatHasNotBegunAndRemembersIt() {
		TaskSpec parent = TaskSpec.of("impatient", null, (event, context) -> {
			String result = resultOf(context, "child", "idle", HOUR);
			if (context.attempt() == 1) {
				throw retryNow("attempt 1");
			}
			return result;
		});
		start(parent);
		register(on("unserved", TaskSpec.of("idle", null, (event, context) -> "never")));
		UUID id = this.client.invoke("impatient", null);
		UUID child = child(id);
		assertThat(find(id).state()).isEqualTo(ExecutionState.WAITING);

		travel(HOUR.plusMinutes(1));

		Execution done = completed(id);
		assertThat(done.result().asString()).startsWith("timeout: ").contains("'idle'", "'child'", id.toString());
		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.children()).containsExactly(child);
		assertThat(done.steps()).isEmpty();
		assertThat(cancelled(child).cancelReason()).contains("did not end in the time");
	}

	@Test
	void cancelsAWaitingChildWithItsOwnChildren() {
		TaskDefinition<Void, String> middle = TaskDefinition.of("middle", Void.class, String.class);
		TaskSpec parent = TaskSpec.of("impatient", null, (event, context) -> {
			try {
				return context.invoke("child", middle, null, HOUR);
			}
			catch (ChildTimeoutException ex) {
				return "timeout";
			}
		});
		start(parent, TaskSpec.of("middle", null, (event, context) -> {
			context.invokeAll("children", "sleeper", List.of(1, 2), String.class);
			return null;
		}), sleeper());
		UUID id = this.client.invoke("impatient", null);
		UUID child = child(id);
		List<UUID> grandchildren = children(child, 2);
		grandchildren.forEach((grandchild) -> this.test.await(grandchild, ExecutionState.WAITING));

		travel(HOUR.plusMinutes(1));

		assertThat(completed(id).result().asString()).isEqualTo("timeout");
		cancelled(child);
		grandchildren.forEach(this::cancelled);
		assertThat(this.test.count("execution")).isZero();
		assertThat(this.test.sql("select count(*) from ${schema}.child_wait where parent_id <> ?")
			.param(id)
			.query(Long.class)
			.single()).isZero();
	}

	@Test
	void tellsARunningChildWhoseLateResultChangesNothing() throws InterruptedException {
		CountDownLatch begun = new CountDownLatch(1);
		CountDownLatch told = new CountDownLatch(1);
		CountDownLatch released = new CountDownLatch(1);
		List<String> results = new ArrayList<>();
		TaskSpec parent = TaskSpec.of("impatient", null, (event, context) -> {
			results.add(resultOf(context, "child", "stubborn", HOUR));
			context.sleep("night", Duration.ofHours(8));
			return results.size();
		});
		start(parent, TaskSpec.of("stubborn", null, (event, context) -> {
			begun.countDown();
			try {
				new CountDownLatch(1).await();
			}
			catch (InterruptedException ex) {
				told.countDown();
			}
			released.await();
			return "late";
		}));
		UUID id = this.client.invoke("impatient", null);
		begun.await();

		travel(HOUR.plusMinutes(1));
		assertThat(told.await(20, TimeUnit.SECONDS)).isTrue();
		Awaitility.await()
			.until(() -> this.test.sql("select waiting_for from ${schema}.execution where id = ?")
				.param(id)
				.query(String.class)
				.single(), "sleep"::equals);
		int claims = claims(id);
		released.countDown();

		assertThat(cancelled(child(id)).result()).isNull();
		assertThat(claims(id)).isEqualTo(claims);
		assertThat(find(id).state()).isEqualTo(ExecutionState.WAITING);
		travel(Duration.ofHours(12));
		assertThat(completed(id).result().asInt()).isEqualTo(2);
		assertThat(results).containsOnly(results.get(0)).first().asString().startsWith("timeout: ");
		assertThat(find(id).children()).hasSize(1);
	}

	private int claims(UUID id) {
		return this.test.sql("select claim_no from ${schema}.execution where id = ?")
			.param(id)
			.query(Integer.class)
			.single();
	}

	@Test
	void failsTheParentAtOnceWhenNobodyCatchesItAndInvokesAgainAtARetry() {
		start(TaskSpec.of("strict", null,
				(event, context) -> context.invoke("child", "slow", null, String.class, HOUR)));
		TaskSpec slow = on("slow", TaskSpec.of("slow", null, (event, context) -> "at last"));
		register(slow);
		UUID id = this.client.invoke("strict", null);
		UUID child = child(id);

		travel(HOUR.plusMinutes(1));

		Execution failed = failed(id);
		assertThat(failed.attempt()).isOne();
		assertThat(failed.error().type()).isEqualTo(ChildTimeoutException.class.getName());
		cancelled(child);
		start(slow);
		assertThat(this.client.retry(id)).isTrue();
		Execution done = completed(id);
		assertThat(done.result().asString()).isEqualTo("at last");
		assertThat(done.children()).hasSize(2).startsWith(child);
	}

	@Test
	void keepsTheFirstDeadlineHoweverOftenTheParentRuns() {
		AtomicInteger runs = new AtomicInteger();
		start(TaskSpec.of("restless", null, (event, context) -> {
			runs.incrementAndGet();
			return resultOf(context, "child", "sleeper", HOUR);
		}), sleeper());
		UUID id = this.client.invoke("restless", null);
		this.test.await(child(id), ExecutionState.WAITING);

		travel(Duration.ofMinutes(40));
		runAgain(id);
		Awaitility.await().until(() -> runs.get() == 2);
		this.test.await(id, ExecutionState.WAITING);
		travel(Duration.ofMinutes(80));

		assertThat(completed(id).result().asString()).startsWith("timeout: ");
		assertThat(runs).hasValue(3);
	}

	@Test
	void keepsTheResultsOfThoseThatWereInTime() {
		Map<Integer, AtomicInteger> runs = new ConcurrentHashMap<>();
		CountDownLatch released = new CountDownLatch(1);
		start(TaskSpec.of("gathering", null, (event, context) -> context.invokeAll("children", "uneven",
				IntStream.range(0, 5).boxed().toList(), Integer.class, HOUR)),
				TaskSpec.of("uneven", Integer.class, (event, context) -> {
					int n = event.payload(Integer.class);
					runs.computeIfAbsent(n, (key) -> new AtomicInteger()).incrementAndGet();
					if (n % 2 == 1) {
						released.await();
					}
					return n * n;
				}));
		UUID id = this.client.invoke("gathering", null);
		Awaitility.await().until(() -> this.test.count("step") == 3);

		travel(HOUR.plusMinutes(1));

		Execution failed = failed(id);
		assertThat(failed.error().type()).isEqualTo(ChildTimeoutException.class.getName());
		cancelled(failed.children().get(1));
		cancelled(failed.children().get(3));
		released.countDown();
		assertThat(this.client.retry(id)).isTrue();
		assertThat(completed(id).result()).hasToString("[0,1,4,9,16]");
		assertThat(runs.values()).extracting(AtomicInteger::get).containsExactly(1, 2, 1, 2, 1);
	}

	@Test
	void refusesATimeoutThatIsNone() {
		start(TaskSpec.of("hasty", null,
				(event, context) -> context.invoke("child", "sleeper", null, String.class, Duration.ZERO)));

		Execution failed = failed(this.client.invoke("hasty", null, InvokeOptions.defaults().maxAttempts(1)));

		assertThat(failed.error().message()).contains("'child'", "positive");
		assertThat(failed.children()).isEmpty();
	}

	@Test
	void eitherReturnsTheResultOrTimesOutAndStaysWithIt() {
		int size = 40;
		// Finds a time that lets each side win about as often as the other
		AtomicInteger lead = new AtomicInteger(10);
		Map<UUID, Queue<String>> seen = new ConcurrentHashMap<>();
		TaskSpec parent = TaskSpec.of("racing", Integer.class, (event, context) -> {
			String result;
			try {
				result = context.invoke("child", "racer", event.payload(), String.class,
						Duration.ofMillis(event.payload(Integer.class)));
			}
			catch (ChildTimeoutException ex) {
				result = "timeout";
			}
			seen.computeIfAbsent(context.executionId(), (id) -> new ConcurrentLinkedQueue<>()).add(result);
			if (context.attempt() == 1) {
				lead.addAndGet(result.equals("timeout") ? 1 : -1);
				throw retryNow("attempt 1");
			}
			return result;
		});
		TaskSpec child = TaskSpec.of("racer", Integer.class, (event, context) -> {
			LockSupport.parkNanos(TimeUnit.MILLISECONDS
				.toNanos(event.payload(Integer.class) - lead.get() + ThreadLocalRandom.current().nextInt(-10, 10)));
			return "result";
		});
		start(concurrency(20), parent, on("children", child));
		start(concurrency(20), parent, on("children", child));

		List<UUID> ids = new ArrayList<>();
		for (int batch = 0; batch < 10 || (batch < 50 && !outcomes(seen).contains("result")); batch++) {
			// The later, the more time even a slow machine has
			int least = 10 + batch * 5;
			ids.addAll(this.client.invokeAll("racing",
					IntStream.range(0, size).mapToObj((i) -> Invoke.of(least + i * 3)).toList()));
			if (batch % 3 == 2) {
				awaitAllEnded();
			}
		}
		awaitAllEnded();

		assertThat(seen).hasSameSizeAs(ids);
		ids.forEach((id) -> {
			Execution done = find(id);
			assertThat(done.state()).isEqualTo(ExecutionState.COMPLETED);
			assertThat(done.children()).hasSize(1);
			assertThat(seen.get(id)).containsExactly(done.result().asString(), done.result().asString());
		});
		assertThat(outcomes(seen)).containsExactlyInAnyOrder("result", "timeout");
		assertThat(this.test.sql("select count(*) from ${schema}.child_wait where error is null")
			.query(Long.class)
			.single()).isZero();
	}

	private static Set<String> outcomes(Map<UUID, Queue<String>> seen) {
		return seen.values().stream().flatMap(Queue::stream).collect(Collectors.toSet());
	}

}
