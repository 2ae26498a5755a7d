package io.pgconductor.schedule;

import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.function.Supplier;

import io.pgconductor.MisfirePolicy;
import io.pgconductor.jdbc.ScheduleTable;
import io.pgconductor.jdbc.ScheduleTable.Advance;
import io.pgconductor.jdbc.ScheduleTable.Due;
import io.pgconductor.task.CronTimes;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.transaction.support.TransactionOperations;
import org.springframework.util.ConcurrentLruCache;

/**
 * Fires schedules whose time has come. Each tick invokes one execution over all nodes: it
 * is inserted in the transaction that has locked the schedule and moves it on.
 */
public final class ScheduleFiring {

	private static final Logger logger = LoggerFactory.getLogger(ScheduleFiring.class);

	private static final int BATCH_SIZE = 500;

	private static final int MAX_NAMED = 10;

	private final TransactionOperations transactions;

	private final ScheduleTable schedules;

	private final Supplier<UUID> ids;

	private final Duration misfireThreshold;

	private final ConcurrentLruCache<Expression, CronTimes> times = new ConcurrentLruCache<>(10_000,
			(expression) -> CronTimes.parse(expression.cron(), CronTimes.zone(expression.zone())));

	private record Expression(String cron, String zone) {
	}

	/**
	 * What a round of firing did.
	 *
	 * @param more whether there may be more to do at once
	 * @param woken who has something to do now
	 * @param broken whether there was one that cannot be fired
	 */
	public record Round(boolean more, Set<String> woken, boolean broken) {
	}

	/**
	 * Create it.
	 * @param transactions on the same connections as the table
	 * @param schedules the table
	 * @param ids makes ids of executions
	 * @param misfireThreshold how late a tick is missed
	 */
	public ScheduleFiring(TransactionOperations transactions, ScheduleTable schedules, Supplier<UUID> ids,
			Duration misfireThreshold) {
		this.transactions = transactions;
		this.schedules = schedules;
		this.ids = ids;
		this.misfireThreshold = misfireThreshold;
	}

	/**
	 * Fire what is due and not locked by another node, one tick of each schedule.
	 * @return what was done
	 */
	public Round fire() {
		return Objects.requireNonNull(this.transactions.execute((status) -> {
			List<Due> due = this.schedules.due(BATCH_SIZE);
			if (due.isEmpty()) {
				return new Round(false, Set.of(), false);
			}
			List<Advance> advances = new ArrayList<>(due.size());
			List<Due> late = new ArrayList<>();
			for (Due schedule : due) {
				advances.add(advance(schedule, late));
			}
			logMissed(late);
			boolean broken = advances.stream().anyMatch((advance) -> advance.error() != null);
			return new Round(true, this.schedules.advance(advances).woken(), broken);
		}));
	}

	private static void logMissed(List<Due> late) {
		if (!late.isEmpty()) {
			List<String> some = late.stream()
				.limit(MAX_NAMED)
				.map((due) -> due.key() + " (" + due.misfire() + ")")
				.toList();
			logger.info("{} schedules have missed ticks, and go on as each says: {}{}", late.size(), some,
					(late.size() > MAX_NAMED) ? " …" : "");
		}
	}

	private Advance advance(Due due, List<Due> late) {
		try {
			return advance(due, this.times.get(new Expression(due.cron(), due.zone())), late);
		}
		catch (RuntimeException ex) {
			// Whatever it is, it must not hold up the others
			String problem = (ex instanceof IllegalArgumentException && ex.getMessage() != null) ? ex.getMessage()
					: ex.toString();
			logger.warn("Schedule {} cannot be fired, until it is made anew: {}", due.key(), problem);
			return new Advance(due.key(), null, null, null, problem);
		}
	}

	private Advance advance(Due due, CronTimes times, List<Due> late) {
		Instant tick = (due.tick() != null) ? due.tick() : times.next(due.changedAt());
		if (tick == null || tick.isAfter(due.now())) {
			return new Advance(due.key(), null, null, tick, null);
		}
		Instant inTime = due.now().minus(this.misfireThreshold);
		if (!tick.isBefore(inTime)) {
			return fire(due, tick, times);
		}
		late.add(due);
		if (due.misfire() == MisfirePolicy.RUN_ONCE) {
			return fire(due, times.latest(tick, due.now()), times);
		}
		Instant missed = inTime.minus(1, ChronoUnit.MICROS);
		return new Advance(due.key(), missed, null, times.next(missed), null);
	}

	private Advance fire(Due due, Instant tick, CronTimes times) {
		@Nullable Instant next = times.next(tick);
		return new Advance(due.key(), tick, this.ids.get(), next, null);
	}

}
