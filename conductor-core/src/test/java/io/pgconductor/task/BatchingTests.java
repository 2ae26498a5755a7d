package io.pgconductor.task;

import java.time.Duration;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class BatchingTests {

	@Test
	void takesSizesAndTimeoutsInTheirRanges() {
		assertThat(new Batching(1, Duration.ZERO).size()).isEqualTo(1);
		assertThat(new Batching(10_000, Duration.ofMinutes(1)).timeout()).isEqualTo(Duration.ofMinutes(1));
	}

	@Test
	void refusesOthers() {
		for (int size : new int[] { Integer.MIN_VALUE, -1, 0, 10_001 }) {
			assertThatIllegalArgumentException().isThrownBy(() -> new Batching(size, Duration.ZERO))
				.withMessageContainingAll("size of a batch", String.valueOf(size));
		}
		for (Duration timeout : new Duration[] { Duration.ofNanos(-1), Duration.ofMillis(60_001) }) {
			assertThatIllegalArgumentException().isThrownBy(() -> new Batching(1, timeout))
				.withMessageContainingAll("timeout of a batch", timeout.toString());
		}
	}

}
