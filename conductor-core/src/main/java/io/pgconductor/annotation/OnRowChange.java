package io.pgconductor.annotation;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import io.pgconductor.task.RowChangeTrigger;
import org.springframework.aot.hint.annotation.Reflective;
import org.springframework.core.annotation.AliasFor;

/**
 * Has a task run for each row of a table that is inserted, updated or deleted, by
 * whatever application.
 *
 * <pre class="code">
 * record Contact(UUID id, String firstName, boolean active) {
 * }
 *
 * &#064;OnRowChange(table = "contact", operations = { INSERT, UPDATE }, when = "NEW.active")
 * void greet(Contact contact) { … }
 * </pre>
 *
 * <p>
 * The execution is invoked by a trigger of the table, in the transaction that changes the
 * row: both are committed, or neither is. A row that does not match {@link #operations},
 * {@link #when} and {@link #watch} costs a comparison and calls nothing.
 * <p>
 * The method takes a {@link io.pgconductor.RowChange RowChange} with the rows before and
 * after, or the row alone: the new one, or the old one if it was deleted. A property of
 * the row's type is the column of exactly its name, or else of the name that Jackson has
 * for it ({@code @JsonProperty}, {@code @JsonNaming}), or of one of its
 * {@code @JsonAlias}, or else of its name in snake_case: {@code firstName} is
 * {@code first_name}. Names inside of {@code jsonb} are left alone.
 * <p>
 * Tables and columns are named as in SQL. A name in double quotes is that of exactly this
 * table or column; any other is that of the one of exactly this name, or else of the one
 * in lower case.
 * <p>
 * The method is the task of its {@link Task @Task}, or else a task of its own with the
 * defaults of all options. It may have several triggers, also several of one table; those
 * of a method that it overrides count if it has none of this kind itself. The table's
 * triggers follow the annotation when the application starts: a changed one is replaced,
 * a removed one is dropped once no node of the application declares it any more, none
 * other is touched. They stay when the application stops: what changes meanwhile is done
 * later.
 * <p>
 * String attributes may contain <code>${…}</code> placeholders. May be used as a
 * <em>meta-annotation</em> with attribute overrides, see {@link AliasFor @AliasFor}.
 *
 * @since 0.1.0
 * @see io.pgconductor.RowChange
 */
@Target({ ElementType.METHOD, ElementType.ANNOTATION_TYPE })
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Reflective
@Repeatable(OnRowChange.RowChanges.class)
public @interface OnRowChange {

	/**
	 * The schema that the table is in, {@code public} by default.
	 * @return the schema's name
	 */
	String schema() default RowChangeTrigger.DEFAULT_SCHEMA;

	/**
	 * The table; of a partitioned one, all partitions count.
	 * @return the table's name
	 */
	String table();

	/**
	 * What has to become of a row. A row that an {@code INSERT … ON CONFLICT DO UPDATE}
	 * updates was updated; {@code TRUNCATE} deletes no row.
	 * @return one or more of {@code INSERT}, {@code UPDATE} and {@code DELETE}
	 */
	RowOperation[] operations() default { RowOperation.INSERT, RowOperation.UPDATE };

	/**
	 * The columns that the task gets, if {@link #payload} is {@code FIELDS}. The default
	 * are those of the properties of the row's type; if that has no fixed ones, as
	 * {@code Map}, {@code JsonNode} and {@code Object} have none, or if the method takes
	 * no row, all columns.
	 * @return names of columns, which the row's type must have properties for
	 */
	String[] columns() default {};

	/**
	 * A condition that a change has to meet, in SQL: of the row after the change,
	 * {@code NEW}, and of the row before, {@code OLD}. An {@code INSERT} has no
	 * {@code OLD}, a {@code DELETE} no {@code NEW}: what asks for them needs an
	 * annotation of its own for the other operations. By default all changes count.
	 * <p>
	 * PostgreSQL evaluates it before anything is called. It is code, as all of the
	 * annotation is: don't put it together from what users enter.
	 * @return a condition such as {@code NEW.total > 100}
	 * @see <a href=
	 * "https://www.postgresql.org/docs/current/sql-createtrigger.html">CREATE TRIGGER</a>
	 */
	String when() default "";

	/**
	 * An update counts only if one of these columns has changed. By default every update
	 * counts, also one that changes nothing.
	 * @return names of columns, whether the task gets them or not
	 */
	String[] watch() default {};

	/**
	 * What the task gets of a row.
	 * @return the form: some columns, the whole row, the primary key, or columns under
	 * other names
	 */
	RowPayload payload() default RowPayload.FIELDS;

	/**
	 * What the task gets under which name, if {@link #payload} is {@code CUSTOM}.
	 * @return entries of the form {@code name=column}
	 */
	String[] mapping() default {};

	/**
	 * Whether the task gets the row before an update, too. Of a deleted row it always
	 * does.
	 * @return whether {@link io.pgconductor.RowChange#oldRow oldRow} of an update is
	 * there
	 */
	boolean includeOld() default true;

	/**
	 * Whether the newest row there is, the old one of a {@code DELETE}, has a member
	 * {@code _meta}: an object of {@code schema}, {@code table}, {@code operation},
	 * {@code at} (when the transaction began) and {@code xid} (its id).
	 * @return whether it has
	 */
	boolean includeMeta() default false;

	/**
	 * Of executions of the task that have the same key and have not begun, the newest
	 * runs, and the others vanish. The key may have columns in braces:
	 * {@code contact-{id}}. A row in which one of them is null has no key: it always
	 * runs. With a {@link #delay}, a row that changes again and again is looked at once
	 * it is quiet. By default every change is an execution that runs.
	 * @return the key
	 */
	String dedupeKey() default "";

	/**
	 * The priority of the executions. The default is the task's.
	 * @return any number; higher runs first
	 */
	int priority() default Task.UNSET;

	/**
	 * How long after the change the task runs: {@code 500ms}, {@code 15s}, {@code 5m} or
	 * {@code PT5M}. By default at once.
	 * @return a duration that is not negative
	 */
	String delay() default "";

	/**
	 * The queue of the executions. The default is the task's.
	 * @return the queue's name
	 */
	String queue() default "";

	/**
	 * How many attempts an execution has. The default is the task's.
	 * @return at least 1
	 */
	int maxAttempts() default Task.UNSET;

	/**
	 * Holds several row changes that one method is called for.
	 */
	@Target({ ElementType.METHOD, ElementType.ANNOTATION_TYPE })
	@Retention(RetentionPolicy.RUNTIME)
	@Documented
	@Reflective
	@interface RowChanges {

		/**
		 * The row changes.
		 * @return the annotations
		 */
		OnRowChange[] value();

	}

}
