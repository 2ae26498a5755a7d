package io.pgconductor.execution;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.ChildFailedException;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.InvokeOptions;
import io.pgconductor.NonRetryableException;
import io.pgconductor.TaskContext;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskSpec;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Children that end without a result.
 */
class ChildFailureIntegrationTests extends AbstractChildTests {

	private static TaskSpec sick() {
		return TaskSpec.of("sick", null, (event, context) -> {
			throw new NonRetryableException("sick of " + event.payload(String.class));
		});
	}

	private static String messageOf(TaskContext context, String step, String task) {
		try {
			return "no failure, but " + context.invoke(step, task, "all", String.class);
		}
		catch (ChildFailedException ex) {
			return ex.getMessage();
		}
	}

	@Test
	void throwsTheLastFailureOfAChildAtTheCall() {
		List<ChildFailedException> caught = new ArrayList<>();
		TaskSpec parent = TaskSpec.of("catching", null, (event, context) -> {
			try {
				return context.invoke("the step", "flaky", null, String.class);
			}
			catch (ChildFailedException ex) {
				caught.add(ex);
				return "caught";
			}
		});
		start(parent, TaskSpec.of("flaky", null, (event, context) -> {
			throw retryNow("attempt " + context.attempt() + " of " + context.maxAttempts());
		}));

		UUID id = this.client.invoke("catching", null);
		Execution done = completed(id);

		assertThat(done.result().asString()).isEqualTo("caught");
		Execution child = find(child(id));
		assertThat(child.state()).isEqualTo(ExecutionState.FAILED);
		assertThat(child.attempt()).isEqualTo(3);
		assertThat(caught).singleElement().satisfies((failure) -> {
			assertThat(failure.step()).isEqualTo("the step");
			assertThat(failure.child()).isEqualTo(child.id());
			assertThat(failure.error()).isEqualTo(child.error());
			assertThat(failure.error().message()).isEqualTo("attempt 3 of 3");
			assertThat(failure.error().stackTrace()).contains("ChildFailureIntegrationTests");
			assertThat(failure).hasMessageContainingAll(child.id().toString(), "'flaky'", "'the step'", id.toString(),
					"RetryAfterException", "attempt 3 of 3");
		});
		assertThat(done.steps()).isEmpty();
	}

	@Test
	void throwsTheFailureAgainWhenTheParentIsRetried() {
		AtomicInteger childRuns = new AtomicInteger();
		List<String> messages = new ArrayList<>();
		TaskSpec parent = TaskSpec.of("remembering", null, (event, context) -> {
			messages.add(messageOf(context, "child", "counted"));
			if (context.attempt() == 1) {
				throw retryNow("attempt 1");
			}
			context.sleep("nap", Duration.ofMillis(1));
			return "done";
		});
		start(parent, TaskSpec.of("counted", null, (event, context) -> {
			childRuns.incrementAndGet();
			throw new NonRetryableException("once");
		}));

		Execution done = completed(this.client.invoke("remembering", null));

		assertThat(done.attempt()).isEqualTo(2);
		assertThat(done.children()).hasSize(1);
		assertThat(childRuns).hasValue(1);
		assertThat(messages).hasSize(3).containsOnly(messages.get(0)).first().asString().contains("once");
	}

	@Test
	void failsTheParentAtOnceWhenNobodyCatchesTheFailure() {
		AtomicInteger parentRuns = new AtomicInteger();
		TaskSpec parent = TaskSpec.of("trusting", null, (event, context) -> {
			parentRuns.incrementAndGet();
			context.step("before", Integer.class, () -> 1);
			return context.invoke("child", "sick", "it", String.class);
		});
		start(parent, sick());

		Execution failed = failed(this.client.invoke("trusting", null, InvokeOptions.defaults().maxAttempts(5)));

		assertThat(failed.attempt()).isOne();
		assertThat(parentRuns).hasValue(2);
		assertThat(failed.error().type()).isEqualTo(ChildFailedException.class.getName());
		assertThat(failed.error().message()).contains("'child'", "'sick'", "sick of it");
		assertThat(failed.steps()).extracting(ExecutionStep::name).containsExactly("before");
	}

