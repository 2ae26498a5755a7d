package io.pgconductor.worker;

import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.IntStream;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The way of an execution from its invocation to its end.
 */
class InvocationIntegrationTests {

	private static TestConductor test;

	private static final BlockingQueue<String> greeted = new LinkedBlockingQueue<>();

	record Greeting(String name, int times) {
	}

	@BeforeAll
	static void start() {
		test = new TestConductor(InvocationIntegrationTests.class);
		test.node(TaskSpec.of("greet", Greeting.class, (event, context) -> {
			Greeting greeting = (Greeting) event.payload();
			greeted.add(greeting.name());
			return Map.of("greeted", greeting.name(), "headers", context.headers());
		})).start();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	@Test
	void runsOnceWithItsPayloadAndKeepsTheResult() {
		UUID id = test.conductor()
			.invoke("greet", new Greeting("Ada", 2), InvokeOptions.defaults().header("tenant", "t1"));

		Execution execution = test.await(id, ExecutionState.COMPLETED);

		assertThat(greeted).containsOnlyOnce("Ada");
		assertThat(execution.result().at("/greeted").asString()).isEqualTo("Ada");
		assertThat(execution.result().at("/headers/tenant").asString()).isEqualTo("t1");
		assertThat(execution.payload().at("/times").asInt()).isEqualTo(2);
		assertThat(execution.attempt()).isOne();
		assertThat(execution.maxAttempts()).isEqualTo(3);
		assertThat(execution.finishedAt()).isAfterOrEqualTo(execution.startedAt());
	}

	@Test
	void invokesManyInOneCallInOrder() {
		List<UUID> ids = test.conductor()
			.invokeAll("greet", IntStream.range(0, 2000).mapToObj((i) -> Invoke.of(new Greeting("n" + i, i))).toList());

		ids.forEach((id) -> assertThat(test.await(id, ExecutionState.COMPLETED).result()).isNotNull());
		assertThat(ids).hasSize(2000).doesNotHaveDuplicates();
		assertThat(test.conductor().find(ids.get(7)).orElseThrow().payload().at("/times").asInt()).isEqualTo(7);
	}

}
