package io.pgconductor.worker;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Consumer;

import io.pgconductor.jdbc.Outcome;
import io.pgconductor.jdbc.Recorded;
import io.pgconductor.jdbc.Recording;
import io.pgconductor.jdbc.SqlErrors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;
import org.springframework.dao.DataAccessException;

/**
 * Records outcomes in batches: at once while idle, and while one batch is being recorded,
 * the next one collects (group commit).
 * <ul>
 * <li>A row that somebody else's transaction holds doesn't hold up the others: it is
 * retried by itself until it is free.
 * <li>Data that cannot be stored fails its own execution alone.
 * <li>While the database is out of reach, nothing is lost.
 * </ul>
 */
final class OutcomeFlusher {

	private static final Logger logger = LoggerFactory.getLogger(OutcomeFlusher.class);

	private static final int MAX_BATCH_SIZE = 1000;

	// In characters of results and payloads, which are held several times over while they
	// are sent
	private static final long MAX_BATCH_LENGTH = 16L * 1024 * 1024;

	// What a child takes without its payload
	private static final int CHILD_LENGTH = 200;

	// How long to look for the one of a batch whose parent or children are locked
	private static final long SEARCH_NANOS = TimeUnit.SECONDS.toNanos(3);

	private static final long ASIDE_RETRY_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

	private final OutcomeRecorder recorder;

	private final BiFunction<Recording, Throwable, Outcome.Failed> unstorable;

	private final Consumer<Collection<Recording>> onRecorded;

	private final Consumer<Set<String>> onWoken;

	private final Duration flushInterval;

	private final Signal signal = new Signal();

	private final Queue<Recording> queue = new ConcurrentLinkedQueue<>();

	private final List<Recording> aside = new ArrayList<>();

	private final LoopThread thread;

	private List<Recording> unsettled = List.of();

	private volatile boolean idle = true;

	private volatile boolean abandoned;

	private volatile int asideCount;

	private long retryAsideAtNanos;

	private boolean retryingAside;

	/**
	 * Create a flusher.
	 * @param name the thread's name
	 * @param recorder records them
	 * @param unstorable makes the failure of an execution whose outcome the database
	 * refuses
	 * @param onRecorded is given what the worker is rid of: recorded, or taken over by
	 * another node
	 * @param onWoken is told who has something to do now
	 * @param flushInterval how long an outcome may wait for others
	 */
	OutcomeFlusher(String name, OutcomeRecorder recorder, BiFunction<Recording, Throwable, Outcome.Failed> unstorable,
			Consumer<Collection<Recording>> onRecorded, Consumer<Set<String>> onWoken, Duration flushInterval) {
		this.recorder = recorder;
		this.unstorable = unstorable;
		this.onRecorded = onRecorded;
		this.onWoken = onWoken;
		this.flushInterval = flushInterval;
		this.thread = new LoopThread(name, true, this.signal, this::round, () -> this.abandoned || isEmpty());
	}

	boolean isFailing() {
		return this.thread.isFailing();
	}

	void start() {
		this.thread.start();
	}

	/**
	 * Stop when all that was added is recorded.
	 */
	void stop() {
		this.thread.stop();
	}

