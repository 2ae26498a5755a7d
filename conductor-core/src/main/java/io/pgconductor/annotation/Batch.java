package io.pgconductor.annotation;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * How executions are gathered so that a method gets many of them at once, as value of
 * {@link Task#batch()}.
 *
 * @since 0.1.0
 */
@Target({})
@Retention(RetentionPolicy.RUNTIME)
@Documented
public @interface Batch {

	/**
	 * How many executions a batch has at most. One with no size counts as not set.
	 * @return a number from 1 to 10,000
	 */
	int size() default Task.UNSET;

	/**
	 * How long the first execution of a batch waits for others, 100 ms by default. A
	 * string attribute like those of {@link Task @Task}.
	 * @return a duration from 0 to 1 minute
	 */
	String timeout() default "";

}
