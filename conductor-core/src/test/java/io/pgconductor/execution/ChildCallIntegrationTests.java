package io.pgconductor.execution;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ExecutionStep;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.Invoke;
import io.pgconductor.TaskDefinition;
import io.pgconductor.task.TaskSpec;
import org.junit.jupiter.api.Test;
import org.springframework.core.ParameterizedTypeReference;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Executions that invoke others and take their results.
 */
class ChildCallIntegrationTests extends AbstractChildTests {

	record Line(String article, int quantity) {
	}

	record Sum(BigDecimal total, Instant at) {
	}

	@Test
	void returnsTypedResultsOfChildrenByDefinitionAndByName() {
		Instant noon = Instant.parse("2026-02-03T12:00:00Z");
		TaskDefinition<Line, Sum> price = TaskDefinition.of("price", Line.class, Sum.class);
		TaskDefinition<List<Line>, Map<String, Line>> index = TaskDefinition.of("index",
				new ParameterizedTypeReference<List<Line>>() {
				}, new ParameterizedTypeReference<Map<String, Line>>() {
				});
		List<Object> results = new ArrayList<>();
		TaskSpec parent = TaskSpec.of("typed", null, (event, context) -> {
			Line line = new Line("pen", 3);
			Sum byDefinition = context.invoke("definition", price, line);
			Sum byName = context.invoke("name", "price", line, Sum.class);
			Map<String, Line> generic = context.invoke("generic", index, List.of(line, new Line("ink", 1)));
			int[] array = context.invoke("array", "numbers", 3, int[].class);
			List<Sum> many = context.invokeAll("many", price, List.of(line, new Line("ink", 1)));
			results.addAll(List.of(byDefinition, byName, generic, Arrays.stream(array).sum(), many));
			return null;
		});
		start(parent,
				TaskSpec.of("price", Line.class,
						(event, context) -> new Sum(new BigDecimal("1.10")
							.multiply(BigDecimal.valueOf(event.payload(Line.class).quantity())), noon)),
				TaskSpec.of("index", null,
						(event, context) -> event.payload(new ParameterizedTypeReference<List<Line>>() {
						}).stream().collect(Collectors.toMap(Line::article, (line) -> line))),
				TaskSpec.of("numbers", null,
						(event, context) -> IntStream.range(0, event.payload(Integer.class)).toArray()));

		completed(this.client.invoke("typed", null));

		Sum three = new Sum(new BigDecimal("3.30"), noon);
		assertThat(results).containsExactly(three, three, Map.of("pen", new Line("pen", 3), "ink", new Line("ink", 1)),
				3, List.of(three, new Sum(new BigDecimal("1.10"), noon)));
	}

	@Test
	void returnsNullOfChildrenWithoutResultOrWhoseResultNobodyWants() {
		AtomicInteger parentRuns = new AtomicInteger();
		AtomicInteger childRuns = new AtomicInteger();
		TaskDefinition<Void, Void> silent = TaskDefinition.of("silent", Void.class, Void.class);
		TaskSpec parent = TaskSpec.of("nulls", null, (event, context) -> {
			parentRuns.incrementAndGet();
			Object none = context.invoke("none", "silent", null, String.class);
			Object ignored = context.invoke("ignored", "talkative", null, Void.class);
			Object byDefinition = context.invoke("definition", silent, null);
			List<Object> many = context.invokeAll("many", "silent", Arrays.asList(1, null), Object.class);
			return Arrays.asList(none, ignored, byDefinition, many);
		});
		start(parent, TaskSpec.of("silent", null, (event, context) -> {
			childRuns.incrementAndGet();
			return null;
		}), TaskSpec.of("talkative", null, (event, context) -> "much"));

		Execution done = completed(this.client.invoke("nulls", null));

		assertThat(done.result()).hasToString("[null,null,null,[null,null]]");
		assertThat(childRuns).hasValue(4);
		assertThat(parentRuns).hasValue(5);
	}

