package io.pgconductor.client;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

import io.pgconductor.ConductorClient;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.LogCapture;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.ConductorMetrics;
import io.pgconductor.worker.WorkerOptions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * The options of tasks, which workers register, and clients need not know.
 */
class TaskDefaultsIntegrationTests {

	private static final Map<String, Integer> unregistered = new ConcurrentHashMap<>();

	private static TestConductor test;

	@RegisterExtension
	final LogCapture clientLog = new LogCapture(ConductorClient.class);

	private static ConductorClient client;

	@BeforeAll
	static void start() {
		test = new TestConductor(TestPostgres.shared().jdbcUrl(),
				TestPostgres.shared().uniqueSchema(TaskDefaultsIntegrationTests.class),
				(builder) -> builder.metrics(new ConductorMetrics() {

					@Override
					public void unregisteredTaskInvoked(String task) {
						unregistered.merge(task, 1, Integer::sum);
					}

				}));
		client = test.conductor();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	private static TaskSpec task(String name, String queue, int priority, int maxAttempts, String... aliases) {
		return TaskSpec.of(name, null, (event, context) -> context.queue())
			.withAliases(Set.of(aliases))
			.with(TaskOptions.none().queue(queue).priority(priority).maxAttempts(maxAttempts));
	}

	private static void assertOptions(Execution execution, String queue, int priority, int maxAttempts) {
		assertThat(execution.queue()).isEqualTo(queue);
		assertThat(execution.priority()).isEqualTo(priority);
		assertThat(execution.maxAttempts()).isEqualTo(maxAttempts);
	}

	@Test
	void appliesTheOptionsOfTheTaskWhereAnInvocationGivesNone() {
		test.node(task("known", "mail", -3, 7)).start();

		List<UUID> ids = client.invokeAll("known",
				List.of(Invoke.of(1), Invoke.of(2, InvokeOptions.defaults().priority(9)),
						Invoke.of(3, InvokeOptions.defaults().maxAttempts(1)),
						Invoke.of(4, InvokeOptions.defaults().delay(Duration.ofMillis(200)))));

		assertOptions(test.await(ids.get(0), ExecutionState.COMPLETED), "mail", -3, 7);
		assertOptions(test.await(ids.get(1), ExecutionState.COMPLETED), "mail", 9, 7);
		assertOptions(test.await(ids.get(2), ExecutionState.COMPLETED), "mail", -3, 1);
		assertOptions(test.await(ids.get(3), ExecutionState.COMPLETED), "mail", -3, 7);
		assertThat(unregistered).doesNotContainKey("known");
	}

	@Test
	void servesTheFormerNamesOfATask() {
		UUID before = client.invoke("old-name", null);
		test.node(task("new-name", "renamed", 2, 4, "old-name", "older-name")).start();
		UUID after = client.invoke("older-name", null);

		assertOptions(test.await(before, ExecutionState.COMPLETED), "renamed", 2, 4);
		assertOptions(test.await(after, ExecutionState.COMPLETED), "renamed", 2, 4);
		assertThat(client.find(after).orElseThrow().task()).isEqualTo("older-name");
	}

	@Test
	void holdsWhatNobodyHasRegisteredUntilSomebodyDoes() {
		UUID plain = client.invoke("later", null);
		UUID chosen = client.invoke("later", null, InvokeOptions.defaults().queue("chosen").priority(5).maxAttempts(1));
		UUID shortlyDelayed = client.invoke("later", null, InvokeOptions.defaults().delay(Duration.ofMillis(1)));
		UUID delayed = client.invoke("later", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		Orchestrator other = test.node(task("other", "default", 0, 3));
		other.start();
		test.await(client.invoke("other", null), ExecutionState.COMPLETED);
		await().until(() -> test.count("execution where task = 'later' and phase = 'held'") == 3);

		test.node((builder) -> builder.worker("chosen", WorkerOptions.DEFAULT), task("later", "late", 8, 9)).start();

		assertOptions(test.await(plain, ExecutionState.COMPLETED), "late", 8, 9);
		assertOptions(test.await(chosen, ExecutionState.COMPLETED), "chosen", 5, 1);
		assertOptions(test.await(shortlyDelayed, ExecutionState.COMPLETED), "late", 8, 9);
		assertThat(client.find(delayed).orElseThrow().state()).isEqualTo(ExecutionState.SCHEDULED);
		test.sql("update ${schema}.execution set run_at = now() where id = :id").param("id", delayed).update();
		assertOptions(test.await(delayed, ExecutionState.COMPLETED), "late", 8, 9);
	}

	@Test
	void holdsWhatSqlInvokesToo() {
		UUID id = test.sql("select ${schema}.invoke('later-from-sql', '1')").query(UUID.class).single();
		assertThat(test.count("execution where phase = 'held' and task = 'later-from-sql'")).isOne();

		test.node(task("later-from-sql", "sql", 1, 2)).start();

		assertOptions(test.await(id, ExecutionState.COMPLETED), "sql", 1, 2);
	}

	@Test
	void countsAndReportsWhatNobodyHasRegistered() {
		client.invoke("typo", null);
		client.invoke("typo", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		client.invoke("tpyo", null);

		assertThat(unregistered).containsEntry("typo", 2).containsEntry("tpyo", 1);
		assertThat(this.clientLog.lines()).hasSize(2);
		assertThat(this.clientLog.lines().get(0)).contains("WARN", "'typo'", "held");
	}

	@Test
	void takesTheOptionsOfTheNewestDeployment() {
		Orchestrator first = test.node(task("redeployed", "before", 1, 2));
		first.start();
		UUID untouched = client.invoke("redeployed", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		first.stop();

		test.node(task("redeployed", "after", 3, 4)).start();
		UUID id = client.invoke("redeployed", null);

		assertOptions(test.await(id, ExecutionState.COMPLETED), "after", 3, 4);
		assertOptions(client.find(untouched).orElseThrow(), "before", 1, 2);
	}

	@Test
	void registersTheSameTasksOnManyNodesAtOnce() {
		TaskSpec[] tasks = IntStream.range(0, 20)
			.mapToObj((i) -> task("shared-" + i, "shared", i, 3))
			.toArray(TaskSpec[]::new);
		List<Orchestrator> nodes = IntStream.range(0, 3).mapToObj((i) -> test.node(tasks)).toList();

		nodes.parallelStream().forEach(Orchestrator::start);

		assertThat(nodes).allMatch((node) -> node.info().isRunning());
		assertThat(test.count("task where name like 'shared-%' and queue = 'shared'")).isEqualTo(20);
		List<UUID> ids = IntStream.range(0, 20).mapToObj((i) -> client.invoke("shared-" + i, null)).toList();
		ids.forEach((id) -> test.await(id, ExecutionState.COMPLETED));
		nodes.forEach(Orchestrator::stop);
	}

}
