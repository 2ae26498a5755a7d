package io.pgconductor.client;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;

import io.pgconductor.ConductorException;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.annotation.Isolation;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.transaction.support.TransactionTemplate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/**
 * Client calls inside and outside of the application's transactions.
 */
class TransactionsIntegrationTests {

	private static final BlockingQueue<UUID> noted = new LinkedBlockingQueue<>();

	private static TestConductor test;

	@BeforeAll
	static void start() {
		test = new TestConductor(TransactionsIntegrationTests.class);
		test.node(TaskSpec.of("note", String.class, (event, context) -> {
			noted.add(context.executionId());
			return null;
		})).start();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void rollsBackWithTheTransaction(boolean autocommit) {
		try (Application application = new Application(test, autocommit)) {
			UUID[] ids = new UUID[2];

			assertThatIllegalStateException().isThrownBy(() -> application.inTransaction(() -> {
				ids[0] = application.invoke();
				ids[1] = application.client().invokeAll("note", List.of(Invoke.of(1))).get(0);
				assertThat(application.client().find(ids[0])).isPresent();
				throw new IllegalStateException("changed my mind");
			}));

			assertThat(application.committed(ids[0])).isEmpty();
			assertThat(application.committed(ids[1])).isEmpty();
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void runsNothingBeforeTheCommit(boolean autocommit) {
		try (Application application = new Application(test, autocommit)) {
			UUID id = application.inTransaction(() -> {
				UUID uncommitted = application.invoke();
				UUID later = CompletableFuture.supplyAsync(() -> test.conductor().invoke("note", "of somebody else"))
					.join();
				test.await(later, ExecutionState.COMPLETED);
				assertThat(noted).contains(later).doesNotContain(uncommitted);
				return uncommitted;
			});

			test.await(id, ExecutionState.COMPLETED);
			assertThat(noted).contains(id);
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void isATransactionOfItsOwnOutsideOfOne(boolean autocommit) {
		try (Application application = new Application(test, autocommit)) {
			UUID id = application.invoke();

			assertThat(application.committed(id)).isPresent();
			assertThat(application.client().find(id)).isPresent();
			test.await(id, ExecutionState.COMPLETED);
			assertThat(application.client().cancel(id)).isFalse();
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void isATransactionOfItsOwnWhereOneIsSupportedButNotActive(boolean autocommit) {
		try (Application application = new Application(test, autocommit)) {
			UUID id = application.inTransaction(TransactionDefinition.PROPAGATION_SUPPORTS, () -> {
				JdbcClient.create(application.dataSource()).sql("select 1").query(Integer.class).single();
				UUID invoked = application.invoke();
				assertThat(application.committed(invoked)).isPresent();
				return invoked;
			});

			test.await(id, ExecutionState.COMPLETED);
		}
	}

	@Test
	void leavesTheConnectionsOfAPoolWithoutAutocommitAsTheyWere() {
		try (Application application = new Application(test, false)) {
			application.dataSource().setMaximumPoolSize(1);
			application.invoke();

			boolean autocommit = JdbcClient.create(application.dataSource())
				.sql("select pg_backend_pid()")
				.query((rs, row) -> rs.getStatement().getConnection().getAutoCommit())
				.single();

			assertThat(autocommit).isFalse();
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void joinsTheInnermostTransaction(boolean autocommit) {
		try (Application application = new Application(test, autocommit)) {
			UUID[] ids = new UUID[3];

			assertThatIllegalStateException().isThrownBy(() -> application.inTransaction(() -> {
				ids[0] = application.invoke();
				ids[1] = application.inTransaction(TransactionDefinition.PROPAGATION_REQUIRES_NEW, application::invoke);
				ids[2] = application.invoke();
				throw new IllegalStateException("changed my mind");
			}));

			assertThat(application.committed(ids[0])).isEmpty();
			assertThat(application.committed(ids[1])).isPresent();
			assertThat(application.committed(ids[2])).isEmpty();
			test.await(ids[1], ExecutionState.COMPLETED);
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void rollsBackToASavepointWithANestedTransaction(boolean autocommit) {
		try (Application application = new Application(test, autocommit)) {
			UUID[] ids = new UUID[3];

			application.inTransaction(() -> {
				ids[0] = application.invoke();
				assertThatIllegalStateException()
					.isThrownBy(() -> application.inTransaction(TransactionDefinition.PROPAGATION_NESTED, () -> {
						ids[1] = application.invoke();
						throw new IllegalStateException("changed my mind");
					}));
				ids[2] = application.inTransaction(TransactionDefinition.PROPAGATION_NESTED, application::invoke);
				return null;
			});

			test.await(ids[0], ExecutionState.COMPLETED);
			assertThat(application.committed(ids[1])).isEmpty();
			test.await(ids[2], ExecutionState.COMPLETED);
		}
	}

	@ParameterizedTest
	@EnumSource(names = { "READ_UNCOMMITTED", "REPEATABLE_READ", "SERIALIZABLE" })
	void joinsTransactionsOfAnyIsolation(Isolation isolation) {
		TransactionTemplate template = test.transaction();
		template.setIsolationLevel(isolation.value());

		UUID id = template.execute((status) -> {
			UUID delayed = test.conductor().invoke("note", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
			assertThat(test.conductor().cancel(delayed)).isTrue();
			assertThat(test.conductor().retry(delayed)).isTrue();
			return delayed;
		});

		test.await(id, ExecutionState.COMPLETED);
	}

	@Test
	void cancelsAndRetriesInTheTransaction() {
		UUID delayed = test.conductor().invoke("note", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		UUID cancelled = test.conductor().invoke("note", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		test.conductor().cancel(cancelled);

		test.transaction().executeWithoutResult((status) -> {
			assertThat(test.conductor().cancel(delayed)).isTrue();
			assertThat(test.conductor().retry(cancelled)).isTrue();
			assertThat(test.conductor().find(delayed).orElseThrow().state()).isEqualTo(ExecutionState.CANCELLED);
			status.setRollbackOnly();
		});

		assertThat(test.conductor().find(delayed).orElseThrow().state()).isEqualTo(ExecutionState.SCHEDULED);
		assertThat(test.conductor().find(cancelled).orElseThrow().state()).isEqualTo(ExecutionState.CANCELLED);
	}

	@Test
	void refusesToWriteInAReadOnlyTransaction() {
		UUID known = test.conductor().invoke("note", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
		TransactionTemplate readOnly = test.transaction();
		readOnly.setReadOnly(true);
		readOnly.setName("list orders");

		readOnly.executeWithoutResult((status) -> {
			assertThatExceptionOfType(ConductorException.class).isThrownBy(() -> test.conductor().invoke("note", null))
				.withMessageContainingAll("invoke of task 'note'", "read-only", "list orders");
			assertThatExceptionOfType(ConductorException.class).isThrownBy(() -> test.conductor().cancel(known))
				.withMessageContainingAll("cancel", "read-only");
			assertThatExceptionOfType(ConductorException.class).isThrownBy(() -> test.conductor().retry(known))
				.withMessageContainingAll("retry", "read-only");
			assertThat(test.conductor().find(known)).isPresent();
		});

		assertThat(test.conductor().find(known).orElseThrow().state()).isEqualTo(ExecutionState.SCHEDULED);
	}

	@Test
	void saysSoWhereTheDatabaseItselfIsReadOnly() {
		try (Application application = new Application(test, true)) {
			application.dataSource().setConnectionInitSql("set default_transaction_read_only = on");

			assertThatExceptionOfType(ConductorException.class).isThrownBy(application::invoke)
				.withMessageContaining("read-only");
		}
	}

	@Test
	void saysSoWhereTheSchemaIsNotInstalled() {
		try (Application application = new Application(test, true, (builder) -> builder.schema("nowhere"))) {
			assertThatExceptionOfType(ConductorException.class).isThrownBy(application::invoke)
				.withMessageContainingAll("invoke of task 'note'", "'nowhere'", "not installed");
			assertThatExceptionOfType(ConductorException.class)
				.isThrownBy(() -> application.client().find(UUID.randomUUID()))
				.withMessageContaining("'nowhere'");
		}
	}

	@Test
	void enqueuesThousandsInOneTransaction() {
		List<UUID> ids = new ArrayList<>();

		test.transaction().executeWithoutResult((status) -> {
			for (int i = 0; i < 5000; i++) {
				ids.add(test.conductor().invoke("note", i));
			}
			assertThat(TransactionSynchronizationManager.getSynchronizations()).hasSizeLessThan(10);
		});

		assertThat(ids).isSortedAccordingTo(Comparator.comparing(UUID::toString));
		test.await(ids.get(4999), ExecutionState.COMPLETED);
	}

	@Test
	void enqueuesAfterTheWorkersHaveStopped() {
		try (TestConductor stopped = new TestConductor(TransactionsIntegrationTests.class)) {
			Orchestrator orchestrator = stopped.node(TaskSpec.of("note", String.class, (event, context) -> null));
			orchestrator.start();
			orchestrator.stop();

			UUID own = stopped.conductor().invoke("note", "late");
			UUID joined = stopped.transaction().execute((status) -> stopped.conductor().invoke("note", "late"));

			assertThat(stopped.conductor().find(own).orElseThrow().state()).isEqualTo(ExecutionState.READY);
			assertThat(stopped.conductor().find(joined).orElseThrow().state()).isEqualTo(ExecutionState.READY);
			orchestrator.start();
			stopped.await(own, ExecutionState.COMPLETED);
			stopped.await(joined, ExecutionState.COMPLETED);
		}
	}

}
