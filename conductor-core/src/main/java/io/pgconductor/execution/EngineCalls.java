package io.pgconductor.execution;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

import io.pgconductor.jdbc.SqlErrors;
import org.springframework.dao.DataAccessException;

/**
 * What an attempt asks of the database on the engine's connections: undisturbed by
 * interruptions, and patient while the database is out of reach.
 */
final class EngineCalls {

	private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);

	private static final long PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

	private final Attempt attempt;

	EngineCalls(Attempt attempt) {
		this.attempt = attempt;
	}

	<T> T call(Supplier<T> statement) {
		this.attempt.shield();
		try {
			long giveUpAtNanos = System.nanoTime() + PATIENCE_NANOS;
			while (true) {
				try {
					return statement.get();
				}
				catch (DataAccessException ex) {
					boolean transitory = SqlErrors.isConnectionFailure(ex) || SqlErrors.isLockTimeout(ex);
					if (!transitory || this.attempt.isLost() || System.nanoTime() - giveUpAtNanos >= 0) {
						throw ex;
					}
					LockSupport.parkNanos(PAUSE_NANOS);
				}
			}
		}
		finally {
			this.attempt.unshield();
		}
	}

}
