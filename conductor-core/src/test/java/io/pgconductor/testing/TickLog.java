package io.pgconductor.testing;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

import io.pgconductor.ScheduleInfo;
import io.pgconductor.ScheduleTick;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.TaskSpec;
import org.awaitility.Awaitility;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The schedules of a conductor, and which of their ticks have run.
 */
public final class TickLog {

	private final List<ScheduleTick<?>> ticks = new CopyOnWriteArrayList<>();

	private final TestConductor test;

	public TickLog(TestConductor test) {
		this.test = test;
	}

	/**
	 * A task that notes its ticks.
	 * @param name the task's name
	 * @return the task
	 */
	public TaskSpec task(String name) {
		return TaskSpec.of(name, null, (event, context) -> note(event));
	}

	public @Nullable Object note(TaskEvent<?> event) {
		this.ticks.add((ScheduleTick<?>) event);
		return null;
	}

	public List<ScheduleTick<?>> ticks() {
		return List.copyOf(this.ticks);
	}

	/**
	 * Return the ticks of a schedule that have run, in order of their times.
	 * @param schedule the schedule's name
	 * @return when they were scheduled
	 */
	public List<Instant> times(String schedule) {
		return this.ticks.stream()
			.filter((tick) -> tick.name().equals(schedule))
			.map(ScheduleTick::scheduledAt)
			.sorted()
			.toList();
	}

	/**
	 * Wait until ticks of a schedule have run.
	 * @param schedule the schedule's name
	 * @param times when they were scheduled
	 */
	public void await(String schedule, Instant... times) {
		awaiting(schedule).untilAsserted(() -> assertThat(times(schedule)).contains(times));
	}

	/**
	 * Return a schedule as it stands.
	 * @param name the schedule's name, unique in the test
	 * @return the schedule
	 */
	public ScheduleInfo schedule(String name) {
		return this.test.conductor()
			.schedules()
			.stream()
			.filter((schedule) -> schedule.name().equals(name))
			.findFirst()
			.orElseThrow();
	}

	/**
	 * Wait until a schedule is in some state.
	 * @param name the schedule's name
	 * @param state the state
	 * @return the schedule
	 */
	public ScheduleInfo awaitSchedule(String name, Predicate<ScheduleInfo> state) {
		return awaiting(name).until(() -> schedule(name), state);
	}

	/**
	 * Wait until a schedule has its next tick at some time.
	 * @param name the schedule's name
	 * @param time the time
	 * @return the schedule
	 */
	public ScheduleInfo awaitNext(String name, Instant time) {
		awaiting(name).untilAsserted(() -> assertThat(schedule(name).nextRunAt()).isEqualTo(time));
		return schedule(name);
	}

	/**
	 * Return how many executions a schedule has invoked, whatever has become of them.
	 * @param schedule the schedule's name
	 * @return how many
	 */
	public long invoked(String schedule) {
		return this.test.sql("select count(*) from ${schema}.executions where headers ->> 'conductor.schedule' = ?")
			.param(schedule)
			.query(Long.class)
			.single();
	}

	private static ConditionFactory awaiting(String schedule) {
		return Awaitility.await(schedule).atMost(Duration.ofSeconds(60)).pollInterval(Duration.ofMillis(5));
	}

	/**
	 * Return equidistant times.
	 * @param first the first
	 * @param last the last possible one
	 * @param step the distance
	 * @return the times
	 */
	public static List<Instant> every(Duration step, Instant first, Instant last) {
		List<Instant> times = new ArrayList<>();
		for (Instant time = first; !time.isAfter(last); time = time.plus(step)) {
			times.add(time);
		}
		return times;
	}

}
