package io.pgconductor.execution;

import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;

import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.worker.WorkerOptions;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Children whose end cannot be recorded while a transaction of the application is open.
 */
class LockedFamilyIntegrationTests extends AbstractChildTests {

	private static TaskSpec parent(int children) {
		return TaskSpec.of("parent", null, (event, context) -> context.invokeAll("children", "child",
				IntStream.range(0, children).boxed().toList(), Integer.class));
	}

	@Test
	void letsTheOthersEndWhileACancellationOfARunningOneIsOpen() {
		CountDownLatch mayEnd = new CountDownLatch(1);
		start(concurrency(20), parent(10), TaskSpec.of("child", Integer.class, (event, context) -> {
			mayEnd.await();
			return event.payload();
		}));
		UUID parent = this.client.invoke("parent", null);
		List<UUID> children = children(parent, 10);
		children.forEach((child) -> this.test.await(child, ExecutionState.RUNNING));

		this.test.transaction().executeWithoutResult((status) -> {
			assertThat(this.client.cancel(children.get(3), "not this one")).isTrue();
			mayEnd.countDown();
			children.stream().filter((child) -> !child.equals(children.get(3))).forEach(this::completed);
			assertThat(find(children.get(3)).state()).isEqualTo(ExecutionState.RUNNING);
		});

		assertThat(cancelled(children.get(3)).cancelReason()).isEqualTo("not this one");
		assertThat(failed(parent).error().message()).contains("not this one");
	}

	@Test
	void leavesRoomForOthersWhileItCannotBeRecorded() {
		CountDownLatch mayEnd = new CountDownLatch(1);
		start((builder) -> builder.defaultWorker(WorkerOptions.DEFAULT.withFetchBatchSize(2)), parent(100),
				TaskSpec.of("child", Integer.class, (event, context) -> {
					mayEnd.await();
					return event.payload();
				}), TaskSpec.of("note", null, (event, context) -> null));
		UUID parent = this.client.invoke("parent", null);
		children(parent, 100);

		this.test.transaction().executeWithoutResult((status) -> {
			this.test.sql("select id from ${schema}.child_wait for update").query(UUID.class).single();
			mayEnd.countDown();
			List<UUID> notes = this.test
				.elsewhere(() -> this.client.invokeAll("note", IntStream.range(0, 20).mapToObj(Invoke::of).toList()));
			notes.forEach(this::completed);
		});

		assertThat(completed(parent).result()).hasSize(100);
	}

}
