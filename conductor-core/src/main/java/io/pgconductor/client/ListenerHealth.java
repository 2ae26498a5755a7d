package io.pgconductor.client;

import java.util.concurrent.TimeUnit;

import io.pgconductor.jdbc.SqlErrors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.dao.TransientDataAccessException;

/**
 * Whether executions can be awaited at the moment, why not, and when to try again.
 */
final class ListenerHealth {

	private static final Logger logger = LoggerFactory.getLogger(ListenerHealth.class);

	private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

	private static final long LONGEST_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

	private volatile @Nullable Throwable failure;

	private int failures;

	/**
	 * Return why nobody knows at the moment.
	 * @return what keeps failing, {@code null} if nothing does
	 */
	@Nullable Throwable failure() {
		return this.failure;
	}

	/**
	 * Tell failures that pass from those that other tries will not mend.
	 * @param failure what failed
	 * @return whether it is worth another try
	 */
	static boolean isPassing(Throwable failure) {
		return failure instanceof TransientDataAccessException || SqlErrors.isConnectionFailure(failure);
	}

	/**
	 * Something has failed.
	 * @param ex what
	 * @return how long to wait before the next try, in nanoseconds
	 */
	long failed(Throwable ex) {
		logger.debug("Executions cannot be awaited at the moment", ex);
		this.failure = ex;
		this.failures++;
		if (this.failures == 1) {
			// Of a connection that was closed meanwhile, perhaps: another is had at once
			return 0;
		}
		if (this.failures == 2) {
			logger.warn("Executions cannot be awaited at the moment, which is tried again until it works: {}",
					NestedExceptionUtils.getMostSpecificCause(ex).toString());
		}
		return Math.min(FIRST_PAUSE_NANOS << Math.min(this.failures - 2, 10), LONGEST_PAUSE_NANOS);
	}

	/**
	 * Something has worked.
	 */
	void works() {
		if (this.failures > 1) {
			logger.info("Executions can be awaited again");
		}
		reset();
	}

	/**
	 * Nobody wants to know any more.
	 */
	void reset() {
		this.failures = 0;
		this.failure = null;
	}

}
