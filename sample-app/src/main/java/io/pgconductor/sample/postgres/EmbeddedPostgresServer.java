package io.pgconductor.sample.postgres;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.jdbc.autoconfigure.JdbcConnectionDetails;

/**
 * A PostgreSQL server on a directory of its own. Its data and the server itself outlive
 * this process when it is killed: the next one finds the server running and goes on with
 * it. So do several processes at once, and the last one stops the server.
 */
final class EmbeddedPostgresServer {

	private static final Logger logger = LoggerFactory.getLogger(EmbeddedPostgresServer.class);

	private static final Duration SESSIONS_END = Duration.ofSeconds(2);

	private final Postmaster postmaster;

	private final @Nullable EmbeddedPostgres started;

	private EmbeddedPostgresServer(Postmaster postmaster, @Nullable EmbeddedPostgres started) {
		this.postmaster = postmaster;
		this.started = started;
	}

	/**
	 * Start the server, or go on with the one that runs.
	 * @param directory where its data and its log are kept; created if need be
	 * @return the server, ready for connections
	 */
	static synchronized EmbeddedPostgresServer start(Path directory) {
		try {
			Path home = Files.createDirectories(directory.toAbsolutePath().normalize());
			try (FileChannel lock = FileChannel.open(home.resolve("lock"), StandardOpenOption.CREATE,
					StandardOpenOption.WRITE)) {
				// Of several processes that start together, only one may start the server
				lock.lock();
				return reuseOrStart(home);
			}
		}
		catch (IOException ex) {
			throw new UncheckedIOException("The embedded PostgreSQL cannot use the directory '" + directory
					+ "': set shop.postgres.directory to another one, or spring.datasource.url", ex);
		}
	}

	private static EmbeddedPostgresServer reuseOrStart(Path home) throws IOException {
		Path data = home.resolve("data");
		Optional<Postmaster> running = Postmaster.read(data).filter(Postmaster::awaitReady);
		if (running.isPresent()) {
			logger.info("Using the PostgreSQL that still runs at {}?user={} (data in {})", running.get().jdbcUrl(),
					Postmaster.USER, data);
			return new EmbeddedPostgresServer(running.get(), null);
		}
		Files.deleteIfExists(Postmaster.pidFile(data));
		return startNew(home, data);
	}

	private static EmbeddedPostgresServer startNew(Path home, Path data) throws IOException {
		File log = home.resolve("server.log").toFile();
		logger.info("Starting an embedded PostgreSQL, since spring.datasource.url is not set (data in {})", data);
		try {
			EmbeddedPostgres started = EmbeddedPostgres.builder()
				.setDataDirectory(data)
				.setCleanDataDirectory(false)
				// A shutdown hook would stop the server under the feet of the application
				.setRegisterShutdownHook(false)
				.setLocaleConfig("locale", "C")
				.setServerConfig("fsync", "on")
				.setServerConfig("synchronous_commit", "on")
				.setOutputRedirector(Redirect.appendTo(log))
				.setErrorRedirector(Redirect.appendTo(log))
				.start();
			Postmaster postmaster = Postmaster.read(data)
				.orElseThrow(() -> new IllegalStateException("There is no " + Postmaster.pidFile(data)));
			logger.info("PostgreSQL answers at {}?user={}", postmaster.jdbcUrl(), Postmaster.USER);
			return new EmbeddedPostgresServer(postmaster, started);
		}
		catch (IOException | RuntimeException ex) {
			throw new IllegalStateException("The embedded PostgreSQL could not be started, see " + log
					+ ". Set spring.datasource.url to use a server of your own, or delete " + data
					+ " to begin anew. As root it needs `unshare -U` to be allowed.", ex);
		}
	}

	JdbcConnectionDetails connectionDetails() {
		return new JdbcConnectionDetails() {

			@Override
			public String getJdbcUrl() {
				return EmbeddedPostgresServer.this.postmaster.jdbcUrl();
			}

			@Override
			public String getUsername() {
				return Postmaster.USER;
			}

			@Override
			public @Nullable String getPassword() {
				return null;
			}

		};
	}

	/**
	 * Stop the server unless another process still uses it.
	 */
	void stop() {
		if (isUsedByOthers()) {
			logger.info("PostgreSQL keeps running on port {}, since others are connected", this.postmaster.port());
		}
		else if (!stopServer()) {
			logger.warn("PostgreSQL (process id {}) does not stop", this.postmaster.pid());
		}
	}

	private boolean isUsedByOthers() {
		try {
			return !this.postmaster.awaitNoSessions(SESSIONS_END);
		}
		catch (SQLException ex) {
			logger.debug("PostgreSQL has stopped by itself", ex);
			return false;
		}
	}

	private boolean stopServer() {
		if (this.started == null) {
			return this.postmaster.stop();
		}
		try {
			this.started.close();
			return true;
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

}
