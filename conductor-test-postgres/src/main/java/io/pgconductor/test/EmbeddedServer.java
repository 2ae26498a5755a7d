package io.pgconductor.test;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import org.jspecify.annotations.Nullable;

/**
 * An embedded PostgreSQL server that can be stopped and started again, on the same port
 * and with the same data. Stopping it ends all its sessions, as an operator's restart
 * does.
 *
 * @see TestPostgres#startSeparate()
 */
public final class EmbeddedServer implements AutoCloseable {

	private static final String USER = "postgres";

	private final Path directory;

	private int port;

	private @Nullable EmbeddedPostgres server;

	private EmbeddedServer(Path directory) {
		this.directory = directory;
	}

	static EmbeddedServer create() {
		try {
			EmbeddedServer server = new EmbeddedServer(Files.createTempDirectory("conductor-test-postgres"));
			Runtime.getRuntime().addShutdownHook(new Thread(server::close));
			server.start();
			return server;
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/**
	 * Give the server's database, at the same address before and after a restart.
	 * @return the database
	 */
	public TestDatabase database() {
		return TestDatabase.of("jdbc:postgresql://localhost:" + this.port + "/postgres", USER, null);
	}

	/**
	 * Start the server again.
	 */
	public synchronized void start() {
		if (this.server != null) {
			return;
		}
		File log = this.directory.resolve("server.log").toFile();
		EmbeddedPostgres.Builder builder = EmbeddedPostgres.builder()
			.setDataDirectory(this.directory.resolve("data"))
			.setCleanDataDirectory(false)
			.setRegisterShutdownHook(false)
			.setLocaleConfig("locale", "C")
			.setServerConfig("max_connections", String.valueOf(TestPostgres.MAX_CONNECTIONS))
			.setServerConfig("synchronous_commit", "on")
			.setOutputRedirector(Redirect.appendTo(log))
			.setErrorRedirector(Redirect.appendTo(log));
		if (this.port > 0) {
			builder.setPort(this.port);
		}
		try {
			this.server = builder.start();
			this.port = this.server.getPort();
		}
		catch (IOException | RuntimeException ex) {
			throw new IllegalStateException("The embedded PostgreSQL could not be started: " + ex.getMessage() + "\n"
					+ read(log.toPath())
					+ "\nAs root it needs `unshare -U` to be allowed. Start a Docker engine, or set "
					+ TestPostgres.URL_VARIABLE + " to the JDBC URL, credentials included, of a server on which tests"
					+ " may create databases and roles.", ex);
		}
	}

	private static String read(Path log) {
		try {
			return Files.readString(log).strip();
		}
		catch (IOException ex) {
			return "(its output cannot be read: " + ex + ")";
		}
	}

	/**
	 * Stop the server. Its sessions end, its data stay.
	 */
	public synchronized void stop() {
		if (this.server == null) {
			return;
		}
		try {
			this.server.close();
			this.server = null;
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/**
	 * Stop the server for good and delete its data.
	 */
	@Override
	public void close() {
		stop();
		try (Stream<Path> files = Files.walk(this.directory)) {
			files.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
		}
		catch (IOException | UncheckedIOException ex) {
			// Already deleted, or in the hands of the server's last process
		}
	}

}
