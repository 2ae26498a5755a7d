package io.pgconductor.annotation;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.springframework.aot.hint.annotation.Reflective;
import org.springframework.core.annotation.AliasFor;

/**
 * Has a task run for each event of some name that
 * {@link io.pgconductor.ConductorClient#emit emit} or the SQL function {@code emit}
 * emits.
 *
 * <pre class="code">
 * &#064;OnEvent(value = "order.placed", filter = "$.total &gt; 100")
 * void thankGoodCustomer(OrderPlaced order) { … }
 * </pre>
 *
 * <p>
 * The execution is invoked in the transaction that emits the event. Every task that
 * subscribes gets its own; a task that no node serves at the moment gets it later.
 * <p>
 * The method is the task of its {@link Task @Task}, or else a task of its own with the
 * defaults of all options. It may have several triggers; those of a method that it
 * overrides count if it has none of this kind itself. The subscription is a row of the
 * database, which follows the annotation when the application starts: a changed one takes
 * effect, a removed one is dropped once no node of the application declares it any more,
 * none other is touched.
 * <p>
 * String attributes may contain <code>${…}</code> placeholders. May be used as a
 * <em>meta-annotation</em> with attribute overrides, see {@link AliasFor @AliasFor}.
 *
 * @since 0.1.0
 * @see io.pgconductor.EmittedEvent
 */
@Target({ ElementType.METHOD, ElementType.ANNOTATION_TYPE })
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Reflective
@Repeatable(OnEvent.Subscriptions.class)
public @interface OnEvent {

	/**
	 * The event's name. With a {@code *} at the end, all events whose names begin with
	 * what is before it: {@code order.*}, or {@code *} for all.
	 * @return the name, 1 to 200 characters
	 */
	String value();

	/**
	 * A JSONPath predicate on the payload, evaluated by PostgreSQL: only events that it
	 * is true for count. Of a payload that lacks what it asks for, it is not true. By
	 * default all events count.
	 * @return a predicate such as {@code $.total > 100}
	 * @see <a href=
	 * "https://www.postgresql.org/docs/current/functions-json.html#FUNCTIONS-SQLJSON-PATH">SQL/JSON
	 * path language</a>
	 */
	String filter() default "";

	/**
	 * The top-level fields of the payload that the task gets. By default it gets all.
	 * @return names of fields; those that the payload lacks are left out
	 */
	String[] fields() default {};

	/**
	 * Holds several subscriptions of one method.
	 */
	@Target({ ElementType.METHOD, ElementType.ANNOTATION_TYPE })
	@Retention(RetentionPolicy.RUNTIME)
	@Documented
	@Reflective
	@interface Subscriptions {

		/**
		 * The subscriptions.
		 * @return the annotations
		 */
		OnEvent[] value();

	}

}