	@Test
	void invokesNothingAgainWhenTheParentIsRetried() {
		AtomicInteger childRuns = new AtomicInteger();
		TaskSpec parent = TaskSpec.of("retried", null, (event, context) -> {
			Integer result = context.invoke("child", "count", null, Integer.class);
			Integer none = context.invoke("silent", "silent", null, Integer.class);
			List<Integer> many = context.invokeAll("many", "count", List.of(1, 2), Integer.class);
			if (context.attempt() < 3) {
				throw retryNow("attempt " + context.attempt());
			}
			return Arrays.asList(result, none, many.stream().mapToInt((i) -> i).sum());
		});
		start(parent, TaskSpec.of("count", null, (event, context) -> childRuns.incrementAndGet()),
				TaskSpec.of("silent", null, (event, context) -> {
					childRuns.addAndGet(10);
					return null;
				}));

		Execution done = completed(this.client.invoke("retried", null));

		assertThat(done.attempt()).isEqualTo(3);
		assertThat(done.children()).hasSize(4);
		assertThat(childRuns).hasValue(13);
		assertThat(done.result()).hasToString("[1,null,25]");
	}

	@Test
	void holdsNoThreadWhileChildrenRun() {
		TaskSpec parent = TaskSpec.of("waiting", Integer.class,
				(event, context) -> context.invoke("middle", "middle", event.payload(), Integer.class));
		TaskSpec middle = TaskSpec.of("middle", Integer.class,
				(event, context) -> context.invoke("leaf", "leaf", event.payload(), Integer.class));
		TaskSpec leaf = TaskSpec.of("leaf", Integer.class, (event, context) -> event.payload(Integer.class) * 10);
		start(concurrency(1), parent, middle, leaf);

		List<UUID> ids = this.client.invokeAll("waiting", IntStream.range(0, 5).mapToObj(Invoke::of).toList());

		assertThat(ids).extracting((id) -> completed(id).result().asInt()).containsExactly(0, 10, 20, 30, 40);
		assertThat(ids).allMatch((id) -> find(id).attempt() == 1);
	}

	@Test
	void waitsForAChildOnAnotherQueueAndNode() throws InterruptedException {
		CountDownLatch begun = new CountDownLatch(1);
		CountDownLatch released = new CountDownLatch(1);
		start(concurrency(1),
				on("near",
						TaskSpec.of("near", null,
								(event, context) -> context.invoke("child", "far", "there", String.class))),
				on("near", TaskSpec.of("other", null, (event, context) -> "done")));
		start(on("far", TaskSpec.of("far", String.class, (event, context) -> {
			begun.countDown();
			released.await();
			return event.payload() + " and back on " + context.queue() + " for " + context.parent().orElseThrow();
		})));

		UUID id = this.client.invoke("near", null);
		begun.await();

		Execution waiting = find(id);
		assertThat(waiting.state()).isEqualTo(ExecutionState.WAITING);
		assertThat(this.test.sql("select claimed_by from ${schema}.execution where id = ? and claimed_by is not null")
			.param(id)
			.query(UUID.class)
			.optional()).isEmpty();
		completed(this.client.invoke("other", null));
		released.countDown();
		assertThat(completed(id).result().asString()).isEqualTo("there and back on far for " + id);
		assertThat(find(child(id)).queue()).isEqualTo("far");
	}

	@Test
	void enqueuesAChildWithTheDefaultsOfItsTask() {
		TaskSpec child = with("special", 7, 5, TaskSpec.of("defaults", null, (event, context) -> {
			if (context.attempt() < 5) {
				throw retryNow("attempt " + context.attempt());
			}
			return context.maxAttempts();
		}));
		start(TaskSpec.of("plain", null, (event, context) -> context.invoke("child", "defaults", null, Integer.class)),
				child);

		Execution done = completed(this.client.invoke("plain", null));

		assertThat(done.result().asInt()).isEqualTo(5);
		assertThat(done.attempt()).isOne();
		Execution found = find(done.children().get(0));
		assertThat(found.priority()).isEqualTo(7);
		assertThat(found.maxAttempts()).isEqualTo(5);
		assertThat(found.attempt()).isEqualTo(5);
		assertThat(found.queue()).isEqualTo("special");
	}

