package io.pgconductor.client;

import java.util.List;

import javax.sql.DataSource;

import io.pgconductor.ConductorException;
import org.jspecify.annotations.Nullable;
import org.springframework.core.Ordered;
import org.springframework.jdbc.datasource.ConnectionHolder;
import org.springframework.transaction.ConfigurableTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionExecution;
import org.springframework.transaction.TransactionExecutionListener;
import org.springframework.transaction.support.ResourceTransactionManager;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * Tells whether a client call is to join the transaction of its thread.
 */
final class ClientTransactions {

	private final DataSource dataSource;

	private final ForeignTransaction foreignTransaction;

	private final boolean global;

	/**
	 * Create it.
	 * @param dataSource whose transactions are joined
	 * @param transactionManager of that data source, if known: then calls that are made
	 * in an after-commit callback, where the transaction still seems to be active, are
	 * told from those that were made before
	 * @param foreignTransaction what to do in a transaction of something else
	 */
	ClientTransactions(DataSource dataSource, @Nullable PlatformTransactionManager transactionManager,
			ForeignTransaction foreignTransaction) {
		this.dataSource = dataSource;
		this.foreignTransaction = foreignTransaction;
		this.global = transactionManager != null && !(transactionManager instanceof ResourceTransactionManager);
		if (transactionManager instanceof ConfigurableTransactionManager configurable) {
			configurable.addListener(new CommitMarking());
		}
	}

	/**
	 * Return whether a reading call joins the transaction of its thread.
	 * @return {@code false} if it has a transaction of its own
	 */
	boolean isReadJoined() {
		return isTransactionOpen() && isOnDataSource();
	}

	/**
	 * Return whether a writing call joins the transaction of its thread.
	 * @param call names the call in messages
	 * @return {@code false} if it has a transaction of its own
	 * @throws ConductorException if the thread's transaction is read-only, or of another
	 * data source
	 */
	boolean isWriteJoined(String call) {
		if (!isTransactionOpen()) {
			return false;
		}
		String transaction = String.valueOf(TransactionSynchronizationManager.getCurrentTransactionName());
		if (isOnDataSource()) {
			if (TransactionSynchronizationManager.isCurrentTransactionReadOnly()) {
				throw new ConductorException("The " + call + " would write in a read-only transaction (" + transaction
						+ "): call it outside of that transaction, or make it a writing one");
			}
			return true;
		}
		if (this.foreignTransaction == ForeignTransaction.FAIL) {
			throw new ConductorException("The " + call + " was called in a transaction (" + transaction + " on "
					+ foreignResources() + ") that is not one of Conductor's data source (" + this.dataSource
					+ "), so a rollback would not undo it: use that data source's transaction manager here, "
					+ "or set conductor.foreign-transaction=SEPARATE to commit the call on its own");
		}
		return false;
	}

	// After the completion the transaction seems active still, but has no
	// synchronizations
	private static boolean isTransactionOpen() {
		return TransactionSynchronizationManager.isActualTransactionActive()
				&& TransactionSynchronizationManager.isSynchronizationActive() && !isCommitted();
	}

	private boolean isOnDataSource() {
		// A global transaction (JTA) binds no connection before the first is used
		return this.global
				|| TransactionSynchronizationManager.getResource(this.dataSource) instanceof ConnectionHolder;
	}

	private static String foreignResources() {
		List<String> resources = TransactionSynchronizationManager.getResourceMap()
			.keySet()
			.stream()
			.map(Object::toString)
			.toList();
		return resources.isEmpty() ? "an unknown resource" : String.join(", ", resources);
	}

	private static boolean isCommitted() {
		return TransactionSynchronizationManager.getSynchronizations()
			.stream()
			.anyMatch((synchronization) -> synchronization instanceof CommitMark mark && mark.committed);
	}

	/**
	 * Do something when the joined transaction has committed, or now if none is joined.
	 * @param joined whether one is joined
	 * @param action what to do
	 */
	void afterCommit(boolean joined, Runnable action) {
		if (!joined) {
			action.run();
			return;
		}
		TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {

			@Override
			public void afterCommit() {
				action.run();
			}

		});
	}

	/**
	 * Attaches a mark to each transaction that begins.
	 */
	private static final class CommitMarking implements TransactionExecutionListener {

		@Override
		public void afterBegin(TransactionExecution transaction, @Nullable Throwable beginFailure) {
			if (beginFailure == null && TransactionSynchronizationManager.isSynchronizationActive()) {
				TransactionSynchronizationManager.registerSynchronization(new CommitMark());
			}
		}

	}

	/**
	 * Knows whether its transaction has committed, before any other callback is told.
	 */
	private static final class CommitMark implements TransactionSynchronization, Ordered {

		private boolean committed;

		@Override
		public int getOrder() {
			return Ordered.HIGHEST_PRECEDENCE;
		}

		@Override
		public void afterCommit() {
			this.committed = true;
		}

	}

}
