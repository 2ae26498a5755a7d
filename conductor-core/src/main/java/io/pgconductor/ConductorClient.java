package io.pgconductor;

import java.time.Duration;
import java.time.ZoneId;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

import org.jspecify.annotations.Nullable;
import org.springframework.core.ParameterizedTypeReference;

/**
 * Enqueues executions of tasks and looks after them. Inject it wherever work is to be
 * handed over: it never waits for a task to run.
 * <p>
 * Inside a Spring-managed transaction of the application's {@code DataSource} every
 * method joins that transaction: a rollback undoes it, and nothing runs before the
 * commit. Outside of one, and in callbacks after its completion, each call is a
 * transaction of its own.
 *
 * <pre class="code">
 * &#064;Transactional
 * void register(NewUser user) {
 *     long id = this.users.insert(user);
 *     this.conductor.invoke("send-welcome", new SendWelcome(id));
 * }
 * </pre>
 *
 * Implementations are thread-safe.
 *
 * @since 0.1.0
 */
public interface ConductorClient {

	/**
	 * Enqueue one execution of a task with the task's own options.
	 * @param task the task's name; it need not be known to this application
	 * @param payload what the handler receives, serialised to JSON now; may be
	 * {@code null}
	 * @return the id of the execution (a UUIDv7)
	 * @throws IllegalArgumentException if the task's name is not one: 1 to 200 characters
	 * without control characters and outer white space; or if options were given as
	 * payload
	 * @throws InvalidPayloadException if the payload doesn't serialise or is larger than
	 * {@code conductor.max-payload-size}
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	default UUID invoke(String task, @Nullable Object payload) {
		return invoke(task, payload, InvokeOptions.defaults());
	}

	/**
	 * Enqueue one execution of a task.
	 * @param task the task's name; it need not be known to this application
	 * @param payload what the handler receives, serialised to JSON now; may be
	 * {@code null}
	 * @param options what differs from the task's own options
	 * @return the id of the execution (a UUIDv7)
	 * @throws IllegalArgumentException if the task's name is not one: 1 to 200 characters
	 * without control characters and outer white space; or if options were given as
	 * payload
	 * @throws InvalidPayloadException if the payload doesn't serialise or is larger than
	 * {@code conductor.max-payload-size}
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	UUID invoke(String task, @Nullable Object payload, InvokeOptions options);

	/**
	 * Enqueue one execution of a task with the task's own options.
	 * @param <P> the payload's type
	 * @param task the task
	 * @param payload what the handler receives, serialised to JSON now; may be
	 * {@code null}
	 * @return the id of the execution
	 * @see #invoke(String, Object)
	 */
	default <P> UUID invoke(TaskDefinition<P, ?> task, @Nullable P payload) {
		return invoke(task.name(), payload);
	}

	/**
	 * Enqueue one execution of a task.
	 * @param <P> the payload's type
	 * @param task the task
	 * @param payload what the handler receives, serialised to JSON now; may be
	 * {@code null}
	 * @param options what differs from the task's own options
	 * @return the id of the execution
	 * @see #invoke(String, Object, InvokeOptions)
	 */
	default <P> UUID invoke(TaskDefinition<P, ?> task, @Nullable P payload, InvokeOptions options) {
		return invoke(task.name(), payload, options);
	}

