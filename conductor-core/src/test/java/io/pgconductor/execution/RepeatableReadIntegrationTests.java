package io.pgconductor.execution;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import io.pgconductor.ExecutionState;
import io.pgconductor.TaskContext;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Transactions that fail if anybody has written what they write in the end.
 */
class RepeatableReadIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(60);

	private final CountDownLatch begun = new CountDownLatch(2);

	private final CountDownLatch mayCommit = new CountDownLatch(1);

	private final CountDownLatch mayEnd = new CountDownLatch(1);

	private final AtomicInteger runs = new AtomicInteger();

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(RepeatableReadIntegrationTests.class);
	}

	@AfterEach
	void close() {
		this.mayCommit.countDown();
		this.mayEnd.countDown();
		this.test.close();
	}

	private void readAndTellProgress(TaskContext context) throws InterruptedException {
		this.runs.incrementAndGet();
		this.test.sql("set transaction isolation level repeatable read").update();
		this.test.count("execution");
		context.progress(0.5, "has read");
		this.begun.countDown();
		this.mayCommit.await();
	}

	@Test
	void commitsInItsFirstRunAlthoughItTellsProgressAndTakesLong() {
		TaskSpec whole = TaskSpec.of("whole", null, (event, context) -> {
			readAndTellProgress(context);
			return "done";
		}).with(TaskOptions.none().transactional(true));
		TaskSpec step = TaskSpec.of("step", null, (event, context) -> {
			context.transaction("transaction", () -> readAndTellProgress(context));
			this.mayEnd.await();
			return "done";
		});
		TaskSpec other = TaskSpec.of("other", null, (event, context) -> {
			context.progress(0.1, "runs");
			this.mayEnd.await();
			return "done";
		});
		this.test.node(whole, step, other).start();
		UUID wholeId = this.test.conductor().invoke("whole", null);
		UUID stepId = this.test.conductor().invoke("step", null);
		await(() -> this.begun.getCount() == 0);

		// What is written of it is written of the two before, too
		UUID otherId = this.test.conductor().invoke("other", null);
		await(() -> this.test
			.count("execution where id = '" + otherId + "' and progress > 0 and phase = 'parked'") == 1);
		this.mayCommit.countDown();

		this.test.await(wholeId, ExecutionState.COMPLETED);
		await(() -> this.test.count("execution where id = '" + stepId + "' and progress_message = 'has read'") == 1);
		this.mayEnd.countDown();
		this.test.await(stepId, ExecutionState.COMPLETED);
		assertThat(this.runs).hasValue(2);
	}

	private static void await(Callable<Boolean> condition) {
		Awaitility.await().atMost(LONG).until(condition);
	}

}
