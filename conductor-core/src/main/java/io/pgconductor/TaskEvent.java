package io.pgconductor;

import org.jspecify.annotations.Nullable;
import org.springframework.core.ParameterizedTypeReference;

/**
 * What made a task run, with its payload. A method with several triggers tells them apart
 * by the type:
 *
 * <pre class="code">
 * if (event instanceof ScheduleTick&lt;?&gt; tick) {
 *     report(tick.scheduledAt());
 * }
 * </pre>
 *
 * Further kinds of events will be added: end a chain of {@code instanceof} with
 * {@code else}, and a {@code switch} with {@code default}.
 *
 * @param <P> the payload's type
 * @since 0.1.0
 */
public sealed interface TaskEvent<P> permits Invocation, ScheduleTick, EmittedEvent, RowChange {

	/**
	 * Return what made the task run: {@code conductor.invoke} for an {@link Invocation},
	 * the schedule's name for a {@link ScheduleTick}, the event's name for an
	 * {@link EmittedEvent}, {@code schema.table.operation} for a {@link RowChange}.
	 * @return the event's name
	 */
	String name();

	/**
	 * Return the payload.
	 * @return the payload, {@code null} if there is none
	 */
	@Nullable P payload();

	/**
	 * Read the payload as some type, whatever the declared one.
	 * @param <T> the type to read
	 * @param type the type to read
	 * @return the payload, {@code null} if there is none
	 * @throws InvalidPayloadException if the payload doesn't fit the type
	 */
	<T> @Nullable T payload(Class<T> type);

	/**
	 * Read the payload as some generic type, whatever the declared one.
	 * @param <T> the type to read
	 * @param type the type to read
	 * @return the payload, {@code null} if there is none
	 * @throws InvalidPayloadException if the payload doesn't fit the type
	 */
	<T> @Nullable T payload(ParameterizedTypeReference<T> type);

}
