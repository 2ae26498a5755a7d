package io.pgconductor;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * Which rows of a table a task is to run for again, or for the first time, see
 * {@link ConductorClient#replay}. Immutable: each method returns a changed copy.
 *
 * <pre class="code">
 * client.replay("contact-added", RowReplay.of("contact")
 *     .where("created_at &gt;= :since and active", Map.of("since", lastWeek)));
 * </pre>
 *
 * @since 0.1.0
 */
public final class RowReplay {

	/**
	 * How many rows a transaction replays unless it is said.
	 */
	public static final int DEFAULT_BATCH_SIZE = 1000;

	private static final int MAX_BATCH_SIZE = 10_000;

	private static final String DEFAULT_SCHEMA = "public";

	private final String schema;

	private final String table;

	private final @Nullable String condition;

	private final Map<String, @Nullable Object> parameters;

	private final int batchSize;

	private final @Nullable String trigger;

	private RowReplay(String schema, String table, @Nullable String condition, Map<String, @Nullable Object> parameters,
			int batchSize, @Nullable String trigger) {
		this.schema = schema;
		this.table = table;
		this.condition = condition;
		this.parameters = parameters;
		this.batchSize = batchSize;
		this.trigger = trigger;
	}

	/**
	 * Replay all rows of a table in the schema {@code public}.
	 * @param table the table's name; as it is, or else in lower case; or in double quotes
	 * @return the rows
	 */
	public static RowReplay of(String table) {
		return of(DEFAULT_SCHEMA, table);
	}

	/**
	 * Replay all rows of a table.
	 * @param schema the name of the table's schema, as it is, or else in lower case; or
	 * in double quotes
	 * @param table the table's name, likewise
	 * @return the rows
	 */
	public static RowReplay of(String schema, String table) {
		if (schema.isBlank() || table.isBlank()) {
			throw new IllegalArgumentException(
					"A table to replay needs a name and a schema, was '" + table + "' in the schema '" + schema + "'");
		}
		return new RowReplay(schema, table, null, Map.of(), DEFAULT_BATCH_SIZE, null);
	}

	/**
	 * Replay only rows that meet a condition, instead of one that was given before.
	 * @param condition in SQL, on the table's columns
	 * @return the changed rows
	 * @see #where(String, Map)
	 */
	public RowReplay where(String condition) {
		return where(condition, Map.of());
	}

	/**
	 * Replay only rows that meet a condition, instead of one that was given before. The
	 * condition is code like any other SQL of the application: what comes from elsewhere
	 * belongs into parameters.
	 * @param condition in SQL, on the table's columns, which the table's name can
	 * qualify, as in {@code contact.id}; with parameters as {@code :name}
	 * @param parameters the values of these parameters; a collection, which must not be
	 * empty, stands for its elements, as in {@code id in (:ids)}
	 * @return the changed rows
	 */
	public RowReplay where(String condition, Map<String, ? extends @Nullable Object> parameters) {
		if (condition.isBlank()) {
			throw new IllegalArgumentException("The condition is empty: leave it out to replay all rows");
		}
		return new RowReplay(this.schema, this.table, condition,
				Collections.unmodifiableMap(new LinkedHashMap<>(parameters)), this.batchSize, this.trigger);
	}

	/**
	 * Replay another number of rows at once. Outside of a transaction of the application,
	 * each batch is a transaction of its own. With a condition, a batch ends as well when
	 * ten times as many rows were looked at.
	 * @param batchSize how many rows at most, 1 to 10,000; 1,000 if it is not said
	 * @return the changed rows
	 */
	public RowReplay batchSize(int batchSize) {
		if (batchSize < 1 || batchSize > MAX_BATCH_SIZE) {
			throw new IllegalArgumentException("batchSize must be 1 to " + MAX_BATCH_SIZE + ", was " + batchSize);
		}
		return new RowReplay(this.schema, this.table, this.condition, this.parameters, batchSize, this.trigger);
	}

	/**
	 * Replay as one of several triggers does, where a task has more than one on the table
	 * and they differ in what the task gets or in the options of its executions.
	 * @param trigger the name of the trigger's function in the database; the message of
	 * the exception that asks for it lists them
	 * @return the changed rows
	 */
	public RowReplay trigger(String trigger) {
		return new RowReplay(this.schema, this.table, this.condition, this.parameters, this.batchSize, trigger);
	}

	/**
	 * Return the schema of the table.
	 * @return its name, as it was given
	 */
	public String schema() {
		return this.schema;
	}

	/**
	 * Return the table.
	 * @return its name, as it was given
	 */
	public String table() {
		return this.table;
	}

	/**
	 * Return the condition.
	 * @return the condition, {@code null} for all rows
	 */
	public @Nullable String condition() {
		return this.condition;
	}

	/**
	 * Return the values of the condition's parameters.
	 * @return the values by name; unmodifiable
	 */
	public Map<String, @Nullable Object> parameters() {
		return this.parameters;
	}

	/**
	 * Return how many rows are replayed at once.
	 * @return the number
	 */
	public int batchSize() {
		return this.batchSize;
	}

	/**
	 * Return as which trigger to replay.
	 * @return the name of its function, {@code null} if it is the only one
	 */
	public @Nullable String trigger() {
		return this.trigger;
	}

	@Override
	public String toString() {
		return this.schema + "." + this.table;
	}

}
