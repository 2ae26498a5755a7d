package io.pgconductor.task;

import io.pgconductor.MisfirePolicy;
import io.pgconductor.OverlapPolicy;

/**
 * A schedule of a task.
 *
 * @param name its name, unique among the task's schedules
 * @param times when it ticks
 * @param misfire what becomes of missed ticks
 * @param overlap what a tick does while an earlier execution is not over
 */
public record CronTrigger(String name, CronTimes times, MisfirePolicy misfire,
		OverlapPolicy overlap) implements TaskTrigger {

	public CronTrigger {
		ScheduleName.validate(name);
	}

}
