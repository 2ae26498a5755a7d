package io.pgconductor;

import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

/**
 * Says which executions are meant, and how many: those that fit everything that was
 * given. Immutable: each method returns a changed copy.
 *
 * <pre class="code">
 * ExecutionFilter failedToday = ExecutionFilter.all()
 *     .task("send-email")
 *     .state(ExecutionState.FAILED)
 *     .finishedAfter(midnight);
 * </pre>
 *
 * @param tasks the names of tasks, as executions were invoked by them; empty: any
 * @param queue the queue; {@code null}: any
 * @param states the states; empty: any
 * @param application of which nodes serve the task; {@code null}: any
 * @param createdFrom the first moment of enqueueing; {@code null}: any
 * @param createdBefore the end of the time of enqueueing, not included; {@code null}:
 * none
 * @param finishedFrom the first moment of finishing; {@code null}: any. What is live
 * never fits one
 * @param finishedBefore the end of the time of finishing, not included; {@code null}:
 * none. What is live never fits one
 * @param errorText what the type or message of the last failed attempt's exception
 * contains, whatever the case; {@code null}: any, also no error
 * @param before the execution where the page before ended; {@code null}: the first page
 * @param limit the most executions that are returned or changed; {@code null}: unless
 * said otherwise, {@value #DEFAULT_LIMIT} are returned, and all are changed
 * @since 0.1.0
 * @see ConductorClient#query(ExecutionFilter)
 */
