package io.pgconductor.client;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;

import io.pgconductor.ConductorClient;
import io.pgconductor.ConductorException;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionFilter;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/**
 * Finding executions, and changing many of them.
 */
class QueryIntegrationTests {

	private TestConductor test;

	private ConductorClient client;

	@BeforeEach
	void start() {
		this.test = new TestConductor(QueryIntegrationTests.class);
		this.client = this.test.conductor();
		this.test.conductor().ensureInstalled();
	}

	@AfterEach
	void stop() {
		this.test.close();
	}

	private UUID finished(String task, ExecutionState state, Instant at, String error) {
		UUID id = this.client.invoke(task, null, InvokeOptions.defaults().queue("archive"));
		this.test
			.sql("""
					with gone as (delete from ${schema}.execution where id = :id returning *)
					insert into ${schema}.finished_execution (id, run_at, created_at, finished_at, claim_no, attempt, queue, state,
					    task, error)
					select id, run_at, created_at, cast(:at as timestamptz), 1, 1, queue, :state, task,
					    case when :error <> '' then json_build_object('type', 'java.io.IOException', 'message', :error) end
					from gone
					""")
			.param("id", id)
			.param("at", at.toString())
			.param("state", state.name().toLowerCase())
			.param("error", error)
			.update();
		return id;
	}

	private List<UUID> find(ExecutionFilter filter) {
		return this.client.query(filter).stream().map(Execution::id).toList();
	}

	@Test
	void findsByEachOfWhatAFilterSays() {
		Instant now = Instant.now();
		UUID mailed = finished("mail", ExecutionState.COMPLETED, now.minusSeconds(60), "");
		UUID refused = finished("mail", ExecutionState.FAILED, now.minusSeconds(3600), "Connection REFUSED by 10%");
		UUID unwanted = finished("bill", ExecutionState.CANCELLED, now, "");
		UUID ready = this.client.invoke("bill", 1);
		UUID later = this.client.invoke("mail", 2, InvokeOptions.defaults().delay(Duration.ofHours(1)));

		assertThat(find(ExecutionFilter.all())).containsExactly(later, ready, unwanted, refused, mailed);
		assertThat(find(ExecutionFilter.all().task("mail"))).containsExactly(later, refused, mailed);
		assertThat(find(ExecutionFilter.all().task("bill", "mail", "other").limit(3))).containsExactly(later, ready,
				unwanted);
		assertThat(find(ExecutionFilter.all().task("mail").state(ExecutionState.FAILED, ExecutionState.SCHEDULED)))
			.containsExactly(later, refused);
		assertThat(find(ExecutionFilter.all().state(ExecutionState.READY))).containsExactly(ready);
		assertThat(find(ExecutionFilter.all().queue("default"))).containsExactly(later, ready);
		assertThat(find(ExecutionFilter.all().queue("archive").state(ExecutionState.COMPLETED)))
			.containsExactly(mailed);
		assertThat(find(ExecutionFilter.all().finishedFrom(now.minusSeconds(600)).finishedBefore(now)))
			.containsExactly(mailed);
		assertThat(find(ExecutionFilter.all().createdFrom(now.plusSeconds(3600)))).isEmpty();
		assertThat(find(ExecutionFilter.all().createdBefore(now.minusSeconds(3600)))).isEmpty();
		assertThat(find(ExecutionFilter.all().createdFrom(now.minusSeconds(600)).createdBefore(now.plusSeconds(600))))
			.hasSize(5);
		assertThat(find(ExecutionFilter.all().errorText("refused by 10%"))).containsExactly(refused);
		assertThat(find(ExecutionFilter.all().errorText("ioexception"))).containsExactly(refused);
		assertThat(find(ExecutionFilter.all().errorText("refused%10"))).isEmpty();
		assertThat(this.client.query(ExecutionFilter.all().before(unwanted).limit(1)).get(0))
			.satisfies((execution) -> assertThat(execution.error().message()).isEqualTo("Connection REFUSED by 10%"))
			.isEqualTo(this.client.find(refused).orElseThrow());
	}

	@Test
	void findsByTimeAlsoWhenTheClockWasPutForward() {
		UUID before = this.client.invoke("mail", null);
		this.test.travel(Duration.ofDays(40));
		Instant then = Instant.now().plus(Duration.ofDays(39));
		UUID after = this.client.invoke("mail", null);

		assertThat(find(ExecutionFilter.all().createdFrom(then))).containsExactly(after);
		assertThat(find(ExecutionFilter.all().createdBefore(then))).containsExactly(before);
	}

	@Test
	void findsByTheApplicationWhoseNodesServeTheTask() {
		UUID mailed = finished("mail", ExecutionState.COMPLETED, Instant.now(), "");
		finished("bill", ExecutionState.COMPLETED, Instant.now(), "");
		this.test.node((conductor) -> conductor.application("post office"), (node) -> {
		}, TaskSpec.of("mail", null, (event, context) -> null)).start();

		assertThat(find(ExecutionFilter.all().application("post office"))).containsExactly(mailed);
		assertThat(find(ExecutionFilter.all().application("post office").task("bill"))).isEmpty();
		assertThat(find(ExecutionFilter.all().application("nobody"))).isEmpty();
	}

