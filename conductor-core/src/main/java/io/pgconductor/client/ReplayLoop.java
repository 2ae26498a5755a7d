package io.pgconductor.client;

import java.time.Duration;
import java.util.function.Function;
import java.util.function.LongSupplier;

import io.pgconductor.ConductorException;
import io.pgconductor.RowReplay;
import io.pgconductor.jdbc.RowReplays;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

/**
 * Replays rows, batch by batch.
 *
 * @param call names the call in messages
 * @param joined whether all batches are parts of one transaction; else each is one
 * @param nanoTime measures how long it takes
 */
record ReplayLoop(String call, boolean joined, LongSupplier nanoTime) {

	private static final Duration REPORT_INTERVAL = Duration.ofSeconds(30);

	private static final Logger logger = LoggerFactory.getLogger(ReplayLoop.class);

	/**
	 * Does something in the database.
	 */
	interface Writer {

		RowReplays.Progress write(Function<RowReplays, RowReplays.Progress> step);

	}

	long run(Writer writer, String task, RowReplay rows) {
		long begin = this.nanoTime.getAsLong();
		long reported = begin;
		RowReplays.Progress progress = writer.write((replays) -> replays.begin(task, rows));
		int batches = 0;
		for (; !progress.complete(); batches++) {
			progress = next(writer, progress);
			long now = this.nanoTime.getAsLong();
			if (now - reported >= REPORT_INTERVAL.toNanos() && !progress.complete()) {
				reported = now;
				logger.info("The {} has enqueued {} executions so far, and goes on with the rows where {}", this.call,
						progress.enqueued(), progress.rest());
			}
		}
		if (batches > 1) {
			logger.info("The {} has enqueued {} executions in {} s", this.call, progress.enqueued(),
					Duration.ofNanos(this.nanoTime.getAsLong() - begin).toSeconds());
		}
		return progress.enqueued();
	}

	private RowReplays.Progress next(Writer writer, RowReplays.Progress progress) {
		if (Thread.currentThread().isInterrupted()) {
			throw brokenOff(progress, new InterruptedException("the thread was interrupted"));
		}
		try {
			return writer.write((replays) -> replays.next(progress));
		}
		catch (DataAccessException | ConductorException | IllegalArgumentException ex) {
			// What is still to be rolled back needs no going on from there
			throw (this.joined || progress.enqueued() == 0) ? ex : brokenOff(progress, ex);
		}
	}

	private ConductorException brokenOff(RowReplays.Progress progress, Exception cause) {
		return new ConductorException(
				"The " + this.call + " broke off when it had enqueued " + progress.enqueued() + " executions"
						+ ((progress.key() != null && !this.joined)
								? "; they stay, and it can go on with the rows where " + progress.rest() : "")
						+ ": " + cause.getMessage(),
				cause);
	}

}
