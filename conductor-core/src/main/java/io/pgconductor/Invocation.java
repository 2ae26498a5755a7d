package io.pgconductor;

import java.lang.reflect.Type;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

/**
 * A task was invoked, by {@link ConductorClient#invoke} or by the SQL function
 * {@code invoke}.
 *
 * @param <P> the payload's type
 * @since 0.1.0
 */
public final class Invocation<P> extends EventPayload<P> implements TaskEvent<P> {

	/**
	 * The name of every invocation.
	 */
	public static final String NAME = "conductor.invoke";

	/**
	 * Create an invocation; useful in unit tests of handlers. The payload is returned as
	 * it is, whatever type it is read as.
	 * @param payload the payload
	 */
	public Invocation(@Nullable P payload) {
		this(payload, (type) -> payload);
	}

	/**
	 * Create an invocation whose payload can be read as other types.
	 * @param payload the payload
	 * @param reader reads the payload as another type
	 */
	public Invocation(@Nullable P payload, Function<Type, @Nullable Object> reader) {
		super(payload, reader);
	}

	@Override
	public String name() {
		return NAME;
	}

	@Override
	public String toString() {
		return NAME + "[" + payload() + "]";
	}

}
