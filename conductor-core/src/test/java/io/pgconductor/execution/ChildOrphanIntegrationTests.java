package io.pgconductor.execution;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.InvokeOptions;
import io.pgconductor.NonRetryableException;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.TaskSpec;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Children whose parents have ended, and those that nobody waits for any more.
 */
class ChildOrphanIntegrationTests extends AbstractChildTests {

	private static final UUID GHOST = UUID.randomUUID();

	private Map<UUID, Boolean> interrupted;

	private AtomicInteger parentRuns;

	@BeforeEach
	void reset() {
		this.interrupted = new ConcurrentHashMap<>();
		this.parentRuns = new AtomicInteger();
	}

	private TaskSpec runner() {
		return TaskSpec.of("runner", null, (event, context) -> {
			this.interrupted.put(context.executionId(), false);
			try {
				return new CountDownLatch(1).await(1, TimeUnit.HOURS);
			}
			catch (InterruptedException ex) {
				this.interrupted.put(context.executionId(), context.isCancelled());
				throw ex;
			}
		});
	}

	private static TaskSpec sleeper() {
		return TaskSpec.of("sleeper", null, (event, context) -> {
			context.sleep("long", Duration.ofDays(1));
			return null;
		});
	}

	private static TaskSpec calling(String name, String child) {
		return TaskSpec.of(name, null,
				(event, context) -> context.invokeAll("children", child, List.of(1, 2), Object.class));
	}

	/**
	 * Wait until all generations are there: an execution with two children, each of which
	 * has two that run.
	 */
	private List<List<UUID>> generations(UUID top) {
		List<UUID> children = children(top, 2);
		List<UUID> grandchildren = children.stream().flatMap((child) -> children(child, 2).stream()).toList();
		grandchildren.forEach((grandchild) -> this.test.await(grandchild, ExecutionState.RUNNING));
		Awaitility.await().until(() -> this.interrupted.keySet().containsAll(grandchildren));
		return List.of(children, grandchildren);
	}

	private void assertAllCancelled(List<List<UUID>> generations, String reason) {
		for (List<UUID> generation : generations) {
			assertThat(generation).allSatisfy((id) -> assertThat(cancelled(id).cancelReason()).contains(reason));
		}
		assertThat(generations.get(1)).allMatch(this.interrupted::get);
		awaitAllEnded();
		assertThat(this.test.count("child_wait")).isZero();
	}

	@Test
	void areCancelledThroughAllGenerationsWithTheirParent() {
		start(calling("top", "middle"), calling("middle", "runner"));
		start(on("running", runner()));
		UUID top = this.client.invoke("top", null);
		List<List<UUID>> generations = generations(top);

		assertThat(this.client.cancel(top, "enough")).isTrue();

		assertThat(find(top).state()).isEqualTo(ExecutionState.CANCELLED);
		assertThat(find(top).cancelReason()).isEqualTo("enough");
		assertThat(generations.get(0)).allMatch((child) -> find(child).state() == ExecutionState.CANCELLED);
		assertAllCancelled(generations, "its parent was cancelled");
	}

	@Test
	void areCancelledFromSql() {
		start(calling("top", "middle"), calling("middle", "runner"));
		start(on("running", runner()));
		UUID top = this.client.invoke("top", null);
		List<List<UUID>> generations = generations(top);

		assertThat(this.test.sql("select ${schema}.cancel(?, 'by hand')").param(top).query(Boolean.class).single())
			.isTrue();

		assertThat(find(top).cancelReason()).isEqualTo("by hand");
		assertAllCancelled(generations, "its parent was cancelled");
	}

	@Test
	void areLeftInPeaceIfTheCancellationIsRolledBack() {
		start(calling("top", "middle"), calling("middle", "runner"));
		start(on("running", runner()));
		UUID top = this.client.invoke("top", null);
		List<List<UUID>> generations = generations(top);

		this.test.transaction().executeWithoutResult((status) -> {
			assertThat(this.client.cancel(top)).isTrue();
			assertThat(find(top).state()).isEqualTo(ExecutionState.CANCELLED);
			status.setRollbackOnly();
		});

		assertThat(find(top).state()).isEqualTo(ExecutionState.WAITING);
		assertThat(generations.get(0)).allMatch((child) -> find(child).state() == ExecutionState.WAITING);
		assertThat(generations.get(1)).allMatch((child) -> find(child).state() == ExecutionState.RUNNING);
		assertThat(this.test.count("execution")).isEqualTo(7);
	}

	@Test
	void areCancelledWhenTheirParentFails() {
		start(TaskSpec.of("top", null, (event, context) -> {
			if (this.parentRuns.incrementAndGet() == 2) {
				throw new NonRetryableException("changed its mind");
			}
			return context.invokeAll("children", "middle", List.of(1, 2), Object.class);
		}), calling("middle", "runner"));
		start(on("running", runner()));
		UUID top = this.client.invoke("top", null);
		List<List<UUID>> generations = generations(top);

		runAgain(top);

		assertThat(failed(top).error().message()).isEqualTo("changed its mind");
		assertAllCancelled(generations, "its parent has ended");
	}

