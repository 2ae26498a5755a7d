package io.pgconductor.task;

import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Set;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/**
 * Tests for {@link TaskOptions} and what {@link TaskSpec} makes of them.
 */
class TaskOptionsTests {

	private static final ZoneId VIENNA = ZoneId.of("Europe/Vienna");

	private static final TaskOptions FULL = TaskOptions.none()
		.enabled(true)
		.queue("mail")
		.priority(3)
		.maxAttempts(7)
		.retryPolicy(new RetryPolicy(List.of(Duration.ofSeconds(1)), 0, Set.of()))
		.timeout(Duration.ofSeconds(30))
		.window(TaskWindow.parse("22:00-06:00", VIENNA))
		.transactional(true)
		.removeOnComplete(Retention.AT_ONCE)
		.removeOnFail(Retention.NEVER)
		.concurrency(5)
		.concurrencyKey(PayloadPath.parse("tenant.id"))
		.rateLimit(RateLimit.parse("10/1s"))
		.rateLimitKey(PayloadPath.parse("host"));

	@Test
	void aChangedCopyLeavesTheOriginalAsItWas() {
		TaskOptions original = TaskOptions.none().queue("mail");

		TaskOptions changed = original.queue("other").priority(1);

		assertThat(original).isEqualTo(TaskOptions.none().queue("mail"));
		assertThat(changed).isEqualTo(TaskOptions.none().priority(1).queue("other"));
		assertThat(TaskOptions.none().queue()).isNull();
	}

	@Test
	void whatIsOpenIsFilledFromOthers() {
		TaskOptions changed = TaskOptions.none().queue("fast").transactional(false);

		assertThat(TaskOptions.none().orElse(FULL)).isEqualTo(FULL);
		assertThat(FULL.orElse(changed)).isEqualTo(FULL);
		assertThat(changed.orElse(FULL)).isEqualTo(FULL.queue("fast").transactional(false));
	}

	@Test
	void aSpecHasTheDefaultsOfWhatIsOpen() {
		TaskSpec task = TaskSpec.of("task", null, (event, context) -> null);

		assertThat(task.queue()).isEqualTo("default");
		assertThat(task.priority()).isZero();
		assertThat(task.maxAttempts()).isEqualTo(3);
		assertThat(task.retryPolicy()).isEqualTo(RetryPolicy.DEFAULT);
		assertThat(task.timeout()).isNull();
		assertThat(task.window()).isNull();
		assertThat(task.transactional()).isFalse();
		assertThat(task.removeOnComplete()).isNull();
		assertThat(task.removeOnFail()).isNull();
		assertThat(task.onFailure()).isNull();
		assertThat(task.isLimited()).isFalse();
		assertThat(task.batch()).isNull();
	}

	@Test
	void aSpecHasTheOptionsItIsGiven() {
		TaskSpec task = TaskSpec.of("task", null, (event, context) -> null).with(FULL).withOnFailure("other");

		assertThat(task.queue()).isEqualTo("mail");
		assertThat(task.priority()).isEqualTo(3);
		assertThat(task.maxAttempts()).isEqualTo(7);
		assertThat(task.retryPolicy().backoff()).containsExactly(Duration.ofSeconds(1));
		assertThat(task.timeout()).isEqualTo(Duration.ofSeconds(30));
		assertThat(task.window()).isEqualTo(TaskWindow.parse("22:00-06:00", VIENNA));
		assertThat(task.transactional()).isTrue();
		assertThat(task.removeOnComplete()).isEqualTo(Retention.AT_ONCE);
		assertThat(task.removeOnFail()).isEqualTo(Retention.NEVER);
		assertThat(task.isLimited()).isTrue();
		assertThat(task.concurrency()).isEqualTo(5);
		assertThat(task.concurrencyKey()).hasToString("tenant.id");
		assertThat(task.rateLimit()).isEqualTo(RateLimit.parse("10/1s"));
		assertThat(task.rateLimitKey()).hasToString("host");
		assertThat(task.onFailure()).isEqualTo("other");
		assertThat(task.with(TaskOptions.none().queue("x")).onFailure()).isEqualTo("other");
	}

	@Test
	void hoursAndZoneOfAWindowAreReplacedOneByOne() {
		TaskOptions window = TaskOptions.none().window(TaskWindow.parse("22:00-06:00", VIENNA));
		DailyHours hours = DailyHours.parse("08:00-09:00");
		ZoneId tokyo = ZoneId.of("Asia/Tokyo");

		assertThat(TaskOptions.none().hours(hours).orElse(window).window()).isEqualTo(hours.in(VIENNA));
		assertThat(TaskOptions.none().zone(tokyo).orElse(window).window())
			.isEqualTo(TaskWindow.parse("22:00-06:00", tokyo));
		assertThat(TaskOptions.none().window(hours.in(tokyo)).orElse(window).window()).isEqualTo(hours.in(tokyo));
		assertThat(TaskOptions.none().hours(hours).window()).isEqualTo(hours.in(TaskWindow.DEFAULT_ZONE));
		assertThat(TaskOptions.none().zone(tokyo).window()).isNull();
	}

	@Test
	void refusesBadValues() {
		TaskOptions none = TaskOptions.none();

		assertThatIllegalArgumentException().isThrownBy(() -> none.queue("not a queue"))
			.withMessageContaining("queue name");
		assertThatIllegalArgumentException().isThrownBy(() -> none.maxAttempts(0)).withMessageContaining("at least 1");
		assertThatIllegalArgumentException().isThrownBy(() -> none.timeout(Duration.ZERO))
			.withMessageContaining("positive");
	}

}
