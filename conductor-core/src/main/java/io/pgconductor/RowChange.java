package io.pgconductor;

import java.lang.reflect.Type;
import java.util.Locale;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;
import org.springframework.core.ParameterizedTypeReference;

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

	private final Function<Type, @Nullable Object> oldReader;

	private final Function<Type, @Nullable Object> newReader;

	private final @Nullable Type rowType;

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
		this(operation, schema, table, Object.class, (type) -> oldRow, (type) -> newRow);
	}

	/**
	 * Create a change whose rows are read. The payload is read at once, another row when
	 * it is asked for.
	 * @param operation what has become of the row
	 * @param schema the schema of the table
	 * @param table the table
	 * @param rowType the type to read rows as; {@code null}: none is read unless as
	 * another type
	 * @param oldReader reads the row before as some type
	 * @param newReader reads the row after as some type
	 */
	public RowChange(RowOperation operation, String schema, String table, @Nullable Type rowType,
			Function<Type, @Nullable Object> oldReader, Function<Type, @Nullable Object> newReader) {
		super(read(newest(operation, oldReader, newReader), rowType), newest(operation, oldReader, newReader));
		this.operation = operation;
		this.schema = schema;
		this.table = table;
		this.rowType = rowType;
		this.oldReader = oldReader;
		this.newReader = newReader;
	}

	private static Function<Type, @Nullable Object> newest(RowOperation operation,
			Function<Type, @Nullable Object> oldReader, Function<Type, @Nullable Object> newReader) {
		return (operation == RowOperation.DELETE) ? oldReader : newReader;
	}

	@SuppressWarnings("unchecked")
	private static <T> @Nullable T read(Function<Type, @Nullable Object> reader, @Nullable Type type) {
		return (type != null) ? (T) reader.apply(type) : null;
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
	 * @throws InvalidPayloadException if the row doesn't fit the type
	 */
	public @Nullable T oldRow() {
		return (this.operation == RowOperation.DELETE) ? payload() : read(this.oldReader, this.rowType);
	}

	/**
	 * Return the row as it was after the change.
	 * @return the row; {@code null} if it was deleted
	 */
	public @Nullable T newRow() {
		return (this.operation == RowOperation.DELETE) ? null : payload();
	}

	/**
	 * Read the row as it was before as some type, whatever the declared one.
	 * @param <R> the type to read
	 * @param type the type to read
	 * @return the row; {@code null} unless it was updated or deleted, or if the trigger
	 * leaves it out
	 * @throws InvalidPayloadException if the row doesn't fit the type
	 */
	public <R> @Nullable R oldRow(Class<R> type) {
		return read(this.oldReader, type);
	}

	/**
	 * Read the row as it was before as some generic type, whatever the declared one.
	 * @param <R> the type to read
	 * @param type the type to read
	 * @return the row; {@code null} unless it was updated or deleted, or if the trigger
	 * leaves it out
	 * @throws InvalidPayloadException if the row doesn't fit the type
	 */
	public <R> @Nullable R oldRow(ParameterizedTypeReference<R> type) {
		return read(this.oldReader, type.getType());
	}

	/**
	 * Read the row as it was after the change as some type, whatever the declared one.
	 * @param <R> the type to read
	 * @param type the type to read
	 * @return the row; {@code null} if it was deleted
	 * @throws InvalidPayloadException if the row doesn't fit the type
	 */
	public <R> @Nullable R newRow(Class<R> type) {
		return read(this.newReader, type);
	}

	/**
	 * Read the row as it was after the change as some generic type, whatever the declared
	 * one.
	 * @param <R> the type to read
	 * @param type the type to read
	 * @return the row; {@code null} if it was deleted
	 * @throws InvalidPayloadException if the row doesn't fit the type
	 */
	public <R> @Nullable R newRow(ParameterizedTypeReference<R> type) {
		return read(this.newReader, type.getType());
	}

	@Override
	public String toString() {
		return name() + "[" + payload() + "]";
	}

}
