package io.pgconductor;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.springframework.core.ParameterizedTypeReference;

/**
 * What makes a handler durable: steps that run once, waiting without holding anything,
 * children, and what can be known of the execution. Declare it as a parameter of the
 * handler, in any position, or find it with {@link #current()}.
 * <p>
 * A handler that waits ({@link #sleep}, {@link #invoke} …) is left by a
 * {@link SuspensionSignal}. When the time has come, the handler runs again from the top,
 * over the stored results of what it has done before: so everything that must not be
 * repeated, or must come out the same again, belongs into a step.
 *
 * <pre class="code">
 * &#064;Task(name = "fulfil-order")
 * void fulfil(Order order, TaskContext ctx) {
 *     Receipt receipt = ctx.step("charge", Receipt.class, () -&gt; this.payments.charge(order));
 *     ctx.sleep("settle", Duration.ofHours(1));
 *     ctx.invoke("mail", SEND_EMAIL, new SendEmail(order, receipt));
 * }
 * </pre>
 *
 * It belongs to one attempt and to the thread that runs it: elsewhere, all methods but
 * {@link #isCancelled()} and the plain getters throw {@link IllegalStateException}. Names
 * of steps, sleeps and children are unique within one run of the handler; a name that is
 * used twice is an {@link IllegalStateException}.
 * <p>
 * Every step boundary (each call of {@code step}, {@code transaction}, {@code sleep},
 * {@code invoke}, {@code invokeAll}, {@code awaitEvent} and {@link #checkpoint()}) leaves
 * the handler if the node stops, if the execution was cancelled, if the task's timeout is
 * over, or, outside of steps and of active transactions, if its time window has closed.
 * Once it is to be left, every further call, also of {@code progress}, {@code emit} and
 * the like, throws the same {@link SuspensionSignal} again.
 *
 * @since 0.1.0
 */
public interface TaskContext {

	/**
	 * Return the context of the handler that this thread runs.
	 * @return the context
	 * @throws IllegalStateException if this thread runs none
	 */
	static TaskContext current() {
		TaskContext context = TaskContextHolder.get();
		if (context == null) {
			throw new IllegalStateException("No task runs on this thread: a TaskContext is only there "
					+ "on the thread that Conductor has called the handler on");
		}
		return context;
	}

	/**
	 * Run a step once: its result is stored, and returned without running it on every
	 * later attempt and resumption. It is recorded on a connection of Conductor's own,
	 * whatever transaction the handler is in. If the process dies after the step has run
	 * and before it is recorded, it runs again.
	 * @param <T> the result's type
	 * @param <E> what the body may throw
	 * @param name the step's name, 1 to 200 characters
	 * @param type the type that a stored result is read as
	 * @param body what to do
	 * @return the result, {@code null} if the body returned that
	 * @throws E if the body throws it; nothing is recorded then
	 * @throws InvalidPayloadException if the result cannot be written or read as JSON, or
	 * is larger than {@code conductor.max-payload-size}
	 * @throws IllegalStateException on another thread, or if the name was used before
	 */
	<T, E extends Exception> @Nullable T step(String name, Class<T> type, StepBody<? extends T, E> body) throws E;

	/**
	 * Run a step with a result of a generic type once, see
	 * {@link #step(String, Class, StepBody)}.
	 * @param <T> the result's type
	 * @param <E> what the body may throw
	 * @param name the step's name
	 * @param type the type that a stored result is read as
	 * @param body what to do
	 * @return the result, {@code null} if the body returned that
	 * @throws E if the body throws it
	 */
	<T, E extends Exception> @Nullable T step(String name, ParameterizedTypeReference<T> type,
			StepBody<? extends T, E> body) throws E;

	/**
	 * Run a step without a result once, see {@link #step(String, Class, StepBody)}.
	 * @param <E> what the body may throw
	 * @param name the step's name
	 * @param body what to do
	 * @throws E if the body throws it
	 */
	<E extends Exception> void step(String name, StepAction<E> body) throws E;

