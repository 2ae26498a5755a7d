package io.pgconductor.codegen;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Objects;

import io.pgconductor.task.JsonMapping;
import io.pgconductor.test.TestPostgres;
import org.jspecify.annotations.Nullable;

/**
 * A schema to generate types from, and what the tests do with them.
 */
final class GeneratorDatabase implements AutoCloseable {

	static final String PACKAGE = "com.example.rows";

	private static final JsonMapping JSON = new JsonMapping(JsonMapping.mapperBuilder().build(), 1_000_000);

	private final String schema;

	GeneratorDatabase(Class<?> testClass) {
		this.schema = TestPostgres.shared().uniqueSchema(testClass);
		reset();
	}

	String schema() {
		return this.schema;
	}

	String url() {
		return TestPostgres.shared().jdbcUrl();
	}

	void reset() {
		execute("drop schema if exists ${s} cascade", "create schema ${s}");
	}

	void execute(String... statements) {
		try (Connection connection = connect(); Statement statement = connection.createStatement()) {
			for (String sql : statements) {
				statement.execute(sql.replace("${s}", this.schema));
			}
		}
		catch (SQLException ex) {
			throw new IllegalStateException(ex);
		}
	}

	String query(String sql) {
		try (Connection connection = connect(); Statement statement = connection.createStatement()) {
			// As row changes are captured
			statement.execute("set intervalstyle = iso_8601");
			try (ResultSet rows = statement.executeQuery(sql.replace("${s}", this.schema))) {
				rows.next();
				return rows.getString(1);
			}
		}
		catch (SQLException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private Connection connect() throws SQLException {
		return TestPostgres.shared().dataSource().getConnection();
	}

	RowTypeGenerator generator(Path output) {
		return RowTypeGenerator.builder().url(url()).schemas(this.schema).packageName(PACKAGE).output(output).build();
	}

	static Path folder(Path output) {
		return output.resolve("com/example/rows");
	}

	static String source(Path output, String type) {
		try {
			return Files.readString(folder(output).resolve(type + ".java"));
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/**
	 * Read a row as Conductor does.
	 * @param table the table, with a schema
	 * @param condition on its columns
	 * @param type the type to read it as
	 * @return the row
	 */
	Object row(String table, String condition, Class<?> type) {
		String json = query("select json_build_object('new', to_jsonb(t)) from " + table + " t where " + condition);
		return Objects.requireNonNull(JSON.readRows(json, "payload").newRow(type));
	}

	static @Nullable Object get(Object row, String component) {
		try {
			return row.getClass().getMethod(component).invoke(row);
		}
		catch (NoSuchMethodException | IllegalAccessException | InvocationTargetException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@Override
	public void close() {
		execute("drop schema ${s} cascade");
	}

}
