package io.pgconductor.worker;

import java.util.Collection;
import java.util.function.Consumer;

import io.pgconductor.execution.Attempt;
import org.jspecify.annotations.Nullable;

/**
 * Runs one queue's claimed executions, so many at once, in the order they were claimed,
 * batches in one go.
 */
interface HandlerThreads {

	/**
	 * Return how much waits for a thread.
	 * @return the number of works
	 */
	int buffered();

	/**
	 * Return how much runs.
	 * @return the number of works
	 */
	int running();

	/**
	 * Return how many threads the queue can expect to have when there is much to run.
	 * @return at least 1
	 */
	int expected();

	/**
	 * Return how many threads the next claim is to find work for. They are kept until
	 * then, and if there are none, so are the next ones that come free and are this
	 * queue's due.
	 * @return the number of threads
	 */
	int reserve();

	/**
	 * Give up what was reserved: no claim is to come now, or it has found less.
	 */
	void giveBack();

	/**
	 * Run some work.
	 * @param works the work
	 * @param threads how many threads are to run at least, as far as there may be so many
	 */
	void submit(Collection<Work> works, int threads);

	/**
	 * Start as many threads as there is something to run for. To be called again and
	 * again, since a thread may not be had at the moment, and since attempts may take
	 * longer than was thought.
	 */
	void startThreads();

	/**
	 * Take an attempt away.
	 * @param attempt the attempt
	 * @return the work that it was part of; {@code null} if a thread has got it, or will
	 * never get it
	 */
	@Nullable Work remove(Attempt attempt);

	/**
	 * Take away what has not been started.
	 * @param consumer is given it
	 */
	void drainBuffer(Consumer<Work> consumer);

	/**
	 * Creates the threads of a queue.
	 */
	@FunctionalInterface
	interface Factory {

		/**
		 * Create them.
		 * @param handler runs an attempt or a batch; throws nothing
		 * @param onRoom called, often, when something leaves the buffer or ends, or a
		 * thread is reserved
		 * @return the threads
		 */
		HandlerThreads create(Consumer<Work> handler, Runnable onRoom);

	}

}