	@Test
	void holdsAChildOfAnUnknownTaskUntilSomebodyServesIt() {
		start((builder) -> builder.nodeTimeout(Duration.ofSeconds(3)),
				TaskSpec.of("early", null, (event, context) -> context.invoke("child", "later", 4, Integer.class)));

		UUID id = this.client.invoke("early", null);
		UUID child = child(id);

		assertThat(find(id).state()).isEqualTo(ExecutionState.WAITING);
		assertThat(this.test.sql("select phase from ${schema}.execution where id = ?")
			.param(child)
			.query(String.class)
			.single()).isEqualTo("held");
		start((builder) -> builder.nodeTimeout(Duration.ofSeconds(3)),
				on("late", TaskSpec.of("later", Integer.class, (event, context) -> event.payload(Integer.class) + 1)));
		assertThat(completed(id).result().asInt()).isEqualTo(5);
		assertThat(find(child).queue()).isEqualTo("late");
	}

	@Test
	void showsParentChildrenAndTheirResults() {
		TaskSpec parent = TaskSpec.of("shown", null, (event, context) -> {
			context.invoke("first", "echo", Map.of("a", 1), Object.class);
			context.invoke("nothing", "echo", null, Object.class);
			context.invokeAll("more", "echo", IntStream.range(0, 12).boxed().toList(), Integer.class);
			return null;
		});
		start(parent, TaskSpec.of("echo", null, (event, context) -> event.payload(Object.class)));

		Execution done = completed(this.client.invoke("shown", null));

		assertThat(done.parent()).isNull();
		assertThat(done.steps()).extracting(ExecutionStep::name).containsExactly("first", "nothing", "more");
		assertThat(done.steps().get(0).result()).hasToString("{\"a\":1}");
		assertThat(done.steps().get(1).result()).isNull();
		assertThat(done.steps().get(2).result()).hasToString("[0,1,2,3,4,5,6,7,8,9,10,11]");
		assertThat(done.steps()).allMatch((step) -> !step.finishedAt().isAfter(done.finishedAt()));
		assertThat(done.children()).hasSize(14);
		assertThat(done.children().stream().map(this::find)).allMatch((child) -> done.id().equals(child.parent()))
			.allMatch((child) -> child.state() == ExecutionState.COMPLETED);
		assertThat(find(done.children().get(0)).result()).hasToString("{\"a\":1}");
		assertThat(done.children().subList(2, 14).stream().map((id) -> find(id).result().asInt()))
			.containsExactlyElementsOf(IntStream.range(0, 12).boxed().toList());
	}

	@Test
	void failsTheParentWhoseTypeDoesNotFitTheResult() {
		start(TaskSpec.of("misfit", null, (event, context) -> context.invoke("child", "text", null, Line.class)),
				TaskSpec.of("text", null, (event, context) -> "no line"));

		Execution failed = failed(this.client.invoke("misfit", null));

		assertThat(failed.attempt()).isOne();
		assertThat(failed.error().type()).isEqualTo(InvalidPayloadException.class.getName());
		assertThat(failed.error().message()).contains("'text'", "'child'", Line.class.getName());
	}

	@Test
	void invokesGenerationsOfItself() {
		TaskSpec sum = TaskSpec.of("sum", Integer.class, (event, context) -> {
			int n = event.payload(Integer.class);
			if (n == 0) {
				return 0;
			}
			return n + context.invoke("less", "sum", n - 1, Integer.class);
		});
		start(sum);

		Execution done = completed(this.client.invoke("sum", 12));

		assertThat(done.result().asInt()).isEqualTo(78);
		assertThat(this.test.count("finished_execution")).isEqualTo(13);
		assertThat(this.test.count("child_wait")).isZero();
	}

}