	@Test
	void pagesMeetEachExecutionOnce() {
		this.client.invokeAll("mail", IntStream.range(0, 120).mapToObj(Invoke::of).toList());
		IntStream.range(0, 130).forEach((i) -> finished("mail", ExecutionState.COMPLETED, Instant.now(), ""));
		ExecutionFilter filter = ExecutionFilter.all().task("mail");
		List<UUID> met = new ArrayList<>();
		for (List<UUID> page = find(filter); !page.isEmpty(); page = find(filter)) {
			assertThat(page).hasSizeLessThanOrEqualTo(ExecutionFilter.DEFAULT_LIMIT);
			met.addAll(page);
			filter = filter.before(page.get(page.size() - 1));
		}
		assertThat(met).hasSize(250).doesNotHaveDuplicates();
	}

	@Test
	void retriesAllThatFitAndNothingElse() {
		Instant now = Instant.now();
		this.test
			.sql("""
					insert into ${schema}.finished_execution (id, run_at, created_at, finished_at, claim_no, attempt, state, task)
					select ${schema}.uuid_v7(), now(), now(), now(), 1, 3, 'failed', 'mail' from generate_series(1, 1200) i
					""")
			.update();
		UUID other = finished("bill", ExecutionState.FAILED, now, "");
		UUID done = finished("mail", ExecutionState.COMPLETED, now, "");
		UUID unwanted = finished("mail", ExecutionState.CANCELLED, now, "");
		ExecutionFilter failed = ExecutionFilter.all().task("mail").state(ExecutionState.FAILED);

		assertThat(this.client.retryAll(failed.limit(700))).isEqualTo(700);
		assertThat(this.client.retryAll(failed)).isEqualTo(500);
		assertThat(this.client.retryAll(failed)).isZero();
		assertThat(this.client.retryAll(ExecutionFilter.all().state(ExecutionState.COMPLETED))).isZero();
		assertThat(this.test.count("execution")).isEqualTo(1200);
		for (UUID untouched : List.of(other, done, unwanted)) {
			assertThat(this.client.find(untouched).orElseThrow().finishedAt()).isNotNull();
		}
		this.test.node(TaskSpec.of("mail", null, (event, context) -> null)).drain();
		assertThat(this.client.query(failed)).isEmpty();
		assertThat(this.test.sql("select count(*) from ${schema}.finished_execution where state = 'completed'")
			.query(Integer.class)
			.single()).isEqualTo(1201);
	}

	@Test
	void cancelsAllThatFitAndNothingElse() {
		this.client.invokeAll("mail", IntStream.range(0, 1200).mapToObj(Invoke::of).toList());
		UUID other = this.client.invoke("bill", null);
		UUID later = this.client.invoke("mail", null, InvokeOptions.defaults().delay(Duration.ofDays(1)));
		ExecutionFilter ready = ExecutionFilter.all().task("mail").state(ExecutionState.READY);

		assertThat(this.client.cancelAll(ready, "too many")).isEqualTo(1200);
		assertThat(this.client.cancelAll(ready)).isZero();
		assertThat(this.client.query(ExecutionFilter.all().state(ExecutionState.CANCELLED).limit(1000))).hasSize(1000)
			.allSatisfy((execution) -> assertThat(execution.cancelReason()).isEqualTo("too many"));
		assertThat(find(ExecutionFilter.all().state(ExecutionState.READY, ExecutionState.SCHEDULED)))
			.containsExactly(later, other);
	}

	@Test
	void changesNothingWhereTheTransactionIsRolledBack() {
		UUID failed = finished("mail", ExecutionState.FAILED, Instant.now(), "");
		UUID ready = this.client.invoke("bill", null);
		this.test.transaction().executeWithoutResult((transaction) -> {
			assertThat(this.client.cancelAll(ExecutionFilter.all())).isEqualTo(1);
			assertThat(this.client.retryAll(ExecutionFilter.all().task("mail"))).isEqualTo(1);
			assertThat(find(ExecutionFilter.all().state(ExecutionState.READY))).containsExactly(failed);
			transaction.setRollbackOnly();
		});
		assertThat(find(ExecutionFilter.all().state(ExecutionState.READY))).containsExactly(ready);
		assertThat(find(ExecutionFilter.all().state(ExecutionState.FAILED))).containsExactly(failed);
	}

	@Test
	void anInterruptedThreadStopsBetweenPages() {
		this.client.invoke("mail", null);
		Thread.currentThread().interrupt();
		try {
			assertThatExceptionOfType(ConductorException.class)
				.isThrownBy(() -> this.client.cancelAll(ExecutionFilter.all()))
				.withMessageContaining("had changed 0 executions");
		}
		finally {
			Thread.interrupted();
		}
		assertThat(this.test.count("execution")).isOne();
	}

	@Test
	void saysWhatIsWrongWithAFilter() {
		Instant now = Instant.now();
		assertThatIllegalArgumentException().isThrownBy(() -> this.client.query(ExecutionFilter.all().limit(1001)))
			.withMessageContaining("at most 1000");
		assertThatIllegalArgumentException().isThrownBy(() -> ExecutionFilter.all().limit(0))
			.withMessageContaining("at least 1");
		assertThatIllegalArgumentException().isThrownBy(() -> ExecutionFilter.all().errorText(""))
			.withMessageContaining("empty");
		assertThatIllegalArgumentException().isThrownBy(() -> ExecutionFilter.all().createdFrom(now).createdBefore(now))
			.withMessageContaining("exchange the two");
	}

}
