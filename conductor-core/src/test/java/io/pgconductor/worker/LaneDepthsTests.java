package io.pgconductor.worker;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import io.pgconductor.task.BatchHandler;
import io.pgconductor.task.Batching;
import io.pgconductor.task.RateLimit;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class LaneDepthsTests {

	private static LaneDepths depths(TaskOptions options) {
		return new LaneDepths(Map.of("task", TaskSpec.of("task", null, (event, context) -> null).with(options)));
	}

	private static int depth(LaneDepths depths) {
		return depths.byTask().get("task");
	}

	@Test
	void takesOneUntilItIsKnownHowLongTheyRun() {
		assertThat(depth(depths(TaskOptions.none().concurrency(1)))).isOne();
	}

	@Test
	void takesWhatStartsWithinATenthOfASecond() {
		LaneDepths depths = depths(TaskOptions.none().concurrency(1));

		depths.ran("task", TimeUnit.MILLISECONDS.toNanos(10));
		assertThat(depth(depths)).isEqualTo(10);

		for (int i = 0; i < 100; i++) {
			depths.ran("task", TimeUnit.SECONDS.toNanos(1));
		}
		assertThat(depth(depths)).isOne();
	}

	@Test
	void takesNoMoreThanCanBeCountedQuickly() {
		LaneDepths one = depths(TaskOptions.none().concurrency(1));
		LaneDepths ten = depths(TaskOptions.none().concurrency(10));
		LaneDepths thousand = depths(TaskOptions.none().concurrency(1000));

		one.ran("task", 1);
		ten.ran("task", 1);
		thousand.ran("task", 1);

		assertThat(depth(one)).isEqualTo(512);
		assertThat(depth(ten)).isEqualTo(51);
		assertThat(depth(thousand)).isOne();
	}

	@Test
	void takesOneWhereARateSaysWhenTheyBegin() {
		LaneDepths depths = depths(
				TaskOptions.none().concurrency(1).rateLimit(new RateLimit(10, Duration.ofSeconds(1))));

		depths.ran("task", 1);

		assertThat(depth(depths)).isOne();
	}

	@Test
	void takesAWholeBatch() {
		BatchHandler handler = (events, context) -> null;
		TaskSpec task = TaskSpec.of("task", null, handler)
			.with(TaskOptions.none().concurrency(1).batch(new Batching(100, Duration.ZERO)));

		assertThat(depth(new LaneDepths(Map.of("task", task)))).isEqualTo(100);
	}

}
