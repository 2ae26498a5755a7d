package io.pgconductor.execution;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Optional;

import io.pgconductor.InvalidPayloadException;
import io.pgconductor.execution.StepMemory.Remembered;
import io.pgconductor.execution.StepMemory.Waiting;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.task.EventName;
import org.jspecify.annotations.Nullable;

/**
 * Waits for events for an attempt, and reads those that have come.
 */
final class EventCalls {

	private static final Duration LONGEST_TIMEOUT = Duration.ofDays(366L * 1000);

	private static final String NO_PAYLOAD = "null";

	private final ClaimedExecution execution;

	private final AttemptServices services;

	private final StepMemory memory;

	private final EngineCalls calls;

	/**
	 * A call of the handler.
	 *
	 * @param step the step it is remembered by
	 * @param event the event's name
	 * @param payloadType the type that its payload is read as
	 * @param filter a JSONPath predicate on the payload, {@code null} for none
	 * @param timeout how long to wait
	 */
	record Call(String step, String event, Type payloadType, @Nullable String filter, Duration timeout) {

		Call {
			EventName.validate(event);
			if (timeout.isNegative() || timeout.isZero() || timeout.compareTo(LONGEST_TIMEOUT) > 0) {
				throw new IllegalArgumentException(
						"The timeout of '" + step + "' must be positive and at most 1000 years, was " + timeout);
			}
			if (payloadType == Void.class) {
				throw new IllegalArgumentException("'" + step + "' cannot wait for event '" + event
						+ "', whose payload is Void: it could not be told from a timeout. Define it with a payload");
			}
		}

	}

	/**
	 * What a call comes to.
	 *
	 * @param payload that of the event; empty if it did not come in time, or while it is
	 * waited for
	 * @param suspension what to wait for, {@code null} if the wait is over
	 */
	record Answer(Optional<Object> payload, Outcome.@Nullable Suspended suspension) {
	}

	EventCalls(ClaimedExecution execution, AttemptServices services, StepMemory memory, EngineCalls calls) {
		this.execution = execution;
		this.services = services;
		this.memory = memory;
		this.calls = calls;
	}

	/**
	 * Wait for an event, or read the one that has come.
	 * @param call the call
	 * @return the event's payload, or what to wait for
	 */
	Answer make(Call call) {
		Remembered remembered = this.memory.use(call.step(), "event");
		if (remembered == null) {
			verifyFilter(call);
			return new Answer(Optional.empty(), new Outcome.AwaitingEvent(call.step(), this.services.ids().get(),
					call.event(), call.filter(), call.timeout()));
		}
		Waiting waiting = remembered.waiting();
		if (waiting != null && waiting.overdue()) {
			remembered = timeOut(call, waiting);
			waiting = (remembered != null) ? remembered.waiting() : null;
		}
		if (waiting != null) {
			return new Answer(Optional.empty(), new Outcome.StillAwaitingEvent(waiting.id()));
		}
		return new Answer(read(call, (remembered != null) ? remembered.result() : null), null);
	}

	private @Nullable Remembered timeOut(Call call, Waiting waiting) {
		this.calls.call(() -> {
			this.services.steps().timeOutEvent(this.execution, waiting.id());
			return true;
		});
		return this.memory.reread(call.step());
	}

	private void verifyFilter(Call call) {
		String filter = call.filter();
		if (filter != null) {
			String problem = this.calls.call(() -> Optional.ofNullable(this.services.filters().problemWith(filter)))
				.orElse(null);
			if (problem != null) {
				throw new IllegalArgumentException("The filter \"" + filter + "\" of '" + call.step() + "' in task '"
						+ this.execution.task() + "' cannot be used: " + problem);
			}
		}
	}

	private Optional<Object> read(Call call, @Nullable String payload) {
		if (payload == null) {
			return Optional.empty();
		}
		String what = "payload of event '" + call.event() + "', which '" + call.step() + "' has waited for";
		Object read = this.services.json().read(payload, call.payloadType(), what);
		if (read == null) {
			throw new InvalidPayloadException("The " + what + ", is " + NO_PAYLOAD
					+ ": it cannot be told from a timeout. Emit the event with a payload");
		}
		return Optional.of(read);
	}

}
