package io.pgconductor.benchmark;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

import javax.sql.DataSource;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.AbstractDataSource;

/**
 * A statement of the engine with its parameters, taken down from the engine itself, so
 * that a bare loop runs the same one whatever becomes of it.
 */
final class RecordedStatement {

	private String sql = "";

	private final Map<Integer, Object> parameters = new TreeMap<>();

	private RecordedStatement() {
	}

	/**
	 * The columns of a batch, as the engine passes them.
	 *
	 * @param type the elements' type
	 * @param elements the elements
	 */
	private record Column(String type, Object[] elements) {
	}

	/**
	 * Thrown where the statement would be executed.
	 */
	private static final class Recorded extends RuntimeException {

	}

	/**
	 * Replaces recorded parameters by those of an actual run.
	 */
	interface Values {

		/**
		 * Return what takes the place of a value.
		 * @param recorded the value that was recorded
		 * @return the actual value
		 */
		Object scalar(Object recorded);

		/**
		 * Return what takes the place of a batch of one row.
		 * @param recorded the row's value
		 * @return the values of all rows
		 */
		@Nullable Object[] column(@Nullable Object recorded);

		/**
		 * Return the values of a run with one row.
		 * @param byStandIn what takes the place of what was recorded; other values stay
		 * @return the values
		 */
		static Values of(Map<?, ?> byStandIn) {
			return new Values() {

				@Override
				public Object scalar(Object recorded) {
					Object actual = byStandIn.get(recorded);
					return (actual != null) ? actual : recorded;
				}

				@Override
				public @Nullable Object[] column(@Nullable Object recorded) {
					return new @Nullable Object[] { (recorded != null) ? scalar(recorded) : null };
				}

			};
		}

	}

	/**
	 * Take down the statement that some code of the engine executes first.
	 * @param call calls that code with a client; it does not reach a database
	 * @return the statement
	 */
	static RecordedStatement of(Consumer<JdbcClient> call) {
		RecordedStatement statement = new RecordedStatement();
		try {
			call.accept(JdbcClient.create(statement.dataSource()));
		}
		catch (Recorded ex) {
			return statement;
		}
		throw new IllegalStateException("No statement was executed");
	}

	private DataSource dataSource() {
		return new AbstractDataSource() {

			@Override
			public Connection getConnection() {
				return connection();
			}

			@Override
			public Connection getConnection(String username, String password) {
				return connection();
			}

		};
	}

	private Connection connection() {
		return proxy(Connection.class, (proxy, method, args) -> switch (method.getName()) {
			case "prepareStatement" -> {
				this.sql = (String) args[0];
				yield preparedStatement();
			}
			case "createArrayOf" -> {
				Column column = new Column((String) args[0], (Object[]) args[1]);
				yield proxy(Array.class, (array, arrayMethod, arrayArgs) -> switch (arrayMethod.getName()) {
					case "getArray" -> column.elements();
					case "getBaseTypeName" -> column.type();
					default -> null;
				});
			}
			case "getAutoCommit" -> true;
			default -> null;
		});
	}

	private PreparedStatement preparedStatement() {
		return proxy(PreparedStatement.class, (proxy, method, args) -> {
			if (method.getName().equals("getConnection")) {
				return connection();
			}
			if (method.getName().startsWith("execute")) {
				throw new Recorded();
			}
			if (method.getName().startsWith("set") && args.length > 1 && args[0] instanceof Integer index) {
				Object value = (args[1] instanceof Array array)
						? new Column(array.getBaseTypeName(), (Object[]) array.getArray()) : args[1];
				this.parameters.put(index, value);
			}
			return null;
		});
	}

	private static <T> T proxy(Class<T> type, InvocationHandler handler) {
		return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] { type }, handler));
	}

	String sql() {
		return this.sql;
	}

	/**
	 * Set the parameters of a run.
	 * @param statement prepared from this one's SQL
	 * @param values the run's values
	 * @throws SQLException if one cannot be set
	 */
	void bind(PreparedStatement statement, Values values) throws SQLException {
		for (Map.Entry<Integer, Object> parameter : this.parameters.entrySet()) {
			if (parameter.getValue() instanceof Column column) {
				Object[] elements = (column.elements().length == 1) ? values.column(column.elements()[0])
						: column.elements();
				statement.setArray(parameter.getKey(),
						statement.getConnection().createArrayOf(column.type(), elements));
			}
			else {
				statement.setObject(parameter.getKey(), values.scalar(parameter.getValue()));
			}
		}
	}

}
