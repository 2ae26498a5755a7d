package io.pgconductor.test;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;

import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A database on a test server.
 *
 * @see TestPostgres#createDatabase()
 */
public final class TestDatabase implements AutoCloseable {

	private final String url;

	private final @Nullable String username;

	private final @Nullable String password;

	private final Runnable onClose;

	private TestDatabase(String url, @Nullable String username, @Nullable String password, Runnable onClose) {
		this.url = url;
		this.username = username;
		this.password = password;
		this.onClose = onClose;
	}

	static TestDatabase of(String url) {
		PGSimpleDataSource dataSource = new PGSimpleDataSource();
		dataSource.setUrl(url);
		return of(dataSource.getUrl(), dataSource.getUser(), dataSource.getPassword());
	}

	static TestDatabase of(String url, @Nullable String username, @Nullable String password) {
		return new TestDatabase(url, username, password, () -> {
		});
	}

	TestDatabase sibling(String name, Runnable onClose) {
		PGSimpleDataSource dataSource = dataSource();
		dataSource.setDatabaseName(name);
		return new TestDatabase(dataSource.getUrl(), this.username, this.password, onClose);
	}

	/**
	 * Give the name.
	 * @return the database's name
	 */
	public @Nullable String name() {
		return dataSource().getDatabaseName();
	}

	/**
	 * Give the JDBC URL.
	 * @return a URL that includes the credentials
	 */
	public String jdbcUrl() {
		StringBuilder result = new StringBuilder(this.url);
		appendParameter(result, "user", this.username);
		appendParameter(result, "password", this.password);
		return result.toString();
	}

	private static void appendParameter(StringBuilder url, String name, @Nullable String value) {
		if (value != null) {
			url.append((url.indexOf("?") < 0) ? '?' : '&').append(name).append('=');
			url.append(URLEncoder.encode(value, StandardCharsets.UTF_8));
		}
	}

	/**
	 * Give a data source.
	 * @return a data source that opens a connection each time it is asked for one
	 */
	public PGSimpleDataSource dataSource() {
		return dataSource(this.username, this.password);
	}

	/**
	 * Give a data source that connects as another role.
	 * @param username the role
	 * @param password its password
	 * @return a data source that opens a connection each time it is asked for one
	 */
	public PGSimpleDataSource dataSource(@Nullable String username, @Nullable String password) {
		PGSimpleDataSource result = new PGSimpleDataSource();
		result.setUrl(this.url);
		result.setUser(username);
		result.setPassword(password);
		return result;
	}

	/**
	 * Give the role that tests connect as.
	 * @return the name
	 */
	public @Nullable String username() {
		return this.username;
	}

	/**
	 * Give the password of that role.
	 * @return the password, {@code null} where none is needed
	 */
	public @Nullable String password() {
		return this.password;
	}

	/**
	 * Drop the database if it was created for one test, ending its sessions.
	 */
	@Override
	public void close() {
		this.onClose.run();
	}

}
