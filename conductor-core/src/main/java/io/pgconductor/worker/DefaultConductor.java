package io.pgconductor.worker;

import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

import javax.sql.DataSource;

import io.pgconductor.Conductor;
import io.pgconductor.SchemaName;
import io.pgconductor.client.ClientListener;
import io.pgconductor.client.DefaultConductorClient;
import io.pgconductor.client.ForeignTransaction;
import io.pgconductor.migration.SchemaMigrator;
import io.pgconductor.task.JsonMapping;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;

/**
 * The client, the schema it works on, and what orchestrators need to run on the same.
 */
final class DefaultConductor extends DefaultConductorClient implements Conductor {

	private final Environment environment;

	private final DataSource dataSource;

	private final PlatformTransactionManager transactionManager;

	private final SchemaMigrator migrator;

	private final Wakers wakers;

	/**
	 * What orchestrators share with their conductor.
	 *
	 * @param engineDataSource the engine's connections
	 * @param ownPool whether nobody else uses them
	 * @param schema the schema
	 * @param application the application that owns what is defined
	 * @param json reads and writes payloads
	 * @param maxFanInSize the largest sum of the results of one {@code invokeAll}, in
	 * bytes of JSON
	 * @param metrics is told what happens
	 */
	record Environment(DataSource engineDataSource, boolean ownPool, SchemaName schema, @Nullable String application,
			JsonMapping json, long maxFanInSize, ConductorMetrics metrics) {
	}

	/**
	 * Wakes workers in this process.
	 */
	interface Waker {

		void wakeLocally(Iterable<String> targets);

	}

	DefaultConductor(DataSource dataSource, @Nullable PlatformTransactionManager transactionManager,
			ForeignTransaction foreignTransaction, boolean migrate, Environment environment) {
		this(dataSource, transactionManager, foreignTransaction, migrate, environment,
				new Wakers(environment.metrics()));
	}

	private DefaultConductor(DataSource dataSource, @Nullable PlatformTransactionManager transactionManager,
			ForeignTransaction foreignTransaction, boolean migrate, Environment environment, Wakers wakers) {
		super(dataSource, transactionManager, foreignTransaction, environment.schema(), environment.json(), wakers);
		this.environment = environment;
		this.dataSource = dataSource;
		this.transactionManager = (transactionManager != null) ? transactionManager
				: new DataSourceTransactionManager(dataSource);
		this.migrator = new SchemaMigrator(environment.engineDataSource(), environment.schema(), migrate);
		this.wakers = wakers;
	}

	@Override
	public void ensureInstalled() {
		this.migrator.ensureInstalled();
	}

	Environment environment() {
		return this.environment;
	}

	/**
	 * Return the application's data source.
	 * @return what handlers use in their transactions
	 */
	DataSource dataSource() {
		return this.dataSource;
	}

	PlatformTransactionManager transactionManager() {
		return this.transactionManager;
	}

	void add(Waker waker) {
		this.wakers.running.add(waker);
	}

	void remove(Waker waker) {
		this.wakers.running.remove(waker);
	}

	private static final class Wakers implements ClientListener {

		private final CopyOnWriteArrayList<Waker> running = new CopyOnWriteArrayList<>();

		private final ConductorMetrics metrics;

		Wakers(ConductorMetrics metrics) {
			this.metrics = metrics;
		}

		@Override
		public void committed(Set<String> targets) {
			this.running.forEach((waker) -> waker.wakeLocally(targets));
		}

		@Override
		public void unregisteredTaskInvoked(String task) {
			this.metrics.unregisteredTaskInvoked(task);
		}

	}

}
