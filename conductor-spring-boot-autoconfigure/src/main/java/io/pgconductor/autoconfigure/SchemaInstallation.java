package io.pgconductor.autoconfigure;

import java.time.Duration;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.dao.DataAccessResourceFailureException;

/**
 * Makes sure that a client-only application has the schema, also if the database can be
 * reached only some time after the start.
 */
final class SchemaInstallation implements SmartLifecycle {

	private static final Logger logger = LoggerFactory.getLogger(SchemaInstallation.class);

	private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);

	private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

	private final Runnable installation;

	private @Nullable Thread retries;

	private volatile boolean running;

	private volatile @Nullable String problem;

	SchemaInstallation(Runnable installation) {
		this.installation = installation;
	}

	/**
	 * Install the schema if the database can be reached.
	 * @param installation installs it
	 * @return what is in the way, {@code null} if nothing is
	 */
	static @Nullable String attempt(Runnable installation) {
		try {
			installation.run();
			return null;
		}
		catch (DataAccessResourceFailureException ex) {
			logger.warn("The database cannot be used yet, Conductor will try again: {}", ex.getMessage());
			return String.valueOf(ex.getMessage());
		}
	}

	@Override
	public synchronized void start() {
		if (this.running) {
			return;
		}
		this.problem = attempt(this.installation);
		this.running = true;
		if (this.problem != null) {
			this.retries = new Thread(this::retry, "conductor-schema");
			this.retries.setDaemon(true);
			this.retries.start();
		}
	}

	private void retry() {
		Duration pause = FIRST_PAUSE;
		while (this.running && this.problem != null) {
			try {
				Thread.sleep(pause.toMillis());
				pause = (pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0) ? pause.multipliedBy(2) : LONGEST_PAUSE;
				this.problem = attempt(this.installation);
			}
			catch (InterruptedException ex) {
				return;
			}
			catch (RuntimeException ex) {
				String message = String.valueOf(ex.getMessage());
				if (!message.equals(this.problem)) {
					logger.error("Conductor's schema cannot be used", ex);
				}
				this.problem = message;
			}
		}
	}

	@Override
	public synchronized void stop() {
		this.running = false;
		if (this.retries != null) {
			this.retries.interrupt();
			this.retries = null;
		}
	}

	@Override
	public boolean isRunning() {
		return this.running;
	}

}
