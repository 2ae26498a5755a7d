package io.pgconductor.jdbc;

import java.sql.Array;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.support.SqlArrayValue;

/**
 * Columns of a batch, as array parameters.
 */
final class SqlArrays {

	private SqlArrays() {
	}

	static <T> SqlArrayValue column(String elementType, Collection<T> rows, Function<T, @Nullable Object> value) {
		return new SqlArrayValue(elementType, rows.stream().map(value).toArray());
	}

	static SqlArrayValue of(String elementType, Collection<?> values) {
		return new SqlArrayValue(elementType, values.toArray());
	}

	static SqlArrayValue texts(Collection<String> values) {
		return new SqlArrayValue("text", (Object[]) values.toArray(String[]::new));
	}

	static <T> SqlArrayValue texts(Collection<T> rows, Function<T, @Nullable String> value) {
		return new SqlArrayValue("text", (Object[]) rows.stream().map(value).toArray(String[]::new));
	}

	static <T> SqlArrayValue ints(Collection<T> rows, Function<T, @Nullable Integer> value) {
		return new SqlArrayValue("int4", (Object[]) rows.stream().map(value).toArray(Integer[]::new));
	}

	/**
	 * Read an array.
	 * @param <T> the type of its elements
	 * @param rs the row
	 * @param column the column
	 * @param type the type of the array
	 * @return its elements, empty if it is null; modifiable
	 * @throws SQLException if it cannot be read
	 */
	static <T> Set<T> set(ResultSet rs, String column, Class<T[]> type) throws SQLException {
		Array array = rs.getArray(column);
		return (array != null) ? new HashSet<>(List.of(type.cast(array.getArray()))) : new HashSet<>();
	}

}
