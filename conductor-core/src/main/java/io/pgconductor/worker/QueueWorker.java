package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;

import io.pgconductor.execution.Attempt;
import io.pgconductor.execution.AttemptRunner;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.ExecutionClaims;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.jdbc.Recording;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

/**
 * Serves one queue on one node: claims, runs, and hands the outcomes to its flusher.
 */
final class QueueWorker {

	private static final Logger logger = LoggerFactory.getLogger(QueueWorker.class);

	private static final Comparator<Attempt> ORDER = Comparator.comparingInt((Attempt a) -> -a.execution().priority())
		.thenComparing((a) -> a.execution().runAt())
		.thenComparing((a) -> a.execution().id());

	private static final int NOT_WAITING = -1;

	private static final int MAX_UNRECORDED_BATCHES = 8;

	// A claim whose answer was lost may commit some time after the connection broke
	private static final long UNKNOWN_CLAIMS_NANOS = TimeUnit.SECONDS.toNanos(60);

	private final String queue;

	private final WorkerOptions options;

	private final Map<String, TaskSpec> tasks;

	private final Node node;

	private final ExecutionClaims claims;

	private final ClaimCursor cursor;

	private final AttemptRunner runner;

	private final ConductorMetrics metrics;

	private final Signal signal = new Signal();

	private final Sleeper sleeper;

	private final Prefetch prefetch;

	private final HandlerThreads handlers;

	private final OutcomeFlusher flusher;

	private final LoopThread thread;

	private final ConcurrentMap<UUID, Attempt> held = new ConcurrentHashMap<>();

	private volatile int claimAtBuffered = NOT_WAITING;

	private volatile boolean claiming;

	private volatile long claimCount;

	private volatile boolean unknownClaims;

	private long unknownClaimsSinceNanos;

	QueueWorker(String queue, WorkerOptions options, Map<String, TaskSpec> tasks, Node node, ExecutionClaims claims,
			OutcomeRecorder recorder, AttemptRunner runner, Executor executor, NodeConnection connection,
			ConductorMetrics metrics) {
		this.queue = queue;
		this.options = options;
		this.tasks = tasks;
		this.node = node;
		this.claims = claims;
		this.cursor = new ClaimCursor(claims, queue, tasks.keySet());
		this.runner = runner;
		this.metrics = metrics;
		this.sleeper = connection.sleeper("queue:" + queue, this.signal);
		this.prefetch = new Prefetch(options);
		this.handlers = new HandlerThreads(options.concurrency(), executor, this::run, this::roomMade);
		this.flusher = new OutcomeFlusher("conductor-flush-" + queue, recorder,
				(recording, cause) -> runner.unstorable(recording.execution(), task(recording.execution()), cause),
				this::recorded, options.flushInterval());
		this.thread = new LoopThread("conductor-claim-" + queue, false, this.signal, this::round);
		metrics.watchRunning(queue, this.handlers::running);
	}

	void start() {
		this.flusher.start();
		this.thread.start();
	}

	private void round() {
		releaseUnknownClaims();
		int room = room();
		if (room == 0) {
			awaitRoom();
			return;
		}
		if (claim(room)) {
			this.sleeper.busy();
		}
		else {
			this.sleeper.sleep(longestSleep(), () -> claim(room()));
		}
	}

	private Duration longestSleep() {
		long untilSweep = this.cursor.nanosUntilSweep();
		Duration pollInterval = this.options.pollInterval();
		return (untilSweep > 0 && untilSweep < pollInterval.toNanos()) ? Duration.ofNanos(untilSweep) : pollInterval;
	}

	private int room() {
		int unrecorded = this.held.size() - this.handlers.buffered() - this.handlers.running();
		if (unrecorded > MAX_UNRECORDED_BATCHES * this.options.fetchBatchSize()) {
			return 0;
		}
		return this.prefetch.room(this.handlers.buffered(), this.handlers.running());
	}

