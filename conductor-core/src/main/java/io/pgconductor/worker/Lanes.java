package io.pgconductor.worker;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

import io.pgconductor.execution.Attempt;
import org.jspecify.annotations.Nullable;

/**
 * Work of limited tasks that waits until what is before it on the same lane has ended.
 * Thread-safe.
 */
final class Lanes {

	private final Map<Lane, Queue> queues = new HashMap<>();

	private int waiting;

	/**
	 * What is on a lane.
	 */
	private static final class Queue {

		private final Deque<Work> waiting = new ArrayDeque<>();

		private Work first;

		Queue(Work first) {
			this.first = first;
		}

	}

	/**
	 * Take work, in the order in which it is to run.
	 * @param works the work
	 * @return what has nothing before it
	 */
	synchronized List<Work> enter(Collection<Work> works) {
		List<Work> free = new ArrayList<>(works.size());
		for (Work work : works) {
			Lane lane = Lane.of(work.execution());
			Queue queue = (lane != null) ? this.queues.get(lane) : null;
			if (queue != null) {
				queue.waiting.add(work);
				this.waiting++;
			}
			else {
				if (lane != null) {
					this.queues.put(lane, new Queue(work));
				}
				free.add(work);
			}
		}
		return free;
	}

	/**
	 * Let go of work that has ended, or will not run.
	 * @param work what had nothing before it
	 * @return what follows it; {@code null} if nothing does
	 */
	@Nullable Work leave(Work work) {
		Lane lane = Lane.of(work.execution());
		return (lane != null) ? leave(lane, work) : null;
	}

	private synchronized @Nullable Work leave(Lane lane, Work work) {
		Queue queue = this.queues.get(lane);
		if (queue == null || queue.first != work) {
			return null;
		}
		Work next = queue.waiting.poll();
		if (next == null) {
			this.queues.remove(lane);
			return null;
		}
		this.waiting--;
		queue.first = next;
		return next;
	}

	/**
	 * Take an attempt away from work that waits.
	 * @param attempt the attempt
	 * @return {@code false} if it doesn't wait
	 */
	synchronized boolean remove(Attempt attempt) {
		Lane lane = Lane.of(attempt.execution());
		Queue queue = (lane != null) ? this.queues.get(lane) : null;
		if (queue == null) {
			return false;
		}
		Iterator<Work> works = queue.waiting.iterator();
		while (works.hasNext()) {
			Work work = works.next();
			if (work.remove(attempt)) {
				if (work.size() == 0) {
					works.remove();
					this.waiting--;
				}
				return true;
			}
		}
		return false;
	}

	/**
	 * Return how much waits.
	 * @return how many attempts and batches
	 */
	synchronized int waiting() {
		return this.waiting;
	}

	/**
	 * Take away what waits.
	 * @param first behind which work
	 * @return what has waited
	 */
	synchronized List<Work> takeBehind(Predicate<Work> first) {
		List<Work> taken = new ArrayList<>();
		for (Queue queue : this.queues.values()) {
			if (!queue.waiting.isEmpty() && first.test(queue.first)) {
				taken.addAll(queue.waiting);
				queue.waiting.clear();
			}
		}
		this.waiting -= taken.size();
		return taken;
	}

}