	/**
	 * Run a step in one database transaction with its record: both happen, or neither
	 * does. Joins the active transaction of the application's transaction manager, or
	 * opens one; {@code @Transactional} services that the body calls join it. In a
	 * transaction of its own it is repeated at once after a serialization failure or a
	 * deadlock.
	 * @param <T> the result's type
	 * @param <E> what the body may throw
	 * @param name the step's name, 1 to 200 characters
	 * @param type the type that a stored result is read as
	 * @param body what to do
	 * @return the result, {@code null} if the body returned that
	 * @throws E if the body throws it; the transaction is rolled back then
	 * @throws InvalidPayloadException if the result cannot be written or read as JSON, or
	 * is larger than {@code conductor.max-payload-size}
	 * @throws IllegalStateException on another thread, or if the name was used before
	 */
	<T, E extends Exception> @Nullable T transaction(String name, Class<T> type, StepBody<? extends T, E> body)
			throws E;

	/**
	 * Run a step with a result of a generic type in one transaction with its record, see
	 * {@link #transaction(String, Class, StepBody)}.
	 * @param <T> the result's type
	 * @param <E> what the body may throw
	 * @param name the step's name
	 * @param type the type that a stored result is read as
	 * @param body what to do
	 * @return the result, {@code null} if the body returned that
	 * @throws E if the body throws it
	 */
	<T, E extends Exception> @Nullable T transaction(String name, ParameterizedTypeReference<T> type,
			StepBody<? extends T, E> body) throws E;

	/**
	 * Run a step without a result in one transaction with its record, see
	 * {@link #transaction(String, Class, StepBody)}.
	 * @param <E> what the body may throw
	 * @param name the step's name
	 * @param body what to do
	 * @throws E if the body throws it
	 */
	<E extends Exception> void transaction(String name, StepAction<E> body) throws E;

	/**
	 * Wait for some time, without holding a thread or anything else.
	 * @param name the sleep's name
	 * @param duration from now, by the database's clock; not negative, at most a thousand
	 * years
	 * @throws IllegalArgumentException if the duration is out of its range
	 * @throws IllegalStateException on another thread, if the name was used before,
	 * inside of a step or of an active transaction
	 */
	void sleep(String name, Duration duration);

	/**
	 * Wait until some time, without holding a thread or anything else. Returns at once if
	 * it is past.
	 * @param name the sleep's name
	 * @param time by the database's clock; in the years 1 to 9999
	 * @throws IllegalArgumentException if the time is out of its range
	 * @throws IllegalStateException on another thread, if the name was used before,
	 * inside of a step or of an active transaction
	 */
	void sleepUntil(String name, Instant time);

	/**
	 * Leave the handler, since a service that it calls has asked to be left alone for
	 * some time (HTTP status 429). The attempt doesn't count: it goes on after that time,
	 * and so do all executions that share its {@code rateLimit}, or its
	 * {@code concurrency} if there is no rate limit. That of a task without limits waits
	 * alone. Never returns.
	 * <p>
	 * A {@link RetryAfterException} does the same for tasks with a rate limit, but its
	 * attempt counts.
	 * @param retryAfter for how long, not negative, at most a day
	 * @throws IllegalArgumentException if the duration is out of its range
	 * @throws IllegalStateException on another thread, inside of a step or of an active
	 * transaction
	 */
	void rateLimited(Duration retryAfter);

	/**
	 * Invoke a task as a child, and wait for its result without holding anything.
	 * @param <P> the payload's type
	 * @param <R> the result's type
	 * @param step the name that the child's result is stored under
	 * @param task the task to invoke
	 * @param payload what its handler receives
	 * @return what its handler returned
	 * @throws ChildFailedException if the child failed for good, or was cancelled
	 * @throws InvalidPayloadException if the payload cannot be written as JSON or is too
	 * large, or if the result doesn't fit its type
	 * @throws IllegalStateException on another thread, if the name was used before,
	 * inside of a step or of an active transaction
	 */
	<P, R> @Nullable R invoke(String step, TaskDefinition<P, R> task, @Nullable P payload);

