package io.pgconductor.worker;

import java.util.Map;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class SharedWorkerTests {

	@Test
	void refusesWeightsOutOfRange() {
		assertThatIllegalArgumentException()
			.isThrownBy(() -> new SharedWorker(WorkerOptions.DEFAULT, Map.of("mail", 0)))
			.withMessage("the weight of queue 'mail' must be between 1 and 1000, was 0");
		assertThatIllegalArgumentException()
			.isThrownBy(() -> new SharedWorker(WorkerOptions.DEFAULT, Map.of("mail", 1001)))
			.withMessage("the weight of queue 'mail' must be between 1 and 1000, was 1001");
	}

	@Test
	void refusesNamesThatAreNone() {
		assertThatIllegalArgumentException()
			.isThrownBy(() -> new SharedWorker(WorkerOptions.DEFAULT, Map.of("no queue", 1)))
			.withMessageStartingWith("'no queue' is not a queue name");
	}

	@Test
	void refusesToServeNothing() {
		assertThatIllegalArgumentException().isThrownBy(() -> new SharedWorker(WorkerOptions.DEFAULT, Map.of()))
			.withMessage("a shared worker needs at least one queue");
	}

}
