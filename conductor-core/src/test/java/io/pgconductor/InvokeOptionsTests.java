package io.pgconductor;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

class InvokeOptionsTests {

	@Test
	void changesNothingByDefault() {
		InvokeOptions options = InvokeOptions.defaults();

		assertThat(options.queue()).isNull();
		assertThat(options.priority()).isNull();
		assertThat(options.runAt()).isNull();
		assertThat(options.delay()).isNull();
		assertThat(options.maxAttempts()).isNull();
		assertThat(options.headers()).isEmpty();
	}

	@Test
	void returnsChangedCopies() {
		InvokeOptions options = InvokeOptions.defaults().priority(7).queue("mail");

		InvokeOptions changed = options.maxAttempts(2).delay(Duration.ofSeconds(3)).header("a", "1");

		assertThat(options.maxAttempts()).isNull();
		assertThat(options.headers()).isEmpty();
		assertThat(changed.priority()).isEqualTo(7);
		assertThat(changed.queue()).isEqualTo("mail");
		assertThat(changed.maxAttempts()).isEqualTo(2);
		assertThat(changed.delay()).isEqualTo(Duration.ofSeconds(3));
		assertThat(changed.headers()).containsExactlyEntriesOf(Map.of("a", "1"));
	}

	@Test
	void addsHeadersToThoseGivenBefore() {
		InvokeOptions options = InvokeOptions.defaults()
			.header("a", "1")
			.headers(Map.of("a", "2", "b", "3"))
			.header("c", "");

		assertThat(options.headers()).isEqualTo(Map.of("a", "2", "b", "3", "c", ""));
	}

	@Test
	void takesAnyPriority() {
		assertThat(InvokeOptions.defaults().priority(Integer.MIN_VALUE).priority()).isEqualTo(Integer.MIN_VALUE);
		assertThat(InvokeOptions.defaults().priority(Integer.MAX_VALUE).priority()).isEqualTo(Integer.MAX_VALUE);
	}

	@Test
	void refusesWhatIsNoQueue() {
		InvokeOptions options = InvokeOptions.defaults();

		for (String name : new String[] { "", " mail", "a b", "-mail", "ma\u0000il", "ä", "q".repeat(64) }) {
			assertThatIllegalArgumentException().isThrownBy(() -> options.queue(name))
				.withMessageContaining("queue name");
		}
	}

	@Test
	void refusesFewerThanOneAttempt() {
		assertThatIllegalArgumentException().isThrownBy(() -> InvokeOptions.defaults().maxAttempts(0))
			.withMessageContainingAll("maxAttempts", "0");
	}

	@Test
	void refusesADelayThatIsNegativeOrBeyondATimestamp() {
		assertThatIllegalArgumentException().isThrownBy(() -> InvokeOptions.defaults().delay(Duration.ofNanos(-1)))
			.withMessageContaining("delay");
		assertThatIllegalArgumentException()
			.isThrownBy(() -> InvokeOptions.defaults().delay(Duration.ofSeconds(Long.MAX_VALUE)))
			.withMessageContaining("delay");
	}

	@Test
	void refusesATimeBeyondATimestamp() {
		InvokeOptions options = InvokeOptions.defaults();

		for (Instant time : new Instant[] { Instant.MIN, Instant.MAX, Instant.parse("0000-12-31T23:59:59Z"),
				Instant.parse("+10000-01-01T00:00:00Z") }) {
			assertThatIllegalArgumentException().isThrownBy(() -> options.runAt(time))
				.withMessageContainingAll("runAt", time.toString());
		}
		assertThat(options.runAt(Instant.parse("0001-01-01T00:00:00Z")).runAt()).isNotNull();
		assertThat(options.runAt(Instant.parse("9999-12-31T23:59:59.999999999Z")).runAt()).isNotNull();
	}

