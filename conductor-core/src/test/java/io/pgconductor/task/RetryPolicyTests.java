package io.pgconductor.task;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;

import io.pgconductor.InvalidPayloadException;
import io.pgconductor.NonRetryableException;
import io.pgconductor.RetryAfterException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class RetryPolicyTests {

	private static final IOException FAILURE = new IOException("down");

	private final Random random = new Random(42);

	private @Nullable Duration delay(RetryPolicy policy, Throwable failure, int attempt, int maxAttempts) {
		return policy.delayAfter(failure, attempt, maxAttempts, this.random);
	}

	@Test
	void growsFromSecondsToHoursAndVariesALittle() {
		List<Duration> expected = List.of(Duration.ofSeconds(15), Duration.ofSeconds(30), Duration.ofMinutes(1),
				Duration.ofMinutes(2), Duration.ofMinutes(5), Duration.ofMinutes(10), Duration.ofMinutes(20),
				Duration.ofMinutes(40), Duration.ofHours(1), Duration.ofHours(2), Duration.ofHours(2));

		IntStream.range(0, expected.size()).forEach((i) -> {
			double seconds = expected.get(i).toSeconds();
			List<Long> delays = IntStream.range(0, 200)
				.mapToObj((j) -> delay(RetryPolicy.DEFAULT, FAILURE, i + 1, 100).toMillis())
				.toList();
			assertThat(delays).allMatch((millis) -> millis >= seconds * 899 && millis <= seconds * 1101);
			assertThat(delays.stream().distinct().count()).isGreaterThan(100);
		});
	}

	@Test
	void endsWithTheLastAttempt() {
		assertThat(delay(RetryPolicy.DEFAULT, FAILURE, 2, 3)).isNotNull();
		assertThat(delay(RetryPolicy.DEFAULT, FAILURE, 3, 3)).isNull();
		assertThat(delay(RetryPolicy.DEFAULT, FAILURE, 4, 3)).isNull();
		assertThat(delay(RetryPolicy.DEFAULT, new RetryAfterException(Duration.ZERO), 3, 3)).isNull();
	}

	@Test
	void endsWithWhatCannotBeRetried() {
		RetryPolicy policy = RetryPolicy.DEFAULT.withNoRetryFor(Set.of(UncheckedIOException.class));

		assertThat(delay(policy, new NonRetryableException("no"), 1, 3)).isNull();
		assertThat(delay(policy, new InvalidPayloadException("no"), 1, 3)).isNull();
		assertThat(delay(policy, new UncheckedIOException(FAILURE) {
		}, 1, 3)).isNull();
		assertThat(delay(policy, FAILURE, 1, 3)).isNotNull();
	}

	@Test
	void takesTheDelayThatTheHandlerAsksFor() {
		assertThat(delay(RetryPolicy.DEFAULT, new RetryAfterException(Duration.ofHours(5)), 1, 3))
			.isEqualTo(Duration.ofHours(5));
		assertThat(delay(RetryPolicy.DEFAULT, new RetryAfterException(Duration.ZERO), 1, 3)).isEqualTo(Duration.ZERO);
	}

	@Test
	void waitsNoLongerThanTheDatabaseCanTell() {
		RetryAfterException never = new RetryAfterException(Duration.ofSeconds(Long.MAX_VALUE));

		assertThat(delay(RetryPolicy.DEFAULT, never, 1, 3)).isEqualTo(Duration.ofDays(36_600));
	}

	@Test
	void growsByAFactorUpToALimit() {
		RetryPolicy policy = RetryPolicy.exponential(Duration.ofSeconds(1), 3, Duration.ofSeconds(10), 0, Set.of());

		assertThat(IntStream.rangeClosed(1, 5).mapToObj((attempt) -> delay(policy, FAILURE, attempt, 9)))
			.containsExactly(Duration.ofSeconds(1), Duration.ofSeconds(3), Duration.ofSeconds(9),
					Duration.ofSeconds(10), Duration.ofSeconds(10));
	}

	@Test
	void refusesWhatCannotBeComputedWith() {
		Duration second = Duration.ofSeconds(1);

		assertThatIllegalArgumentException()
			.isThrownBy(() -> RetryPolicy.exponential(Duration.ZERO, 2, second, 0, Set.of()))
			.withMessageContaining("initial");
		assertThatIllegalArgumentException()
			.isThrownBy(() -> RetryPolicy.exponential(second, Double.NaN, second, 0, Set.of()))
			.withMessageContaining("multiplier");
		assertThatIllegalArgumentException()
			.isThrownBy(() -> RetryPolicy.exponential(second, 2, Duration.ZERO, 0, Set.of()))
			.withMessageContaining("max");
		assertThatIllegalArgumentException().isThrownBy(() -> RetryPolicy.exponential(second, 2, second, 1.5, Set.of()))
			.withMessageContaining("jitter");
	}

}
