package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

import io.pgconductor.execution.Attempt;
import io.pgconductor.execution.AttemptRunner;
import io.pgconductor.execution.BatchRunner;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.ExecutionClaims;
import io.pgconductor.jdbc.ExecutionCoalescing;
import io.pgconductor.jdbc.GatedClaims;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.jdbc.Recording;
import io.pgconductor.jdbc.SqlErrors;
import io.pgconductor.task.Batching;
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

	private static final int MAX_UNRECORDED_BATCHES = 8;

	// What waits to be run as parts of batches is to fit into memory
	private static final int MAX_GATHERED = 10_000;

	private static final long LONG_ON_A_LANE_NANOS = TimeUnit.SECONDS.toNanos(1);

	// What somebody else's lock holds up is to hold up no claims, but to fit into memory
	private static final int MAX_ASIDE = 10_000;

	private final String queue;

	private final WorkerOptions options;

	private final Map<String, TaskSpec> tasks;

	private final Node node;

	private final UnknownClaims unknownClaims;

	private final ClaimCursor cursor;

	private final GateClaims gates;

	private final BatchGathering gathering;

	private final Lanes lanes = new Lanes();

	private final KeyedAttempts keyed;

	private final AttemptRunner attempts;

	private final WorkRunner runner;

	private final ConductorMetrics metrics;

	private final Signal signal = new Signal();

	private final Sleeper sleeper;

	private final Prefetch prefetch;

	private final HandlerThreads handlers;

	private final OutcomeFlusher flusher;

	private final LoopThread thread;

	private final HeldAttempts held = new HeldAttempts();

	private final ClaimShares shares;

	private final int mostGathered;

	private volatile int claimAtBuffered = NOT_WAITING;

	private volatile boolean claiming;

	private volatile long claimCount;

	QueueWorker(String queue, WorkerOptions options, Map<String, TaskSpec> tasks, Node node, ExecutionClaims claims,
			GatedClaims gatedClaims, ExecutionCoalescing coalescing, OutcomeRecorder recorder, AttemptRunner attempts,
			BatchRunner batches, HandlerThreads.Factory threads, NodeConnection connection, ConductorMetrics metrics) {
		this.queue = queue;
		this.options = options;
		this.tasks = tasks;
		this.node = node;
		this.unknownClaims = new UnknownClaims(claims, queue);
		this.cursor = new ClaimCursor(claims, queue, unlimited(tasks));
		this.gates = new GateClaims(gatedClaims, queue, tasks);
		this.shares = new ClaimShares(!unlimited(tasks).isEmpty());
		this.keyed = new KeyedAttempts(coalescing, queue, this::refuse, this.held::add, this::drop);
		this.mostGathered = MAX_GATHERED + options.concurrency() * largestBatch(tasks);
		this.gathering = new BatchGathering((attempt) -> task(attempt.execution()));
		this.attempts = attempts;
		this.runner = new WorkRunner(queue, this::task, attempts, batches, metrics, this::ran, this::ended);
		this.metrics = metrics;
		this.sleeper = connection.sleeper("queue:" + queue, this.signal);
		this.handlers = threads.create(this::run, this::roomMade);
		this.prefetch = new Prefetch(this.handlers::expected, options.fetchBatchSize());
		this.flusher = new OutcomeFlusher("conductor-flush-" + queue, recorder,
				(recording, cause) -> attempts.unstorable(recording.execution(), task(recording.execution()), cause),
				this::recorded, connection::wakeLocally, options.flushInterval());
		this.thread = new LoopThread("conductor-claim-" + queue, false, this.signal, this::round);
		metrics.watchRunning(queue, this.handlers::running);
	}

	private static Collection<String> unlimited(Map<String, TaskSpec> tasks) {
		return tasks.entrySet().stream().filter((task) -> !task.getValue().isLimited()).map(Map.Entry::getKey).toList();
	}

	private static int largestBatch(Map<String, TaskSpec> tasks) {
		return tasks.values()
			.stream()
			.map(TaskSpec::batch)
			.filter(Objects::nonNull)
			.mapToInt(Batching::size)
			.max()
			.orElse(0);
	}

	void start() {
		this.flusher.start();
		this.thread.start();
	}

	private void round() {
		try {
			claimAndRun();
		}
		catch (RuntimeException | Error ex) {
			this.handlers.giveBack();
			throw ex;
		}
	}

	private void claimAndRun() {
		this.unknownClaims.release(this.node.id(), this.held.executions());
		start(new ArrayList<>());
		submit(this.gathering.due());
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
			this.gates.wakeUp();
		}
	}

	/**
	 * Poll before a sleep.
	 * @return whether there is something to do: executions, or to wait for room for them
	 */
	private boolean claimIfRoom() {
		this.gates.wakeUp();
		int room = room();
		return room == 0 || claim(room);
	}

	private Duration longestSleep() {
		Duration longest = this.options.pollInterval();
		long untilSweep = this.cursor.nanosUntilAffordable();
		if (untilSweep > 0) {
			longest = shorter(longest, Duration.ofNanos(untilSweep));
		}
		longest = shorter(longest, Duration.ofNanos(this.gates.nanosUntilDue()));
		longest = shorter(longest, Duration.ofNanos(this.gathering.nanosUntilDue()));
		longest = shorter(longest, Duration.ofNanos(this.keyed.nanosUntilDue()));
		return shorter(longest, Duration.ofNanos(this.unknownClaims.nanosUntilRelease()));
	}

	private static Duration shorter(Duration one, Duration other) {
		return (one.compareTo(other) < 0) ? one : other;
	}

	private int room() {
		int gathered = this.gathering.besides();
		int buffered = buffered();
		int unrecorded = this.held.size() - buffered - this.handlers.running() - gathered
				- Math.min(this.flusher.aside() + this.keyed.size(), MAX_ASIDE);
		if (gathered > this.mostGathered || unrecorded > MAX_UNRECORDED_BATCHES * this.options.fetchBatchSize()
				|| !this.prefetch.isDue(buffered)) {
			this.handlers.giveBack();
			return 0;
		}
		return this.prefetch.room(buffered, this.handlers.reserve());
	}

	private int buffered() {
		return this.handlers.buffered() + this.lanes.waiting();
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
		if (buffered() <= this.claimAtBuffered) {
			this.signal.raise();
		}
	}

	private boolean claim(int room) {
		try {
			UUID claimer = this.node.id();
			return room > 0 && !this.thread.isStopping() && this.node.mayClaimAs(claimer) && claim(claimer, room);
		}
		finally {
			this.handlers.giveBack();
		}
	}

	private boolean claim(UUID claimer, int room) {
		this.claiming = true;
		try {
			int gated = take(claimer, () -> this.gates.claim(claimer, this.shares.gated(room)));
			int others = take(claimer, () -> this.cursor.claim(claimer, room - gated));
			this.shares.claimed(room - gated, others);
			return gated + others > 0;
		}
		finally {
			this.claiming = false;
		}
	}

	private int take(UUID claimer, Supplier<List<ClaimedExecution>> claim) {
		boolean answered = false;
		try {
			List<ClaimedExecution> claimed = claim.get();
			if (claimed.isEmpty()) {
				answered = true;
				return 0;
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
			return claimed.size();
		}
		catch (DataAccessException ex) {
			answered = SqlErrors.isLockTimeout(ex);
			throw ex;
		}
		finally {
			if (!answered) {
				this.unknownClaims.add();
			}
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
				submit(this.gathering.gather(attempts));
			}
		}
	}

	private void submit(List<Work> works) {
		List<Work> free = this.lanes.enter(works);
		if (!free.isEmpty()) {
			this.handlers.submit(free, this.prefetch.threads(free.size()));
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
		Outcome refusal = this.attempts.refuse(attempt, task(attempt.execution()));
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

	private void run(Work work) {
		try {
			this.runner.run(work);
		}
		finally {
			this.gathering.ended(work);
			leaveLane(work);
		}
	}

	private void leaveLane(Work work) {
		Work next = this.lanes.leave(work);
		if (next != null) {
			this.handlers.submit(List.of(next), 1);
		}
	}

	private void ran(ClaimedExecution execution, long nanos) {
		this.prefetch.ran(nanos);
		this.gates.ran(execution, nanos);
	}

	private void ended(Attempt attempt, @Nullable Outcome outcome) {
		if (outcome == null) {
			this.held.remove(attempt);
		}
		else if (outcome instanceof Outcome.Committed) {
			drop(attempt);
		}
		else {
			this.flusher.add(new Recording(attempt.execution(), outcome, attempt.gateClosedFor()));
		}
	}

	private void drop(Attempt attempt) {
		this.held.remove(attempt);
		leaveGate(attempt.execution());
	}

	private void leaveGate(ClaimedExecution execution) {
		if (execution.gated()) {
			this.gates.left(execution);
			this.signal.raise();
		}
	}

	private void recorded(Collection<Recording> recordings) {
		this.held.removeRecorded(recordings);
		recordings.forEach((recording) -> leaveGate(recording.execution()));
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
		if (this.gathering.remove(attempt) || this.lanes.remove(attempt)) {
			release(attempt);
			return;
		}
		Work work = this.handlers.remove(attempt);
		if (work != null) {
			release(attempt);
			if (work.size() == 0) {
				this.gathering.ended(work);
				leaveLane(work);
			}
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

	/**
	 * Give back what waits on a lane for an attempt that takes long.
	 */
	void releaseBehindLongRunners() {
		release(this.lanes.takeBehind((first) -> first.runsLongerThan(LONG_ON_A_LANE_NANOS)));
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
		this.handlers.giveBack();
		release(this.lanes.takeBehind((first) -> true));
		this.handlers.drainBuffer((work) -> release(List.of(work)));
		this.keyed.drain(this::release);
	}

	private void release(Collection<Work> works) {
		for (Work work : works) {
			work.take().forEach(this::release);
			this.gathering.ended(work);
		}
	}

	/**
	 * Have batches run, although they are not full.
	 */
	void runGathered() {
		List<Work> free = this.lanes.enter(this.gathering.all());
		this.handlers.submit(free, free.size());
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

	/**
	 * Return whether something runs, or will as soon as there is a thread.
	 * @return {@code false} if nothing can run any more without being submitted
	 */
	boolean isRunning() {
		return this.handlers.buffered() > 0 || this.handlers.running() > 0;
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