	/**
	 * Invoke a task as a child, and wait for its result for some time.
	 * @param <P> the payload's type
	 * @param <R> the result's type
	 * @param step the name that the child's result is stored under
	 * @param task the task to invoke
	 * @param payload what its handler receives
	 * @param timeout after which the child is cancelled; positive
	 * @return what its handler returned
	 * @throws ChildFailedException if the child failed for good, or was cancelled
	 * @throws ChildTimeoutException if it did not end in time
	 */
	<P, R> @Nullable R invoke(String step, TaskDefinition<P, R> task, @Nullable P payload, Duration timeout);

	/**
	 * Invoke a task by its name as a child, and wait for its result, see
	 * {@link #invoke(String, TaskDefinition, Object)}.
	 * @param <R> the result's type
	 * @param step the name that the child's result is stored under
	 * @param task the name of the task to invoke
	 * @param payload what its handler receives
	 * @param resultType the type that the result is read as
	 * @return what its handler returned
	 */
	<R> @Nullable R invoke(String step, String task, @Nullable Object payload, Class<R> resultType);

	/**
	 * Invoke a task by its name as a child, and wait for its result for some time, see
	 * {@link #invoke(String, TaskDefinition, Object, Duration)}.
	 * @param <R> the result's type
	 * @param step the name that the child's result is stored under
	 * @param task the name of the task to invoke
	 * @param payload what its handler receives
	 * @param resultType the type that the result is read as
	 * @param timeout after which the child is cancelled; positive
	 * @return what its handler returned
	 */
	<R> @Nullable R invoke(String step, String task, @Nullable Object payload, Class<R> resultType, Duration timeout);

	/**
	 * Invoke a task as many children, and wait until all have ended. At the first one
	 * that fails for good, the others are cancelled. On every replay there must be as
	 * many payloads.
	 * @param <P> the payload's type
	 * @param <R> the result's type
	 * @param step the name that the children's results are stored under
	 * @param task the task to invoke
	 * @param payloads one for each child, at most 100,000, and together not larger than
	 * {@code conductor.max-fan-in-size}
	 * @return their results, in the order of the payloads
	 * @throws ChildFailedException if one failed for good or was cancelled, or if their
	 * results together are larger than {@code conductor.max-fan-in-size}
	 * @throws IllegalStateException on another thread, if the name was used before,
	 * inside of a step or of an active transaction
	 */
	<P, R> List<@Nullable R> invokeAll(String step, TaskDefinition<P, R> task, List<? extends P> payloads);

	/**
	 * Invoke a task as many children, and wait for some time until all have ended, see
	 * {@link #invokeAll(String, TaskDefinition, List)}.
	 * @param <P> the payload's type
	 * @param <R> the result's type
	 * @param step the name that the children's results are stored under
	 * @param task the task to invoke
	 * @param payloads one for each child
	 * @param timeout after which those that have not ended are cancelled; positive
	 * @return their results, in the order of the payloads
	 * @throws ChildTimeoutException if they did not all end in time
	 */
	<P, R> List<@Nullable R> invokeAll(String step, TaskDefinition<P, R> task, List<? extends P> payloads,
			Duration timeout);

	/**
	 * Invoke a task by its name as many children, and wait until all have ended, see
	 * {@link #invokeAll(String, TaskDefinition, List)}.
	 * @param <R> the result's type
	 * @param step the name that the children's results are stored under
	 * @param task the name of the task to invoke
	 * @param payloads one for each child
	 * @param resultType the type that each result is read as
	 * @return their results, in the order of the payloads
	 */
	<R> List<@Nullable R> invokeAll(String step, String task, List<?> payloads, Class<R> resultType);

	/**
	 * Invoke a task by its name as many children, and wait for some time until all have
	 * ended, see {@link #invokeAll(String, TaskDefinition, List, Duration)}.
	 * @param <R> the result's type
	 * @param step the name that the children's results are stored under
	 * @param task the name of the task to invoke
	 * @param payloads one for each child
	 * @param resultType the type that each result is read as
	 * @param timeout after which those that have not ended are cancelled; positive
	 * @return their results, in the order of the payloads
	 */
	<R> List<@Nullable R> invokeAll(String step, String task, List<?> payloads, Class<R> resultType, Duration timeout);

