package io.pgconductor.task;

import java.lang.reflect.Type;

import io.pgconductor.InvalidPayloadException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * What a row was before and after a change: the payload of an execution that a row change
 * has invoked. Thread-safe.
 */
public final class ChangedRows {

	private static final String OLD = "old";

	private static final String NEW = "new";

	private final RowMapping mapping;

	private final @Nullable String json;

	private final String what;

	private volatile @Nullable JsonNode tree;

	/**
	 * Create it from JSON, which is not read until a row is asked for.
	 * @param mapping reads rows
	 * @param json an object of the rows there are
	 * @param what names it in messages
	 */
	ChangedRows(RowMapping mapping, @Nullable String json, String what) {
		this.mapping = mapping;
		this.json = json;
		this.what = what;
	}

	/**
	 * Read the row before the change.
	 * @param type the type to read it as
	 * @return the row, {@code null} if there is none
	 * @throws InvalidPayloadException if it doesn't fit the type
	 */
	public @Nullable Object oldRow(Type type) {
		return row(OLD, type);
	}

	/**
	 * Read the row after the change.
	 * @param type the type to read it as
	 * @return the row, {@code null} if there is none
	 * @throws InvalidPayloadException if it doesn't fit the type
	 */
	public @Nullable Object newRow(Type type) {
		return row(NEW, type);
	}

	private @Nullable Object row(String which, Type type) {
		try {
			JsonNode row = tree().get(which);
			return isThere(row) ? this.mapping.read(row, this.mapping.type(type)) : null;
		}
		catch (JacksonException ex) {
			throw JsonMapping.unreadable(which + " row in the " + this.what, type, ex);
		}
	}

	private JsonNode tree() {
		JsonNode known = this.tree;
		if (known == null) {
			known = this.mapping.readTree((this.json != null) ? this.json : "{}");
			this.tree = known;
		}
		return known;
	}

	/**
	 * Return the newest row there is.
	 * @param rows an object of the rows there are
	 * @return the row; {@code null} if there is none
	 */
	static @Nullable JsonNode newest(JsonNode rows) {
		JsonNode row = rows.get(NEW);
		return isThere(row) ? row : rows.get(OLD);
	}

	private static boolean isThere(@Nullable JsonNode row) {
		return row != null && !row.isNull();
	}

}
