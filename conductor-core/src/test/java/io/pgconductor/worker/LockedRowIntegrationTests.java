package io.pgconductor.worker;

import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;

import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.LogCapture;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Rows that a transaction of somebody else holds while their executions run.
 */
class LockedRowIntegrationTests {

	@RegisterExtension
	final LogCapture flusherLog = new LogCapture(LoopThread.class);

	private final CountDownLatch locked = new CountDownLatch(1);

	private TestConductor test;

	@BeforeEach
	void start() {
		this.test = new TestConductor(LockedRowIntegrationTests.class);
		this.test.node(TaskSpec.of("block", null, (event, context) -> {
			this.locked.await();
			return null;
		}), TaskSpec.of("note", null, (event, context) -> null)).start();
	}

	@AfterEach
	void stop() {
		this.locked.countDown();
		this.test.close();
	}

	private void lock(List<UUID> ids) {
		this.test.sql("select id from ${schema}.execution where id in (:ids) for update")
			.param("ids", ids)
			.query(UUID.class)
			.list();
	}

	@Test
	void recordsTheOthersWhileOneIsLocked() {
		UUID held = this.test.conductor().invoke("block", null);
		UUID free = this.test.conductor().invoke("block", null);
		this.test.await(held, ExecutionState.RUNNING);
		this.test.await(free, ExecutionState.RUNNING);

		this.test.transaction().executeWithoutResult((status) -> {
			lock(List.of(held));
			this.locked.countDown();
			this.test.await(free, ExecutionState.COMPLETED);
			List<UUID> later = CompletableFuture
				.supplyAsync(() -> this.test.conductor()
					.invokeAll("note", IntStream.range(0, 500).mapToObj(Invoke::of).toList()))
				.join();
			later.forEach((id) -> this.test.await(id, ExecutionState.COMPLETED));
			assertThat(this.test.conductor().find(held).orElseThrow().state()).isEqualTo(ExecutionState.RUNNING);
		});

		this.test.await(held, ExecutionState.COMPLETED);
		assertThat(this.flusherLog.lines()).noneMatch((line) -> line.contains("failed"));
	}

}
