package io.pgconductor;

import java.time.ZoneId;

/**
 * How a schedule runs. Immutable: each method returns a changed copy.
 *
 * @since 0.1.0
 */
public final class ScheduleOptions {

	private static final ScheduleOptions DEFAULTS = new ScheduleOptions(ZoneId.of("UTC"), MisfirePolicy.RUN_ONCE,
			OverlapPolicy.ALLOW);

	private final ZoneId zone;

	private final MisfirePolicy misfire;

	private final OverlapPolicy overlap;

	private ScheduleOptions(ZoneId zone, MisfirePolicy misfire, OverlapPolicy overlap) {
		this.zone = zone;
		this.misfire = misfire;
		this.overlap = overlap;
	}

	/**
	 * In UTC, with one run for missed ticks, and whatever becomes of earlier executions.
	 * @return the options
	 */
	public static ScheduleOptions defaults() {
		return DEFAULTS;
	}

	/**
	 * Say whose clocks the cron expression is about.
	 * @param zone a time zone; UTC by default
	 * @return the changed options
	 */
	public ScheduleOptions zone(ZoneId zone) {
		return new ScheduleOptions(zone, this.misfire, this.overlap);
	}

	/**
	 * Say what becomes of missed ticks.
	 * @param misfire {@link MisfirePolicy#RUN_ONCE} by default
	 * @return the changed options
	 */
	public ScheduleOptions misfire(MisfirePolicy misfire) {
		return new ScheduleOptions(this.zone, misfire, this.overlap);
	}

	/**
	 * Say what a tick does while an earlier execution is not over.
	 * @param overlap {@link OverlapPolicy#ALLOW} by default
	 * @return the changed options
	 */
	public ScheduleOptions overlap(OverlapPolicy overlap) {
		return new ScheduleOptions(this.zone, this.misfire, overlap);
	}

	/**
	 * Return whose clocks the cron expression is about.
	 * @return the time zone
	 */
	public ZoneId zone() {
		return this.zone;
	}

	/**
	 * Return what becomes of missed ticks.
	 * @return the policy
	 */
	public MisfirePolicy misfire() {
		return this.misfire;
	}

	/**
	 * Return what a tick does while an earlier execution is not over.
	 * @return the policy
	 */
	public OverlapPolicy overlap() {
		return this.overlap;
	}

}
