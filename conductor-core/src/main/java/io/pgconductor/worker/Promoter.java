package io.pgconductor.worker;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

import io.pgconductor.jdbc.ExecutionUpkeep;
import io.pgconductor.schedule.ScheduleFiring;
import org.jspecify.annotations.Nullable;

/**
 * Does what the time brings: makes executions due, fires schedules. It also tells who
 * matches events that there are some. It sleeps until the next thing is due; who makes
 * something due within its longest sleep, or marks an event, wakes it.
 */
final class Promoter {

	private static final int BATCH_SIZE = 1000;

	// The statements that schedule know this time: they wake for what is due before
	private static final Duration LONGEST_SLEEP = Duration.ofSeconds(5);

	private static final Duration LONGEST_SLEEP_WITHOUT_NOTIFICATIONS = Duration.ofSeconds(1);

	private final ExecutionUpkeep executions;

	private final ScheduleFiring schedules;

	private final EventMatcher events;

	private final Runnable onBrokenSchedule;

	private final NodeConnection connection;

	private final boolean notifications;

	private final Sleeper sleeper;

	private final LoopThread thread;

	private boolean woken;

	private final AtomicReference<Duration> next = new AtomicReference<>(Duration.ZERO);

	/**
	 * Create a promoter.
	 * @param executions the executions to make due
	 * @param schedules fires schedules
	 * @param events is told of events to match
	 * @param onBrokenSchedule called when there is a schedule that cannot be fired
	 * @param connection wakes it
	 * @param notifications whether the database does
	 */
	Promoter(ExecutionUpkeep executions, ScheduleFiring schedules, EventMatcher events, Runnable onBrokenSchedule,
			NodeConnection connection, boolean notifications) {
		this.onBrokenSchedule = onBrokenSchedule;
		this.executions = executions;
		this.schedules = schedules;
		this.events = events;
		this.connection = connection;
		this.notifications = notifications;
		Signal signal = new Signal();
		this.sleeper = connection.sleeper("promoter", signal);
		this.thread = new LoopThread("conductor-promote", true, signal, this::round);
	}

	void start() {
		this.thread.start();
	}

	LoopThread thread() {
		return this.thread;
	}

	private void round() {
		boolean more = promote();
		if (this.woken) {
			// All that is notified here concerns this node: it must not be turned away,
			// as
			// one that is woken for the work of others again and again
			this.sleeper.busy();
		}
		this.woken = !more && this.sleeper.sleep(this::sleep, this::promote);
	}

	private Duration sleep() {
		Duration longest = this.notifications ? LONGEST_SLEEP : LONGEST_SLEEP_WITHOUT_NOTIFICATIONS;
		Duration untilNext = this.next.get();
		return (untilNext.compareTo(longest) < 0) ? untilNext.plusMillis(1) : longest;
	}

	/**
	 * Do one batch of what is due. Waits for one that is under way.
	 * @return whether there may be more to do at once
	 */
	synchronized boolean promote() {
		ExecutionUpkeep.Promotion promotion = this.executions.promote(BATCH_SIZE);
		boolean more = promotion.promoted() == BATCH_SIZE;
		Duration sleep = shorter(shorter(LONGEST_SLEEP, promotion.next()), promotion.nextTick());
		if (promotion.tickDue()) {
			ScheduleFiring.Round round = this.schedules.fire();
			this.connection.wakeLocally(round.woken());
			if (round.broken()) {
				this.onBrokenSchedule.run();
			}
			more |= round.more();
		}
		if (promotion.eventMarked() || promotion.waitUnsettled()) {
			this.events.found(promotion.eventMarked());
		}
		this.next.set(sleep);
		return more;
	}

	private static Duration shorter(Duration first, @Nullable Duration second) {
		return (second != null && second.compareTo(first) < 0) ? second : first;
	}

}
