package io.pgconductor.testing;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicInteger;

import javax.sql.DataSource;

import org.springframework.jdbc.datasource.DelegatingDataSource;

/**
 * Loses the answers to some statements: they are executed, and then the connection
 * breaks. And gives no connections if it is told so.
 */
public final class UnreliableDataSource extends DelegatingDataSource {

	private final String part;

	private final AtomicInteger toLose = new AtomicInteger();

	private final AtomicInteger lost = new AtomicInteger();

	private volatile Callable<? extends Throwable> failure = () -> new SQLException("The answer is lost", "08006");

	private volatile Callable<?> onConnect = () -> true;

	private volatile Callable<?> onExecute = () -> true;

	/**
	 * Create it.
	 * @param target gives the connections
	 * @param part what the SQL of the statements contains whose answers get lost
	 */
	public UnreliableDataSource(DataSource target, String part) {
		super(target);
		this.part = part;
	}

	/**
	 * Lose the next answers.
	 * @param count how many
	 */
	public void lose(int count) {
		this.toLose.addAndGet(count);
	}

	/**
	 * Lose answers in another way.
	 * @param failure what is thrown instead
	 */
	public void failWith(Callable<? extends Throwable> failure) {
		this.failure = failure;
	}

	/**
	 * Return how many answers were lost.
	 * @return the number
	 */
	public int lost() {
		return this.lost.get();
	}

	/**
	 * Do something whenever a connection is asked for.
	 * @param action may throw, or wait
	 */
	public void onConnect(Callable<?> action) {
		this.onConnect = action;
	}

	/**
	 * Do something before each of the statements whose answers can get lost.
	 * @param action may throw, or wait
	 */
	public void onExecute(Callable<?> action) {
		this.onExecute = action;
	}

	@Override
	public Connection getConnection() throws SQLException {
		try {
			this.onConnect.call();
		}
		catch (Exception ex) {
			throw new SQLTransientConnectionException("No connection can be had", ex);
		}
		Connection connection = super.getConnection();
		return proxy(Connection.class, connection, (proxy, method, arguments) -> {
			Object result = invoke(connection, method, arguments);
			return (method.getName().equals("prepareStatement") && ((String) arguments[0]).contains(this.part))
					? statement(connection, (PreparedStatement) result) : result;
		});
	}

	private PreparedStatement statement(Connection connection, PreparedStatement statement) {
		return proxy(PreparedStatement.class, statement, (proxy, method, arguments) -> {
			if (method.getName().startsWith("execute")) {
				this.onExecute.call();
			}
			Object result = invoke(statement, method, arguments);
			if (method.getName().startsWith("execute") && this.toLose.getAndUpdate((n) -> Math.max(0, n - 1)) > 0) {
				Throwable thrown = this.failure.call();
				connection.abort(Runnable::run);
				this.lost.incrementAndGet();
				throw thrown;
			}
			return result;
		});
	}

	private static <T> T proxy(Class<T> type, T target, InvocationHandler handler) {
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