	private void awaitRoom() {
		this.claimAtBuffered = this.prefetch.refillAt();
		try {
			if (room() == 0) {
				this.signal.awaitMillis(100);
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
		if (!this.node.isAliveAs(claimer)) {
			return false;
		}
		this.claiming = true;
		try {
			List<ClaimedExecution> claimed = this.cursor.claim(claimer, room);
			if (claimed.isEmpty()) {
				return false;
			}
			this.claimCount = this.claimCount + 1;
			this.metrics.claimed(this.queue, claimed.size());
			List<Attempt> attempts = new ArrayList<>(claimed.size());
			for (ClaimedExecution execution : claimed) {
				Attempt attempt = new Attempt(execution);
				this.held.put(execution.id(), attempt);
				attempts.add(attempt);
			}
			if (!this.node.isAliveAs(claimer)) {
				lose();
			}
			attempts.sort(ORDER);
			this.handlers.submit(attempts);
			return true;
		}
		catch (DataAccessException ex) {
			this.unknownClaims = true;
			this.unknownClaimsSinceNanos = System.nanoTime();
			throw ex;
		}
		finally {
			this.claiming = false;
		}
	}

	/**
	 * After a claim whose answer was lost: give back what is in this node's name without
	 * its knowledge, until such a claim cannot be under way any more.
	 */
	private void releaseUnknownClaims() {
		if (this.unknownClaims) {
			int released = this.claims.releaseUnknown(this.node.id(), this.queue, this.held.keySet());
			if (released > 0) {
				logger.info("{} executions of queue '{}' were claimed by a statement whose answer was lost: "
						+ "they are ready again", released, this.queue);
			}
			if (System.nanoTime() - this.unknownClaimsSinceNanos > UNKNOWN_CLAIMS_NANOS) {
				this.unknownClaims = false;
			}
		}
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
			this.held.remove(execution.id(), attempt);
			return;
		}
		if (attempt.isStarted()) {
			Duration waited = Duration.between(execution.runAt(), execution.claimedAt())
				.plusNanos(attempt.startedAtNanos() - attempt.claimedAtNanos());
			this.metrics.attemptEnded(execution.task(), this.queue, outcome.label(),
					waited.isNegative() ? Duration.ZERO : waited,
					Duration.ofNanos(endedAtNanos - attempt.startedAtNanos()));
		}
		this.flusher.add(new Recording(execution, outcome));
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
		for (Recording recording : recordings) {
			this.held.computeIfPresent(recording.execution().id(), (id,
					attempt) -> (attempt.execution().claimNo() == recording.execution().claimNo()) ? null : attempt);
		}
		if (!recordings.isEmpty()) {
			this.metrics.flushed(this.queue, recordings.size());
		}
		roomMade();
	}

	/**
	 * Drop everything: this node was declared dead, and others run what it had.
	 */
	void lose() {
		this.held.values().forEach((attempt) -> attempt.interrupt(Attempt.Interruption.LOST));
	}

	/**
	 * Return the executions that have run for some time and were not returned before.
	 * @param nanos how long
	 * @return their ids
	 */
	List<UUID> newlyRunningFor(long nanos) {
		long now = System.nanoTime();
		return this.held.values()
			.stream()
			.filter((attempt) -> attempt.isStarted() && now - attempt.startedAtNanos() > nanos && attempt.setAside())
			.map((attempt) -> attempt.execution().id())
			.toList();
	}

	String queue() {
		return this.queue;
	}

	boolean isIdle() {
		return !this.claiming && this.held.isEmpty();
	}

	long claimCount() {
		return this.claimCount;
	}

	boolean isFailing() {
		return this.thread.isFailing();
	}

	/**
	 * Claim nothing more, and give back what was not started.
	 */
	void stopClaiming() {
		this.thread.stop();
		this.thread.join(10_000);
		this.handlers
			.drainBuffer((attempt) -> this.flusher.add(new Recording(attempt.execution(), new Outcome.Released())));
	}

	int running() {
		return this.handlers.running();
	}

	void interruptRunning() {
		this.held.values().forEach((attempt) -> attempt.interrupt(Attempt.Interruption.SHUTDOWN));
	}

	/**
	 * Record what is left.
	 * @param millis how long that may take
	 * @return the executions that are still this node's: their handlers don't end, or the
	 * database is out of reach
	 */
	Collection<UUID> stopFlushing(long millis) {
		this.flusher.stop(millis);
		return this.held.keySet();
	}

}
