package io.pgconductor.annotation;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import io.pgconductor.ExecutionError;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskFailure;
import org.springframework.aot.hint.annotation.Reflective;
import org.springframework.core.annotation.AliasFor;

/**
 * Marks a method that is called when an execution of a task of the same bean has failed
 * for good: when it has no attempts left, or failed in a way that is not retried.
 *
 * <pre class="code">
 * &#064;Component
 * class Orders {
 *
 *     &#064;Task(name = "fulfil-order")
 *     void fulfil(Order order) { … }
 *
 *     &#064;OnFailure("fulfil-order")
 *     void giveUp(Order order, ExecutionError error) { … }
 *
 * }
 * </pre>
 *
 * <p>
 * The method is a durable task of its own: it is invoked in the transaction that records
 * the failure, survives crashes, and is retried when it fails. No other {@code OnFailure}
 * method follows its own failures. A cancelled execution has not failed.
 * <p>
 * The method may take, in any order, each of them or none: the payload of the failed
 * execution, an {@link ExecutionError}, a {@link TaskContext}, and a {@link TaskFailure}.
 * The payload's type must be able to hold that of the tasks it is for; {@code Object} and
 * {@code JsonNode} hold any.
 * <p>
 * Its options are the defaults, those of {@link TaskDefaults @TaskDefaults} on the type,
 * and those of a {@link Task @Task} on the same method, which then makes no other task of
 * it. The property {@code conductor.tasks.<name>.*} wins over all of them.
 * <p>
 * String attributes may contain <code>${…}</code> placeholders; one that resolves to an
 * empty string counts as not set. This annotation may be used as a
 * <em>meta-annotation</em> with attribute overrides, see {@link AliasFor @AliasFor}.
 *
 * @since 0.1.0
 * @see Task
 */
@Target({ ElementType.METHOD, ElementType.ANNOTATION_TYPE })
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Reflective
public @interface OnFailure {

	/**
	 * The tasks it is for, by their names. The default are all tasks of the bean that no
	 * other {@code OnFailure} method of the bean names.
	 * @return names of tasks of the same bean
	 */
	String[] value() default {};

	/**
	 * The name of the task that this method is, unique among all applications that share
	 * the schema; applications that declare the same name share its executions. The
	 * default is the method's name in kebab-case. It may be given by {@link Task#name()}
	 * on the same method instead.
	 * @return the task's name
	 */
	String name() default "";

}
