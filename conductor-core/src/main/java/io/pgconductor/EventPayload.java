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

	public @Nullable P payload() {
		return this.payload;
	}

	@SuppressWarnings("unchecked")
	public <T> @Nullable T payload(Class<T> type) {
		return (T) this.reader.apply(type);
	}

	@SuppressWarnings("unchecked")
	public <T> @Nullable T payload(ParameterizedTypeReference<T> type) {
		return (T) this.reader.apply(type.getType());
	}

}
