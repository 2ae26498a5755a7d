package io.pgconductor;

import java.lang.reflect.Type;
import java.time.Instant;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

/**
 * A schedule has made a task run: one that was declared by
 * {@link io.pgconductor.annotation.Cron @Cron}, or made by
 * {@link ConductorClient#schedule} or the SQL function {@code schedule}.
 *
 * @param <P> the payload's type
 * @since 0.1.0
 */
public final class ScheduleTick<P> extends EventPayload<P> implements TaskEvent<P> {

	private final String name;

	private final Instant scheduledAt;

	/**
	 * Create a tick; useful in unit tests of handlers. The payload is returned as it is,
	 * whatever type it is read as.
	 * @param name the schedule's name
	 * @param scheduledAt the time of the tick
	 * @param payload the schedule's payload
	 */
	public ScheduleTick(String name, Instant scheduledAt, @Nullable P payload) {
		this(name, scheduledAt, payload, (type) -> payload);
	}

	/**
	 * Create a tick whose payload can be read as other types.
	 * @param name the schedule's name
	 * @param scheduledAt the time of the tick
	 * @param payload the schedule's payload
	 * @param reader reads the payload as another type
	 */
	public ScheduleTick(String name, Instant scheduledAt, @Nullable P payload,
			Function<Type, @Nullable Object> reader) {
		super(payload, reader);
		this.name = name;
		this.scheduledAt = scheduledAt;
	}

	/**
	 * Return the schedule's name.
	 * @return the name, unique among the task's schedules
	 */
	@Override
	public String name() {
		return this.name;
	}

	/**
	 * Return the time that the schedule says, whenever the task runs. A run that makes up
	 * for missed ticks has the time of the last one of them.
	 * @return the time of the tick
	 */
	public Instant scheduledAt() {
		return this.scheduledAt;
	}

	@Override
	public String toString() {
		return this.name + "[" + this.scheduledAt + "]";
	}

}