	@Test
	void refusesBothATimeAndADelay() {
		InvokeOptions delayed = InvokeOptions.defaults().delay(Duration.ofSeconds(1));
		InvokeOptions timed = InvokeOptions.defaults().runAt(Instant.EPOCH);

		assertThatIllegalArgumentException().isThrownBy(() -> delayed.runAt(Instant.EPOCH))
			.withMessageContainingAll("runAt", "delay");
		assertThatIllegalArgumentException().isThrownBy(() -> timed.delay(Duration.ofSeconds(1)))
			.withMessageContainingAll("runAt", "delay");
	}

	@Test
	void refusesKeysThatAreEmptyTooLongOrUnstorable() {
		for (String key : new String[] { "", "x".repeat(513), "a\u0000b" }) {
			assertThatIllegalArgumentException().isThrownBy(() -> InvokeOptions.defaults().dedupeKey(key))
				.withMessageContainingAll("dedupeKey", "512", String.valueOf(key.length()));
		}
		assertThat(InvokeOptions.defaults().dedupeKey("x".repeat(512)).dedupeKey()).hasSize(512);
	}

	@Test
	void refusesWindowsOutOfRange() {
		for (Duration window : new Duration[] { Duration.ofSeconds(-1), Duration.ZERO, Duration.ofNanos(1),
				Duration.ofDays(4000) }) {
			assertThatIllegalArgumentException().isThrownBy(() -> InvokeOptions.defaults().throttle(window))
				.withMessageContainingAll("throttle", window.toString());
			assertThatIllegalArgumentException().isThrownBy(() -> InvokeOptions.defaults().debounce(window))
				.withMessageContainingAll("debounce", window.toString());
		}
		assertThatIllegalArgumentException()
			.isThrownBy(() -> InvokeOptions.defaults().debounce(Duration.ofSeconds(2), Duration.ofSeconds(1)))
			.withMessageContainingAll("maxWait", "PT2S", "PT1S");
	}

	@Test
	void refusesRulesThatExcludeEachOther() {
		Duration second = Duration.ofSeconds(1);
		InvokeOptions throttled = InvokeOptions.defaults().dedupeKey("k").throttle(second);
		InvokeOptions debounced = InvokeOptions.defaults().dedupeKey("k").debounce(second);

		assertThatIllegalArgumentException().isThrownBy(() -> throttled.debounce(second))
			.withMessageContainingAll("throttle", "debounce");
		assertThatIllegalArgumentException().isThrownBy(() -> debounced.throttle(second))
			.withMessageContainingAll("throttle", "debounce");
		assertThatIllegalArgumentException().isThrownBy(() -> debounced.delay(second))
			.withMessageContainingAll("debounce", "delay");
		assertThatIllegalArgumentException().isThrownBy(() -> debounced.runAt(Instant.EPOCH))
			.withMessageContainingAll("debounce", "runAt");
		assertThatIllegalArgumentException().isThrownBy(() -> throttled.onDuplicate(OnDuplicate.REPLACE))
			.withMessageContainingAll("REPLACE", "throttle");
		assertThat(throttled.onDuplicate(OnDuplicate.KEEP).onDuplicate()).isEqualTo(OnDuplicate.KEEP);
	}

	@Test
	@SuppressWarnings("NullAway")
	void refusesHeadersWithoutValue() {
		assertThatNullPointerException().isThrownBy(() -> InvokeOptions.defaults().header("a", null));
	}

	@Test
	void thoseThatSayTheSameAreEqual() {
		InvokeOptions options = InvokeOptions.defaults().queue("mail").priority(5).delay(Duration.ofSeconds(1));

		assertThat(InvokeOptions.defaults().delay(Duration.ofMillis(1000)).priority(5).queue("mail")).isEqualTo(options)
			.hasSameHashCodeAs(options);
		assertThat(options.header("a", "b")).isNotEqualTo(options);
		assertThat(options.maxAttempts(1)).isNotEqualTo(options);
		assertThat(options.dedupeKey("k")).isNotEqualTo(options).isEqualTo(options.dedupeKey("k"));
	}

}