	@Test
	void reachesTheTopThroughAllGenerations() {
		start(concurrency(1),
				TaskSpec.of("top", null, (event, context) -> context.invoke("a", "upper", null, String.class)),
				TaskSpec.of("upper", null, (event, context) -> context.invoke("b", "lower", null, String.class)),
				TaskSpec.of("lower", null,
						(event, context) -> context.invokeAll("c", "sick", List.of("it"), String.class)),
				sick());

		Execution top = failed(this.client.invoke("top", null));

		Execution upper = failed(top.children().get(0));
		Execution lower = failed(upper.children().get(0));
		Execution bottom = failed(lower.children().get(0));
		assertThat(List.of(top, upper, lower, bottom)).allMatch((execution) -> execution.attempt() == 1);
		assertThat(top.error().message()).contains(upper.id().toString(), lower.id().toString(), bottom.id().toString(),
				"sick of it");
		assertThat(this.test.count("execution")).isZero();
		assertThat(this.test.count("child_wait")).isZero();
	}

	@Test
	void tellsOfAChildThatWasCancelledBeforeItBegan() {
		start(TaskSpec.of("hoping", null, (event, context) -> messageOf(context, "child", "idle")));
		register(on("unserved", TaskSpec.of("idle", null, (event, context) -> "never")));
		UUID id = this.client.invoke("hoping", null);

		assertThat(this.client.cancel(child(id), "no longer wanted")).isTrue();

		assertThat(completed(id).result().asString()).contains(child(id).toString(), "'idle'", "'child'",
				"was cancelled: no longer wanted");
	}

	@Test
	void tellsOfAChildThatWasCancelledWhileItWaited() {
		start(TaskSpec.of("hoping", null, (event, context) -> messageOf(context, "child", "sleeper")),
				TaskSpec.of("sleeper", null, (event, context) -> {
					context.sleep("long", Duration.ofDays(1));
					return "woken";
				}));
		UUID id = this.client.invoke("hoping", null);
		this.test.await(child(id), ExecutionState.WAITING);

		assertThat(this.client.cancel(child(id))).isTrue();

		assertThat(completed(id).result().asString()).endsWith("was cancelled");
	}

	@Test
	void tellsOfAChildThatWasCancelledWhileItRan() {
		CountDownLatch begun = new CountDownLatch(1);
		start(TaskSpec.of("hoping", null, (event, context) -> messageOf(context, "child", "runner")),
				TaskSpec.of("runner", null, (event, context) -> {
					begun.countDown();
					return new CountDownLatch(1).await(1, TimeUnit.HOURS);
				}));
		UUID id = this.client.invoke("hoping", null);
		this.test.await(child(id), ExecutionState.RUNNING);

		assertThat(this.client.cancel(child(id), "stop it")).isTrue();

		assertThat(completed(id).result().asString()).endsWith("was cancelled: stop it");
		assertThat(begun.getCount()).isZero();
		assertThat(find(child(id)).state()).isEqualTo(ExecutionState.CANCELLED);
	}

	@Test
	void hearsOfChildrenThatNobodyKeeps() {
		start((builder) -> builder.retention(Retention.AT_ONCE, Retention.AT_ONCE),
				TaskSpec.of("fleeting", null, (event, context) -> "gone"), sick(),
				TaskSpec.of("middle", null, (event, context) -> context.invoke("child", "sick", "it", String.class)));
		start(on("kept", TaskSpec.of("keeper", null, (event, context) -> {
			String result = context.invoke("good", "fleeting", null, String.class);
			return List.of(result, messageOf(context, "bad", "sick"), messageOf(context, "worse", "middle"));
		})));

		Execution done = completed(this.client.invoke("keeper", null));

		assertThat(done.result().get(0).asString()).isEqualTo("gone");
		assertThat(done.result().get(1).asString()).contains("sick of all");
		assertThat(done.result().get(2).asString()).contains("'middle'", "'sick'", "sick of it");
		assertThat(done.children()).isEmpty();
		assertThat(this.test.count("finished_execution")).isOne();
		assertThat(this.test.count("execution")).isZero();
		assertThat(this.test.sql("select count(*) from ${schema}.step where execution_id <> ?")
			.param(done.id())
			.query(Long.class)
			.single()).isZero();
		assertThat(this.test.sql("select count(*) from ${schema}.child_wait where parent_id <> ?")
			.param(done.id())
			.query(Long.class)
			.single()).isZero();
	}

