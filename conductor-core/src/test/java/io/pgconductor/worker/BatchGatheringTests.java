package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import io.pgconductor.execution.Attempt;
import io.pgconductor.task.BatchHandler;
import io.pgconductor.task.Batching;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class BatchGatheringTests {

	private static final BatchHandler HANDLER = (events, context) -> null;

	private final BatchGathering gathering = gathering(Duration.ofMinutes(1));

	private static BatchGathering gathering(Duration timeout) {
		TaskSpec batches = TaskSpec.of("batches", null, HANDLER)
			.with(TaskOptions.none().batch(new Batching(3, timeout)));
		TaskSpec alone = TaskSpec.of("alone", null, (event, context) -> null);
		return new BatchGathering((attempt) -> attempt.execution().task().equals("alone") ? alone : batches);
	}

	private static List<Attempt> attempts(int count) {
		List<Attempt> attempts = new ArrayList<>();
		for (int i = 0; i < count; i++) {
			attempts.add(Attempts.of("batches"));
		}
		return attempts;
	}

	@Test
	void letsOthersPass() {
		Attempt alone = Attempts.of("alone");

		List<Work> works = this.gathering.gather(List.of(alone));

		assertThat(works).singleElement().satisfies((work) -> assertThat(work.isBatch()).isFalse());
		assertThat(this.gathering.besides()).isZero();
	}

	@Test
	void closesFullBatchesInTheirOrder() {
		List<Attempt> attempts = attempts(7);

		List<Work> works = this.gathering.gather(attempts);

		assertThat(works).hasSize(2).allMatch(Work::isBatch);
		assertThat(works.get(0).take()).containsExactlyElementsOf(attempts.subList(0, 3));
		assertThat(works.get(1).take()).containsExactlyElementsOf(attempts.subList(3, 6));
		assertThat(this.gathering.due()).isEmpty();
		assertThat(this.gathering.all()).singleElement()
			.satisfies((work) -> assertThat(work.take()).containsExactly(attempts.get(6)));
		assertThat(this.gathering.all()).isEmpty();
	}

	@Test
	void countsWhatNeedsNoThread() {
		List<Work> works = this.gathering.gather(attempts(5));

		assertThat(this.gathering.besides()).as("two that wait, two of the full batch").isEqualTo(4);
		works.forEach(this.gathering::ended);
		assertThat(this.gathering.besides()).isEqualTo(2);
		this.gathering.all().forEach(this.gathering::ended);
		assertThat(this.gathering.besides()).isZero();
	}

	@Test
	void waitsNoLongerThanItMay() {
		BatchGathering impatient = gathering(Duration.ZERO);
		impatient.gather(attempts(2));
		this.gathering.gather(attempts(2));

		assertThat(impatient.nanosUntilDue()).isZero();
		assertThat(impatient.due()).singleElement().satisfies((work) -> assertThat(work.size()).isEqualTo(2));
		assertThat(impatient.nanosUntilDue()).isEqualTo(Long.MAX_VALUE);
		assertThat(this.gathering.nanosUntilDue()).isPositive();
		assertThat(this.gathering.due()).isEmpty();
	}

	@Test
	void makesABatchOfEachLane() {
		List<Attempt> attempts = List.of(Attempts.onLane("batches", "batches", 1),
				Attempts.onLane("batches", "batches", 2), Attempts.onLane("batches", "batches", 1));

		this.gathering.gather(attempts);

		assertThat(this.gathering.all()).extracting(Work::size).containsExactly(2, 1);
	}

	@Test
	void takesAwayWhatIsCancelled() {
		List<Attempt> attempts = attempts(2);
		this.gathering.gather(attempts);

		assertThat(this.gathering.remove(attempts.get(0))).isTrue();
		assertThat(this.gathering.remove(attempts.get(0))).isFalse();
		assertThat(this.gathering.remove(attempts.get(1))).isTrue();

		assertThat(this.gathering.all()).isEmpty();
		assertThat(this.gathering.besides()).isZero();
		assertThat(this.gathering.nanosUntilDue()).isEqualTo(Long.MAX_VALUE);
	}

}