	@Test
	void areCancelledWhenTheirParentCompletesWithoutThem() {
		start(TaskSpec.of("top", null, (event, context) -> {
			if (this.parentRuns.incrementAndGet() == 2) {
				return "without you";
			}
			return context.invokeAll("children", "middle", List.of(1, 2), Object.class);
		}), calling("middle", "runner"));
		start(on("running", runner()));
		UUID top = this.client.invoke("top", null);
		List<List<UUID>> generations = generations(top);

		runAgain(top);

		assertThat(completed(top).result().asString()).isEqualTo("without you");
		assertAllCancelled(generations, "its parent has ended");
	}

	@Test
	void areCancelledWhenTheirRunningParentIs() throws InterruptedException {
		CountDownLatch again = new CountDownLatch(2);
		start(TaskSpec.of("top", null, (event, context) -> {
			again.countDown();
			if (again.getCount() == 0) {
				new CountDownLatch(1).await();
			}
			return context.invokeAll("children", "middle", List.of(1, 2), Object.class);
		}), calling("middle", "runner"));
		start(on("running", runner()));
		UUID top = this.client.invoke("top", null);
		List<List<UUID>> generations = generations(top);
		runAgain(top);
		again.await();

		assertThat(this.client.cancel(top, "enough")).isTrue();

		assertThat(cancelled(top).cancelReason()).isEqualTo("enough");
		assertAllCancelled(generations, "its parent has ended");
	}

	@Test
	void areCancelledWhenTheirParentDiesForGood() {
		TaskSpec parent = on("parents", calling("top", "middle"));
		start((builder) -> builder.nodeTimeout(Duration.ofSeconds(3)), calling("middle", "runner"));
		start(on("running", runner()));
		Orchestrator node = start(parent);
		UUID top = this.client.invoke("top", null, InvokeOptions.defaults().maxAttempts(1));
		List<List<UUID>> generations = generations(top);
		node.stop();

		claimByGhost(top);
		start((builder) -> builder.nodeTimeout(Duration.ofSeconds(3)), parent);

		assertThat(failed(top).error().message()).contains("attempt 1 of 1", "died");
		assertAllCancelled(generations, "its parent has ended");
	}

	/**
	 * As if a node had died while it ran an execution.
	 */
	private void claimByGhost(UUID id) {
		assertThat(this.test
			.sql("update ${schema}.execution set claimed_by = ?, claimed_at = now(), claim_no = claim_no + 1, "
					+ "phase = 'due' where id = ? and claimed_by is null")
			.param(GHOST)
			.param(id)
			.update()).isOne();
	}

	@Test
	void areCancelledThoughTheirNodeHasDiedMeanwhile() {
		TaskSpec child = on("children", TaskSpec.of("child", null, (event, context) -> "should not run"));
		register(child);
		start(TaskSpec.of("top", null, (event, context) -> context.invoke("child", "child", null, String.class)));
		UUID top = this.client.invoke("top", null);
		UUID orphan = child(top);
		claimByGhost(orphan);

		assertThat(this.client.cancel(top)).isTrue();
		assertThat(find(orphan).state()).isEqualTo(ExecutionState.RUNNING);
		start((builder) -> builder.nodeTimeout(Duration.ofSeconds(3)), child);

		assertThat(cancelled(orphan).result()).isNull();
		awaitAllEnded();
	}

	@Test
	void countNothingForTheNewWaitOfARetriedParent() throws InterruptedException {
		CountDownLatch firstBegun = new CountDownLatch(1);
		CountDownLatch firstReleased = new CountDownLatch(1);
		CountDownLatch secondReleased = new CountDownLatch(1);
		AtomicInteger childRuns = new AtomicInteger();
		start(TaskSpec.of("top", null, (event, context) -> context.invoke("child", "stubborn", null, String.class)));
		start(on("children", TaskSpec.of("stubborn", null, (event, context) -> {
			if (childRuns.incrementAndGet() == 1) {
				firstBegun.countDown();
				awaitStubbornly(firstReleased);
				return "first";
			}
			secondReleased.await();
			return "second";
		})));
		UUID top = this.client.invoke("top", null);
		firstBegun.await();
		UUID first = child(top);

		assertThat(this.client.cancel(top)).isTrue();
		assertThat(this.client.retry(top)).isTrue();
		UUID second = children(top, 2).get(1);
		this.test.await(second, ExecutionState.RUNNING);
		firstReleased.countDown();
		cancelled(first);

		assertThat(find(top).state()).isEqualTo(ExecutionState.WAITING);
		secondReleased.countDown();
		Execution done = completed(top);
		assertThat(done.result().asString()).isEqualTo("second");
		assertThat(done.children()).containsExactly(first, second);
		assertThat(childRuns).hasValue(2);
	}

	private static void awaitStubbornly(CountDownLatch latch) {
		while (true) {
			try {
				latch.await();
				return;
			}
			catch (InterruptedException ex) {
				// It was told, and does not care
			}
		}
	}

	@Test
	void areCancelledWhileTheyAreHeldForAnUnknownTask() {
		start(calling("top", "unheard-of"), sleeper());
		UUID top = this.client.invoke("top", null);
		List<UUID> children = children(top, 2);

		assertThat(this.client.cancel(top)).isTrue();

		children.forEach(this::cancelled);
		assertThat(this.test.count("execution")).isZero();
	}

}