	@Test
	void invokesTheFailedChildAgainWhenAClientRetriesTheParent() {
		AtomicBoolean well = new AtomicBoolean();
		AtomicInteger steps = new AtomicInteger();
		TaskSpec parent = TaskSpec.of("persistent", null, (event, context) -> {
			context.step("before", Integer.class, steps::incrementAndGet);
			String good = context.invoke("good", "echo", "good", String.class);
			return good + " and " + context.invoke("bad", "fickle", "better", String.class);
		});
		start(parent, TaskSpec.of("echo", null, (event, context) -> event.payload(String.class)),
				TaskSpec.of("fickle", null, (event, context) -> {
					if (!well.get()) {
						throw new NonRetryableException("not yet");
					}
					return event.payload(String.class);
				}));
		UUID id = this.client.invoke("persistent", null);
		List<UUID> firstChildren = failed(id).children();

		well.set(true);
		assertThat(this.client.retry(id)).isTrue();
		Execution done = completed(id);

		assertThat(done.result().asString()).isEqualTo("good and better");
		assertThat(steps).hasValue(1);
		assertThat(done.children()).hasSize(3).containsAll(firstChildren);
		assertThat(done.steps()).extracting(ExecutionStep::name).containsExactly("before", "good", "bad");
	}

	@Test
	void remembersACaughtFailureEvenWhenAClientRetriesTheParent() {
		AtomicBoolean well = new AtomicBoolean();
		TaskSpec parent = TaskSpec.of("forgiving", null, (event, context) -> {
			String caught = messageOf(context, "caught", "sick");
			if (!well.get()) {
				throw new NonRetryableException("for another reason");
			}
			return caught;
		});
		start(parent, sick());
		UUID id = this.client.invoke("forgiving", null);
		assertThat(failed(id).error().message()).isEqualTo("for another reason");

		well.set(true);
		assertThat(this.client.retry(id)).isTrue();

		assertThat(completed(id).result().asString()).contains("sick of all");
		assertThat(find(id).children()).hasSize(1);
	}

	@Test
	void leavesTheParentAloneWhenAClientRetriesTheChild() {
		AtomicBoolean well = new AtomicBoolean();
		TaskSpec parent = TaskSpec.of("over", null, (event, context) -> {
			String caught = messageOf(context, "child", "recovering");
			context.sleep("night", Duration.ofHours(8));
			return List.of(caught, messageOf(context, "other", "sick"));
		});
		start(parent, sick(), TaskSpec.of("recovering", null, (event, context) -> {
			if (!well.get()) {
				throw new NonRetryableException("not yet");
			}
			return "well";
		}));
		UUID id = this.client.invoke("over", null);
		this.test.await(id, ExecutionState.WAITING);
		UUID child = child(id);
		failed(child);

		well.set(true);
		assertThat(this.client.retry(child)).isTrue();

		assertThat(completed(child).result().asString()).isEqualTo("well");
		assertThat(find(child).parent()).isEqualTo(id);
		Awaitility.await()
			.until(() -> this.test.sql("select waiting_for from ${schema}.executions where id = ?")
				.param(id)
				.query(String.class)
				.optional()
				.orElse(""), "sleep"::equals);
		travel(Duration.ofHours(9));
		assertThat(completed(id).result().get(0).asString()).contains("not yet");
	}

	@Test
	void reachesTheTopWithANulCharacterInIt() {
		start(TaskSpec.of("top", null, (event, context) -> context.invoke("a", "middle", null, String.class)),
				TaskSpec.of("middle", null,
						(event, context) -> context.invokeAll("b", "bottom", List.of("it"), String.class)),
				TaskSpec.of("bottom", null, (event, context) -> {
					throw new NonRetryableException("before\u0000after");
				}));

		Execution top = failed(this.client.invoke("top", null));

		Execution middle = failed(top.children().get(0));
		Execution bottom = failed(middle.children().get(0));
		assertThat(List.of(top, middle, bottom))
			.allSatisfy((execution) -> assertThat(execution.error().message()).contains("before\u0000after"));
		awaitAllEnded();
		assertThat(this.test.count("child_wait")).isZero();
	}

}
