package io.pgconductor.jdbc;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;

import javax.sql.DataSource;

import org.springframework.jdbc.datasource.DelegatingDataSource;

/**
 * Asks PostgreSQL for the plan of each prepared statement, with its parameters, before it
 * is executed.
 */
final class ExplainingDataSource extends DelegatingDataSource {

	private final List<String> plans = new ArrayList<>();

	ExplainingDataSource(DataSource target) {
		super(target);
	}

	/**
	 * Return the plan of the statement that was executed last.
	 */
	String lastPlan() {
		return this.plans.get(this.plans.size() - 1);
	}

	@Override
	public Connection getConnection() throws SQLException {
		Connection connection = super.getConnection();
		return proxy(Connection.class, (proxy, method, arguments) -> {
			Object result = invoke(connection, method, arguments);
			if (result instanceof PreparedStatement statement && !((String) arguments[0]).startsWith("set ")) {
				return explaining(statement, connection.prepareStatement("explain " + arguments[0]));
			}
			return result;
		});
	}

	private PreparedStatement explaining(PreparedStatement statement, PreparedStatement explain) {
		return proxy(PreparedStatement.class, (proxy, method, arguments) -> {
			if (method.getName().startsWith("execute")) {
				this.plans.add(plan(explain));
			}
			else if (method.getName().startsWith("set") || method.getName().equals("close")) {
				invoke(explain, method, arguments);
			}
			return invoke(statement, method, arguments);
		});
	}

	private static String plan(PreparedStatement explain) throws SQLException {
		StringBuilder plan = new StringBuilder();
		try (ResultSet lines = explain.executeQuery()) {
			while (lines.next()) {
				plan.append(lines.getString(1)).append('\n');
			}
		}
		return plan.toString();
	}

	private static Object invoke(Object target, Method method, Object[] arguments) throws Throwable {
		try {
			return method.invoke(target, arguments);
		}
		catch (InvocationTargetException ex) {
			throw ex.getCause();
		}
	}

	private static <T> T proxy(Class<T> type, InvocationHandler handler) {
		return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] { type }, handler));
	}

}
