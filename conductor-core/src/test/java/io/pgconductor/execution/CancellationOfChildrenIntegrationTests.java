package io.pgconductor.execution;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import io.pgconductor.ChildFailedException;
import io.pgconductor.Conductor;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.RetryAfterException;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * What the cancellation of a parent means for its children, and the other way round.
 */
class CancellationOfChildrenIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(20);

	private final Map<UUID, CountDownLatch> blocked = new ConcurrentHashMap<>();

	private final CountDownLatch release = new CountDownLatch(1);

	private TestConductor test;

	private Conductor client;

	@BeforeEach
	void install() {
		this.test = new TestConductor(CancellationOfChildrenIntegrationTests.class);
		this.client = this.test.conductor();
	}

	@AfterEach
	void close() {
		this.release.countDown();
		this.test.close();
	}

	private void startNode() {
		this.test.node(TaskSpec.of("family", null,
				(event, context) -> context.invokeAll("call", "member", event.payload(List.class), String.class)),
				TaskSpec.of("member", String.class, this::member))
			.start();
	}

	private Object member(TaskEvent<?> event, TaskContext context) throws Exception {
		switch (event.payload(String.class)) {
			case "sleep" -> context.sleep("night", Duration.ofHours(8));
			case "retry" -> throw new RetryAfterException(Duration.ofHours(1));
			case "block" -> {
				this.blocked.computeIfAbsent(context.executionId(), (id) -> new CountDownLatch(1)).countDown();
				this.release.await();
			}
			case "sleeping child" -> context.invoke("call", "member", "sleep", String.class);
			case "running child" -> context.invoke("call", "member", "block", String.class);
			case "grandchild" -> context.invoke("call", "member", "sleeping child", String.class);
			default -> throw new IllegalArgumentException(event.payload(String.class));
		}
		return "done";
	}

	private Execution parentOf(int descendants, Object payload) {
		UUID parent = this.client.invoke("family", payload);
		this.test.await(parent, ExecutionState.WAITING);
		Awaitility.await()
			.atMost(LONG)
			.until(() -> this.test
				.count("executions where parent_id is not null and state in ('waiting', 'scheduled')") == descendants
						- this.blocked.size());
		return this.client.find(parent).orElseThrow();
	}

	@Test
	void endsAllChildrenOfACancelledParentThroughAllGenerations() {
		startNode();
		List<String> children = List.of("sleep", "retry", "sleeping child", "grandchild", "sleep");
		Execution parent = parentOf(8, children);

		assertThat(this.client.cancel(parent.id(), "because")).isTrue();

		assertThat(this.test.count("execution")).isZero();
		assertThat(this.test.count("child_wait")).isZero();
		assertThat(this.test.count("finished_execution where state = 'cancelled'")).isEqualTo(9);
		assertThat(this.client.find(parent.id()).orElseThrow().cancelReason()).isEqualTo("because");
		assertThat(parent.children()).hasSize(5)
			.map((child) -> this.client.find(child).orElseThrow())
			.allSatisfy((child) -> {
				assertThat(child.state()).isEqualTo(ExecutionState.CANCELLED);
				assertThat(child.cancelReason()).isEqualTo("its parent was cancelled");
			});
	}

	@Test
	void tellsRunningChildrenAndGrandchildrenOfACancelledParent() {
		startNode();
		UUID parent = this.client.invoke("family", List.of("block", "running child", "sleep"));
		Awaitility.await().atMost(LONG).until(() -> this.blocked.size() == 2);
		Awaitility.await().atMost(LONG).until(() -> this.test.count("executions where waiting_for = 'sleep'") == 1);

		assertThat(this.client.cancel(parent)).isTrue();

		assertThat(this.client.find(parent).orElseThrow().state()).isEqualTo(ExecutionState.CANCELLED);
		Awaitility.await().atMost(LONG).until(() -> this.test.count("execution") == 0);
		assertThat(this.test.count("finished_execution where state = 'cancelled'")).isEqualTo(5);
		assertThat(this.test.count("child_wait")).isZero();
	}

	@Test
	void endsChildrenThatNobodyServesAndThoseOnQueuesThatNobodyServes() {
		this.test.node(
				TaskSpec.of("held", null, (event, context) -> context.invoke("call", "unheard-of", null, String.class)),
				TaskSpec.of("ready", null, (event, context) -> context.invoke("call", "elsewhere", null, String.class)))
			.start();
		this.test.sql("""
				insert into ${schema}.task (name, queue, priority, max_attempts, keep_completed, keep_failed)
				values ('elsewhere', 'unserved', 0, 3, '1 day', '1 day')
				""").update();
		UUID held = this.test.await(this.client.invoke("held", null), ExecutionState.WAITING).id();
		UUID ready = this.test.await(this.client.invoke("ready", null), ExecutionState.WAITING).id();

		assertThat(this.client.cancel(held)).isTrue();
		assertThat(this.client.cancel(ready)).isTrue();

		assertThat(this.test.count("execution")).isZero();
		assertThat(this.test.count("finished_execution where state = 'cancelled'")).isEqualTo(4);
	}

	@Test
	void endsManyChildrenAtOnce() {
		startNode();
		UUID parent = this.client.invoke("family", IntStream.range(0, 2_000).mapToObj((i) -> "sleep").toList());
		Awaitility.await().atMost(LONG).until(() -> this.test.count("executions where waiting_for = 'sleep'") == 2_000);

		assertThat(this.client.cancel(parent)).isTrue();

		assertThat(this.test.count("execution")).isZero();
		assertThat(this.test.count("finished_execution where state = 'cancelled'")).isEqualTo(2_001);
		assertThat(this.test.count("step where name = 'call'")).isZero();
	}

	@Test
	void leavesOtherExecutionsOfTheSameTasksAlone() {
		startNode();
		UUID cancelled = this.test.await(this.client.invoke("family", List.of("sleep")), ExecutionState.WAITING).id();
		UUID other = this.test.await(this.client.invoke("family", List.of("sleep")), ExecutionState.WAITING).id();
		UUID orphan = this.test.await(this.client.invoke("member", "sleep"), ExecutionState.WAITING).id();
		Awaitility.await().atMost(LONG).until(() -> this.test.count("executions where waiting_for = 'sleep'") == 3);

		assertThat(this.client.cancel(cancelled)).isTrue();

		assertThat(liveIds()).hasSize(3).contains(other, orphan);
		travel(Duration.ofHours(9));
		assertThat(this.test.await(other, ExecutionState.COMPLETED).result().get(0).asString()).isEqualTo("done");
		this.test.await(orphan, ExecutionState.COMPLETED);
	}

	private Set<UUID> liveIds() {
		return this.test.sql("select id from ${schema}.execution").query(UUID.class).set();
	}

	@Test
	void cancelsTheChildrenOfAParentThatIsCancelledWhileItRuns() {
		CountDownLatch resumed = new CountDownLatch(1);
		this.test.node(TaskSpec.of("parent", null, (event, context) -> {
			if (this.client.find(context.executionId()).orElseThrow().children().size() == 1) {
				resumed.countDown();
				this.release.await();
			}
			return context.invoke("call", "member", "sleep", String.class, Duration.ofHours(1));
		}), TaskSpec.of("member", String.class, this::member)).start();
		UUID parent = this.client.invoke("parent", null);
		Awaitility.await().atMost(LONG).until(() -> this.test.count("executions where waiting_for = 'sleep'") == 1);
		travel(Duration.ofHours(2));
		awaitLatch(resumed);

		assertThat(this.client.cancel(parent, "in the middle")).isTrue();

		Execution cancelled = this.test.await(parent, ExecutionState.CANCELLED);
		Execution child = this.client.find(cancelled.children().get(0)).orElseThrow();
		assertThat(child.state()).isEqualTo(ExecutionState.CANCELLED);
		assertThat(this.test.count("execution")).isZero();
		assertThat(this.test.count("child_wait")).isZero();
	}

	@Test
	void tellsTheParentOfACancelledChild() {
		this.test.node(TaskSpec.of("parent", String.class, (event, context) -> {
			try {
				return context.invoke("call", "member", event.payload(), String.class);
			}
			catch (ChildFailedException ex) {
				return Map.of("step", ex.step(), "child", String.valueOf(ex.child()), "message", ex.getMessage());
			}
		}), TaskSpec.of("member", String.class, this::member)).start();

		for (String state : List.of("sleep", "retry", "block", "sleeping child", "running child")) {
			UUID parent = this.client.invoke("parent", state);
			UUID child = awaitChild(parent, state);

			assertThat(this.client.cancel(child, "not \"needed\"")).isTrue();

			Execution told = this.test.await(parent, ExecutionState.COMPLETED);
			assertThat(told.result().get("step").asString()).isEqualTo("call");
			assertThat(told.result().get("child").asString()).isEqualTo(child.toString());
			assertThat(told.result().get("message").asString()).contains("was cancelled: not \"needed\"");
			assertThat(told.attempt()).isOne();
			assertThat(this.client.find(child).orElseThrow().state()).isEqualTo(ExecutionState.CANCELLED);
		}
		Awaitility.await().atMost(LONG).until(() -> this.test.count("execution") == 0);
	}

	private UUID awaitChild(UUID parent, String state) {
		this.test.await(parent, ExecutionState.WAITING);
		UUID child = this.client.find(parent).orElseThrow().children().get(0);
		this.test.await(child, switch (state) {
			case "block" -> ExecutionState.RUNNING;
			case "retry" -> ExecutionState.SCHEDULED;
			default -> ExecutionState.WAITING;
		});
		if (state.equals("block")) {
			Awaitility.await().atMost(LONG).until(() -> this.blocked.containsKey(child));
		}
		return child;
	}

	@Test
	void failsAllAncestorsThatDoNotCatchIt() {
		startNode();
		UUID top = parentOf(3, List.of("grandchild")).id();
		UUID sleeper = this.test.sql("select id from ${schema}.executions where waiting_for = 'sleep'")
			.query(UUID.class)
			.single();

		assertThat(this.client.cancel(sleeper, "at the bottom")).isTrue();

		Execution failed = this.test.await(top, ExecutionState.FAILED);
		assertThat(failed.error().type()).isEqualTo(ChildFailedException.class.getName());
		assertThat(failed.attempt()).isOne();
		assertThat(this.test.sql("select state, count(*) as n from ${schema}.finished_execution group by state")
			.query()
			.listOfRows()
			.stream()
			.collect(Collectors.toMap((row) -> row.get("state"), (row) -> row.get("n"))))
			.isEqualTo(Map.of("failed", 3L, "cancelled", 1L));
	}

	@Test
	void tellsTheParentOfACancelledChildThatIsNotKept() {
		this.test
			.node(TaskSpec.of("parent", null,
					(event, context) -> context.invoke("call", "forgettable", "sleep", String.class)))
			.start();
		this.test
			.node((builder) -> builder.retention(Retention.AT_ONCE, Retention.AT_ONCE),
					TaskSpec.of("forgettable", String.class, this::member))
			.start();
		UUID parent = this.client.invoke("parent", null);
		UUID child = awaitChild(parent, "sleep");

		assertThat(this.client.cancel(child, "forget it")).isTrue();

		assertThat(this.test.await(parent, ExecutionState.FAILED).error().message()).contains(child.toString())
			.contains("forget it");
		assertThat(this.client.find(child)).isEmpty();
	}

	@Test
	void cancelsTheSiblingsOfACancelledChild() {
		startNode();
		Execution parent = parentOf(3, List.of("sleep", "sleep", "sleep"));

		assertThat(this.client.cancel(parent.children().get(1), "one of three")).isTrue();

		assertThat(this.test.await(parent.id(), ExecutionState.FAILED).error().message()).contains("one of three");
		assertThat(parent.children()).map((child) -> this.client.find(child).orElseThrow())
			.allMatch((child) -> child.state() == ExecutionState.CANCELLED)
			.map(Execution::cancelReason)
			.containsExactly("another child of the same call has failed", "one of three",
					"another child of the same call has failed");
	}

	@Test
	void leavesAParentAloneWhoseCancelledChildEndsLate() {
		CountDownLatch mayEnd = new CountDownLatch(1);
		this.test.node(TaskSpec.of("parent", null, (event, context) -> {
			if (context.step("first", Boolean.class, () -> true) && this.release.getCount() == 0) {
				return "without child";
			}
			return context.invoke("call", "stubborn", null, String.class);
		}), TaskSpec.of("stubborn", null, (event, context) -> {
			this.blocked.put(context.executionId(), new CountDownLatch(0));
			while (mayEnd.getCount() > 0) {
				Thread.onSpinWait();
			}
			return "too late";
		})).start();
		UUID parent = this.client.invoke("parent", null);
		Awaitility.await().atMost(LONG).until(() -> this.blocked.size() == 1);
		UUID child = this.client.find(parent).orElseThrow().children().get(0);
		assertThat(this.client.cancel(parent, "first")).isTrue();
		this.release.countDown();
		assertThat(this.client.retry(parent)).isTrue();
		Execution completed = this.test.await(parent, ExecutionState.COMPLETED);

		mayEnd.countDown();

		this.test.await(child, ExecutionState.CANCELLED);
		assertThat(this.client.find(parent)).contains(completed);
		assertThat(this.test.count("step where name = 'call'")).isZero();
		assertThat(this.test.count("execution")).isZero();
	}

	@Test
	void cancelsAParentByAChildOfIts() {
		this.test
			.node(TaskSpec.of("parent", null, (event, context) -> context.invoke("call", "rebel", null, String.class)),
					TaskSpec.of("rebel", null, (event, context) -> {
						assertThat(context.cancel(context.parent().orElseThrow(), "from below")).isTrue();
						this.release.await();
						return null;
					}))
			.start();

		UUID parent = this.client.invoke("parent", null);

		Execution cancelled = this.test.await(parent, ExecutionState.CANCELLED);
		assertThat(cancelled.cancelReason()).isEqualTo("from below");
		assertThat(this.test.await(cancelled.children().get(0), ExecutionState.CANCELLED).cancelReason())
			.isEqualTo("its parent was cancelled");
	}

	private void travel(Duration ahead) {
		this.test.travel(ahead);
		this.test.sql("select pg_notify('${schema}:wake', 'promoter')").query((rs, row) -> true).list();
	}

	private static void awaitLatch(CountDownLatch latch) {
		Awaitility.await().atMost(LONG).until(() -> latch.getCount() == 0);
	}

}
