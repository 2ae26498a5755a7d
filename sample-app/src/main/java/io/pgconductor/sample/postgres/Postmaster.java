package io.pgconductor.sample.postgres;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

import org.postgresql.ds.PGSimpleDataSource;

/**
 * The main process of a PostgreSQL server, as the pid file in its data directory tells.
 *
 * @param dataDirectory the server's data directory
 * @param pid the process id
 * @param port the port the server listens on
 */
record Postmaster(Path dataDirectory, long pid, int port) {

	static final String USER = "postgres";

	static final String DATABASE = "postgres";

	private static final int PID_LINE = 0;

	private static final int PORT_LINE = 3;

	private static final Duration TIMEOUT = Duration.ofSeconds(30);

	private static final Duration PAUSE = Duration.ofMillis(100);

	/**
	 * Read the pid file of a data directory.
	 * @param dataDirectory the data directory
	 * @return what it says, be the process alive or not; empty if there is no file, or
	 * none that can be understood
	 * @throws IOException if the file cannot be read
	 */
	static Optional<Postmaster> read(Path dataDirectory) throws IOException {
		try {
			List<String> lines = Files.readAllLines(pidFile(dataDirectory));
			if (lines.size() <= PORT_LINE) {
				return Optional.empty();
			}
			return Optional.of(new Postmaster(dataDirectory, Long.parseLong(lines.get(PID_LINE).trim()),
					Integer.parseInt(lines.get(PORT_LINE).trim())));
		}
		catch (NoSuchFileException | NumberFormatException ex) {
			return Optional.empty();
		}
	}

	static Path pidFile(Path dataDirectory) {
		return dataDirectory.resolve("postmaster.pid");
	}

	String jdbcUrl() {
		return "jdbc:postgresql://localhost:" + this.port + "/" + DATABASE;
	}

	/**
	 * Wait until the server accepts connections, which can take a while if it recovers
	 * from a crash.
	 * @return whether it does; {@code false} if the process is gone, or is not a server
	 * @throws IllegalStateException if it is alive and doesn't answer
	 */
	boolean awaitReady() {
		long deadline = System.nanoTime() + TIMEOUT.toNanos();
		while (!servesDataDirectory()) {
			if (!isAlive()) {
				return false;
			}
			if (System.nanoTime() > deadline) {
				throw new IllegalStateException("The PostgreSQL server with process id %d holds %s but doesn't answer "
					.formatted(this.pid, this.dataDirectory) + "on port %d: stop it".formatted(this.port));
			}
			pause();
		}
		return true;
	}

	/**
	 * After a restart of the machine or container the id may belong to any process. One
	 * without a command has exited, and its parent has not taken notice.
	 */
	private boolean isAlive() {
		return ProcessHandle.of(this.pid)
			.filter(ProcessHandle::isAlive)
			.filter((process) -> process.info().command().filter(Postmaster::isPostgres).isPresent())
			.isPresent();
	}

	private static boolean isPostgres(String command) {
		return Path.of(command).getFileName().toString().startsWith("postgres");
	}

	private boolean servesDataDirectory() {
		try (Connection connection = connect();
				Statement statement = connection.createStatement();
				ResultSet resultSet = statement.executeQuery("show data_directory")) {
			return resultSet.next() && Files.isSameFile(Path.of(resultSet.getString(1)), this.dataDirectory);
		}
		catch (SQLException | IOException ex) {
			return false;
		}
	}

	/**
	 * Wait until nobody is connected: the sessions of a pool end a moment after the pool
	 * was closed.
	 * @param timeout how long to wait
	 * @return whether there are no sessions besides the one that asks
	 * @throws SQLException if the server doesn't answer
	 */
	boolean awaitNoSessions(Duration timeout) throws SQLException {
		long deadline = System.nanoTime() + timeout.toNanos();
		while (hasSessions()) {
			if (System.nanoTime() > deadline) {
				return false;
			}
			pause();
		}
		return true;
	}

	private boolean hasSessions() throws SQLException {
		try (Connection connection = connect();
				Statement statement = connection.createStatement();
				ResultSet resultSet = statement.executeQuery("""
						select exists (
							select from pg_stat_activity
							where backend_type = 'client backend' and pid <> pg_backend_pid())
						""")) {
			return resultSet.next() && resultSet.getBoolean(1);
		}
	}

	private Connection connect() throws SQLException {
		PGSimpleDataSource dataSource = new PGSimpleDataSource();
		dataSource.setUrl(jdbcUrl());
		dataSource.setUser(USER);
		dataSource.setConnectTimeout(5);
		dataSource.setSocketTimeout(5);
		return dataSource.getConnection();
	}

	/**
	 * Tell the server to stop and wait until it has.
	 * @return whether it has stopped in time
	 */
	boolean stop() {
		ProcessHandle.of(this.pid).ifPresent(ProcessHandle::destroy);
		long deadline = System.nanoTime() + TIMEOUT.toNanos();
		while (isAlive()) {
			if (System.nanoTime() > deadline) {
				return false;
			}
			pause();
		}
		return true;
	}

	private static void pause() {
		try {
			Thread.sleep(PAUSE.toMillis());
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new IllegalStateException("Interrupted while waiting for PostgreSQL", ex);
		}
	}

}
