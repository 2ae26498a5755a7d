package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class HousekeeperTests {

	@Test
	void takesHalfOfTheTimeAtMostForWhatIsDoneBitByBit() {
		CountDownLatch never = new CountDownLatch(1);
		List<Long> starts = Collections.synchronizedList(new ArrayList<>());
		Housekeeper housekeeper = new Housekeeper("housekeeper");
		housekeeper.addGradual("long", Duration.ofDays(1), () -> {
			starts.add(System.nanoTime());
			await(never, 20);
			return starts.size() < 5;
		});
		housekeeper.start();
		try {
			Awaitility.await().until(() -> starts.size() == 5);
			assertThat(Duration.ofNanos(starts.get(4) - starts.get(0)))
				.isGreaterThanOrEqualTo(Duration.ofMillis(4 * 2 * 20));
		}
		finally {
			housekeeper.thread().stop();
		}
	}

	private static void await(CountDownLatch latch, int millis) {
		try {
			latch.await(millis, TimeUnit.MILLISECONDS);
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
	}

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
			Awaitility.await().until(housekeeper::isFailing);
			Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> !housekeeper.isFailing());
			assertThat(tries).hasValue(2);
		}
		finally {
			housekeeper.thread().stop();
		}
	}

}
