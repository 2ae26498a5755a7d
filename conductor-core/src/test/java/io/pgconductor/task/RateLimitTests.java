package io.pgconductor.task;

import java.time.Duration;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class RateLimitTests {

	@ParameterizedTest
	@CsvSource({ "100/1m, 100, PT1M", "5/250ms, 5, PT0.25S", "' 10 / 1s ', 10, PT1S", "1000000/1d, 1000000, P1D",
			"3/PT2H, 3, PT2H" })
	void readsExecutionsPerPeriod(String text, int executions, Duration period) {
		assertThat(RateLimit.parse(text)).isEqualTo(new RateLimit(executions, period));
	}

	@ParameterizedTest
	@ValueSource(strings = { "", "100", "100/", "/1m", "1m/100", "1.5/1s", "-1/1s", "1e3/1s", "100/soon",
			"10/99999999999999999d", "9999999999/1s" })
	void refusesOtherForms(String text) {
		assertThatIllegalArgumentException().isThrownBy(() -> RateLimit.parse(text))
			.withMessageContainingAll("executions/period", "100/1m");
	}

	@Test
	void refusesWhatIsOutOfRange() {
		assertThatIllegalArgumentException().isThrownBy(() -> RateLimit.parse("0/1s"))
			.withMessageContaining("was of 0 per");
		assertThatIllegalArgumentException().isThrownBy(() -> RateLimit.parse("1000001/1s"))
			.withMessageContaining("1,000,000");
		assertThatIllegalArgumentException().isThrownBy(() -> RateLimit.parse("1/0s")).withMessageContaining("1 ms");
		assertThatIllegalArgumentException().isThrownBy(() -> RateLimit.parse("1/-1m")).withMessageContaining("1 ms");
		assertThatIllegalArgumentException().isThrownBy(() -> RateLimit.parse("1/25h")).withMessageContaining("1 day");
	}

}
