package io.pgconductor.client;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.IntStream;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.pgconductor.ConductorClient;
import io.pgconductor.EmitOptions;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.ScheduleOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.MicrometerConductorMetrics;
import io.pgconductor.worker.WorkerOptions;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

/**
 * What is written for an invocation, and what is refused.
 */
class InvokeIntegrationTests {

	private static TestConductor test;

	private static ConductorClient client;

	@BeforeAll
	static void start() {
		test = new TestConductor(InvokeIntegrationTests.class);
		client = test.conductor();
		test.node((builder) -> builder.worker("bulk", WorkerOptions.DEFAULT),
				new MicrometerConductorMetrics(new SimpleMeterRegistry()),
				TaskSpec.of("echo", Object.class,
						(event, context) -> (event.payload() != null)
								? Map.of("payload", event.payload(), "headers", context.headers()) : null),
				TaskSpec.of("mapped", null, (event, context) -> event.payload(Map.class)))
			.start();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	@Test
	void takesEachOption() {
		UUID id = client.invoke("echo", Map.of("a", 1),
				InvokeOptions.defaults()
					.queue("Bulk_1.x-y")
					.priority(-7)
					.maxAttempts(9)
					.delay(Duration.ofHours(1))
					.header("tenant", "t1")
					.header("trace", ""));

		Execution execution = client.find(id).orElseThrow();

		assertThat(execution.id()).isEqualTo(id);
		assertThat(execution.task()).isEqualTo("echo");
		assertThat(execution.queue()).isEqualTo("Bulk_1.x-y");
		assertThat(execution.priority()).isEqualTo(-7);
		assertThat(execution.maxAttempts()).isEqualTo(9);
		assertThat(execution.state()).isEqualTo(ExecutionState.SCHEDULED);
		assertThat(Duration.between(execution.createdAt(), execution.runAt())).isEqualTo(Duration.ofHours(1));
		assertThat(execution.headers()).isEqualTo(Map.of("tenant", "t1", "trace", ""));
		assertThat(execution.payload().toString()).isEqualTo("{\"a\":1}");
		assertThat(execution.attempt()).isZero();
		assertThat(execution.startedAt()).isNull();
		assertThat(execution.finishedAt()).isNull();
		assertThat(execution.result()).isNull();
		assertThat(execution.error()).isNull();
		assertThat(execution.cancelReason()).isNull();
	}

	@Test
	void keepsTheTimeToRunAtToTheMicrosecond() {
		Instant runAt = Instant.parse("9999-12-31T23:59:59.123456Z");

		UUID id = client.invoke("echo", null, InvokeOptions.defaults().runAt(runAt));

		assertThat(client.find(id).orElseThrow().runAt()).isEqualTo(runAt);
		assertThat(client.find(id).orElseThrow().state()).isEqualTo(ExecutionState.SCHEDULED);
		assertThat(client.cancel(id)).isTrue();
	}

	@ParameterizedTest
	@ValueSource(strings = { "0001-01-01T00:00:00Z", "1582-10-10T00:00:00Z", "1970-01-01T00:00:00Z" })
	void runsAtOnceWhatWasDueLongAgo(Instant runAt) {
		UUID id = client.invoke("echo", "late", InvokeOptions.defaults().runAt(runAt));

		Execution execution = test.await(id, ExecutionState.COMPLETED);

		assertThat(execution.runAt()).isEqualTo(runAt);
	}

	@Test
	void runsOnTheQueueThatTheInvocationChose() {
		UUID id = client.invoke("echo", "bulky", InvokeOptions.defaults().queue("bulk"));

		assertThat(test.await(id, ExecutionState.COMPLETED).queue()).isEqualTo("bulk");
	}

	@Test
	void takesADelayOfAThousandYears() {
		UUID id = client.invoke("echo", null, InvokeOptions.defaults().delay(Duration.ofDays(365 * 1000L)));

		assertThat(client.find(id).orElseThrow().runAt()).isAfter(Instant.parse("3000-01-01T00:00:00Z"));
		assertThat(client.cancel(id)).isTrue();
	}

	@Test
	void keepsTextAsItIs() {
		String text = "O'Brien \"\\ \u0000 \u0001 \u007f \uFFFE 🦆 ${schema} :name ? {{}} %s";

		UUID id = client.invoke("echo", text,
				InvokeOptions.defaults().header("Ünïcode 🦆\u0000", text).header(" ", "O'Brien"));

		Execution execution = test.await(id, ExecutionState.COMPLETED);
		assertThat(execution.payload().asString()).isEqualTo(text);
		assertThat(execution.headers()).isEqualTo(Map.of("Ünïcode 🦆\u0000", text, " ", "O'Brien"));
		assertThat(execution.result().at("/payload").asString()).isEqualTo(text);
		assertThat(execution.result().at("/headers/ ").asString()).isEqualTo("O'Brien");
	}

	@Test
	void tellsNoPayloadFromTheJsonNull() {
		UUID none = client.invoke("echo", null);
		UUID jsonNull = client.invoke("echo", Optional.empty());

		assertThat(test.await(none, ExecutionState.COMPLETED).payload()).isNull();
		assertThat(test.await(jsonNull, ExecutionState.COMPLETED).payload().isNull()).isTrue();
	}

	@ParameterizedTest
	@ValueSource(strings = { "", " echo", "echo ", "ec\u0000ho", "ec\nho", "ec\u0085ho", "\u2028" })
	void refusesWhatIsNoTaskName(String name) {
		assertThatIllegalArgumentException().isThrownBy(() -> client.invoke(name, null))
			.withMessageContaining("task name");
		assertThatIllegalArgumentException().isThrownBy(() -> client.invokeAll(name, List.of()));
	}

	@Test
	void takesNamesOfAnyLetters() {
		String name = "mail/Grüße versenden:🦆 'x' \"y\" " + "n".repeat(160);

		UUID id = client.invoke(name, null, InvokeOptions.defaults().delay(Duration.ofHours(1)));

		assertThat(client.find(id).orElseThrow().task()).isEqualTo(name);
	}

	@Test
	void writesNothingIfOnePayloadCannotBeWritten() {
		List<Object> cycle = new ArrayList<>();
		cycle.add(cycle);
		long before = test.count("executions");

		assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(() -> client.invoke("echo", cycle))
			.withMessageContaining("payload for task 'echo'");
		assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(
				() -> client.invokeAll("echo", List.of(Invoke.of("good"), Invoke.of(cycle), Invoke.of("good"))));
		assertThat(test.count("executions")).isEqualTo(before);
	}

	@Test
	void leavesTheTransactionIntactWhenItRefuses() {
		UUID id = test.transaction().execute((status) -> {
			assertThatExceptionOfType(InvalidPayloadException.class)
				.isThrownBy(() -> client.invoke("echo", "x".repeat(1024 * 1024)));
			assertThatIllegalArgumentException().isThrownBy(() -> client.invoke("", null));
			return client.invoke("echo", "small");
		});

		test.await(id, ExecutionState.COMPLETED);
	}

	@Test
	void boundsPayloadsAndHeaders() {
		try (Application bounded = new Application(test, true, (builder) -> builder.maxPayloadSize(100))) {
			long before = test.count("executions");

			assertThatExceptionOfType(InvalidPayloadException.class)
				.isThrownBy(() -> bounded.client().invoke("echo", "€".repeat(33)))
				.withMessageContainingAll("payload for task 'echo'", "100 bytes", "conductor.max-payload-size");
			assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(
					() -> bounded.client().invoke("echo", null, InvokeOptions.defaults().header("a", "x".repeat(100))))
				.withMessageContainingAll("headers", "task 'echo'");
			assertThat(test.count("executions")).isEqualTo(before);
			assertThat(bounded.client().find(bounded.client().invoke("echo", "€".repeat(32)))).isPresent();
		}
	}

	@Test
	void doesNothingForNoItems() {
		assertThat(client.invokeAll("echo", List.of())).isEmpty();
	}

	@Test
	void invokesTenThousandInOrder() {
		List<Invoke> items = IntStream.range(0, 10_000).mapToObj((i) -> Invoke.of(i)).toList();

		List<UUID> ids = client.invokeAll("echo", items);

		assertThat(ids).hasSize(10_000).isSortedAccordingTo(Comparator.comparing(UUID::toString));
		assertThat(client.find(ids.get(0)).orElseThrow().payload().asInt()).isZero();
		assertThat(client.find(ids.get(9_999)).orElseThrow().payload().asInt()).isEqualTo(9_999);
		test.await(ids.get(9_999), ExecutionState.COMPLETED);
	}

	@Test
	void takesOptionsOfEachItem() {
		List<UUID> ids = client.invokeAll("echo",
				List.of(Invoke.of(1, InvokeOptions.defaults().delay(Duration.ofHours(1))),
						Invoke.of(2, InvokeOptions.defaults().priority(3).maxAttempts(1)),
						Invoke.of(3, InvokeOptions.defaults().queue("elsewhere").header("a", "b")), Invoke.of(null)));

		List<Execution> found = ids.stream().map((id) -> client.find(id).orElseThrow()).toList();

		assertThat(found.get(0).state()).isEqualTo(ExecutionState.SCHEDULED);
		assertThat(found.get(1).priority()).isEqualTo(3);
		assertThat(found.get(1).maxAttempts()).isEqualTo(1);
		assertThat(found.get(2).queue()).isEqualTo("elsewhere");
		assertThat(found.get(2).headers()).isEqualTo(Map.of("a", "b"));
		assertThat(found.get(2).state()).isEqualTo(ExecutionState.READY);
		assertThat(found.get(3).payload()).isNull();
		assertThat(found.get(3).queue()).isEqualTo("default");
	}

	@Test
	void refusesOptionsInPlaceOfThePayload() {
		for (Object misplaced : new Object[] { InvokeOptions.defaults(), EmitOptions.defaults(),
				ScheduleOptions.defaults() }) {
			assertThatIllegalArgumentException().isThrownBy(() -> client.invoke("misplaced", misplaced))
				.withMessage(misplaced.getClass().getSimpleName() + " was given as payload for task 'misplaced': "
						+ "pass it as the last argument, after the payload, which may be null");
		}
		assertThatIllegalArgumentException().isThrownBy(
				() -> client.invokeAll("misplaced", List.of(Invoke.of("a"), Invoke.of(InvokeOptions.defaults()))));
		assertThat(test.count("executions where task = 'misplaced'")).isZero();
	}

	@Test
	void takesATimeZoneAsPayload() {
		UUID id = client.invoke("echo", ZoneId.of("Europe/Vienna"),
				InvokeOptions.defaults().delay(Duration.ofHours(1)));

		assertThat(client.find(id).orElseThrow().payload().asString()).isEqualTo("Europe/Vienna");
	}

	@Test
	@SuppressWarnings("NullAway")
	void refusesMissingArguments() {
		assertThatNullPointerException().isThrownBy(() -> client.invoke((String) null, null));
		assertThatNullPointerException().isThrownBy(() -> client.invoke("echo", null, null));
		assertThatNullPointerException().isThrownBy(() -> client.invokeAll("echo", null));
	}

	@Test
	void failsAnExecutionWhosePayloadFitsNothing() {
		UUID bad = client.invoke("mapped", "no map");
		UUID good = client.invoke("mapped", Map.of("a", 1));

		Execution failed = test.await(bad, ExecutionState.FAILED);

		assertThat(failed.attempt()).isOne();
		assertThat(failed.error().type()).isEqualTo(InvalidPayloadException.class.getName());
		assertThat(failed.error().message()).contains("payload of task 'mapped'", "java.util.Map");
		test.await(good, ExecutionState.COMPLETED);
	}

}
