package io.pgconductor.task;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.random.RandomGenerator;

import io.pgconductor.NonRetryableException;
import io.pgconductor.RetryAfterException;
import org.jspecify.annotations.Nullable;

/**
 * When a failed attempt is followed by another one.
 *
 * @param backoff the delays after the first, second … failed attempt; the last one
 * repeats
 * @param jitter the share by which a delay is randomly lengthened or shortened, from 0 to
 * 1
 * @param noRetryFor exception types, subtypes included, that end the execution at once
 */
public record RetryPolicy(List<Duration> backoff, double jitter, Set<Class<? extends Throwable>> noRetryFor) {

	// Before DEFAULT, whose constructor uses them
	private static final Duration SHORTEST_INITIAL = Duration.ofMillis(1);

	private static final Duration LONGEST_DELAY = Duration.ofDays(366L * 100);

	/**
	 * 15 s, 30 s, 1, 2, 5, 10, 20, 40 min, 1 h, then 2 h, each with ±10 % jitter.
	 */
	public static final RetryPolicy DEFAULT = new RetryPolicy(List.of(Duration.ofSeconds(15), Duration.ofSeconds(30),
			Duration.ofMinutes(1), Duration.ofMinutes(2), Duration.ofMinutes(5), Duration.ofMinutes(10),
			Duration.ofMinutes(20), Duration.ofMinutes(40), Duration.ofHours(1), Duration.ofHours(2)), 0.1, Set.of());

	public RetryPolicy {
		if (backoff.isEmpty() || backoff.stream().anyMatch(Duration::isNegative)) {
			throw new IllegalArgumentException("retry delays must be given and not negative, were " + backoff);
		}
		if (backoff.stream().anyMatch((delay) -> delay.compareTo(LONGEST_DELAY) > 0)) {
			throw new IllegalArgumentException("retry delays must be at most 100 years, were " + backoff);
		}
		if (!(jitter >= 0 && jitter <= 1)) {
			throw new IllegalArgumentException("retry jitter must be between 0 and 1, was " + jitter);
		}
		backoff = List.copyOf(backoff);
		noRetryFor = Set.copyOf(noRetryFor);
	}

	/**
	 * A policy whose delays grow by a factor.
	 * @param initial the first delay, at least a millisecond
	 * @param multiplier the factor, at least 1
	 * @param max the longest delay, at least the first one, at most 100 years
	 * @param jitter see {@link #jitter()}
	 * @param noRetryFor see {@link #noRetryFor()}
	 * @return the policy
	 */
	public static RetryPolicy exponential(Duration initial, double multiplier, Duration max, double jitter,
			Set<Class<? extends Throwable>> noRetryFor) {
		if (initial.compareTo(SHORTEST_INITIAL) < 0) {
			throw new IllegalArgumentException("retry initial must be at least 1 ms, was " + initial);
		}
		if (!(multiplier >= 1) || Double.isInfinite(multiplier)) {
			throw new IllegalArgumentException("retry multiplier must be at least 1, was " + multiplier);
		}
		if (max.compareTo(initial) < 0) {
			throw new IllegalArgumentException("retry max must be at least initial (" + initial + "), was " + max);
		}
		if (max.compareTo(LONGEST_DELAY) > 0) {
			throw new IllegalArgumentException("retry max must be at most 100 years, was " + max);
		}
		List<Duration> delays = new ArrayList<>();
		double next = initial.toMillis();
		while (next < max.toMillis() && multiplier > 1 && delays.size() < 1000) {
			delays.add(Duration.ofMillis((long) next));
			next = next * multiplier;
		}
		delays.add((multiplier > 1) ? max : initial);
		return new RetryPolicy(delays, jitter, noRetryFor);
	}

	public RetryPolicy withNoRetryFor(Set<Class<? extends Throwable>> types) {
		return new RetryPolicy(this.backoff, this.jitter, types);
	}

	/**
	 * Decide what follows a failed attempt.
	 * @param failure what the attempt ended with
	 * @param attempt the attempt's number, from 1
	 * @param maxAttempts how many attempts there are
	 * @param random for the jitter
	 * @return the delay before the next attempt, or {@code null} if there is to be none
	 */
	public @Nullable Duration delayAfter(Throwable failure, int attempt, int maxAttempts, RandomGenerator random) {
		if (attempt >= maxAttempts || !isRetryable(failure)) {
			return null;
		}
		if (failure instanceof RetryAfterException retryAfter) {
			return (retryAfter.delay().compareTo(LONGEST_DELAY) < 0) ? retryAfter.delay() : LONGEST_DELAY;
		}
		Duration delay = this.backoff.get(Math.min(attempt, this.backoff.size()) - 1);
		double factor = 1 + this.jitter * (2 * random.nextDouble() - 1);
		return Duration.ofNanos((long) (delay.toNanos() * factor));
	}

	private boolean isRetryable(Throwable failure) {
		// What has become of children is remembered: it comes out the same again
		return ChildFailures.step(failure) == null && !(failure instanceof NonRetryableException)
				&& this.noRetryFor.stream().noneMatch((type) -> type.isInstance(failure));
	}

}
