package io.pgconductor.execution;

import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.ChildFailedException;
import io.pgconductor.ChildTimeoutException;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.NodeProcess;
import io.pgconductor.testing.UnreliableDataSource;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Children and parents whose nodes die, or lose their connections.
 */
class ChildCrashIntegrationTests extends AbstractChildTests {

	private static final UUID GHOST = UUID.randomUUID();

	private Orchestrator startRescuing(TaskSpec... tasks) {
		return start((builder) -> builder.nodeTimeout(Duration.ofSeconds(3)), tasks);
	}

	/**
	 * As if a node had died while it ran an execution.
	 */
	private void claimByGhost(UUID id) {
		assertThat(this.test
			.sql("update ${schema}.execution set claimed_by = ?, claimed_at = now(), claim_no = claim_no + 1, "
					+ "attempt = attempt + case when waiting_for is null then 1 else 0 end "
					+ "where id = ? and claimed_by is null and phase = 'due'")
			.param(GHOST)
			.param(id)
			.update()).isOne();
	}

	@Test
	void runsAChildAgainWhoseNodeHasDied() {
		AtomicInteger parentRuns = new AtomicInteger();
		AtomicInteger childRuns = new AtomicInteger();
		TaskSpec child = on("children", TaskSpec.of("child", null, (event, context) -> childRuns.incrementAndGet()));
		register(child);
		start(TaskSpec.of("parent", null, (event, context) -> {
			parentRuns.incrementAndGet();
			return context.invokeAll("children", "child", List.of(1, 2), Integer.class);
		}));
		UUID id = this.client.invoke("parent", null);
		List<UUID> children = children(id, 2);
		claimByGhost(children.get(0));

		startRescuing(child);

		Execution done = completed(id);
		assertThat(done.result().valueStream().mapToInt((result) -> result.asInt()).sum()).isEqualTo(3);
		assertThat(done.children()).isEqualTo(children);
		assertThat(done.attempt()).isOne();
		assertThat(find(children.get(0)).attempt()).isEqualTo(2);
		assertThat(find(children.get(1)).attempt()).isOne();
		assertThat(childRuns).hasValue(2);
		assertThat(parentRuns).hasValue(2);
	}

	@Test
	void tellsTheParentOfAChildThatDiesForGood() {
		TaskSpec child = with("children", null, 1, TaskSpec.of("child", null, (event, context) -> "too late"));
		register(child);
		start(TaskSpec.of("parent", null, (event, context) -> {
			try {
				return context.invoke("child", "child", null, String.class);
			}
			catch (ChildFailedException ex) {
				return ex.error().message();
			}
		}));
		UUID id = this.client.invoke("parent", null);
		claimByGhost(child(id));

		startRescuing(child);

		assertThat(completed(id).result().asString()).contains("attempt 1 of 1", "died");
	}

