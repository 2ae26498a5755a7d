package io.pgconductor.execution;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

import io.pgconductor.jdbc.SqlErrors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionStatus;
import org.springframework.transaction.support.DefaultTransactionDefinition;

/**
 * Transactions of the application. Thread-safe.
 */
public final class ApplicationTransactions {

	private static final Logger logger = LoggerFactory.getLogger(ApplicationTransactions.class);

	private static final int MAX_TRIES = 10;

	private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

	private final PlatformTransactionManager transactionManager;

	public ApplicationTransactions(PlatformTransactionManager transactionManager) {
		this.transactionManager = transactionManager;
	}

	/**
	 * Do something in the active transaction, or in one of its own. One of its own is
	 * repeated after a serialization failure or a deadlock: the database has rolled all
	 * of it back, and says that another try can succeed.
	 * @param <T> the result's type
	 * @param <E> what the work may throw
	 * @param name names the transaction
	 * @param work what to do
	 * @return its result
	 * @throws E if the work throws it, or anything else: the transaction is rolled back
	 */
	<T, E extends Throwable> @Nullable T execute(String name, TransactionalWork<T, E> work) throws E {
		for (int tries = 1;; tries++) {
			DefaultTransactionDefinition definition = new DefaultTransactionDefinition();
			definition.setName("conductor." + name);
			TransactionStatus status = this.transactionManager.getTransaction(definition);
			boolean own = status.isNewTransaction();
			try {
				return run(status, own, work);
			}
			catch (RuntimeException | Error ex) {
				if (!own || tries == MAX_TRIES || !SqlErrors.isSerializationFailure(ex)) {
					throw ex;
				}
				logger.debug("{} is repeated after a serialization failure", name, ex);
				LockSupport.parkNanos(ThreadLocalRandom.current().nextLong(LONGEST_PAUSE_NANOS * tries / MAX_TRIES));
			}
		}
	}

	private <T, E extends Throwable> @Nullable T run(TransactionStatus status, boolean own,
			TransactionalWork<T, E> work) throws E {
		T result;
		try {
			result = work.run(own);
		}
		catch (Throwable ex) {
			rollBack(status, ex);
			throw ex;
		}
		this.transactionManager.commit(status);
		return result;
	}

	private void rollBack(TransactionStatus status, Throwable cause) {
		try {
			this.transactionManager.rollback(status);
		}
		catch (RuntimeException | Error ex) {
			cause.addSuppressed(ex);
		}
	}

	/**
	 * What is done in a transaction.
	 *
	 * @param <T> the result's type
	 * @param <E> what it may throw
	 */
	@FunctionalInterface
	interface TransactionalWork<T, E extends Throwable> {

		/**
		 * Do it.
		 * @param own whether the transaction ends with it
		 * @return the result
		 * @throws E any failure
		 */
		@Nullable T run(boolean own) throws E;

	}

}
