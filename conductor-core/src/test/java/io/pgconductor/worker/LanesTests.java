package io.pgconductor.worker;

import java.util.List;

import io.pgconductor.execution.Attempt;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class LanesTests {

	private final Lanes lanes = new Lanes();

	private static Work on(int lane) {
		return Work.of(Attempts.onLane("task", "task", lane));
	}

	@Test
	void whatIsOnNoLaneIsFree() {
		Work first = Work.of(Attempts.of("task"));
		Work second = Work.of(Attempts.of("task"));

		assertThat(this.lanes.enter(List.of(first, second))).containsExactly(first, second);
		assertThat(this.lanes.leave(first)).isNull();
		assertThat(this.lanes.waiting()).isZero();
	}

	@Test
	void oneFollowsTheOtherOnALane() {
		Work first = on(1);
		Work second = on(1);
		Work third = on(1);
		Work beside = on(2);

		assertThat(this.lanes.enter(List.of(first, second, beside))).containsExactly(first, beside);
		assertThat(this.lanes.enter(List.of(third))).isEmpty();
		assertThat(this.lanes.waiting()).isEqualTo(2);

		assertThat(this.lanes.leave(first)).isSameAs(second);
		assertThat(this.lanes.leave(second)).isSameAs(third);
		assertThat(this.lanes.leave(third)).isNull();
		assertThat(this.lanes.waiting()).isZero();
		Work later = on(1);
		assertThat(this.lanes.enter(List.of(later))).containsExactly(later);
	}

	@Test
	void gatesOfOneKeyShareLanes() {
		Work first = Work.of(Attempts.onLane("task", "task\u0001tenant=a\u0001host=x", 1));
		Work second = Work.of(Attempts.onLane("task", "task\u0001tenant=a\u0001host=y", 1));
		Work other = Work.of(Attempts.onLane("task", "task\u0001tenant=b\u0001host=x", 1));

		assertThat(this.lanes.enter(List.of(first, second, other))).containsExactly(first, other);
	}

	@Test
	void onlyWhoIsFirstLetsTheNextOneGo() {
		Work first = on(1);
		Work second = on(1);
		this.lanes.enter(List.of(first, second));

		assertThat(this.lanes.leave(second)).isNull();
		assertThat(this.lanes.leave(first)).isSameAs(second);
	}

	@Test
	void takesAwayWhatWaits() {
		Work first = on(1);
		Work second = on(1);
		Work third = on(1);
		this.lanes.enter(List.of(first, second, third));

		assertThat(this.lanes.remove(second.take().get(0))).as("somebody has taken it").isFalse();
		assertThat(this.lanes.takeBehind((work) -> work != first)).isEmpty();
		assertThat(this.lanes.takeBehind((work) -> work == first)).containsExactly(second, third);
		assertThat(this.lanes.waiting()).isZero();
		assertThat(this.lanes.leave(first)).isNull();
	}

	@Test
	void removesAnAttemptThatWaits() {
		Work first = on(1);
		Attempt attempt = Attempts.onLane("task", "task", 1);
		Work last = on(1);
		this.lanes.enter(List.of(first, Work.of(attempt), last));

		assertThat(this.lanes.remove(attempt)).isTrue();
		assertThat(this.lanes.remove(attempt)).isFalse();

		assertThat(this.lanes.waiting()).isOne();
		assertThat(this.lanes.leave(first)).isSameAs(last);
	}

}
