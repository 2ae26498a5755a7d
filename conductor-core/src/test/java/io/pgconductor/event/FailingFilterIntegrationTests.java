package io.pgconductor.event;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import io.pgconductor.Conductor;
import io.pgconductor.EventDefinition;
import io.pgconductor.ExecutionState;
import io.pgconductor.InvokeOptions;
import io.pgconductor.task.EventTrigger;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Filters that fail when they are asked, although nobody has found anything wrong with
 * them before.
 */
class FailingFilterIntegrationTests {

	private static final EventDefinition<Object> EVENT = EventDefinition.of("event", Object.class);

	private TestConductor test;

	private Conductor client;

	@BeforeEach
	void start() {
		this.test = new TestConductor(FailingFilterIntegrationTests.class);
		this.client = this.test.conductor();
		this.test.node(
				TaskSpec.of("waiter", null,
						(event, context) -> context.awaitEvent("wait", EVENT, Duration.ofHours(1)).isPresent()),
				TaskSpec.of("good", null, (event, context) -> null)
					.withTriggers(List.of(EventTrigger.of("event", "$.at == \"x\"", null),
							EventTrigger.of("ev*", "$.at == \"y\"", null))))
			.start();
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	private UUID waiting() {
		UUID id = this.client.invoke("waiter", null);
		this.test.await(id, ExecutionState.WAITING);
		return id;
	}

	private UUID emit() {
		return this.client.emit(EVENT, Map.of("at", "x"));
	}

	@ParameterizedTest
	@ValueSource(strings = { "$.at.datetime(\"YYYY_MM\") == \"2026\".datetime(\"YYYY\")", "$.at == $missing" })
	void harmNobodyElse(String filter) {
		this.test
			.sql("insert into ${schema}.subscription (task, event, prefix, filter) "
					+ "values ('bad', 'event', false, :filter::jsonpath), ('worse', 'e', true, :filter::jsonpath)")
			.param("filter", filter)
			.update();
		UUID culprit = waiting();
		this.test.sql("update ${schema}.event_wait set filter = ?::jsonpath").param(1, filter).update();
		UUID other = waiting();

		UUID emitted = emit();

		assertThat(EmittedExecutions.tasks(this.test, emitted)).containsExactly("good");
		assertThat(this.test.await(other, ExecutionState.COMPLETED).result().asBoolean()).isTrue();
		await().atMost(Duration.ofSeconds(30)).until(() -> this.test.count("event where awaited") == 0);
		assertThat(this.client.find(culprit).orElseThrow().state()).isEqualTo(ExecutionState.WAITING);
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void letTheTimeoutCome(boolean settled) {
		UUID id = waiting();
		this.test
			.sql("update ${schema}.event_wait "
					+ "set filter = '$.at.datetime(\"YYYY_MM\") == \"2026\".datetime(\"YYYY\")', settled = ?")
			.param(1, settled)
			.update();
		emit();

		this.test.travel(Duration.ofHours(2));
		this.client.invoke("waiter", null, InvokeOptions.defaults().delay(Duration.ofMillis(1)));

		assertThat(this.test.await(id, ExecutionState.COMPLETED).result().asBoolean()).isFalse();
	}

}