	/**
	 * Enqueue many executions of one task in one round trip: all of them or none.
	 * @param task the task's name; it need not be known to this application
	 * @param items one for each execution
	 * @return the ids of the executions, in the order of the items
	 * @throws IllegalArgumentException if the task's name is not one
	 * @throws InvalidPayloadException if one payload doesn't serialise or is too large
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	List<UUID> invokeAll(String task, Collection<Invoke> items);

	/**
	 * Find an execution, live or finished.
	 * @param execution the execution's id
	 * @return the execution as it stands, or empty if there is none (any more)
	 * @throws ConductorException if the schema is not there
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	Optional<Execution> find(UUID execution);

	/**
	 * Run a failed or cancelled execution again, with a full set of attempts. It goes on
	 * from the steps that it had finished; where a child's failure or timeout ended it,
	 * those children that gave no result are invoked again.
	 * @param execution the execution's id
	 * @return whether it was failed or cancelled, and is ready now
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	boolean retry(UUID execution);

	/**
	 * Cancel an execution and the children it waits for. What is not running ends at
	 * once. What runs is told within a second: its thread is interrupted, and it ends
	 * cancelled whatever its handler does.
	 * @param execution the execution's id
	 * @return whether this call cancelled it; {@code false} if it was cancelled before,
	 * is finished or unknown
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	default boolean cancel(UUID execution) {
		return cancel(execution, null);
	}

	/**
	 * Cancel an execution, see {@link #cancel(UUID)}.
	 * @param execution the execution's id
	 * @param reason kept with the cancelled execution; may be {@code null}
	 * @return whether this call cancelled it; {@code false} if it was cancelled before,
	 * is finished or unknown
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	boolean cancel(UUID execution, @Nullable String reason);

	/**
	 * Find executions, live and finished, page by page: the newest first, that is by
	 * their ids, downwards. The page after one is that of the same filter
	 * {@linkplain ExecutionFilter#before before} the last one's id. Between two pages
	 * executions may be added, change or go.
	 * @param filter which executions, and how many at most: 100 unless it says so
	 * @return the executions as they stand
	 * @throws IllegalArgumentException if the filter's limit is greater than 1,000
	 * @throws ConductorException if the schema is not there
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	List<Execution> query(ExecutionFilter filter);

	/**
	 * Run failed and cancelled executions again, see {@link #retry(UUID)}. Of those that
	 * fit the filter, others stay as they are. One that fails again meanwhile is not
	 * retried twice.
	 * <p>
	 * Outside a transaction of the application, each 500 are a transaction of their own:
	 * what was done stays if a later one fails, and a second call goes on.
	 * @param filter which executions, and how many at most: all unless it says so
	 * @return how many are ready now
	 * @throws ConductorException if the thread is interrupted: the message says how many
	 * were retried; if the schema is not there, or the thread's transaction is read-only
	 * or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	long retryAll(ExecutionFilter filter);

	/**
	 * Cancel executions that are not finished, see
	 * {@link #cancelAll(ExecutionFilter, String)}.
	 * @param filter which executions, and how many at most: all unless it says so
	 * @return how many this call cancelled
	 */
	default long cancelAll(ExecutionFilter filter) {
		return cancelAll(filter, null);
	}

	/**
	 * Cancel executions that are not finished, see {@link #cancel(UUID, String)}. Of
	 * those that fit the filter, others stay as they are.
	 * <p>
	 * Outside a transaction of the application, each 500 are a transaction of their own:
	 * what was done stays if a later one fails, and a second call goes on.
	 * @param filter which executions, and how many at most: all unless it says so
	 * @param reason kept with the cancelled executions; may be {@code null}
	 * @return how many this call cancelled
	 * @throws ConductorException if the thread is interrupted: the message says how many
	 * were cancelled; if the schema is not there, or the thread's transaction is
	 * read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	long cancelAll(ExecutionFilter filter, @Nullable String reason);

	/**
	 * Wait for the result of an execution, outside of any task. Of one that its task
	 * would not keep, the result is kept until then.
	 * @param <R> the result's type
	 * @param execution the execution's id
	 * @param type the type that the result is read as
	 * @param timeout how long to wait at most; zero to look only once
	 * @return the result, {@code null} if the handler returned nothing
	 * @throws AwaitTimeoutException if it is not over in time; it goes on
	 * @throws ExecutionFailedException if it failed for good or was cancelled
	 * @throws IllegalArgumentException if there is no such execution (any more)
	 * @throws IllegalStateException in a handler, which is to use
	 * {@link TaskContext#invoke}, and in a transaction, which may be the one that
	 * enqueues the execution: nothing would run before its end
	 * @throws InvalidPayloadException if the result doesn't fit the type
	 * @throws ConductorException if the thread is interrupted, the execution is deleted
	 * meanwhile, the client is closed, or the schema is not there
	 */
	<R> @Nullable R await(UUID execution, Class<R> type, Duration timeout);

	/**
	 * Wait for the result of an execution, of a generic type, see
	 * {@link #await(UUID, Class, Duration)}.
	 * @param <R> the result's type
	 * @param execution the execution's id
	 * @param type the type that the result is read as
	 * @param timeout how long to wait at most; zero to look only once
	 * @return the result, {@code null} if the handler returned nothing
	 */
	<R> @Nullable R await(UUID execution, ParameterizedTypeReference<R> type, Duration timeout);