	/**
	 * Wait until all that was added is recorded, and give up then.
	 * @param deadline until when, as {@link System#nanoTime()} will tell
	 */
	void awaitEnd(long deadline) {
		if (!this.thread.join(TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime()))) {
			this.abandoned = true;
			this.signal.raise();
		}
	}

	void add(Recording recording) {
		this.queue.add(recording);
		if (this.idle) {
			this.signal.raise();
		}
	}

	/**
	 * Return how many outcomes wait for a row that somebody else holds, or for the
	 * database to take them.
	 * @return how many
	 */
	int aside() {
		return this.asideCount;
	}

	private boolean isEmpty() {
		return this.queue.isEmpty() && this.aside.isEmpty() && this.unsettled.isEmpty();
	}

	private void round() {
		if (this.queue.isEmpty() && this.unsettled.isEmpty()) {
			awaitOutcomes();
		}
		boolean again = !this.unsettled.isEmpty();
		if (!again) {
			this.unsettled = nextBatch();
		}
		if (!this.unsettled.isEmpty()) {
			// Kept until the flush has returned: after a failure the next round tries
			// it again
			flush(this.unsettled, again);
			this.unsettled = List.of();
		}
		if (!this.aside.isEmpty() && System.nanoTime() - this.retryAsideAtNanos >= 0) {
			retryAside();
		}
		this.asideCount = this.aside.size();
	}

	private void awaitOutcomes() {
		this.idle = true;
		try {
			if (this.queue.isEmpty() && !this.thread.isStopping()) {
				this.signal.await(this.aside.isEmpty() ? TimeUnit.SECONDS.toNanos(1)
						: this.retryAsideAtNanos - System.nanoTime());
			}
			else if (this.queue.isEmpty()) {
				this.signal.await(ASIDE_RETRY_NANOS / 10);
			}
		}
		finally {
			this.idle = false;
		}
		if (!this.flushInterval.isZero() && !this.queue.isEmpty() && !this.thread.isStopping()) {
			this.signal.await(this.flushInterval.toNanos());
		}
	}

	private List<Recording> nextBatch() {
		List<Recording> batch = new ArrayList<>();
		long length = 0;
		while (batch.size() < MAX_BATCH_SIZE && length < MAX_BATCH_LENGTH) {
			Recording next = this.queue.poll();
			if (next == null) {
				break;
			}
			batch.add(next);
			length += length(next.outcome());
		}
		return batch;
	}

	private static long length(Outcome outcome) {
		if (outcome instanceof Outcome.Invoking invoking) {
			return invoking.children().stream().mapToLong((child) -> CHILD_LENGTH + length(child.payload())).sum();
		}
		return (outcome instanceof Outcome.Completed completed) ? length(completed.result()) : 0;
	}

	private static long length(@Nullable String json) {
		return (json != null) ? json.length() : 0;
	}

	private void flush(List<Recording> batch, boolean again) {
		try {
			Recorded recorded = this.recorder.record(batch);
			settle(batch, recorded, again);
		}
		catch (DataAccessException ex) {
			if (SqlErrors.isConnectionFailure(ex)) {
				throw ex;
			}
			if (SqlErrors.isLockTimeout(ex)) {
				flushUnlocked(batch);
			}
			else if (batch.size() > 1) {
				flush(batch.subList(0, batch.size() / 2), true);
				flush(batch.subList(batch.size() / 2, batch.size()), true);
			}
			else {
				flushUnstorable(batch.get(0), ex);
			}
		}
	}

	private void flushUnstorable(Recording recording, DataAccessException cause) {
		if (SqlErrors.isBadData(cause) && !(recording.outcome() instanceof Outcome.Unstorable)) {
			Outcome.Failed failure = this.unstorable.apply(recording, cause);
			Outcome storable = (recording.outcome() instanceof Outcome.Failed)
					? new Outcome.Unstorable(failure.error(), failure.retention()) : failure;
			flush(List.of(new Recording(recording.execution(), storable, recording.gateClosedFor())), true);
		}
		else {
			logger.atLevel(this.retryingAside ? Level.DEBUG : Level.WARN)
				.log("The outcome of execution {} cannot be recorded now, and is tried again and again: {}",
						recording.execution().id(), cause.toString());
			putAside(List.of(recording));
		}
	}

	private void putAside(List<Recording> recordings) {
		if (this.aside.isEmpty()) {
			this.retryAsideAtNanos = System.nanoTime() + ASIDE_RETRY_NANOS;
		}
		this.aside.addAll(recordings);
	}

	/**
	 * Record what nobody else has locked, and put the rest aside.
	 */
	private void flushUnlocked(List<Recording> batch) {
		flushUnlocked(batch, System.nanoTime() + SEARCH_NANOS);
	}

	private void flushUnlocked(List<Recording> batch, long searchEndNanos) {
		try {
			Set<Recording> locked = this.recorder.recordUnlocked(batch);
			putAside(batch.stream().filter(locked::contains).toList());
			this.onRecorded.accept(batch.stream().filter((recording) -> !locked.contains(recording)).toList());
		}
		catch (DataAccessException ex) {
			if (SqlErrors.isConnectionFailure(ex)) {
				throw ex;
			}
			if (SqlErrors.isLockTimeout(ex) && (batch.size() == 1 || System.nanoTime() - searchEndNanos >= 0)) {
				// A relative of it is locked, or the whole table is
				putAside(batch);
			}
			else if (batch.size() > 1) {
				flushUnlocked(batch.subList(0, batch.size() / 2), searchEndNanos);
				flushUnlocked(batch.subList(batch.size() / 2, batch.size()), searchEndNanos);
			}
			else {
				flushUnstorable(batch.get(0), ex);
			}
		}
	}

	private void retryAside() {
		List<Recording> recordings = List.copyOf(this.aside);
		long startNanos = System.nanoTime();
		this.aside.clear();
		this.retryingAside = true;
		try {
			for (int i = 0; i < recordings.size(); i += MAX_BATCH_SIZE) {
				flushUnlocked(recordings.subList(i, Math.min(i + MAX_BATCH_SIZE, recordings.size())),
						startNanos + SEARCH_NANOS);
			}
		}
		catch (RuntimeException | Error ex) {
			// What was recorded before the failure is not recorded twice
			this.aside.clear();
			putAside(recordings);
			throw ex;
		}
		finally {
			this.retryingAside = false;
			// The others are to have most of the time
			long nanos = System.nanoTime() - startNanos;
			this.retryAsideAtNanos = System.nanoTime() + Math.max(ASIDE_RETRY_NANOS, 2 * nanos);
		}
	}

	private void settle(List<Recording> batch, Recorded recorded, boolean again) {
		if (recorded.executions().size() < batch.size()) {
			batch.stream()
				.filter((recording) -> !recorded.executions().contains(recording.execution().id()))
				.forEach((recording) -> logLost(recording, again));
		}
		this.onRecorded.accept(batch);
		if (!recorded.woken().isEmpty()) {
			this.onWoken.accept(recorded.woken());
		}
	}

	private static void logLost(Recording recording, boolean again) {
		if (again) {
			logger.debug("Execution {} was recorded before, or taken over", recording.execution().id());
		}
		else if (recording.execution().keyed() && isUnstarted(recording.outcome())) {
			logger.debug("Execution {} has given way to a newer one of its key", recording.execution().id());
		}
		else {
			logger.warn(
					"Execution {} of task '{}' was taken over by another node while this one ran it: "
							+ "its outcome ({}) is dropped",
					recording.execution().id(), recording.execution().task(), recording.outcome().label());
		}
	}

	private static boolean isUnstarted(Outcome outcome) {
		return outcome instanceof Outcome.Released
				|| (outcome instanceof Outcome.OutsideWindow outside && !outside.begun());
	}

}
