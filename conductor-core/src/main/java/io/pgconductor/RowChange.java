package io.pgconductor;

import java.lang.reflect.Type;
import java.util.Locale;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;

/**
 * A row of a table was inserted, updated or deleted, and that was committed. Or it was
 * there, and {@link ConductorClient#replay replay} has asked for it.
 *
 * @param <T> the type that the rows are read as
 * @since 0.1.0
 * @see io.pgconductor.annotation.OnRowChange
 */
public final class RowChange<T> extends EventPayload<T> implements TaskEvent<T> {

	private final RowOperation operation;

	private final String schema;

	private final String table;

	private final @Nullable T oldRow;

	private final @Nullable T newRow;

	private final Function<Type, @Nullable Object> oldReader;

	private final Function<Type, @Nullable Object> newReader;

	/**
	 * Create a change; useful in unit tests of handlers. The rows are returned as they
	 * are, whatever type they are read as.
	 * @param operation what has become of the row
	 * @param schema the schema of the table
	 * @param table the table
	 * @param oldRow the row before, {@code null} if there was none
	 * @param newRow the row after, {@code null} if there is none
	 */
	public RowChange(RowOperation operation, String schema, String table, @Nullable T oldRow, @Nullable T newRow) {
		this(operation, schema, table, oldRow, newRow, (type) -> oldRow, (type) -> newRow);
	}

	/**
	 * Create a change whose rows can be read as other types.
	 * @param operation what has become of the row
	 * @param schema the schema of the table
	 * @param table the table
	 * @param oldRow the row before, {@code null} if there was none
	 * @param newRow the row after, {@code null} if there is none
	 * @param oldReader reads the row before as another type
	 * @param newReader reads the row after as another type
	 */
	public RowChange(RowOperation operation, String schema, String table, @Nullable T oldRow, @Nullable T newRow,
			Function<Type, @Nullable Object> oldReader, Function<Type, @Nullable Object> newReader) {
		super((operation == RowOperation.DELETE) ? oldRow : newRow,
				(operation == RowOperation.DELETE) ? oldReader : newReader);
		this.operation = operation;
		this.schema = schema;
		this.table = table;
		this.oldRow = oldRow;
		this.newRow = newRow;
		this.oldReader = oldReader;
		this.newReader = newReader;
	}

	/**
	 * Return schema, table and operation, such as {@code public.contact.insert}.
	 * @return the names as the database has them, and the operation in lower case
	 */
	@Override
	public String name() {
		return this.schema + "." + this.table + "." + this.operation.name().toLowerCase(Locale.ROOT);
	}

	/**
	 * Return what has become of the row.
	 * @return the operation
	 */
	public RowOperation operation() {
		return this.operation;
	}

	/**
	 * Return the schema of the table.
	 * @return the name as the database has it
	 */
	public String schema() {
		return this.schema;
	}

	/**
	 * Return the table; the partitioned one, if the row is in a partition.
	 * @return the name as the database has it
	 */
	public String table() {
		return this.table;
	}

	/**
	 * Return the row as it was before.
	 * @return the row; {@code null} unless it was updated or deleted, or if the trigger
	 * leaves it out
	 */
	public @Nullable T oldRow() {
		return this.oldRow;
	}

	/**
	 * Return the row as it was after the change.
	 * @return the row; {@code null} if it was deleted
	 */
	public @Nullable T newRow() {
		return this.newRow;
	}

	/**
	 * Read the row as it was before as some type, whatever the declared one.
	 * @param <R> the type to read
	 * @param type the type to read
	 * @return the row; {@code null} unless it was updated or deleted, or if the trigger
	 * leaves it out
	 * @throws InvalidPayloadException if the row doesn't fit the type
	 */
	@SuppressWarnings("unchecked")
	public <R> @Nullable R oldRow(Class<R> type) {
		return (R) this.oldReader.apply(type);
	}

	/**
	 * Read the row as it was after the change as some type, whatever the declared one.
	 * @param <R> the type to read
	 * @param type the type to read
	 * @return the row; {@code null} if it was deleted
	 * @throws InvalidPayloadException if the row doesn't fit the type
	 */
	@SuppressWarnings("unchecked")
	public <R> @Nullable R newRow(Class<R> type) {
		return (R) this.newReader.apply(type);
	}

	@Override
	public String toString() {
		return name() + "[" + payload() + "]";
	}

}
