package io.pgconductor.task;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import io.pgconductor.ExecutionError;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.TaskFailure;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.cfg.DateTimeFeature;
import tools.jackson.databind.cfg.EnumFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Turns payloads and results into JSON and back. Thread-safe.
 */
public final class JsonMapping {

	private static final int MAX_MESSAGE_LENGTH = 4_000;

	// The path of a cycle is as long as the mapper goes deep
	private static final int MAX_PATH_LENGTH = 500;

	private static final int MAX_TRACE_LENGTH = 16_000;

	private final JsonMapper mapper;

	private final long maxSize;

	private final Map<Type, ObjectReader> readers = new ConcurrentHashMap<>();

	private final RowMapping rows;

	/**
	 * Create a mapping.
	 * @param mapper usually built on {@link #mapperBuilder()}
	 * @param maxSize the longest JSON text that is written, in bytes of UTF-8
	 */
	public JsonMapping(JsonMapper mapper, long maxSize) {
		this.mapper = mapper;
		this.maxSize = maxSize;
		this.rows = new RowMapping(mapper);
	}

	/**
	 * Return a builder with the settings of durable JSON: what is read may have been
	 * written by an older or newer version of the application.
	 * @return the builder
	 */
	public static JsonMapper.Builder mapperBuilder() {
		return JsonMapper.builder()
			.disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
			.disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
			.disable(EnumFeature.WRITE_ENUMS_USING_TO_STRING)
			.disable(EnumFeature.READ_ENUMS_USING_TO_STRING)
			.disable(DateTimeFeature.ADJUST_DATES_TO_CONTEXT_TIME_ZONE)
			.enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);
	}

	/**
	 * Write a value.
	 * @param value the value
	 * @param what names the value in messages
	 * @return its JSON, {@code null} for {@code null}
	 * @throws InvalidPayloadException if it cannot be written or is too large
	 */
	public @Nullable String write(@Nullable Object value, String what) {
		if (value == null) {
			return null;
		}
		String json;
		try {
			json = this.mapper.writeValueAsString(value);
		}
		catch (JacksonException ex) {
			throw new InvalidPayloadException("The " + what + " (" + value.getClass().getName()
					+ ") cannot be written as JSON: " + ex.getOriginalMessage() + at(ex), ex);
		}
		if (isLongerThanMaxSize(json)) {
			throw new InvalidPayloadException("The " + what + " is larger than " + this.maxSize
					+ " bytes of JSON (conductor.max-payload-size): pass a reference to it instead");
		}
		return json;
	}

	private boolean isLongerThanMaxSize(String json) {
		if (json.length() > this.maxSize) {
			return true;
		}
		// No char takes more than three bytes of UTF-8
		return json.length() > this.maxSize / 3 && json.getBytes(StandardCharsets.UTF_8).length > this.maxSize;
	}

	/**
	 * Read a value.
	 * @param json its JSON
	 * @param type the type to read it as
	 * @param what names the value in messages
	 * @return the value, {@code null} if the JSON is {@code null} or the JSON null
	 * @throws InvalidPayloadException if it doesn't fit the type
	 */
	public @Nullable Object read(@Nullable String json, Type type, String what) {
		if (json == null) {
			return null;
		}
		try {
			return this.readers.computeIfAbsent(type, (t) -> this.mapper.readerFor(this.mapper.constructType(t)))
				.readValue(json);
		}
		catch (JacksonException ex) {
			throw unreadable(what, type, ex);
		}
	}

	static InvalidPayloadException unreadable(String what, Type type, JacksonException ex) {
		return new InvalidPayloadException(
				"The " + what + " cannot be read as " + type.getTypeName() + ": " + ex.getOriginalMessage() + at(ex),
				ex);
	}

	private static String at(JacksonException ex) {
		String path = ex.getPathReference();
		return path.isEmpty() ? "" : " (at " + shorten(path, MAX_PATH_LENGTH) + ")";
	}

	/**
	 * Read what a row change has invoked an execution with.
	 * @param json its JSON
	 * @param what names the value in messages
	 * @return the rows, to be read as types
	 */
	public ChangedRows readRows(@Nullable String json, String what) {
		return new ChangedRows(this.rows, json, what);
	}

	/**
	 * Return which columns of a row a type is read from.
	 * @param type the type
	 * @return its properties; {@code null} if it takes whatever columns there are: a map,
	 * a tree, {@code Object}, a type with {@code @JsonAnySetter}, or one that is read in
	 * its own way
	 */
	public @Nullable List<RowProperty> rowProperties(Type type) {
		return this.rows.properties(type);
	}

	/**
	 * Return a path by the names that properties have in JSON.
	 * @param path by the names they have there, or in Java
	 * @param type the type of the payload
	 * @return the path; names of what is not known are left as they are
	 * @throws IllegalArgumentException if there is no such property
	 */
	public PayloadPath resolve(PayloadPath path, Type type) {
		return this.rows.resolve(path, type);
	}

	/**
	 * Read a {@link TaskFailure}, whose payload is a row if the failed execution was
	 * invoked by a row change: the newest there is.
	 * @param json its JSON
	 * @param type some {@link TaskFailure}
	 * @param what names the value in messages
	 * @return the failure, {@code null} if the JSON is {@code null}
	 * @throws InvalidPayloadException if it doesn't fit the type
	 */
	public @Nullable Object readFailure(@Nullable String json, Type type, String what) {
		try {
			if (json != null && this.rows.readTree(json) instanceof ObjectNode failure
					&& failure.path("rowChange").asBoolean(false)) {
				JavaType failureType = this.rows.type(type);
				JsonNode row = ChangedRows.newest(failure.path("payload"));
				if (row != null) {
					failure.set("payload", this.rows.rename(row, failureType.containedTypeOrUnknown(0)));
				}
				return this.rows.readAsIs(failure, failureType);
			}
		}
		catch (JacksonException ex) {
			throw unreadable(what, type, ex);
		}
		return read(json, type, what);
	}

	/**
	 * Write what an attempt failed with. Long messages and traces are shortened.
	 * @param failure the exception
	 * @return an {@link ExecutionError} as JSON
	 */
	public String writeError(Throwable failure) {
		return this.mapper.writeValueAsString(error(failure));
	}

	private static ExecutionError error(Throwable failure) {
		String type = failure.getClass().getName();
		try {
			StringWriter trace = new StringWriter();
			failure.printStackTrace(new PrintWriter(trace));
			return new ExecutionError(type, shorten(failure.getMessage(), MAX_MESSAGE_LENGTH),
					shorten(trace.toString(), MAX_TRACE_LENGTH));
		}
		catch (RuntimeException ex) {
			return new ExecutionError(type, "(its message cannot be read: " + ex.getClass().getName() + ")", null);
		}
	}

	private static @Nullable String shorten(@Nullable String text, int length) {
		return (text != null && text.length() > length) ? text.substring(0, length) + "…" : text;
	}

	/**
	 * Read a value as a tree.
	 * @param json its JSON
	 * @return the tree, {@code null} if the JSON is {@code null}
	 */
	public @Nullable JsonNode readTree(@Nullable String json) {
		return (json != null) ? this.mapper.readTree(json) : null;
	}

}
