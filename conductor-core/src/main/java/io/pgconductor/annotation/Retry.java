package io.pgconductor.annotation;

import java.lang.annotation.Documented;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * When the failed attempts of a {@link Task @Task} are repeated.
 *
 * <pre class="code">
 * &#064;Task(maxAttempts = 8, retry = &#064;Retry(initial = "1s", multiplier = 3, max = "10m"))
 * </pre>
 *
 * <p>
 * With {@link #initial()}, {@link #multiplier()} or {@link #max()}, the delays grow from
 * the initial one by the multiplier up to the longest one. With none of these, the delays
 * are the standard ones of {@link Task#retry()}, and the other attributes apply to them.
 *
 * @since 0.1.0
 */
@Target({})
@Retention(RetentionPolicy.RUNTIME)
@Documented
public @interface Retry {

	/**
	 * The value of a number that is not set.
	 */
	double UNSET = Double.NaN;

	/**
	 * The delay after the first failed attempt, {@code 15s} by default. May contain
	 * <code>${…}</code> placeholders.
	 * @return a duration of at least a millisecond
	 */
	String initial() default "";

	/**
	 * The factor by which the delay grows from one attempt to the next, 2 by default. 1
	 * keeps it as it is.
	 * @return a number of at least 1
	 */
	double multiplier() default UNSET;

	/**
	 * The longest delay; {@code 2h} by default, or the initial one if that is longer. May
	 * contain <code>${…}</code> placeholders.
	 * @return a duration, not shorter than the initial one
	 */
	String max() default "";

	/**
	 * The share by which a delay is randomly lengthened or shortened, 0.1 by default.
	 * @return a number from 0 to 1
	 */
	double jitter() default UNSET;

	/**
	 * Exceptions, subtypes included, that fail the execution at once, whatever attempts
	 * are left.
	 * @return the exception types
	 */
	Class<? extends Throwable>[] noRetryFor() default {};

}
