package io.pgconductor.jdbc;

import java.sql.Connection;
import java.sql.SQLException;

import javax.sql.DataSource;

import org.springframework.jdbc.datasource.DelegatingDataSource;

/**
 * Hands out connections on which each statement is a transaction of its own, whatever the
 * pool's default, and apart from any transaction bound to the thread for the target.
 */
public class AutocommitDataSource extends DelegatingDataSource {

	public AutocommitDataSource(DataSource target) {
		super(target);
	}

	@Override
	public Connection getConnection() throws SQLException {
		Connection connection = super.getConnection();
		try {
			if (!connection.getAutoCommit()) {
				connection.setAutoCommit(true);
			}
			prepare(connection);
			return connection;
		}
		catch (SQLException ex) {
			connection.close();
			throw ex;
		}
	}

	/**
	 * Make a connection ready for use.
	 * @param connection the connection
	 * @throws SQLException if it cannot be
	 */
	protected void prepare(Connection connection) throws SQLException {
	}

}
