package io.pgconductor.client;

import java.util.function.Function;

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
 */
record ReplayLoop(String call, boolean joined) {

	private static final Logger logger = LoggerFactory.getLogger(ReplayLoop.class);

	/**
	 * Does something in the database.
	 */
	interface Writer {

		RowReplays.Progress write(Function<RowReplays, RowReplays.Progress> step);

	}

	long run(Writer writer, String task, RowReplay rows) {
		RowReplays.Progress progress = writer.write((replays) -> replays.begin(task, rows));
		while (!progress.complete()) {
			progress = next(writer, progress);
		}
		logger.debug("The {} has enqueued {} executions", this.call, progress.enqueued());
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
