package io.pgconductor.annotation;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import io.pgconductor.MisfirePolicy;
import io.pgconductor.OverlapPolicy;
import org.springframework.aot.hint.annotation.Reflective;
import org.springframework.core.annotation.AliasFor;

/**
 * Has a task run at the times of a cron expression: once for each, over all nodes.
 *
 * <pre class="code">
 * &#064;Cron(value = "0 9 * * MON-FRI", name = "morning", zone = "Europe/Vienna")
 * &#064;Cron(value = "0 17 * * MON-FRI", name = "evening", zone = "Europe/Vienna")
 * void sendDigest(ScheduleTick&lt;?&gt; tick) { … }
 * </pre>
 *
 * <p>
 * Five fields are Unix cron: minute, hour, day of month, month, day of week; a day
 * matches if either of its fields does, where both are restricted. Six fields (beginning
 * with the second), {@code @daily} and its like, and {@code L}, {@code W} and {@code #}
 * are those of Spring's
 * {@link org.springframework.scheduling.support.CronExpression#parse CronExpression}.
 * <p>
 * Where clocks are changed, the hour decides. If it is given, a time that is skipped
 * comes at the shift, once, and one that comes twice counts once. If it begins with
 * {@code *}, a time that is skipped does not come, and one that comes twice counts twice.
 * <p>
 * The method is the task of its {@link Task @Task}, or else a task of its own with the
 * defaults of all options. It may have several triggers; those of a method that it
 * overrides count if it has none of this kind itself. The payload of a tick is
 * {@code null}. The schedule is a row of the database, which follows the annotation when
 * the application starts: a changed one takes effect, a removed one is dropped once no
 * node of the application declares it any more, none other is touched.
 * <p>
 * String attributes may contain <code>${…}</code> placeholders. May be used as a
 * <em>meta-annotation</em> with attribute overrides, see {@link AliasFor @AliasFor}.
 *
 * @since 0.1.0
 * @see io.pgconductor.ScheduleTick
 * @see io.pgconductor.ConductorClient#schedule
 */
@Target({ ElementType.METHOD, ElementType.ANNOTATION_TYPE })
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Reflective
@Repeatable(Cron.Schedules.class)
public @interface Cron {

	/**
	 * The value that switches a schedule off.
	 */
	String DISABLED = "-";

	/**
	 * The cron expression, or {@code -} for no schedule.
	 * @return an expression of five or six fields, or a macro such as {@code @hourly}
	 */
	String value();

	/**
	 * The schedule's name, unique among the task's schedules. The default is the task's
	 * name.
	 * @return the name
	 */
	String name() default "";

	/**
	 * The time zone of the expression, {@code UTC} by default.
	 * @return the name of a time zone, such as {@code Europe/Vienna}
	 */
	String zone() default "";

	/**
	 * What becomes of ticks that are more than 30 s late
	 * ({@code conductor.schedule.misfire-threshold}), because no node was running, or
	 * none that serves the task.
	 * @return the policy
	 */
	MisfirePolicy misfire() default MisfirePolicy.RUN_ONCE;

	/**
	 * What a tick does while the execution of an earlier one is not over.
	 * @return the policy
	 */
	OverlapPolicy overlap() default OverlapPolicy.ALLOW;

	/**
	 * Holds several schedules of one method.
	 */
	@Target({ ElementType.METHOD, ElementType.ANNOTATION_TYPE })
	@Retention(RetentionPolicy.RUNTIME)
	@Documented
	@Reflective
	@interface Schedules {

		/**
		 * The schedules.
		 * @return the annotations
		 */
		Cron[] value();

	}

}