	/**
	 * Emit an event: every task that subscribes to it is invoked, and every execution
	 * that waits for it goes on. That nobody does is no error.
	 * @param event the event's name
	 * @param payload what comes with it, serialised to JSON now; may be {@code null}
	 * @return the event's id (a UUIDv7)
	 * @throws IllegalArgumentException if the name is not one: 1 to 200 characters
	 * without {@code *}, control characters and outer white space; or if options were
	 * given as payload
	 * @throws InvalidPayloadException if the payload doesn't serialise, contains the NUL
	 * character, or is larger than {@code conductor.max-payload-size}
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	default UUID emit(String event, @Nullable Object payload) {
		return emit(event, payload, EmitOptions.defaults());
	}

	/**
	 * Emit an event, see {@link #emit(String, Object)}.
	 * @param event the event's name
	 * @param payload what comes with it, serialised to JSON now; may be {@code null}
	 * @param options how it is emitted
	 * @return the event's id, or that of the first event with its key
	 */
	UUID emit(String event, @Nullable Object payload, EmitOptions options);

	/**
	 * Emit an event, see {@link #emit(String, Object)}.
	 * @param <P> the payload's type
	 * @param event the event
	 * @param payload what comes with it, serialised to JSON now; may be {@code null}
	 * @return the event's id
	 */
	default <P> UUID emit(EventDefinition<P> event, @Nullable P payload) {
		return emit(event.name(), payload);
	}

	/**
	 * Emit an event, see {@link #emit(String, Object, EmitOptions)}.
	 * @param <P> the payload's type
	 * @param event the event
	 * @param payload what comes with it, serialised to JSON now; may be {@code null}
	 * @param options how it is emitted
	 * @return the event's id, or that of the first event with its key
	 */
	default <P> UUID emit(EventDefinition<P> event, @Nullable P payload, EmitOptions options) {
		return emit(event.name(), payload, options);
	}

	/**
	 * Make a schedule in UTC, or replace the one of that name, see
	 * {@link #schedule(String, String, String, Object, ScheduleOptions)}.
	 * @param task the task to invoke; it need not be known to this application
	 * @param name the schedule's name, unique among the task's schedules
	 * @param cron a cron expression, see {@link io.pgconductor.annotation.Cron}
	 * @param payload what the task is invoked with; may be {@code null}
	 */
	default void schedule(String task, String name, String cron, @Nullable Object payload) {
		schedule(task, name, cron, payload, ScheduleOptions.defaults());
	}

	/**
	 * Make a schedule in a time zone, or replace the one of that name, see
	 * {@link #schedule(String, String, String, Object, ScheduleOptions)}.
	 * @param task the task to invoke; it need not be known to this application
	 * @param name the schedule's name, unique among the task's schedules
	 * @param cron a cron expression, see {@link io.pgconductor.annotation.Cron}
	 * @param payload what the task is invoked with; may be {@code null}
	 * @param zone whose clocks the expression is about
	 */
	default void schedule(String task, String name, String cron, @Nullable Object payload, ZoneId zone) {
		schedule(task, name, cron, payload, ScheduleOptions.defaults().zone(zone));
	}

