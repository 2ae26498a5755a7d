package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Executor;

import io.pgconductor.execution.Attempt;
import io.pgconductor.execution.AttemptRunner;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.ExecutionClaims;
import io.pgconductor.jdbc.ExecutionCoalescing;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.jdbc.Recording;
import io.pgconductor.jdbc.SqlErrors;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataAccessException;

/**
 * Serves one queue on one node: claims, runs, and hands the outcomes to its flusher.
 */
final class QueueWorker {

	private static final Comparator<Attempt> ORDER = Comparator.comparingInt((Attempt a) -> a.execution().priority())
		.reversed()
		.thenComparing((a) -> a.execution().runAt())
		.thenComparing((a) -> a.execution().id());

	private static final int NOT_WAITING = -1;

	// When so much time passes without room for a claim, all threads are put to work
	private static final int STALL_MILLIS = 5;

	// Who counts it does so in nanoseconds: a time to run at can be as long past as the
	// database knows
	private static final Duration LONGEST_WAIT = Duration.ofDays(366L * 100);

	private static final int MAX_UNRECORDED_BATCHES = 8;

	// What somebody else's lock holds up is to hold up no claims, but to fit into memory
	private static final int MAX_ASIDE = 10_000;

	private final String queue;

	private final WorkerOptions options;

	private final Map<String, TaskSpec> tasks;

	private final Node node;

	private final UnknownClaims unknownClaims;

	private final ClaimCursor cursor;

	private final KeyedAttempts keyed;

	private final AttemptRunner runner;

	private final ConductorMetrics metrics;

	private final Signal signal = new Signal();

	private final Sleeper sleeper;

	private final Prefetch prefetch;

	private final HandlerThreads handlers;

	private final OutcomeFlusher flusher;

	private final LoopThread thread;

	private final HeldAttempts held = new HeldAttempts();

	private volatile int claimAtBuffered = NOT_WAITING;

	private volatile boolean claiming;

	private volatile long claimCount;

	QueueWorker(String queue, WorkerOptions options, Map<String, TaskSpec> tasks, Node node, ExecutionClaims claims,
			ExecutionCoalescing coalescing, OutcomeRecorder recorder, AttemptRunner runner, Executor executor,
			NodeConnection connection, ConductorMetrics metrics) {
		this.queue = queue;
		this.options = options;
		this.tasks = tasks;
		this.node = node;
		this.unknownClaims = new UnknownClaims(claims, queue);
		this.cursor = new ClaimCursor(claims, queue, tasks.keySet());
		this.keyed = new KeyedAttempts(coalescing, queue, this::refuse, this.held::add, this.held::remove);
		this.runner = runner;
		this.metrics = metrics;
		this.sleeper = connection.sleeper("queue:" + queue, this.signal);
		this.prefetch = new Prefetch(options);
		this.handlers = new HandlerThreads(options.concurrency(), executor, this::run, this::roomMade);
		this.flusher = new OutcomeFlusher("conductor-flush-" + queue, recorder,
				(recording, cause) -> runner.unstorable(recording.execution(), task(recording.execution()), cause),
				this::recorded, connection::wakeLocally, options.flushInterval());
		this.thread = new LoopThread("conductor-claim-" + queue, false, this.signal, this::round);
		metrics.watchRunning(queue, this.handlers::running);
	}

	void start() {
		this.flusher.start();
		this.thread.start();
	}

	private void round() {
		this.unknownClaims.release(this.node.id(), this.held.executions());
		start(new ArrayList<>());
		int room = room();
		if (room == 0) {
			awaitRoom();
			return;
		}
		if (claim(room)) {
			this.sleeper.busy();
		}
		else {
			this.handlers.startThreads();
			this.sleeper.sleep(this::longestSleep, this::claimIfRoom);
		}
	}

	/**
	 * Poll before a sleep.
	 * @return whether there is something to do: executions, or to wait for room for them
	 */
	private boolean claimIfRoom() {
		int room = room();
		return room == 0 || claim(room);
	}

	private Duration longestSleep() {
		Duration longest = this.options.pollInterval();
		long untilSweep = this.cursor.nanosUntilAffordable();
		if (untilSweep > 0) {
			longest = shorter(longest, Duration.ofNanos(untilSweep));
		}
		longest = shorter(longest, Duration.ofNanos(this.keyed.nanosUntilDue()));
		return shorter(longest, Duration.ofNanos(this.unknownClaims.nanosUntilRelease()));
	}

