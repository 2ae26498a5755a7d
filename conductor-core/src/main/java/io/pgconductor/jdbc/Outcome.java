package io.pgconductor.jdbc;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;

import io.pgconductor.task.Retention;
import org.jspecify.annotations.Nullable;

/**
 * How an attempt ended, and so what is recorded about its execution.
 */
public sealed interface Outcome {

	/**
	 * Return the word for it in metrics and logs.
	 * @return the word
	 */
	String label();

	/**
	 * The execution is over.
	 */
	sealed interface Finished extends Outcome {

		/**
		 * Return how long the finished execution is kept.
		 * @return the retention
		 */
		Retention retention();

		/**
		 * Return whether this run has recorded steps.
		 * @return {@code false} if there is nothing to delete with the execution but what
		 * earlier runs have recorded
		 */
		boolean hasSteps();

	}

	/**
	 * The handler returned.
	 *
	 * @param result its result as JSON
	 * @param retention how long the execution is kept
	 * @param hasSteps whether this run has recorded steps
	 */
	record Completed(@Nullable String result, Retention retention, boolean hasSteps) implements Finished {

		@Override
		public String label() {
			return "completed";
		}

	}

	/**
	 * The attempt failed, and no other one follows.
	 *
	 * @param error the error as JSON
	 * @param retention how long the execution is kept
	 * @param hasSteps whether this run has recorded steps
	 * @param forgottenStep the step whose children's failure ended it: a retry invokes
	 * them again
	 * @param failureTask the task that is invoked about it
	 */
	record Failed(String error, Retention retention, boolean hasSteps, @Nullable String forgottenStep,
			@Nullable String failureTask) implements Finished {

		@Override
		public String label() {
			return "failed";
		}

	}

	/**
	 * The attempt failed, no other one follows, and the database refuses to store with
	 * what: there is nothing left but that.
	 *
	 * @param error the database's error as JSON
	 * @param retention how long the execution is kept
	 */
	record Unstorable(String error, Retention retention) implements Finished {

		@Override
		public boolean hasSteps() {
			return true;
		}

		@Override
		public String label() {
			return "failed";
		}

	}

	/**
	 * The attempt failed, and another one follows.
	 *
	 * @param error the error as JSON
	 * @param delay when it follows, from now
	 */
	record Retried(String error, Duration delay) implements Outcome {

		@Override
		public String label() {
			return "retried";
		}

	}

	/**
	 * The attempt did not take place, or was broken off for no fault of its own: it
	 * doesn't count, and the execution is ready again.
	 */
	record Released() implements Outcome {

		@Override
		public String label() {
			return "released";
		}

	}

	/**
	 * The execution was cancelled while a node held it: the database knows that.
	 */
	record Cancelled() implements Outcome {

		@Override
		public String label() {
			return "cancelled";
		}

	}

	/**
	 * The execution waits, and goes on without a new attempt.
	 */
	sealed interface Suspended extends Outcome {

		@Override
		default String label() {
			return "suspended";
		}

	}

	/**
	 * It waits for a time.
	 *
	 * @param step the sleep to remember; {@code null} if there is none, or it is
	 * remembered already
	 * @param delay how long from now; {@code null} if the time is given
	 * @param until the time; {@code null} if the delay is given
	 */
	record Sleeping(@Nullable String step, @Nullable Duration delay, @Nullable Instant until) implements Suspended {
	}

	/**
	 * It was told to come back later, as all others that it shares a limit with.
	 *
	 * @param delay how long from now
	 */
	record RateLimited(Duration delay) implements Suspended {

		@Override
		public String label() {
			return "postponed";
		}

	}

	/**
	 * It waits for its time window to open.
	 *
	 * @param until when that is
	 * @param begun whether the handler was called; if not, the attempt is given back
	 */
	record OutsideWindow(Instant until, boolean begun) implements Suspended {

		@Override
		public String label() {
			return this.begun ? Suspended.super.label() : "postponed";
		}

	}

	/**
	 * It invokes children and waits for them.
	 *
	 * @param step the step they are invoked by
	 * @param single whether its result is that of the only child
	 * @param waitId the id of the wait
	 * @param task the task to invoke
	 * @param children those to invoke
	 * @param timeout how long to wait; {@code null}: for ever
	 * @param maxResultSize how long their results may be together
	 */
	record Invoking(String step, boolean single, UUID waitId, String task, List<NewChild> children,
			@Nullable Duration timeout, long maxResultSize) implements Suspended {
	}

	/**
	 * A child to invoke.
	 *
	 * @param id its id
	 * @param part its place among the results
	 * @param payload its payload as JSON
	 */
	record NewChild(UUID id, int part, @Nullable String payload) {
	}

	/**
	 * It goes on waiting for children that were invoked before.
	 *
	 * @param waitId the id of the wait
	 */
	record AwaitingChildren(UUID waitId) implements Suspended {
	}

	/**
	 * It waits for an event.
	 *
	 * @param step the step that the event is remembered by
	 * @param waitId the id of the wait
	 * @param event the event's name
	 * @param filter a JSONPath predicate on its payload, {@code null} for none
	 * @param timeout how long to wait
	 */
	record AwaitingEvent(String step, UUID waitId, String event, @Nullable String filter,
			Duration timeout) implements Suspended {
	}

	/**
	 * It goes on waiting for an event.
	 *
	 * @param waitId the id of the wait
	 */
	record StillAwaitingEvent(UUID waitId) implements Suspended {
	}

	/**
	 * The execution has completed in the transaction of its handler: there is nothing to
	 * record.
	 */
	record Committed() implements Outcome {

		@Override
		public String label() {
			return "completed";
		}

	}

}