	/**
	 * Wait for an event without holding anything, for some time. Events count that are
	 * emitted once this wait is recorded, and those whose transaction was still open
	 * then: none is missed. What has come, or that nothing has come in time, is
	 * remembered.
	 * @param <P> the payload's type
	 * @param step the name that the event is remembered by
	 * @param event the event; its payload's type cannot be {@code Void}
	 * @param timeout how long to wait; positive
	 * @return the payload of the first such event; empty if none has come in time
	 * @throws InvalidPayloadException if the payload doesn't fit its type, or is
	 * {@code null}
	 * @throws IllegalStateException on another thread, if the name was used before,
	 * inside of a step or of an active transaction
	 */
	<P> Optional<P> awaitEvent(String step, EventDefinition<P> event, Duration timeout);

	/**
	 * Wait for an event whose payload matches, see
	 * {@link #awaitEvent(String, EventDefinition, Duration)}.
	 * @param <P> the payload's type
	 * @param step the name that the event is remembered by
	 * @param event the event
	 * @param timeout how long to wait; positive
	 * @param filter a JSONPath predicate on the payload, such as {@code $.orderId == 7};
	 * of a payload that lacks what it asks for, it is not true
	 * @return the payload of the first such event; empty if none has come in time
	 * @throws IllegalArgumentException if the filter is no JSONPath predicate
	 */
	<P> Optional<P> awaitEvent(String step, EventDefinition<P> event, Duration timeout, String filter);

	/**
	 * Emit an event, see {@link ConductorClient#emit(String, Object)}. Within a
	 * {@link #transaction transaction} it is emitted exactly once; within a step at least
	 * once, unless a surrounding transaction rolls back; elsewhere again in every run.
	 * @param event the event's name
	 * @param payload what comes with it; may be {@code null}
	 * @return the event's id
	 * @throws IllegalStateException on another thread
	 */
	default UUID emit(String event, @Nullable Object payload) {
		return emit(event, payload, EmitOptions.defaults());
	}

	/**
	 * Emit an event, see {@link ConductorClient#emit(String, Object, EmitOptions)}.
	 * @param event the event's name
	 * @param payload what comes with it; may be {@code null}
	 * @param options how it is emitted
	 * @return the event's id
	 * @throws IllegalStateException on another thread
	 */
	UUID emit(String event, @Nullable Object payload, EmitOptions options);

	/**
	 * Emit an event, see {@link ConductorClient#emit(EventDefinition, Object)}.
	 * @param <P> the payload's type
	 * @param event the event
	 * @param payload what comes with it; may be {@code null}
	 * @return the event's id
	 * @throws IllegalStateException on another thread
	 */
	default <P> UUID emit(EventDefinition<P> event, @Nullable P payload) {
		return emit(event.name(), payload);
	}

	/**
	 * Emit an event, see
	 * {@link ConductorClient#emit(EventDefinition, Object, EmitOptions)}.
	 * @param <P> the payload's type
	 * @param event the event
	 * @param payload what comes with it; may be {@code null}
	 * @param options how it is emitted
	 * @return the event's id
	 * @throws IllegalStateException on another thread
	 */
	default <P> UUID emit(EventDefinition<P> event, @Nullable P payload, EmitOptions options) {
		return emit(event.name(), payload, options);
	}

	/**
	 * Make a schedule, or replace the one of that name, see
	 * {@link ConductorClient#schedule(String, String, String, Object)}. It is done as
	 * often as an event is emitted, see {@link #emit(String, Object)}.
	 * @param task the task to invoke
	 * @param name the schedule's name, unique among the task's schedules
	 * @param cron a cron expression
	 * @param payload what the task is invoked with; may be {@code null}
	 * @throws IllegalStateException on another thread
	 */
	default void schedule(String task, String name, String cron, @Nullable Object payload) {
		schedule(task, name, cron, payload, ScheduleOptions.defaults());
	}