	/**
	 * Make a schedule, or replace the one of that name. It outlives all restarts, until
	 * {@link #unschedule} removes it. To make one again that says the same changes
	 * nothing, so an application may do this whenever it starts. One that is paused stays
	 * so.
	 * @param task the task to invoke; it need not be known to this application
	 * @param name the schedule's name, unique among the task's schedules
	 * @param cron a cron expression, see {@link io.pgconductor.annotation.Cron}
	 * @param payload what the task is invoked with, serialised to JSON now; may be
	 * {@code null}
	 * @param options how it runs
	 * @throws IllegalArgumentException if a name or the expression cannot be used, or if
	 * options or a time zone were given as payload; the message says why
	 * @throws InvalidPayloadException if the payload doesn't serialise or is too large
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	void schedule(String task, String name, String cron, @Nullable Object payload, ScheduleOptions options);

	/**
	 * Remove a schedule. What it has invoked before runs all the same. One that an
	 * annotation declares is back at the next start.
	 * @param task the task that it invokes
	 * @param name the schedule's name
	 * @return whether there was one
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	boolean unschedule(String task, String name);

	/**
	 * Stop a queue until it is resumed, over all nodes and restarts. When the call's
	 * transaction has committed, no node claims anything from it. What runs goes on to
	 * its end, as does what a node has claimed and is about to start.
	 * @param queue the queue's name
	 * @return whether it was not paused before
	 * @throws IllegalArgumentException if the name is not a queue's
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	boolean pauseQueue(String queue);

	/**
	 * Let a paused queue go on.
	 * @param queue the queue's name
	 * @return whether it was paused
	 * @throws IllegalArgumentException if the name is not a queue's
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	boolean resumeQueue(String queue);

	/**
	 * Stop a task until it is resumed, over all nodes, restarts and changes. When the
	 * call's transaction has committed, no node claims any of its executions. What runs
	 * goes on to its end, as does what a node has claimed and is about to start. Its
	 * executions wait apart, so that other tasks of the queue aren't held up; schedules,
	 * events and row changes go on to enqueue them.
	 * @param task the task's name, or an alias: each is paused by itself
	 * @return whether it was not paused before
	 * @throws IllegalArgumentException if the name is not a task's
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	boolean pauseTask(String task);

	/**
	 * Let a paused task go on.
	 * @param task the task's name
	 * @return whether it was paused
	 * @throws IllegalArgumentException if the name is not a task's
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	boolean resumeTask(String task);

	/**
	 * Stop a schedule until it is resumed, over all restarts and changes.
	 * @param task the task that it invokes
	 * @param name the schedule's name
	 * @return whether there was one, and it ran
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	boolean pauseSchedule(String task, String name);

	/**
	 * Let a paused schedule go on with its next tick. Nothing makes up for those that
	 * were left out.
	 * @param task the task that it invokes
	 * @param name the schedule's name
	 * @return whether there was one, and it was paused
	 * @throws ConductorException if the schema is not there, or the thread's transaction
	 * is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	boolean resumeSchedule(String task, String name);

	/**
	 * Return all schedules, of all applications.
	 * @return the schedules as they stand, by task and name
	 * @throws ConductorException if the schema is not there
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	List<ScheduleInfo> schedules();

	/**
	 * Invoke a task for rows that are there, as if each had just been changed: the task
	 * gets what it gets from its row-change trigger on that table, and its executions
	 * have the same options. The operation is {@link RowOperation#MANUAL}. The trigger's
	 * own operations and conditions don't count, only that of the call.
	 * <p>
	 * Rows are taken in the order of the primary key, in batches. Inside a transaction of
	 * the application, the replay is one transaction: all batches commit or none does.
	 * Outside, each batch is a transaction of its own. If one fails, those before it
	 * stay, and the message says how to go on: its position is a condition for
	 * {@link RowReplay#where}, to be joined by {@code and} to that of the call. A second
	 * call without it enqueues everything again; a {@code dedupeKey} guards against that,
	 * since of the executions with the same key that have not begun only the newest runs.
	 * <p>
	 * The rows of a batch are locked ({@code for share}) until it commits, which waits
	 * for changes that are under way and holds up new ones: the execution of a later
	 * change is always the newer one. Rows that are inserted meanwhile may be taken or
	 * not, and those whose primary key comes after all that were there are left to their
	 * trigger.
	 * @param task the task's name; a node that declares it must have started once
	 * @param rows which rows, and of which table
	 * @return how many executions were enqueued
	 * @throws IllegalArgumentException if the task has no trigger on that table, or more
	 * than one of them could be meant; if the table has no primary key; or if PostgreSQL
	 * refuses the condition or its parameters don't fit: the message says why. Nothing
	 * was written then
	 * @throws ConductorException if the replay breaks off after some batches, or the
	 * thread is interrupted: the message says how far it came; if the trigger doesn't fit
	 * its table any more; if the privileges to read and to lock the rows are missing
	 * ({@code SELECT} and {@code UPDATE}); if the schema is not there, or the thread's
	 * transaction is read-only or of another data source
	 * @throws org.springframework.dao.DataAccessException if the database refuses
	 */
	long replay(String task, RowReplay rows);

}
