package io.pgconductor.client;

import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.function.Consumer;

import javax.sql.DataSource;

import io.pgconductor.ConductorException;
import org.jspecify.annotations.Nullable;
import org.springframework.core.Ordered;
import org.springframework.jdbc.datasource.ConnectionHolder;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.ConfigurableTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionExecution;
import org.springframework.transaction.TransactionExecutionListener;
import org.springframework.transaction.support.ResourceTransactionManager;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * Tells whether a client call is to join the transaction of its thread. Thread-safe.
 */
final class ClientTransactions {

	private final DataSource dataSource;

	private final ForeignTransaction foreignTransaction;

	private final boolean global;

	private final Consumer<Set<String>> onCommitted;

	private final BoundTransaction bound;

	// By what Spring makes anew for each transaction, and drops with it. A callback after
	// the completion can begin and end transactions of its own, and come back to one that
	// is over: so one that is over stays known.
	private final Map<ConnectionHolder, JoinableTransaction> transactions = Collections
		.synchronizedMap(new WeakHashMap<>());

	/**
	 * Create it.
	 * @param dataSource whose transactions are joined
	 * @param transactionManager of that data source, if known: then calls that are made
	 * in an after-commit callback, where the transaction still seems to be active, are
	 * told from those that were made before
	 * @param foreignTransaction what to do in a transaction of something else
	 * @param onCommitted is given what writing calls woke, once they have committed
	 */
	ClientTransactions(DataSource dataSource, @Nullable PlatformTransactionManager transactionManager,
			ForeignTransaction foreignTransaction, Consumer<Set<String>> onCommitted) {
		this.dataSource = dataSource;
		this.foreignTransaction = foreignTransaction;
		this.global = transactionManager != null && !(transactionManager instanceof ResourceTransactionManager);
		this.onCommitted = onCommitted;
		this.bound = new BoundTransaction(dataSource);
		if (transactionManager instanceof ConfigurableTransactionManager configurable) {
			configurable.addListener(new Beginning());
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
	 * Refuse a call that waits for others, where they would wait for the transaction of
	 * its thread.
	 * @param call names the call in messages
	 * @throws IllegalStateException in a transaction of the data source
	 */
	void refuseWaiting(String call) {
		if (isReadJoined()) {
			throw new IllegalStateException("The " + call + " was called in a transaction ("
					+ TransactionSynchronizationManager.getCurrentTransactionName()
					+ "): an execution that was enqueued in it would not run before its end. "
					+ "Call it when the transaction is over");
		}
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
	private boolean isTransactionOpen() {
		return TransactionSynchronizationManager.isActualTransactionActive()
				&& TransactionSynchronizationManager.isSynchronizationActive() && !isOver();
	}

	private boolean isOver() {
		ConnectionHolder holder = holder();
		JoinableTransaction transaction = (holder != null) ? this.transactions.get(holder) : null;
		return transaction != null && transaction.over;
	}

	// In a transaction of something else, whoever asks for a connection gets one that
	// stays with the thread until its end. Only that one is synchronized with a
	// transaction without having one: JPA's is not synchronized.
	private boolean isOnDataSource() {
		// A global transaction (JTA) binds no connection before the first is used
		if (this.global) {
			return true;
		}
		ConnectionHolder holder = holder();
		return holder != null && (!holder.isSynchronizedWithTransaction() || this.bound.isActive());
	}

	private @Nullable ConnectionHolder holder() {
		return (TransactionSynchronizationManager.getResource(this.dataSource) instanceof ConnectionHolder holder)
				? holder : null;
	}

	private String foreignResources() {
		List<String> resources = TransactionSynchronizationManager.getResourceMap()
			.keySet()
			.stream()
			.filter((resource) -> resource != this.dataSource)
			.map(Object::toString)
			.toList();
		return resources.isEmpty() ? "an unknown resource" : String.join(", ", resources);
	}

	/**
	 * Tell what a writing call woke when its transaction has committed, or now if it has
	 * joined none.
	 * @param joined whether it has joined one
	 * @param woken what it woke
	 */
	void written(boolean joined, Set<String> woken) {
		ConnectionHolder holder = holder();
		if (joined && holder != null) {
			transaction(holder).woken.addAll(woken);
		}
		else if (!woken.isEmpty()) {
			this.onCommitted.accept(woken);
		}
	}

	private JoinableTransaction transaction(ConnectionHolder holder) {
		return this.transactions.computeIfAbsent(holder, (begun) -> {
			JoinableTransaction transaction = new JoinableTransaction(this.onCommitted);
			TransactionSynchronizationManager.registerSynchronization(transaction);
			return transaction;
		});
	}

	/**
	 * Sees each transaction of the known manager when it begins.
	 */
	private final class Beginning implements TransactionExecutionListener {

		@Override
		public void afterBegin(TransactionExecution execution, @Nullable Throwable beginFailure) {
			ConnectionHolder holder = holder();
			if (beginFailure == null && holder != null && TransactionSynchronizationManager.isSynchronizationActive()) {
				transaction(holder);
			}
		}

	}

	/**
	 * A transaction that calls can join until it is over, which it knows before any other
	 * callback is told.
	 */
	private static final class JoinableTransaction implements TransactionSynchronization, Ordered {

		private final Set<String> woken = new HashSet<>();

		private final Consumer<Set<String>> onCommitted;

		private volatile boolean over;

		JoinableTransaction(Consumer<Set<String>> onCommitted) {
			this.onCommitted = onCommitted;
		}

		@Override
		public int getOrder() {
			return Ordered.HIGHEST_PRECEDENCE;
		}

		@Override
		public void afterCommit() {
			this.over = true;
			if (!this.woken.isEmpty()) {
				this.onCommitted.accept(Set.copyOf(this.woken));
			}
		}

		@Override
		public void afterCompletion(int status) {
			this.over = true;
		}

	}

	/**
	 * Looks at the connection that is bound to the thread as its own transaction manager
	 * does: only that one can tell whether it has a transaction.
	 */
	private static final class BoundTransaction extends DataSourceTransactionManager {

		BoundTransaction(DataSource dataSource) {
			super(dataSource);
		}

		boolean isActive() {
			return isExistingTransaction(doGetTransaction());
		}

	}

}
