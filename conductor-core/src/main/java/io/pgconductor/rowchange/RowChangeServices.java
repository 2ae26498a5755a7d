package io.pgconductor.rowchange;

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.RowChangeTable;
import io.pgconductor.task.JsonMapping;
import org.jspecify.annotations.Nullable;
import org.springframework.transaction.TransactionSystemException;
import org.springframework.transaction.support.TransactionCallback;
import org.springframework.transaction.support.TransactionOperations;

/**
 * What the installation of triggers needs of its node.
 *
 * @param schema the conductor's schema
 * @param transactions on the engine's connections
 * @param table on the same connections
 * @param json knows the properties of types
 */
public record RowChangeServices(SchemaName schema, TransactionOperations transactions, RowChangeTable table,
		JsonMapping json) {

	<T> @Nullable T inTransaction(TransactionCallback<T> callback) {
		try {
			return this.transactions.execute(callback);
		}
		catch (TransactionSystemException ex) {
			// Some pools close a connection when a statement fails
			if (ex.getApplicationException() instanceof RuntimeException cause) {
				throw cause;
			}
			throw ex;
		}
	}

}
