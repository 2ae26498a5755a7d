package io.pgconductor;

import java.lang.reflect.Type;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;
import org.springframework.core.ParameterizedTypeReference;

/**
 * A task was invoked, by {@link ConductorClient#invoke} or by the SQL function
 * {@code invoke}.
 *
 * @param <P> the payload's type
 * @since 0.1.0
 */
public final class Invocation<P> implements TaskEvent<P> {

	/**
	 * The name of every invocation.
	 */
	public static final String NAME = "conductor.invoke";

	private final @Nullable P payload;

	private final Function<Type, @Nullable Object> reader;

	/**
	 * Create an invocation; useful in unit tests of handlers.
	 * @param payload the payload
	 * @param reader reads the payload as another type
	 */
	public Invocation(@Nullable P payload, Function<Type, @Nullable Object> reader) {
		this.payload = payload;
		this.reader = reader;
	}

	@Override
	public String name() {
		return NAME;
	}

	@Override
	public @Nullable P payload() {
		return this.payload;
	}

	@Override
	@SuppressWarnings("unchecked")
	public <T> @Nullable T payload(Class<T> type) {
		return (T) this.reader.apply(type);
	}

	@Override
	@SuppressWarnings("unchecked")
	public <T> @Nullable T payload(ParameterizedTypeReference<T> type) {
		return (T) this.reader.apply(type.getType());
	}

	@Override
	public String toString() {
		return NAME + "[" + this.payload + "]";
	}

}
