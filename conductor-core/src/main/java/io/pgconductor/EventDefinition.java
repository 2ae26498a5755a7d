package io.pgconductor;

import java.lang.reflect.Type;

import org.springframework.core.ParameterizedTypeReference;

/**
 * An event's name with the type of its payload: a constant that those who emit the event
 * and those who wait for it can share. Immutable.
 *
 * <pre class="code">
 * EventDefinition&lt;UserCreated&gt; USER_CREATED = EventDefinition.of("user.created", UserCreated.class);
 * </pre>
 *
 * @param <P> the payload's type
 * @since 0.1.0
 */
public final class EventDefinition<P> {

	private final String name;

	private final Type payloadType;

	private EventDefinition(String name, Type payloadType) {
		this.name = name;
		this.payloadType = payloadType;
	}

	/**
	 * Define an event.
	 * @param <P> the payload's type
	 * @param name the event's name
	 * @param payloadType the payload's type; {@code Void} for none
	 * @return the definition
	 */
	public static <P> EventDefinition<P> of(String name, Class<P> payloadType) {
		return new EventDefinition<>(name, payloadType);
	}

	/**
	 * Define an event with a payload of a generic type.
	 * @param <P> the payload's type
	 * @param name the event's name
	 * @param payloadType the payload's type
	 * @return the definition
	 */
	public static <P> EventDefinition<P> of(String name, ParameterizedTypeReference<P> payloadType) {
		return new EventDefinition<>(name, payloadType.getType());
	}

	/**
	 * Return the name the event is emitted by.
	 * @return the event's name
	 */
	public String name() {
		return this.name;
	}

	/**
	 * Return what comes with the event.
	 * @return the payload's type
	 */
	public Type payloadType() {
		return this.payloadType;
	}

	@Override
	public String toString() {
		return "Event '" + this.name + "'";
	}

}
