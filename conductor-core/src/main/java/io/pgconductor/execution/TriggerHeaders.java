package io.pgconductor.execution;

import java.lang.reflect.Type;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;

import io.pgconductor.EmittedEvent;
import io.pgconductor.Invocation;
import io.pgconductor.RowChange;
import io.pgconductor.RowOperation;
import io.pgconductor.ScheduleTick;
import io.pgconductor.TaskEvent;
import io.pgconductor.task.ChangedRows;
import org.jspecify.annotations.Nullable;

/**
 * Headers that say what has made a task run. Those who enqueue cannot give them.
 */
final class TriggerHeaders {

	private static final String SCHEDULE = "conductor.schedule";

	private static final String EVENT = "conductor.event";

	private static final String EVENT_ID = "conductor.event-id";

	private static final String TIME = "conductor.time";

	private static final String ROW_OPERATION = "conductor.row-operation";

	private static final String ROW_SCHEMA = "conductor.row-schema";

	private static final String ROW_TABLE = "conductor.row-table";

	private TriggerHeaders() {
	}

	/**
	 * Tell what has made a task run.
	 * @param headers the headers of the execution
	 * @param payload its payload
	 * @param reader reads the payload as another type
	 * @return the event
	 */
	static TaskEvent<?> event(Map<String, String> headers, @Nullable Object payload,
			Function<Type, @Nullable Object> reader) {
		String schedule = headers.get(SCHEDULE);
		if (schedule != null) {
			return new ScheduleTick<>(schedule, time(headers), payload, reader);
		}
		String event = headers.get(EVENT);
		if (event != null) {
			return new EmittedEvent<>(event, UUID.fromString(headers.get(EVENT_ID)), time(headers), payload, reader);
		}
		return new Invocation<>(payload, reader);
	}

	/**
	 * Tell whether a row change has made a task run. Its payload holds rows then.
	 * @param headers the headers of the execution
	 * @return whether one has
	 */
	static boolean sayRowChange(Map<String, String> headers) {
		return headers.containsKey(ROW_OPERATION);
	}

	/**
	 * Tell which row change has made a task run.
	 * @param headers the headers of the execution
	 * @param rows its payload
	 * @param type the type to read the rows as; {@code null}: not read until asked for
	 * @return the row change
	 */
	static RowChange<?> rowChange(Map<String, String> headers, ChangedRows rows, @Nullable Type type) {
		return new RowChange<>(RowOperation.valueOf(headers.get(ROW_OPERATION)), headers.get(ROW_SCHEMA),
				headers.get(ROW_TABLE), type, rows::oldRow, rows::newRow);
	}

	private static Instant time(Map<String, String> headers) {
		return OffsetDateTime.parse(headers.get(TIME)).toInstant();
	}

}
