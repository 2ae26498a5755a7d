package io.pgconductor.task;

import java.time.Duration;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class RetentionTests {

	@Test
	void keepsUnlessItIsZero() {
		assertThat(Retention.AT_ONCE.keeps()).isFalse();
		assertThat(Retention.of(Duration.ZERO)).isEqualTo(Retention.AT_ONCE);
		assertThat(Retention.of(Duration.ofNanos(1)).keeps()).isTrue();
		assertThat(Retention.NEVER.keeps()).isTrue();
	}

	@Test
	void refusesWhatEndsBeyondTheTimesOfTheDatabase() {
		assertThatIllegalArgumentException().isThrownBy(() -> Retention.of(Duration.ofNanos(-1)))
			.withMessageContaining("retention");
		assertThatIllegalArgumentException().isThrownBy(() -> Retention.of(Duration.ofDays(365_000_000)))
			.withMessageContaining("never");
		assertThat(Retention.of(Duration.ofDays(365_000)).keeps()).isTrue();
	}

}
