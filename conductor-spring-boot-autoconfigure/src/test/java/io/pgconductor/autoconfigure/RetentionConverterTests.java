package io.pgconductor.autoconfigure;

import java.time.Duration;

import io.pgconductor.task.Retention;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/**
 * Tests for {@link RetentionConverter}.
 */
class RetentionConverterTests {

	private final RetentionConverter converter = new RetentionConverter();

	@Test
	void readsDurations() {
		assertThat(this.converter.convert("7d")).isEqualTo(Retention.of(Duration.ofDays(7)));
		assertThat(this.converter.convert("PT12H")).isEqualTo(Retention.of(Duration.ofHours(12)));
	}

	@ParameterizedTest
	@ValueSource(strings = { "0", "0s", " 0 " })
	void readsZeroAsDeletingAtOnce(String value) {
		assertThat(this.converter.convert(value)).isEqualTo(Retention.AT_ONCE);
	}

	@ParameterizedTest
	@ValueSource(strings = { "never", "NEVER", " never " })
	void readsNever(String value) {
		assertThat(this.converter.convert(value)).isEqualTo(Retention.NEVER);
	}

	@ParameterizedTest
	@ValueSource(strings = { "forever", "30", "", "7 days", "-1d" })
	void refusesAnythingElse(String value) {
		assertThatIllegalArgumentException().isThrownBy(() -> this.converter.convert(value))
			.withMessageContaining("'" + value + "'")
			.withMessageContaining("7d")
			.withMessageContaining("never");
	}

}
