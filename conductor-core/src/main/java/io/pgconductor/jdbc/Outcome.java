package io.pgconductor.jdbc;

import java.time.Duration;

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

	}

	/**
	 * The handler returned.
	 *
	 * @param result its result as JSON
	 * @param retention how long the execution is kept
	 */
	record Completed(@Nullable String result, Retention retention) implements Finished {

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
	 */
	record Failed(String error, Retention retention) implements Finished {

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

}
