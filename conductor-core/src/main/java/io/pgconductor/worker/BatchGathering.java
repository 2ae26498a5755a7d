package io.pgconductor.worker;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

import io.pgconductor.execution.Attempt;
import io.pgconductor.task.Batching;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;

/**
 * Gathers attempts of tasks that run in batches, until a batch is full or its first
 * attempt has waited long enough. What is on the same lane becomes one batch.
 * Thread-safe.
 */
final class BatchGathering {

	private final Function<Attempt, TaskSpec> tasks;

	private final Map<Group, Open> open = new LinkedHashMap<>();

	private int size;

	private int beyondFirst;

	/**
	 * Create it.
	 * @param tasks finds the task of an attempt
	 */
	BatchGathering(Function<Attempt, TaskSpec> tasks) {
		this.tasks = tasks;
	}

	private record Group(String task, @Nullable Lane lane) {
	}

	private record Open(List<Attempt> attempts, int size, long deadlineNanos) {
	}

	/**
	 * Take attempts, in the order in which they are to run.
	 * @param attempts the attempts
	 * @return what can run: those that run alone, and batches that are full
	 */
	synchronized List<Work> gather(Collection<Attempt> attempts) {
		List<Work> complete = new ArrayList<>(attempts.size());
		for (Attempt attempt : attempts) {
			TaskSpec task = this.tasks.apply(attempt);
			Batching batching = task.batch();
			if (batching == null) {
				complete.add(Work.of(attempt));
				continue;
			}
			Group group = new Group(task.name(), Lane.of(attempt.execution()));
			Open batch = this.open.computeIfAbsent(group, (key) -> new Open(new ArrayList<>(), batching.size(),
					System.nanoTime() + batching.timeout().toNanos()));
			batch.attempts().add(attempt);
			this.size++;
			if (batch.attempts().size() == batch.size()) {
				this.open.remove(group);
				complete.add(close(batch));
			}
		}
		return complete;
	}

	private Work close(Open batch) {
		this.size -= batch.attempts().size();
		this.beyondFirst += batch.attempts().size() - 1;
		return Work.batch(batch.attempts());
	}

	/**
	 * Note that a batch has ended, or will not run.
	 * @param work the batch
	 */
	synchronized void ended(Work work) {
		if (work.isBatch()) {
			this.beyondFirst -= work.initialSize() - 1;
		}
	}

	/**
	 * Return how many attempts there are beside those that a thread is needed for: those
	 * that wait for others, and all but one of each batch that has not ended.
	 * @return how many
	 */
	synchronized int besides() {
		return this.size + this.beyondFirst;
	}

	/**
	 * Return the batches that have waited long enough.
	 * @return the batches
	 */
	synchronized List<Work> due() {
		return close(System.nanoTime());
	}

	/**
	 * Return all batches, although they are not full.
	 * @return the batches
	 */
	synchronized List<Work> all() {
		List<Work> closed = this.open.values().stream().map(this::close).toList();
		this.open.clear();
		return closed;
	}

	private List<Work> close(long now) {
		List<Work> closed = new ArrayList<>();
		Iterator<Open> batches = this.open.values().iterator();
		while (batches.hasNext()) {
			Open batch = batches.next();
			if (now - batch.deadlineNanos() >= 0) {
				batches.remove();
				closed.add(close(batch));
			}
		}
		return closed;
	}

	/**
	 * Return how long it takes until a batch has waited long enough.
	 * @return nanoseconds, not negative
	 */
	synchronized long nanosUntilDue() {
		long now = System.nanoTime();
		return this.open.values()
			.stream()
			.mapToLong((batch) -> Math.max(0, batch.deadlineNanos() - now))
			.min()
			.orElse(Long.MAX_VALUE);
	}

	/**
	 * Take an attempt away.
	 * @param attempt the attempt
	 * @return {@code false} if it is not here
	 */
	synchronized boolean remove(Attempt attempt) {
		Group group = new Group(this.tasks.apply(attempt).name(), Lane.of(attempt.execution()));
		Open batch = this.open.get(group);
		if (batch == null || !batch.attempts().remove(attempt)) {
			return false;
		}
		this.size--;
		if (batch.attempts().isEmpty()) {
			this.open.remove(group);
		}
		return true;
	}

}
