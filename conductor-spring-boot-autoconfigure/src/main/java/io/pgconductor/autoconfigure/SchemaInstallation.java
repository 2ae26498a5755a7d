package io.pgconductor.autoconfigure;

import java.time.Duration;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.core.NestedExceptionUtils;
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
			logger.debug("The database cannot be used yet", ex);
			return ex.getMessage() + ": " + NestedExceptionUtils.getMostSpecificCause(ex).getMessage();
		}
	}

	@Override
	public synchronized void start() {
		if (this.running) {
			return;
		}
		String problem = attempt(this.installation);
		this.running = true;
		if (problem != null) {
			logger.warn("The database cannot be used yet, the schema is looked for until it can be. {}", problem);
			this.retries = new Thread(() -> retry(problem), "conductor-schema");
			this.retries.setDaemon(true);
			this.retries.start();
		}
	}

	private void retry(String firstProblem) {
		String problem = firstProblem;
		Duration pause = FIRST_PAUSE;
		while (this.running && problem != null) {
			try {
				Thread.sleep(pause.toMillis());
			}
			catch (InterruptedException ex) {
				return;
			}
			pause = (pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0) ? pause.multipliedBy(2) : LONGEST_PAUSE;
			problem = attemptAgain(problem);
		}
	}

	private @Nullable String attemptAgain(String lastProblem) {
		try {
			String problem = attempt(this.installation);
			if (problem == null) {
				logger.info("The database can be used now");
			}
			return problem;
		}
		catch (RuntimeException ex) {
			String problem = String.valueOf(ex.getMessage());
			if (!problem.equals(lastProblem)) {
				logger.error("The schema cannot be used: {}", problem, ex);
			}
			return problem;
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
