package io.pgconductor.execution;

import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.core.ParameterizedTypeReference;

import static org.assertj.core.api.Assertions.assertThat;

class StepIntegrationTests {

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(StepIntegrationTests.class);
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void returnsTheStoredResultAfterARetryAndASleep() {
		AtomicInteger charges = new AtomicInteger();
		AtomicInteger runs = new AtomicInteger();
		Set<Object> seen = new LinkedHashSet<>();
		TaskSpec task = TaskSpec.of("order", Integer.class, (event, context) -> {
			int charge = context.step("charge", Integer.class, charges::incrementAndGet);
			List<String> lines = context.step("lines", new ParameterizedTypeReference<List<String>>() {
			}, () -> List.of("a", "b"));
			Object nothing = context.step("nothing", String.class, () -> null);
			if (runs.incrementAndGet() == 1) {
				throw new IllegalStateException("first");
			}
			context.sleep("night", Duration.ofHours(8));
			seen.add(charge);
			seen.add(lines);
			assertThat(nothing).isNull();
			return context.invoke("double", "double", charge, Integer.class);
		});
		TaskSpec doubling = TaskSpec.of("double", Integer.class, (event, context) -> event.payload(Integer.class) * 2);
		this.test.node(task, doubling).start();

		UUID id = this.test.conductor().invoke("order", 7);
		this.test.await(id, ExecutionState.SCHEDULED);
		this.test.travel(Duration.ofMinutes(1));
		this.test.await(id, ExecutionState.WAITING);
		this.test.travel(Duration.ofHours(9));
		Execution done = this.test.await(id, ExecutionState.COMPLETED);

		assertThat(charges).hasValue(1);
		assertThat(seen).containsExactly(1, List.of("a", "b"));
		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.result().asInt()).isEqualTo(2);
		assertThat(done.steps()).extracting(ExecutionStep::name)
			.containsExactly("charge", "lines", "nothing", "night", "double");
		assertThat(done.children()).hasSize(1);
		assertThat(this.test.conductor().find(done.children().get(0)).orElseThrow().parent()).isEqualTo(id);
		assertThat(this.test.count("child_wait")).isZero();
	}

}
