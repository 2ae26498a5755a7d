package io.pgconductor.annotation;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import io.pgconductor.TaskContext;
import io.pgconductor.TaskEvent;
import org.springframework.aot.hint.annotation.Reflective;
import org.springframework.core.annotation.AliasFor;

/**
 * Marks a method of a bean as a task: something that is invoked by name, survives crashes
 * and is retried when it fails.
 *
 * <pre class="code">
 * &#064;Component
 * class Mail {
 *
 *     &#064;Task(name = "send-email", queue = "mail", maxAttempts = 5, timeout = "30s")
 *     Sent sendEmail(SendEmail payload, TaskContext context) { … }
 *
 * }
 * </pre>
 *
 * <p>
 * The method may take, in any order, each of them or none: one payload (of any type that
 * Jackson reads; {@code null} if the task was invoked without one, or empty if it is
 * declared as {@code Optional}; a primitive parameter requires one), a
 * {@link TaskContext}, and a {@link TaskEvent}. What it returns is stored as the
 * execution's result. It must have done its work when it returns: futures, publishers and
 * {@code @Async} are refused.
 * <p>
 * The method is called on the bean as others see it, so advice such as
 * {@code @Transactional} applies; on a proxied bean it must not be private or final. The
 * bean is resolved when the task first runs, a prototype for each attempt.
 * <p>
 * String attributes may contain <code>${…}</code> placeholders; one that resolves to an
 * empty string counts as not set. An attribute that is not set here is taken from
 * {@link TaskDefaults @TaskDefaults} on the type, then from the default given below. The
 * property {@code conductor.tasks.<name>.*} wins over all of them.
 * <p>
 * Durations are written as {@code 500ms}, {@code 15s}, {@code 5m}, {@code 2h},
 * {@code 7d}, combinations of them ({@code 1h30m}), or in ISO-8601 form ({@code P1D}). A
 * plain number is milliseconds.
 * <p>
 * This annotation may be used as a <em>meta-annotation</em> to create custom <em>composed
 * annotations</em> with attribute overrides, see {@link AliasFor @AliasFor}.
 *
 * @since 0.1.0
 * @see TaskDefaults
 * @see OnFailure
 */
@Target({ ElementType.METHOD, ElementType.ANNOTATION_TYPE })
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Reflective
public @interface Task {

	/**
	 * The value of a number that is not set; no number of its own.
	 */
	int UNSET = Integer.MIN_VALUE;

	/**
	 * Alias for {@link #name()}.
	 * @return the task's name
	 */
	@AliasFor("name")
	String value() default "";

	/**
	 * The name the task is invoked by, unique among all applications that share the
	 * schema; applications that declare the same name share its executions. The default
	 * is the method's name in kebab-case: {@code sendEmail} is {@code send-email}.
	 * @return the task's name
	 */
	@AliasFor("value")
	String name() default "";

	/**
	 * Former names of the task, whose executions it also serves.
	 * @return the names
	 */
	String[] aliases() default {};

	/**
	 * The queue the task's executions go to, {@code default} by default. Each queue has a
	 * worker of its own.
	 * @return the queue's name
	 */
	String queue() default "";

	/**
	 * How many attempts an execution has before it fails for good, 3 by default.
	 * @return the number of attempts, at least 1
	 */
	int maxAttempts() default UNSET;

	/**
	 * When failed attempts are repeated. By default after 15 s, 30 s, 1, 2, 5, 10, 20, 40
	 * minutes, 1 hour, then every 2 hours, with ±10 % jitter.
	 * @return the retry schedule; one without attributes counts as not set
	 */
	Retry retry() default @Retry;

	/**
	 * The duration after which an attempt is interrupted and counts as failed. There is
	 * none by default.
	 * @return a positive duration
	 */
	String timeout() default "";

	/**
	 * The hours of the day within which the task runs, such as {@code 22:00-06:00};
	 * {@code 22:00-24:00} is until midnight, {@code 00:00-24:00} is always. There is no
	 * limit by default. Outside of them no attempt begins; one that runs when the window
	 * closes goes on to its next step boundary, waits there, and goes on when the window
	 * opens.
	 * @return hours of the form {@code HH:mm-HH:mm}
	 */
	String window() default "";

	/**
	 * The time zone of the {@link #window()}, {@code UTC} by default. Where clocks are
	 * changed, the window is open whenever they show a time within it: one whose
	 * beginning is skipped opens at the shift, and an hour that comes twice counts twice.
	 * @return the name of a time zone, such as {@code Europe/Vienna}
	 */
	String zone() default "";

	/**
	 * Whether an attempt is one database transaction: what the handler writes, what it
	 * invokes and its completion commit together, or not at all. Such a handler cannot
	 * wait: {@code sleep}, {@code sleepUntil}, {@code invoke}, {@code invokeAll} and
	 * {@code awaitEvent} of {@link TaskContext} are refused. Not so by default; a
	 * {@code true} here or in {@link TaskDefaults#transactional()} is enough, and only
	 * the property undoes it.
	 * @return {@code true} for a transaction
	 */
	boolean transactional() default false;

	/**
	 * How long a completed execution is kept: a duration, {@code 0} to delete it at once,
	 * or {@code never} to keep it for ever. The default is
	 * {@code conductor.retention.completed}.
	 * @return a duration, or {@code never}
	 */
	String removeOnComplete() default "";

	/**
	 * How long a failed or cancelled execution is kept: a duration, {@code 0} to delete
	 * it at once, or {@code never} to keep it for ever. The default is
	 * {@code conductor.retention.failed}.
	 * @return a duration, or {@code never}
	 */
	String removeOnFail() default "";

	/**
	 * The priority of the task's executions, 0 by default. Higher ones run first; within
	 * one priority it is first in, first out.
	 * @return any number
	 */
	int priority() default UNSET;

	/**
	 * How many executions run at once, over all nodes; as many as the workers take by
	 * default. What waits for others is not in the way of other tasks.
	 * @return a number from 1 to 10,000
	 */
	int concurrency() default UNSET;

	/**
	 * Where in the payload the key is of which {@link #concurrency()} executions run at
	 * once: {@code tenant.id} is the property {@code id} of the property {@code tenant}.
	 * With a concurrency of 1 those of one key run one after the other, in their order.
	 * Executions without the key share one among themselves. None by default: the limit
	 * is the task's.
	 * @return the name of a property, or of nested ones with dots in between
	 */
	String concurrencyKey() default "";

	/**
	 * How many executions begin within any period of some length, over all nodes:
	 * {@code 100/1m}. There is no limit by default.
	 * @return a number, a slash, and a duration from 1 ms to 1 day
	 */
	String rateLimit() default "";

	/**
	 * Where in the payload the key is that the {@link #rateLimit()} is for, as with
	 * {@link #concurrencyKey()}.
	 * @return the name of a property, or of nested ones with dots in between
	 */
	String rateLimitKey() default "";

	/**
	 * How executions are gathered so that the method gets many of them at once: its
	 * payload is a {@code List} then. Not so by default.
	 * @return the batch; one without a size counts as not set
	 */
	Batch batch() default @Batch;

}
