package io.pgconductor.worker;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

class HousekeeperTests {

	@Test
	void triesRareChoresAgainSoonWhenTheyFail() {
		AtomicInteger tries = new AtomicInteger();
		Housekeeper housekeeper = new Housekeeper("housekeeper");
		housekeeper.add("rare", Duration.ofDays(1), () -> {
			if (tries.incrementAndGet() == 1) {
				throw new IllegalStateException("not now");
			}
		});
		housekeeper.start();
		try {
			await().until(housekeeper::isFailing);
			await().atMost(Duration.ofSeconds(30)).until(() -> !housekeeper.isFailing());
			assertThat(tries).hasValue(2);
		}
		finally {
			housekeeper.thread().stop();
		}
	}

}
