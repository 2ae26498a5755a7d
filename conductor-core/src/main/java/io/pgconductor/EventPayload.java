package io.pgconductor;

import java.lang.reflect.Type;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;
import org.springframework.core.ParameterizedTypeReference;

/**
 * What comes with an event of any kind.
 *
 * @param <P> the payload's type
 */
abstract class EventPayload<P> {

	private final @Nullable P payload;

	private final Function<Type, @Nullable Object> reader;

	EventPayload(@Nullable P payload, Function<Type, @Nullable Object> reader) {
		this.payload = payload;
		this.reader = reader;
	}

	/**
	 * Return the payload.
	 * @return the payload, {@code null} if there is none
	 */
	public @Nullable P payload() {
		return this.payload;
	}

	/**
	 * Read the payload as some type, whatever the declared one.
	 * @param <T> the type to read
	 * @param type the type to read
	 * @return the payload, {@code null} if there is none
	 * @throws InvalidPayloadException if the payload doesn't fit the type
	 */
	@SuppressWarnings("unchecked")
	public <T> @Nullable T payload(Class<T> type) {
		return (T) this.reader.apply(type);
	}

	/**
	 * Read the payload as some generic type, whatever the declared one.
	 * @param <T> the type to read
	 * @param type the type to read
	 * @return the payload, {@code null} if there is none
	 * @throws InvalidPayloadException if the payload doesn't fit the type
	 */
	@SuppressWarnings("unchecked")
	public <T> @Nullable T payload(ParameterizedTypeReference<T> type) {
		return (T) this.reader.apply(type.getType());
	}

}