	@Test
	void resumesAParentAgainWhoseNodeHasDied() {
		AtomicInteger childRuns = new AtomicInteger();
		TaskSpec parent = on("parents", TaskSpec.of("parent", null,
				(event, context) -> context.invokeAll("children", "child", List.of(1, 2), Integer.class)));
		CountDownLatch released = new CountDownLatch(1);
		start(on("children", TaskSpec.of("child", null, (event, context) -> {
			released.await();
			return childRuns.incrementAndGet();
		})));
		Orchestrator first = start(parent);
		UUID id = this.client.invoke("parent", null);
		List<UUID> children = children(id, 2);
		first.stop();
		released.countDown();
		this.test.await(id, ExecutionState.READY);
		claimByGhost(id);

		startRescuing(parent);

		Execution done = completed(id);
		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.children()).isEqualTo(children);
		assertThat(done.result().valueStream().mapToInt((result) -> result.asInt()).sum()).isEqualTo(3);
		assertThat(childRuns).hasValue(2);
	}

	@Test
	void wakesAParentWhoseNodeHasDiedWhileItsChildrenRan() {
		TaskSpec parent = on("parents",
				TaskSpec.of("parent", null, (event, context) -> context.invoke("child", "child", null, String.class)));
		CountDownLatch released = new CountDownLatch(1);
		start(on("children", TaskSpec.of("child", null, (event, context) -> {
			released.await();
			return "result";
		})));
		Orchestrator first = start(parent);
		UUID id = this.client.invoke("parent", null);
		UUID child = child(id);
		first.stop();
		runAgain(id);
		claimByGhost(id);

		startRescuing(parent);
		Awaitility.await()
			.atMost(LONG)
			.until(() -> find(id).state() == ExecutionState.WAITING && find(id).attempt() == 2);
		released.countDown();

		assertThat(completed(id).result().asString()).isEqualTo("result");
		assertThat(find(id).children()).containsExactly(child);
	}

	/**
	 * The answers to invoking and to finishing get lost; both have happened.
	 */
	@ParameterizedTest
	@ValueSource(strings = { "insert into %s.child_wait", "%s.finish(" })
	void invokesAndSettlesOnceAlthoughAnAnswerIsLost(String statement) {
		Set<Integer> runs = ConcurrentHashMap.newKeySet();
		AtomicInteger twice = new AtomicInteger();
		try (HikariDataSource pool = this.test.pool("engine", 5)) {
			UnreliableDataSource engine = new UnreliableDataSource(pool, statement.formatted(this.test.schema()));
			Orchestrator node = start(this.test.node(engine, (builder) -> {
			}, TaskSpec.of("parent", Integer.class, (event, context) -> {
				int first = event.payload(Integer.class) * 10;
				return context.invokeAll("children", "child", IntStream.range(first, first + 10).boxed().toList(),
						Integer.class);
			}), TaskSpec.of("child", Integer.class, (event, context) -> {
				if (!runs.add(event.payload(Integer.class))) {
					twice.incrementAndGet();
				}
				return event.payload();
			})));

			for (int round = 0; round < 5; round++) {
				engine.lose(1);
				completed(this.client.invoke("parent", round));
			}

			assertThat(engine.lost()).isEqualTo(5);
			assertThat(runs).hasSize(50);
			assertThat(twice).hasValue(0);
			assertThat(this.test.count("finished_execution")).isEqualTo(55);
			assertThat(this.test.count("step")).isEqualTo(50);
			node.stop();
		}
	}

	@Test
	void timesOutOnceAlthoughTheAnswerIsLost() {
		try (HikariDataSource pool = this.test.pool("engine", 5)) {
			UnreliableDataSource engine = new UnreliableDataSource(pool, "time_out_children");
			Orchestrator node = start(this.test.node(engine, (builder) -> {
			}, TaskSpec.of("parent", null, (event, context) -> {
				try {
					return context.invoke("child", "child", null, String.class, Duration.ofMillis(50));
				}
				catch (ChildTimeoutException ex) {
					return "timeout";
				}
			}), TaskSpec.of("child", null, (event, context) -> {
				context.sleep("long", Duration.ofDays(1));
				return "too late";
			})));
			engine.lose(1);

			Execution done = completed(this.client.invoke("parent", null));

			assertThat(engine.lost()).isOne();
			assertThat(done.result().asString()).isEqualTo("timeout");
			assertThat(done.attempt()).isOne();
			cancelled(done.children().get(0));
			node.stop();
		}
	}

	@Test
	void invokesNoChildTwiceWhenANodeIsKilled() {
		int families = 150;
		this.test.sql("create table if not exists ${schema}.effect (n int primary key)").update();
		try (NodeProcess survivor = process("survivor"); NodeProcess victim = process("victim")) {
			survivor.awaitRegistered(this.test, "survivor");
			UUID victimId = victim.awaitRegistered(this.test, "victim");
			List<UUID> ids = this.client.invokeAll("family",
					IntStream.range(0, families).mapToObj(Invoke::of).toList());
			Awaitility.await()
				.atMost(LONG)
				.pollInterval(Duration.ofMillis(5))
				.until(() -> this.test.count("effect") > families && heldBy(victimId, "family") > 0
						&& heldBy(victimId, "work") > 0);

			victim.kill();
			victim.awaitExit();

			Awaitility.await().atMost(LONG).until(() -> this.test.count("execution") == 0);
			assertThat(this.test.count("effect")).isEqualTo(families * 12L);
			assertThat(this.test
				.sql("select task, count(*) from ${schema}.finished_execution where state = 'completed' "
						+ "group by task order by task")
				.query((rs, row) -> rs.getString(1) + " " + rs.getLong(2))
				.list()).containsExactly("family " + families, "work " + families * 12);
			assertThat(this.test.count("child_wait")).isZero();
			assertThat(this.test.sql("select count(*) from ${schema}.finished_execution where attempt > 1")
				.query(Integer.class)
				.single()).isPositive();
			assertThat(find(ids.get(families - 1)).children()).hasSize(12);
			assertThat(survivor.isAlive()).isTrue();
		}
	}

	private NodeProcess process(String application) {
		return NodeProcess.start(TestPostgres.shared().jdbcUrl(), this.test.schema(), application);
	}

	private int heldBy(UUID node, String task) {
		return this.test.sql("select count(*) from ${schema}.execution where claimed_by = ? and task = ?")
			.param(node)
			.param(task)
			.query(Integer.class)
			.single();
	}

}
