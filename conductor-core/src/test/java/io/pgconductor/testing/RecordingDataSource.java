package io.pgconductor.testing;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

import javax.sql.DataSource;

import org.springframework.jdbc.datasource.DelegatingDataSource;

/**
 * Keeps what prepared statements were executed.
 */
public final class RecordingDataSource extends DelegatingDataSource {

	private final List<Executed> executed = new CopyOnWriteArrayList<>();

	private record Executed(Thread thread, String sql) {
	}

	public RecordingDataSource(DataSource target) {
		super(target);
	}

	/**
	 * Return the statements that the current thread has executed since the last call of
	 * {@link #clear()}.
	 * @return the SQL of each, in order
	 */
	public List<String> executedHere() {
		return this.executed.stream()
			.filter((statement) -> statement.thread() == Thread.currentThread())
			.map(Executed::sql)
			.toList();
	}

	/**
	 * Return the statements that any thread has executed since the last call of
	 * {@link #clear()}.
	 * @param part what their SQL contains
	 * @return the SQL of each, in order
	 */
	public List<String> executed(String part) {
		return this.executed.stream().map(Executed::sql).filter((sql) -> sql.contains(part)).toList();
	}

	public void clear() {
		this.executed.clear();
	}

	@Override
	public Connection getConnection() throws SQLException {
		Connection connection = super.getConnection();
		return proxy(Connection.class, (proxy, method, arguments) -> {
			Object result = invoke(connection, method, arguments);
			return (result instanceof PreparedStatement statement) ? recording(statement, (String) arguments[0])
					: result;
		});
	}

	private PreparedStatement recording(PreparedStatement statement, String sql) {
		return proxy(PreparedStatement.class, (proxy, method, arguments) -> {
			if (method.getName().startsWith("execute")) {
				this.executed.add(new Executed(Thread.currentThread(), sql));
			}
			return invoke(statement, method, arguments);
		});
	}

	private static <T> T proxy(Class<T> type, InvocationHandler handler) {
		return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] { type }, handler));
	}

	private static Object invoke(Object target, Method method, Object[] arguments) throws Throwable {
		try {
			return method.invoke(target, arguments);
		}
		catch (InvocationTargetException ex) {
			throw ex.getCause();
		}
	}

}
