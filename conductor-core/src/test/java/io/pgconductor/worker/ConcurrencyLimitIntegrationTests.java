package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.PayloadPath;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Limits of how many executions run at once.
 */
class ConcurrencyLimitIntegrationTests {

	private final Map<String, AtomicInteger> running = new ConcurrentHashMap<>();

	private final Map<String, AtomicInteger> most = new ConcurrentHashMap<>();

	private final List<Job> run = Collections.synchronizedList(new ArrayList<>());

	private TestConductor test;

	@BeforeEach
	void start() {
		this.test = new TestConductor(ConcurrencyLimitIntegrationTests.class);
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	record Job(String tenant, int number) {
	}

	private TaskSpec limited(int concurrency, TaskHandler handler) {
		return TaskSpec.of("limited", Job.class, handler).with(TaskOptions.none().concurrency(concurrency));
	}

	private TaskSpec limitedByTenant(int concurrency, TaskHandler handler) {
		return limited(concurrency, handler).with(TaskOptions.none().concurrencyKey(PayloadPath.parse("tenant")));
	}

	private TaskHandler counting(TaskHandler body) {
		return (event, context) -> {
			Job job = (Job) event.payload();
			AtomicInteger now = this.running.computeIfAbsent(job.tenant(), (tenant) -> new AtomicInteger());
			this.most.computeIfAbsent(job.tenant(), (tenant) -> new AtomicInteger())
				.accumulateAndGet(now.incrementAndGet(), Math::max);
			try {
				return body.handle(event, context);
			}
			finally {
				now.decrementAndGet();
				this.run.add(job);
			}
		};
	}

	private List<UUID> invoke(String tenant, int count) {
		return this.test.conductor()
			.invokeAll("limited", IntStream.range(0, count).mapToObj((i) -> Invoke.of(new Job(tenant, i))).toList());
	}

	private static List<Invoke> jobs(int ofEach, int tenants) {
		return IntStream.range(0, ofEach * tenants)
			.mapToObj((i) -> Invoke.of(new Job("tenant-" + i % tenants, i / tenants)))
			.toList();
	}

	private void awaitRun(int count) {
		await().atMost(Duration.ofSeconds(60)).until(() -> this.run.size() == count);
	}

	private int most(String tenant) {
		return this.most.get(tenant).get();
	}

	@Test
	void runsNoMoreAtOnceThanTheLimitOverAllNodes() {
		CyclicBarrier four = new CyclicBarrier(4);
		TaskSpec task = limited(4, counting((event, context) -> four.await(30, TimeUnit.SECONDS)));
		Orchestrator one = this.test.node(task);
		Orchestrator other = this.test.node(task);
		one.start();
		other.start();

		invoke("a", 1000);

		awaitRun(1000);
		assertThat(most("a")).isEqualTo(4);
	}

	@Test
	void runsOneAfterTheOtherInTheirOrder() {
		TaskSpec task = limited(1, counting((event, context) -> null));
		this.test.node(task).start();
		this.test.node(task).start();

		invoke("a", 2000);

		awaitRun(2000);
		assertThat(most("a")).isEqualTo(1);
		assertThat(this.run).extracting(Job::number)
			.containsExactlyElementsOf(IntStream.range(0, 2000).boxed().toList());
	}

	@Test
	void limitsEachKeyByItself() {
		Map<String, CyclicBarrier> two = new ConcurrentHashMap<>();
		TaskSpec task = limitedByTenant(2,
				counting((event, context) -> two
					.computeIfAbsent(((Job) event.payload()).tenant(), (tenant) -> new CyclicBarrier(2))
					.await(30, TimeUnit.SECONDS)));
		this.test.node(task).start();
		this.test.node(task).start();

		this.test.conductor().invokeAll("limited", jobs(200, 5));

		awaitRun(1000);
		assertThat(this.most).hasSize(5).allSatisfy((tenant, count) -> assertThat(count).hasValue(2));
	}

	@Test
	void keepsTheOrderOfEachKey() {
		TaskSpec task = limitedByTenant(1, counting((event, context) -> null));
		this.test.node(task).start();
		this.test.node(task).start();

		this.test.conductor().invokeAll("limited", jobs(100, 150));

		awaitRun(15_000);
		Map<String, List<Integer>> byTenant = new HashMap<>();
		this.run
			.forEach((job) -> byTenant.computeIfAbsent(job.tenant(), (tenant) -> new ArrayList<>()).add(job.number()));
		assertThat(byTenant).hasSize(150)
			.allSatisfy((tenant, numbers) -> assertThat(numbers)
				.containsExactlyElementsOf(IntStream.range(0, 100).boxed().toList()));
		assertThat(this.most).allSatisfy((tenant, count) -> assertThat(count).hasValue(1));
	}

	@Test
	void aFloodOfOneKeyDoesNotHoldUpAnother() {
		Semaphore permits = new Semaphore(0);
		TaskSpec task = limitedByTenant(1, counting((event, context) -> {
			if (((Job) event.payload()).tenant().equals("flood")) {
				permits.acquire();
			}
			return null;
		}));
		invoke("flood", 20_000);
		this.test.node(task).start();
		permits.release(100);
		awaitRun(100);

		invoke("single", 1);

		await().until(() -> this.run.contains(new Job("single", 0)));
		permits.release(100_000);
	}

	@Test
	void thousandsOfKeysGetTheirTurnsBesideAFlood() {
		Semaphore flood = new Semaphore(0);
		TaskSpec task = limitedByTenant(1, counting((event, context) -> {
			if (((Job) event.payload()).tenant().equals("flood")) {
				flood.acquire();
			}
			return null;
		}));
		invoke("flood", 20_000);
		this.test.conductor().invokeAll("limited", jobs(1, 3000));

		this.test.node(task).start();

		awaitRun(3000);
		assertThat(this.run).noneMatch((job) -> job.tenant().equals("flood"));
		flood.release(100_000);
	}

	@Test
	void aSuspendedExecutionLeavesItsPlaceToOthers() {
		TaskSpec task = limited(1, counting((event, context) -> {
			if (((Job) event.payload()).number() == 0) {
				context.sleep("for a day", Duration.ofDays(1));
			}
			return null;
		}));
		this.test.node(task).start();

		List<UUID> ids = invoke("a", 2);

		this.test.await(ids.get(1), ExecutionState.COMPLETED);
		assertThat(this.test.conductor().find(ids.get(0)).orElseThrow().state()).isEqualTo(ExecutionState.WAITING);
		this.test.travel(Duration.ofDays(2));
		this.test.await(ids.get(0), ExecutionState.COMPLETED);
	}

	@Test
	void aParentAndItsChildrenMayShareALimit() {
		TaskSpec task = limited(1, counting((event, context) -> {
			int number = ((Job) event.payload()).number();
			return (number == 0) ? 0
					: number + context.invoke("child", "limited", new Job("a", number - 1), Integer.class);
		}));
		this.test.node(task).start();

		UUID id = this.test.conductor().invoke("limited", new Job("a", 5));

		assertThat(this.test.conductor().await(id, Integer.class, Duration.ofSeconds(20))).isEqualTo(15);
		assertThat(most("a")).isEqualTo(1);
	}

	@Test
	void unlimitedTasksOfTheSameQueueGoOn() {
		Semaphore permits = new Semaphore(0);
		TaskSpec task = limited(1, counting((event, context) -> {
			permits.acquire();
			return null;
		}));
		AtomicInteger others = new AtomicInteger();
		TaskSpec other = TaskSpec.of("other", null, (event, context) -> others.incrementAndGet());
		invoke("a", 1000);
		this.test.node(task, other).start();
		await().until(() -> this.running.containsKey("a"));

		this.test.conductor().invokeAll("other", IntStream.range(0, 5000).mapToObj(Invoke::of).toList());

		await().until(() -> others.get() == 5000);
		assertThat(this.run).isEmpty();
		permits.release(1000);
		awaitRun(1000);
	}

	@Test
	void aFloodOfOtherTasksDoesNotHoldUpLimitedOnes() {
		TaskSpec task = limited(1, counting((event, context) -> null));
		Semaphore permits = new Semaphore(0);
		TaskSpec other = TaskSpec.of("other", null, (event, context) -> {
			permits.acquire();
			return null;
		});
		Orchestrator node = this.test.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(1)),
				task, other);
		node.start();
		node.stop();
		this.test.conductor().invokeAll("other", IntStream.range(0, 20_000).mapToObj(Invoke::of).toList());
		invoke("a", 10);
		node.start();

		permits.release(5000);

		awaitRun(10);
		permits.release(15_000);
	}

	@Test
	void runsWhatIsMoreImportantFirst() {
		invoke("a", 3);
		UUID important = this.test.conductor()
			.invoke("limited", new Job("a", 99), InvokeOptions.defaults().priority(5));

		this.test.node(limited(1, counting((event, context) -> null))).drain();

		assertThat(this.run).extracting(Job::number).containsExactly(99, 0, 1, 2);
		assertThat(this.test.conductor().find(important).orElseThrow().state()).isEqualTo(ExecutionState.COMPLETED);
	}

}
