package io.pgconductor.worker;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

import io.pgconductor.EventDefinition;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Executions that are not yet due, and become so.
 */
class PromoterIntegrationTests {

	private final List<UUID> run = Collections.synchronizedList(new ArrayList<>());

	private TestConductor test;

	@BeforeEach
	void start() {
		this.test = new TestConductor(PromoterIntegrationTests.class);
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	private Orchestrator node() {
		return this.test.node((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(1)),
				TaskSpec.of("task", null, (event, context) -> this.run.add(context.executionId())),
				TaskSpec.of("wake", null, (event, context) -> null));
	}

	/**
	 * Let the promoter look now, and not only when it would have.
	 */
	private void wakePromoter() {
		this.test.conductor().invoke("wake", null, InvokeOptions.defaults().delay(Duration.ofMillis(1)));
	}

	private UUID invoke(InvokeOptions options) {
		return this.test.conductor().invoke("task", null, options);
	}

	@Test
	void runsEachWhenItsTimeComes() {
		node().start();
		UUID tomorrow = invoke(InvokeOptions.defaults().delay(Duration.ofDays(1)));
		UUID hour = invoke(InvokeOptions.defaults().delay(Duration.ofHours(1)));
		UUID now = invoke(InvokeOptions.defaults());
		this.test.await(now, ExecutionState.COMPLETED);

		this.test.travel(Duration.ofHours(2));
		wakePromoter();
		Execution execution = this.test.await(hour, ExecutionState.COMPLETED);

		assertThat(execution.startedAt()).isAfter(execution.runAt());
		assertThat(this.test.conductor().find(tomorrow).orElseThrow().state()).isEqualTo(ExecutionState.SCHEDULED);
		this.test.travel(Duration.ofHours(25));
		wakePromoter();
		this.test.await(tomorrow, ExecutionState.COMPLETED);
		assertThat(this.run).containsExactly(now, hour, tomorrow);
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void isPunctual(boolean notifications) {
		this.test
			.node((builder) -> builder.notifications(notifications),
					TaskSpec.of("task", null, (event, context) -> null))
			.start();

		List<UUID> ids = IntStream.of(700, 300, 500, 1)
			.mapToObj((millis) -> invoke(InvokeOptions.defaults().delay(Duration.ofMillis(millis))))
			.toList();

		for (UUID id : ids) {
			Execution execution = this.test.await(id, ExecutionState.COMPLETED);
			assertThat(Duration.between(execution.runAt(), execution.startedAt())).isBetween(Duration.ZERO,
					Duration.ofSeconds(3));
		}
	}

	@Test
	void runsWhatIsDueInTheOrderOfTheTimes() {
		Instant start = Instant.now().plus(Duration.ofHours(1));
		List<UUID> backwards = new ArrayList<>();
		for (int i = 50; i > 0; i--) {
			backwards.add(invoke(InvokeOptions.defaults().runAt(start.plusSeconds(i))));
		}
		this.test.travel(Duration.ofHours(2));

		node().drain();

		Collections.reverse(backwards);
		assertThat(this.run).isEqualTo(backwards);
	}

	@Test
	void promotesManyThousandsInBatches() {
		List<Invoke> items = IntStream.range(0, 20_000)
			.mapToObj((i) -> Invoke.of(null, InvokeOptions.defaults().delay(Duration.ofHours(1))))
			.toList();
		UUID unrelated = invoke(InvokeOptions.defaults().delay(Duration.ofHours(3)));
		this.test.conductor().invokeAll("task", items);
		this.test.travel(Duration.ofHours(2));

		node().start();

		await().atMost(Duration.ofSeconds(20)).until(() -> this.run.size() == 20_000);
		assertThat(this.run).doesNotHaveDuplicates().doesNotContain(unrelated);
		assertThat(this.test.conductor().find(unrelated).orElseThrow().state()).isEqualTo(ExecutionState.SCHEDULED);
	}

	@Test
	void isNotConfusedByTimesThatNeverCome() {
		this.test.node(TaskSpec.of("task", null, (event, context) -> null)).drain();
		UUID never = this.test.sql("select ${schema}.invoke('task', run_at => 'infinity')").query(UUID.class).single();
		UUID centuries = invoke(InvokeOptions.defaults().runAt(Instant.parse("9999-12-31T23:59:59Z")));
		node().start();

		UUID soon = invoke(InvokeOptions.defaults().delay(Duration.ofMillis(200)));
		this.test.await(soon, ExecutionState.COMPLETED);

		assertThat(this.test.conductor().find(never).orElseThrow().state()).isEqualTo(ExecutionState.SCHEDULED);
		assertThat(this.test.conductor().find(never).orElseThrow().runAt())
			.isAfter(this.test.conductor().find(centuries).orElseThrow().runAt());
		assertThat(this.test.conductor().cancel(centuries)).isTrue();
		UUID later = invoke(InvokeOptions.defaults().delay(Duration.ofMillis(200)));
		this.test.await(later, ExecutionState.COMPLETED);
		assertThat(this.test.conductor().cancel(never)).isTrue();
		assertThat(this.test.conductor().find(never).orElseThrow().state()).isEqualTo(ExecutionState.CANCELLED);
	}

	@Test
	void leavesWhatSomebodyHasLockedUntilItIsFree() {
		UUID locked = invoke(InvokeOptions.defaults().delay(Duration.ofHours(1)));
		UUID free = invoke(InvokeOptions.defaults().delay(Duration.ofHours(1)));
		this.test.travel(Duration.ofHours(2));

		this.test.transaction().executeWithoutResult((status) -> {
			this.test.sql("select id from ${schema}.execution where id = :id for update")
				.param("id", locked)
				.query(UUID.class)
				.single();
			node().start();
			await().until(() -> this.run.equals(List.of(free)) || this.run.size() > 1);
			assertThat(this.run).containsExactly(free);
		});

		wakePromoter();
		this.test.await(locked, ExecutionState.COMPLETED);
	}

	@Test
	void isNotHeldUpByTheMatchingOfEvents() {
		this.test.node(TaskSpec.of("task", null, (event, context) -> this.run.add(context.executionId())),
				TaskSpec.of("waiter", null,
						(event, context) -> context
							.awaitEvent("wait", EventDefinition.of("event", String.class), Duration.ofHours(1))
							.orElseThrow()))
			.start();
		UUID waiter = this.test.conductor().invoke("waiter", null);
		this.test.await(waiter, ExecutionState.WAITING);

		this.test
			.sql("""
					create table ${schema}.go_on ();
					create or replace function ${schema}.passes(payload jsonb, filter jsonpath) returns boolean language plpgsql
					as $$ begin
					    while not exists (select from ${schema}.go_on) loop perform pg_sleep(0.02); end loop;
					    return true;
					end $$
					""")
			.update();

		this.test.conductor().emit("event", "done");
		await().atMost(Duration.ofSeconds(30)).until(this::isMatching);
		UUID soon = invoke(InvokeOptions.defaults().delay(Duration.ofMillis(100)));
		await().atMost(Duration.ofSeconds(20)).until(() -> this.run.equals(List.of(soon)));

		this.test.sql("insert into ${schema}.go_on default values").update();
		assertThat(this.test.await(waiter, ExecutionState.COMPLETED).result().asString()).isEqualTo("done");
	}

	private boolean isMatching() {
		return this.test.sql(
				"select exists (select from pg_stat_activity where state = 'active' and query like '%${schema}.match_events(%' "
						+ "and pid <> pg_backend_pid())")
			.query(Boolean.class)
			.single();
	}

}
