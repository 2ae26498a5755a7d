package io.pgconductor.client;

import java.util.Optional;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Supplier;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Conductor;
import io.pgconductor.Execution;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.ConductorBuilder;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

/**
 * A data source of an application, its transaction manager, and a client on it.
 */
final class Application implements AutoCloseable {

	private final HikariDataSource dataSource = new HikariDataSource();

	private final PlatformTransactionManager transactionManager;

	private final Conductor client;

	private final TestConductor test;

	Application(TestConductor test, boolean autocommit) {
		this(test, autocommit, (builder) -> {
		});
	}

	Application(TestConductor test, boolean autocommit, Consumer<ConductorBuilder> customizer) {
		this.test = test;
		this.dataSource.setJdbcUrl(TestPostgres.shared().jdbcUrl());
		this.dataSource.setAutoCommit(autocommit);
		this.dataSource.setMinimumIdle(0);
		this.dataSource.setConnectionTimeout(5_000);
		this.dataSource.setPoolName("application-" + autocommit);
		this.transactionManager = new DataSourceTransactionManager(this.dataSource);
		ConductorBuilder builder = new ConductorBuilder(this.dataSource).schema(test.schema())
			.transactionManager(this.transactionManager);
		customizer.accept(builder);
		this.client = builder.build();
	}

	HikariDataSource dataSource() {
		return this.dataSource;
	}

	PlatformTransactionManager transactionManager() {
		return this.transactionManager;
	}

	Conductor client() {
		return this.client;
	}

	UUID invoke() {
		return this.client.invoke("note", "a payload");
	}

	/**
	 * Find an execution as others see it: not in this application's transactions.
	 */
	Optional<Execution> committed(UUID execution) {
		return this.test.sql("select id from ${schema}.executions where id = :id")
			.param("id", execution)
			.query(UUID.class)
			.optional()
			.flatMap(this.test.conductor()::find);
	}

	<T> T inTransaction(Supplier<T> action) {
		return inTransaction(TransactionDefinition.PROPAGATION_REQUIRED, action);
	}

	<T> T inTransaction(int propagation, Supplier<T> action) {
		return inTransaction(this.transactionManager, propagation, action);
	}

	static <T> T inTransaction(PlatformTransactionManager manager, int propagation, Supplier<T> action) {
		TransactionTemplate template = new TransactionTemplate(manager);
		template.setName("place order");
		template.setPropagationBehavior(propagation);
		return template.execute((status) -> action.get());
	}

	/**
	 * Do something after the commit of the current transaction.
	 */
	static void afterCommit(Runnable action) {
		TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {

			@Override
			public void afterCommit() {
				action.run();
			}

		});
	}

	/**
	 * Do something after the completion of the current transaction, whichever it is.
	 */
	static void afterCompletion(Runnable action) {
		TransactionSynchronizationManager.registerSynchronization(new TransactionSynchronization() {

			@Override
			public void afterCompletion(int status) {
				action.run();
			}

		});
	}

	@Override
	public void close() {
		this.dataSource.close();
	}

}