public record ExecutionFilter(Set<String> tasks, @Nullable String queue, Set<ExecutionState> states,
		@Nullable String application, @Nullable Instant createdFrom, @Nullable Instant createdBefore,
		@Nullable Instant finishedFrom, @Nullable Instant finishedBefore, @Nullable String errorText,
		@Nullable UUID before, @Nullable Integer limit) {

	/**
	 * How many executions a query returns unless it is said.
	 */
	public static final int DEFAULT_LIMIT = 100;

	/**
	 * How many executions a query returns at most. More are found page by page.
	 */
	public static final int MAX_QUERY_LIMIT = 1000;

	public ExecutionFilter {
		tasks = Set.copyOf(tasks);
		states = Set.copyOf(states);
		if (errorText != null && errorText.isEmpty()) {
			throw new IllegalArgumentException("The error text to look for is empty: leave it out to find any error");
		}
		if (limit != null && limit < 1) {
			throw new IllegalArgumentException("The limit is " + limit + ", but must be at least 1");
		}
		verifyOrder("created", createdFrom, createdBefore);
		verifyOrder("finished", finishedFrom, finishedBefore);
	}

	private static void verifyOrder(String what, @Nullable Instant from, @Nullable Instant before) {
		if (from != null && before != null && !from.isBefore(before)) {
			throw new IllegalArgumentException("No execution can be " + what + " from " + from + " on and before "
					+ before + ": exchange the two");
		}
	}

	/**
	 * Mean all executions.
	 * @return the filter
	 */
	public static ExecutionFilter all() {
		return new ExecutionFilter(Set.of(), null, Set.of(), null, null, null, null, null, null, null, null);
	}

	/**
	 * Mean the executions of some tasks.
	 * @param names the tasks' names, as the executions were invoked by them
	 * @return the changed filter
	 */
	public ExecutionFilter task(String... names) {
		return new ExecutionFilter(new LinkedHashSet<>(Arrays.asList(names)), this.queue, this.states, this.application,
				this.createdFrom, this.createdBefore, this.finishedFrom, this.finishedBefore, this.errorText,
				this.before, this.limit);
	}

	/**
	 * Mean the executions of a task.
	 * @param task the task
	 * @return the changed filter
	 */
	public ExecutionFilter task(TaskDefinition<?, ?> task) {
		return task(task.name());
	}

	/**
	 * Mean the executions of a queue.
	 * @param queue the queue's name
	 * @return the changed filter
	 */
	public ExecutionFilter queue(String queue) {
		return new ExecutionFilter(this.tasks, queue, this.states, this.application, this.createdFrom,
				this.createdBefore, this.finishedFrom, this.finishedBefore, this.errorText, this.before, this.limit);
	}

	/**
	 * Mean the executions in one of some states.
	 * @param states the states
	 * @return the changed filter
	 */
	public ExecutionFilter state(ExecutionState... states) {
		Collection<ExecutionState> wanted = Arrays.asList(states);
		return new ExecutionFilter(this.tasks, this.queue, wanted.isEmpty() ? Set.of() : EnumSet.copyOf(wanted),
				this.application, this.createdFrom, this.createdBefore, this.finishedFrom, this.finishedBefore,
				this.errorText, this.before, this.limit);
	}

	/**
	 * Mean the executions of tasks that an application owns: that nodes of it serve, or
	 * served until a short while ago.
	 * @param application its name, usually {@code spring.application.name}
	 * @return the changed filter
	 */
	public ExecutionFilter application(String application) {
		return new ExecutionFilter(this.tasks, this.queue, this.states, application, this.createdFrom,
				this.createdBefore, this.finishedFrom, this.finishedBefore, this.errorText, this.before, this.limit);
	}

	/**
	 * Mean the executions that were enqueued at some moment or later.
	 * @param time by the database's clock
	 * @return the changed filter
	 */
	public ExecutionFilter createdFrom(Instant time) {
		return new ExecutionFilter(this.tasks, this.queue, this.states, this.application, time, this.createdBefore,
				this.finishedFrom, this.finishedBefore, this.errorText, this.before, this.limit);
	}

	/**
	 * Mean the executions that were enqueued earlier than some moment.
	 * @param time by the database's clock
	 * @return the changed filter
	 */
	public ExecutionFilter createdBefore(Instant time) {
		return new ExecutionFilter(this.tasks, this.queue, this.states, this.application, this.createdFrom, time,
				this.finishedFrom, this.finishedBefore, this.errorText, this.before, this.limit);
	}

	/**
	 * Mean the executions that finished at some moment or later.
	 * @param time by the database's clock
	 * @return the changed filter
	 */
	public ExecutionFilter finishedFrom(Instant time) {
		return new ExecutionFilter(this.tasks, this.queue, this.states, this.application, this.createdFrom,
				this.createdBefore, time, this.finishedBefore, this.errorText, this.before, this.limit);
	}

	/**
	 * Mean the executions that finished earlier than some moment.
	 * @param time by the database's clock
	 * @return the changed filter
	 */
	public ExecutionFilter finishedBefore(Instant time) {
		return new ExecutionFilter(this.tasks, this.queue, this.states, this.application, this.createdFrom,
				this.createdBefore, this.finishedFrom, time, this.errorText, this.before, this.limit);
	}

	/**
	 * Mean the executions whose last failed attempt's exception has a text in its type or
	 * message.
	 * @param text not empty; upper and lower case are the same, nothing is a wildcard
	 * @return the changed filter
	 */
	public ExecutionFilter errorText(String text) {
		return new ExecutionFilter(this.tasks, this.queue, this.states, this.application, this.createdFrom,
				this.createdBefore, this.finishedFrom, this.finishedBefore, text, this.before, this.limit);
	}

	/**
	 * Mean the executions after a page, in the order of a query: those with lesser ids.
	 * @param execution the last execution of the page
	 * @return the changed filter
	 */
	public ExecutionFilter before(UUID execution) {
		return new ExecutionFilter(this.tasks, this.queue, this.states, this.application, this.createdFrom,
				this.createdBefore, this.finishedFrom, this.finishedBefore, this.errorText, execution, this.limit);
	}

	/**
	 * Mean so many executions at most.
	 * @param limit at least 1; for a query, at most {@value #MAX_QUERY_LIMIT}
	 * @return the changed filter
	 */
	public ExecutionFilter limit(int limit) {
		return new ExecutionFilter(this.tasks, this.queue, this.states, this.application, this.createdFrom,
				this.createdBefore, this.finishedFrom, this.finishedBefore, this.errorText, this.before, limit);
	}

}
