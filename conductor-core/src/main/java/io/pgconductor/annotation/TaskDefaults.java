package io.pgconductor.annotation;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.springframework.aot.hint.annotation.Reflective;

/**
 * Sets options for all tasks of a type, those of {@link Cron @Cron},
 * {@link OnEvent @OnEvent} and {@link OnFailure @OnFailure} methods included, that don't
 * set them themselves.
 *
 * <pre class="code">
 * &#064;Component
 * &#064;TaskDefaults(queue = "mail", maxAttempts = 5)
 * class Mail {
 *
 *     &#064;Task
 *     void sendEmail(SendEmail payload) { … }
 *
 *     &#064;Task(maxAttempts = 1)
 *     void sendReminder(Reminder payload) { … }
 *
 * }
 * </pre>
 *
 * <p>
 * Attributes mean the same as on {@code @Task} and are written alike. Subclasses inherit
 * the annotation unless they have one of their own, which then counts alone. May be used
 * as a meta-annotation.
 *
 * @since 0.1.0
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Reflective
public @interface TaskDefaults {

	/**
	 * The queue the executions go to, see {@link Task#queue()}.
	 * @return the queue's name
	 */
	String queue() default "";

	/**
	 * How many attempts an execution has, see {@link Task#maxAttempts()}.
	 * @return the number of attempts, at least 1
	 */
	int maxAttempts() default Task.UNSET;

	/**
	 * When failed attempts are repeated, see {@link Task#retry()}.
	 * @return the retry schedule
	 */
	Retry retry() default @Retry;

	/**
	 * The duration after which an attempt is interrupted, see {@link Task#timeout()}.
	 * @return a positive duration
	 */
	String timeout() default "";

	/**
	 * The hours of the day within which the tasks run, see {@link Task#window()}.
	 * @return hours of the form {@code HH:mm-HH:mm}
	 */
	String window() default "";

	/**
	 * The time zone of windows, of those that the methods set too; see
	 * {@link Task#zone()}.
	 * @return the name of a time zone
	 */
	String zone() default "";

	/**
	 * Whether an attempt is one database transaction, see {@link Task#transactional()}.
	 * @return {@code true} for a transaction
	 */
	boolean transactional() default false;

	/**
	 * How long a completed execution is kept, see {@link Task#removeOnComplete()}.
	 * @return a duration, or {@code never}
	 */
	String removeOnComplete() default "";

	/**
	 * How long a failed or cancelled execution is kept, see {@link Task#removeOnFail()}.
	 * @return a duration, or {@code never}
	 */
	String removeOnFail() default "";

	/**
	 * The priority of the executions, see {@link Task#priority()}.
	 * @return any number
	 */
	int priority() default Task.UNSET;

	/**
	 * How many executions of each task run at once, see {@link Task#concurrency()}.
	 * @return a number from 1 to 10,000
	 */
	int concurrency() default Task.UNSET;

	/**
	 * Where the key is of which only so many run at once, see
	 * {@link Task#concurrencyKey()}.
	 * @return the name of a property, or of nested ones with dots in between
	 */
	String concurrencyKey() default "";

	/**
	 * How many executions of each task begin within a period, see
	 * {@link Task#rateLimit()}.
	 * @return a number, a slash, and a duration from 1 ms to 1 day
	 */
	String rateLimit() default "";

	/**
	 * Where the key is that the rate limit is for, see {@link Task#rateLimitKey()}.
	 * @return the name of a property, or of nested ones with dots in between
	 */
	String rateLimitKey() default "";

}