	private static Duration shorter(Duration one, Duration other) {
		return (one.compareTo(other) < 0) ? one : other;
	}

	private int room() {
		int unrecorded = this.held.size() - this.handlers.buffered() - this.handlers.running()
				- Math.min(this.flusher.aside() + this.keyed.size(), MAX_ASIDE);
		if (unrecorded > MAX_UNRECORDED_BATCHES * this.options.fetchBatchSize()) {
			return 0;
		}
		return this.prefetch.room(this.handlers.buffered(), this.handlers.running());
	}

	private void awaitRoom() {
		this.claimAtBuffered = this.prefetch.refillAt();
		try {
			if (room() == 0 && !this.signal.awaitMillis(STALL_MILLIS)) {
				this.handlers.startThreads();
			}
		}
		finally {
			this.claimAtBuffered = NOT_WAITING;
		}
	}

	private void roomMade() {
		if (this.handlers.buffered() <= this.claimAtBuffered) {
			this.signal.raise();
		}
	}

	private boolean claim(int room) {
		if (room == 0 || this.thread.isStopping()) {
			return false;
		}
		UUID claimer = this.node.id();
		if (!this.node.mayClaimAs(claimer)) {
			return false;
		}
		this.claiming = true;
		boolean answered = false;
		try {
			List<ClaimedExecution> claimed = this.cursor.claim(claimer, room);
			if (claimed.isEmpty()) {
				answered = true;
				return false;
			}
			this.claimCount = this.claimCount + 1;
			this.metrics.claimed(this.queue, claimed.size());
			List<Attempt> attempts = new ArrayList<>(claimed.size());
			for (ClaimedExecution execution : claimed) {
				Attempt attempt = this.held.add(execution);
				if (execution.keyed()) {
					this.keyed.add(attempt);
				}
				else {
					attempts.add(attempt);
				}
			}
			if (!this.node.isAliveAs(claimer)) {
				lose();
			}
			answered = true;
			start(attempts);
			return true;
		}
		catch (DataAccessException ex) {
			answered = SqlErrors.isLockTimeout(ex);
			throw ex;
		}
		finally {
			if (!answered) {
				this.unknownClaims.add();
			}
			this.claiming = false;
		}
	}

	/**
	 * Have attempts run, and those that were waiting for the decision that they begin.
	 */
	private void start(List<Attempt> attempts) {
		try {
			if (this.keyed.nanosUntilDue() == 0) {
				decide(attempts);
			}
		}
		finally {
			attempts.sort(ORDER);
			if (this.thread.isStopping()) {
				attempts.forEach(this::release);
				this.keyed.drain(this::release);
			}
			else if (!attempts.isEmpty()) {
				this.handlers.submit(attempts, this.prefetch.threads(attempts.size()));
			}
		}
	}

	private void decide(List<Attempt> attempts) {
		UUID claimer = this.node.id();
		boolean answered = false;
		try {
			attempts.addAll(this.keyed.decide(claimer));
			if (!this.node.isAliveAs(claimer)) {
				lose();
			}
			answered = true;
		}
		finally {
			if (!answered) {
				this.unknownClaims.add();
			}
		}
	}

	private boolean refuse(Attempt attempt) {
		Outcome refusal = this.runner.refuse(attempt, task(attempt.execution()));
		if (refusal != null) {
			this.flusher.add(new Recording(attempt.execution(), refusal));
		}
		return refusal != null;
	}

	private TaskSpec task(ClaimedExecution execution) {
		TaskSpec task = this.tasks.get(execution.task());
		if (task == null) {
			throw new IllegalStateException("Claimed an execution of unknown task '" + execution.task() + "'");
		}
		return task;
	}

