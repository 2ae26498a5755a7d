package io.pgconductor.client;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.UUID;

import javax.sql.DataSource;

import io.pgconductor.Conductor;
import io.pgconductor.ConductorException;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.ConductorBuilder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.ConnectionHolder;
import org.springframework.jdbc.datasource.TransactionAwareDataSourceProxy;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.support.AbstractPlatformTransactionManager;
import org.springframework.transaction.support.DefaultTransactionStatus;
import org.springframework.transaction.support.TransactionSynchronizationManager;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/**
 * Client calls in transactions of managers that the client was not told of: some are on
 * its data source, some are not.
 */
class OtherTransactionManagersIntegrationTests {

	private static TestConductor test;

	@BeforeAll
	static void start() {
		test = new TestConductor(OtherTransactionManagersIntegrationTests.class);
		test.node(TaskSpec.of("note", String.class, (event, context) -> null)).drain();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void refusesATransactionOfAnotherDataSourceNamingBoth(boolean autocommit) {
		try (Application ours = new Application(test, autocommit); Application other = new Application(test, true)) {
			other.inTransaction(() -> {
				assertThatExceptionOfType(ConductorException.class).isThrownBy(ours::invoke)
					.withMessageContainingAll("invoke of task 'note'", "place order", ours.dataSource().toString(),
							other.dataSource().toString(), "conductor.foreign-transaction=SEPARATE");
				assertThatExceptionOfType(ConductorException.class)
					.isThrownBy(() -> ours.client().cancel(UUID.randomUUID()));
				assertThat(ours.client().find(UUID.randomUUID())).isEmpty();
				return null;
			});

			assertThat(ours.committed(ours.invoke())).isPresent();
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void isNotMisledByAConnectionThatTheOtherTransactionKeepsForItself(boolean autocommit) {
		try (Application ours = new Application(test, autocommit); Application other = new Application(test, true)) {
			other.inTransaction(() -> {
				JdbcClient.create(ours.dataSource()).sql("select 1").query(Integer.class).single();
				assertThat(TransactionSynchronizationManager.hasResource(ours.dataSource())).isTrue();

				assertThatExceptionOfType(ConductorException.class).isThrownBy(ours::invoke)
					.withMessageContaining("on " + other.dataSource() + ") that is not one of");
				return null;
			});
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void commitsByItselfInATransactionOfAnotherDataSourceIfToldSo(boolean autocommit) {
		try (Application other = new Application(test, true);
				Application ours = new Application(test, autocommit,
						(builder) -> builder.foreignTransaction(ForeignTransaction.SEPARATE))) {
			UUID[] ids = new UUID[2];

			assertThatIllegalStateException().isThrownBy(() -> other.inTransaction(() -> {
				ids[0] = ours.invoke();
				assertThat(ours.committed(ids[0])).isPresent();
				JdbcClient.create(ours.dataSource()).sql("select 1").query(Integer.class).single();
				ids[1] = ours.invoke();
				throw new IllegalStateException("changed my mind");
			}));

			assertThat(ours.committed(ids[0])).isPresent();
			assertThat(ours.committed(ids[1])).isPresent();
		}
	}

	@Test
	void joinsItsOwnTransactionInsideOneOfAnotherDataSource() {
		try (Application ours = new Application(test, true); Application other = new Application(test, true)) {
			UUID[] ids = new UUID[2];

			other.inTransaction(() -> {
				ids[0] = ours.inTransaction(TransactionDefinition.PROPAGATION_REQUIRES_NEW, ours::invoke);
				assertThatIllegalStateException()
					.isThrownBy(() -> ours.inTransaction(TransactionDefinition.PROPAGATION_REQUIRES_NEW, () -> {
						ids[1] = ours.invoke();
						throw new IllegalStateException("changed my mind");
					}));
				return null;
			});

			assertThat(ours.committed(ids[0])).isPresent();
			assertThat(ours.committed(ids[1])).isEmpty();
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void joinsATransactionWhoseManagerBindsTheConnectionAsJpaDoes(boolean autocommit) {
		try (Application application = new Application(test, autocommit)) {
			JpaLikeTransactionManager manager = new JpaLikeTransactionManager(application.dataSource());
			UUID[] ids = new UUID[4];

			ids[0] = Application.inTransaction(manager, TransactionDefinition.PROPAGATION_REQUIRED, () -> {
				UUID id = application.invoke();
				assertThat(application.committed(id)).isEmpty();
				Application.afterCommit(() -> ids[1] = application.invoke());
				Application.afterCompletion(() -> ids[2] = application.invoke());
				return id;
			});
			assertThatIllegalStateException()
				.isThrownBy(() -> Application.inTransaction(manager, TransactionDefinition.PROPAGATION_REQUIRED, () -> {
					ids[3] = application.invoke();
					throw new IllegalStateException("changed my mind");
				}));

			assertThat(application.committed(ids[0])).isPresent();
			assertThat(application.committed(ids[1])).isPresent();
			assertThat(application.committed(ids[2])).isPresent();
			assertThat(application.committed(ids[3])).isEmpty();
		}
	}

	@Test
	void seesThroughAProxyThatIsAwareOfTransactions() {
		try (Application application = new Application(test, true)) {
			TransactionAwareDataSourceProxy proxy = new TransactionAwareDataSourceProxy(application.dataSource());
			Conductor client = new ConductorBuilder(proxy).transactionManager(application.transactionManager())
				.schema(test.schema())
				.build();
			UUID[] ids = new UUID[2];

			assertThatIllegalStateException().isThrownBy(() -> application.inTransaction(() -> {
				ids[0] = client.invoke("note", null);
				throw new IllegalStateException("changed my mind");
			}));
			application.inTransaction(() -> {
				Application.afterCommit(() -> ids[1] = client.invoke("note", null));
				return null;
			});

			assertThat(application.committed(ids[0])).isEmpty();
			assertThat(application.committed(ids[1])).isPresent();
		}
	}

	/**
	 * Binds the connection of a session that begins and ends the transaction.
	 */
	private static final class JpaLikeTransactionManager extends AbstractPlatformTransactionManager {

		private final DataSource dataSource;

		JpaLikeTransactionManager(DataSource dataSource) {
			this.dataSource = dataSource;
		}

		@Override
		protected Object doGetTransaction() {
			return new Object();
		}

		@Override
		protected void doBegin(Object transaction, TransactionDefinition definition) {
			try {
				Connection connection = this.dataSource.getConnection();
				connection.setAutoCommit(false);
				TransactionSynchronizationManager.bindResource(this.dataSource, new ConnectionHolder(connection));
			}
			catch (SQLException ex) {
				throw new IllegalStateException(ex);
			}
		}

		private Connection connection() {
			ConnectionHolder holder = (ConnectionHolder) TransactionSynchronizationManager.getResource(this.dataSource);
			return holder.getConnection();
		}

		@Override
		protected void doCommit(DefaultTransactionStatus status) {
			try {
				connection().commit();
			}
			catch (SQLException ex) {
				throw new IllegalStateException(ex);
			}
		}

		@Override
		protected void doRollback(DefaultTransactionStatus status) {
			try {
				connection().rollback();
			}
			catch (SQLException ex) {
				throw new IllegalStateException(ex);
			}
		}

		@Override
		protected void doCleanupAfterCompletion(Object transaction) {
			try (Connection connection = connection()) {
				TransactionSynchronizationManager.unbindResource(this.dataSource);
				connection.rollback();
			}
			catch (SQLException ex) {
				throw new IllegalStateException(ex);
			}
		}

	}

}
