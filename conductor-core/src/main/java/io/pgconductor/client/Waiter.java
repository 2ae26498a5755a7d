package io.pgconductor.client;

import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import io.pgconductor.jdbc.AwaitedExecutions;
import org.jspecify.annotations.Nullable;

/**
 * A call that waits for the end of an execution: one thread waits, and the listener's
 * thread looks for it.
 */
final class Waiter {

	// A shorter time-out must not hide that it is over already
	private static final long FIRST_LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

	private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

	private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

	private final UUID execution;

	private final long startNanos = System.nanoTime();

	private final long timeoutNanos;

	private final CompletableFuture<Boolean> looked = new CompletableFuture<>();

	private final CompletableFuture<Answer> answer = new CompletableFuture<>();

	private boolean marked;

	private long nextLookNanos = this.startNanos;

	private long pauseNanos = FIRST_PAUSE_NANOS;

	Waiter(UUID execution, Duration timeout) {
		this.execution = execution;
		this.timeoutNanos = TimeUnit.NANOSECONDS.convert(timeout);
	}

	/**
	 * What a waiting call gets to know.
	 */
	sealed interface Answer permits Ended, Unknown, Vanished, Refused, Closed {

	}

	/**
	 * The execution is over.
	 *
	 * @param execution the execution
	 */
	record Ended(AwaitedExecutions.Finished execution) implements Answer {
	}

	/**
	 * There was no such execution from the beginning.
	 */
	record Unknown() implements Answer {
	}

	/**
	 * It was there, and is not any more.
	 */
	record Vanished() implements Answer {
	}

	/**
	 * Nobody can tell.
	 *
	 * @param cause why not
	 */
	record Refused(Throwable cause) implements Answer {
	}

	/**
	 * The client is closed, or what it gets its connections from.
	 */
	record Closed() implements Answer {
	}

	UUID execution() {
		return this.execution;
	}

	/**
	 * Wait for the answer until the time is over. Called by the thread that waits.
	 * @return the answer, {@code null} if there is none in time
	 * @throws InterruptedException if the thread is interrupted
	 */
	@Nullable Answer await() throws InterruptedException {
		try {
			this.looked.get(Math.max(remainingNanos(), FIRST_LOOK_NANOS), TimeUnit.NANOSECONDS);
			return this.answer.get(remainingNanos(), TimeUnit.NANOSECONDS);
		}
		catch (TimeoutException ex) {
			return this.answer.getNow(null);
		}
		catch (ExecutionException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private long remainingNanos() {
		return Math.max(0, this.timeoutNanos - (System.nanoTime() - this.startNanos));
	}

	Duration remaining() {
		return Duration.ofNanos(remainingNanos());
	}

	/**
	 * Return when the execution is to be looked for, apart from the looks for all. The
	 * following are called by the listener's thread alone.
	 * @param nowNanos the current time
	 * @return in how many nanoseconds, {@code Long.MAX_VALUE} if its end will be told
	 */
	long nanosToLook(long nowNanos) {
		return this.marked ? Long.MAX_VALUE : this.nextLookNanos - nowNanos;
	}

	/**
	 * The execution was not there.
	 */
	void missing() {
		answer(this.looked.isDone() ? new Vanished() : new Unknown());
	}

	/**
	 * The execution is not over.
	 * @param endIsTold whether its end will be told
	 */
	void live(boolean endIsTold) {
		this.marked = endIsTold;
		this.nextLookNanos = System.nanoTime() + this.pauseNanos;
		this.pauseNanos = Math.min(2 * this.pauseNanos, LONGEST_PAUSE_NANOS);
		this.looked.complete(true);
	}

	void answer(Answer given) {
		this.answer.complete(given);
		this.looked.complete(true);
	}

}