	/**
	 * Make a schedule in a time zone, or replace the one of that name, see
	 * {@link ConductorClient#schedule(String, String, String, Object, ZoneId)}. It is
	 * done as often as an event is emitted, see {@link #emit(String, Object)}.
	 * @param task the task to invoke
	 * @param name the schedule's name, unique among the task's schedules
	 * @param cron a cron expression
	 * @param payload what the task is invoked with; may be {@code null}
	 * @param zone whose clocks the expression is about
	 * @throws IllegalStateException on another thread
	 */
	default void schedule(String task, String name, String cron, @Nullable Object payload, ZoneId zone) {
		schedule(task, name, cron, payload, ScheduleOptions.defaults().zone(zone));
	}

	/**
	 * Make a schedule, or replace the one of that name, see
	 * {@link ConductorClient#schedule(String, String, String, Object, ScheduleOptions)}.
	 * It is done as often as an event is emitted, see {@link #emit(String, Object)}.
	 * @param task the task to invoke
	 * @param name the schedule's name, unique among the task's schedules
	 * @param cron a cron expression
	 * @param payload what the task is invoked with; may be {@code null}
	 * @param options how it runs
	 * @throws IllegalStateException on another thread
	 */
	void schedule(String task, String name, String cron, @Nullable Object payload, ScheduleOptions options);

	/**
	 * Remove a schedule, see {@link ConductorClient#unschedule(String, String)}. It is
	 * done as often as an event is emitted, see {@link #emit(String, Object)}.
	 * @param task the task that it invokes
	 * @param name the schedule's name
	 * @return whether there was one
	 * @throws IllegalStateException on another thread
	 */
	boolean unschedule(String task, String name);

	/**
	 * Leave the handler here if the node stops (the execution goes on elsewhere, and the
	 * attempt doesn't count), if the time window has closed (it goes on when it opens),
	 * or if the execution was cancelled. A loop that calls this in each round can stop
	 * within one round.
	 * @throws IllegalStateException on another thread
	 */
	void checkpoint();

	/**
	 * Tell how far the execution has come. Cheap: what was told last is written about
	 * twice a second.
	 * @param fraction from 0 to 1
	 * @param message what to say about it, or {@code null}
	 * @throws IllegalArgumentException if the fraction is not from 0 to 1
	 * @throws IllegalStateException on another thread
	 */
	void progress(double fraction, @Nullable String message);

	/**
	 * Cancel an execution, see {@link ConductorClient#cancel(UUID, String)}. It is done
	 * as often as an event is emitted, see {@link #emit(String, Object)}.
	 * @param execution the execution's id; may be this one's, which is cancelled whatever
	 * becomes of the handler's transaction
	 * @param reason kept with it; may be {@code null}
	 * @return whether this call cancelled it
	 * @throws IllegalStateException on another thread
	 */
	boolean cancel(UUID execution, @Nullable String reason);

	/**
	 * Return the database's time. It is derived from the time of the claim, without a
	 * question to the database. Another time in every run: put it into a step where it
	 * decides what happens next.
	 * @return the time
	 */
	Instant now();

	/**
	 * Return whether the execution was cancelled while it runs. The thread of the handler
	 * is interrupted then, too. Works on any thread.
	 * @return whether it was
	 */
	boolean isCancelled();

	/**
	 * Return the execution's id: the same in all attempts.
	 * @return the execution's id
	 */
	UUID executionId();

	/**
	 * Return the execution that invoked this one as a child.
	 * @return its id; empty if this one is no child
	 */
	Optional<UUID> parent();

	/**
	 * Return the name the execution was invoked by.
	 * @return the task's name, or one of its aliases
	 */
	String task();

	/**
	 * Return the queue the execution runs on.
	 * @return the queue's name
	 */
	String queue();

	/**
	 * Return the number of this attempt. A resumption is no new attempt.
	 * @return the attempt, from 1
	 */
	int attempt();

	/**
	 * Return how many attempts the execution has.
	 * @return the limit, at least 1
	 */
	int maxAttempts();

	/**
	 * Return what travels with the execution.
	 * @return the headers given at the invocation, and those with {@code conductor.} that
	 * say which schedule or event has made the task run; never {@code null}, unmodifiable
	 */
	Map<String, String> headers();

	/**
	 * Return the task's logger, named {@code io.pgconductor.task.} and the task's name.
	 * @return the logger
	 */
	Logger logger();

}