	private void run(Attempt attempt) {
		ClaimedExecution execution = attempt.execution();
		Outcome outcome = outcome(attempt);
		long endedAtNanos = System.nanoTime();
		if (attempt.isStarted()) {
			this.prefetch.ran(endedAtNanos - attempt.startedAtNanos());
		}
		if (outcome == null) {
			this.held.remove(attempt);
			return;
		}
		try {
			if (attempt.isStarted() && this.metrics != ConductorMetrics.NONE) {
				this.metrics.attemptEnded(execution.task(), this.queue, outcome.label(), waited(attempt),
						Duration.ofNanos(endedAtNanos - attempt.startedAtNanos()));
			}
		}
		finally {
			if (outcome instanceof Outcome.Committed) {
				this.held.remove(attempt);
			}
			else {
				this.flusher.add(new Recording(execution, outcome));
			}
		}
	}

	private static Duration waited(Attempt attempt) {
		Duration waited = Duration.between(attempt.execution().runAt(), attempt.execution().claimedAt())
			.plusNanos(attempt.startedAtNanos() - attempt.claimedAtNanos());
		return waited.isNegative() ? Duration.ZERO : shorter(waited, LONGEST_WAIT);
	}

	private @Nullable Outcome outcome(Attempt attempt) {
		TaskSpec task = task(attempt.execution());
		try {
			return this.runner.run(attempt, task);
		}
		catch (Throwable ex) {
			// An exception that throws when it is described, or alike
			return this.runner.unstorable(attempt.execution(), task,
					new IllegalStateException(ex.getClass().getName()));
		}
	}

	private void recorded(Collection<Recording> recordings) {
		this.held.removeRecorded(recordings);
		if (!recordings.isEmpty()) {
			this.metrics.flushed(this.queue, recordings.size());
		}
		roomMade();
	}

	/**
	 * Drop everything: this node was declared dead, and others run what it had.
	 */
	void lose() {
		this.held.interrupt(Attempt.Interruption.LOST);
	}

	/**
	 * Return what this worker holds.
	 * @return the attempts that wait for a thread, run, or have ended and are not
	 * recorded
	 */
	Collection<Attempt> held() {
		return this.held.all();
	}

	/**
	 * Break off an attempt whose execution was cancelled. One that waits for a thread
	 * ends without one: those before it may take long.
	 * @param attempt one of those this worker holds
	 */
	void cancel(Attempt attempt) {
		attempt.interrupt(Attempt.Interruption.CANCELLED);
		if (this.handlers.remove(attempt)) {
			release(attempt);
		}
	}

	/**
	 * Return the attempts that have run for some time and are in the way of others.
	 * @param nanos how long
	 * @return the attempts
	 */
	List<Attempt> runningFor(long nanos) {
		return this.held.runningFor(nanos);
	}

	String queue() {
		return this.queue;
	}

	boolean isIdle() {
		return !this.claiming && !this.unknownClaims.areLikely() && this.held.isEmpty();
	}

	long claimCount() {
		return this.claimCount;
	}

	@Nullable String failure() {
		if (this.thread.isFailing()) {
			return "The worker of queue '" + this.queue + "' cannot claim";
		}
		return this.flusher.isFailing() ? "The worker of queue '" + this.queue + "' cannot record outcomes" : null;
	}

	/**
	 * Return the thread that claims.
	 * @return the thread; after its end nothing more is claimed
	 */
	LoopThread claimThread() {
		return this.thread;
	}

	/**
	 * Give back what was not started.
	 */
	void releaseUnstarted() {
		this.handlers.drainBuffer(this::release);
		this.keyed.drain(this::release);
	}

	private void release(Attempt attempt) {
		this.flusher.add(new Recording(attempt.execution(), new Outcome.Released()));
	}

	/**
	 * Return whether executions may be claimed in this node's name that it doesn't know.
	 * @return whether a claim's answer was lost a short time ago, or is still missing
	 */
	boolean hasUnknownClaims() {
		return this.unknownClaims.arePossible() || this.claiming;
	}

	int running() {
		return this.handlers.running();
	}

	void interruptRunning() {
		this.held.interrupt(Attempt.Interruption.SHUTDOWN);
	}

	/**
	 * Record what is left, and then nothing more.
	 */
	void stopFlushing() {
		this.flusher.stop();
	}

	/**
	 * Wait until what is left is recorded.
	 * @param deadline until when, as {@link System#nanoTime()} will tell
	 * @return the executions that are still this node's: their handlers don't end, or the
	 * database is out of reach
	 */
	Collection<UUID> awaitFlushed(long deadline) {
		this.flusher.awaitEnd(deadline);
		return this.held.executions();
	}

}
