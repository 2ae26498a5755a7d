package io.pgconductor;

import java.lang.reflect.Type;
import java.time.Instant;
import java.util.UUID;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

/**
 * An event was emitted that the task subscribes to, by {@link ConductorClient#emit} or by
 * the SQL function {@code emit}.
 *
 * @param <P> the payload's type
 * @since 0.1.0
 * @see io.pgconductor.annotation.OnEvent
 */
public final class EmittedEvent<P> extends EventPayload<P> implements TaskEvent<P> {

	private final String name;

	private final UUID id;

	private final Instant emittedAt;

	/**
	 * Create an event; useful in unit tests of handlers. The payload is returned as it
	 * is, whatever type it is read as.
	 * @param name the event's name
	 * @param id the event's id
	 * @param emittedAt when it was emitted
	 * @param payload the event's payload
	 */
	public EmittedEvent(String name, UUID id, Instant emittedAt, @Nullable P payload) {
		this(name, id, emittedAt, payload, (type) -> payload);
	}

	/**
	 * Create an event whose payload can be read as other types.
	 * @param name the event's name
	 * @param id the event's id
	 * @param emittedAt when it was emitted
	 * @param payload the event's payload
	 * @param reader reads the payload as another type
	 */
	public EmittedEvent(String name, UUID id, Instant emittedAt, @Nullable P payload,
			Function<Type, @Nullable Object> reader) {
		super(payload, reader);
		this.name = name;
		this.id = id;
		this.emittedAt = emittedAt;
	}

	/**
	 * Return the name that the event was emitted by, also if the task subscribes to a
	 * prefix.
	 * @return the event's name
	 */
	@Override
	public String name() {
		return this.name;
	}

	/**
	 * Return what {@link ConductorClient#emit} has returned.
	 * @return the event's id, the same for all subscribers
	 */
	public UUID id() {
		return this.id;
	}

	/**
	 * Return when the event was emitted.
	 * @return the time at which the emitting transaction began
	 */
	public Instant emittedAt() {
		return this.emittedAt;
	}

	@Override
	public String toString() {
		return this.name + "[" + payload() + "]";
	}

}
