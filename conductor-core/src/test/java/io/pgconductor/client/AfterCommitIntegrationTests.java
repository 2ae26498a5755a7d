package io.pgconductor.client;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.stream.Stream;

import io.pgconductor.ConductorClient;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.event.TransactionPhase;
import org.springframework.transaction.event.TransactionalEventListener;
import org.springframework.transaction.support.TransactionTemplate;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Client calls in callbacks of a transaction that is over: they are transactions of their
 * own, though the finished one seems to be active still.
 */
class AfterCommitIntegrationTests {

	private static TestConductor test;

	private final List<UUID> invoked = new ArrayList<>();

	@BeforeAll
	static void start() {
		test = new TestConductor(AfterCommitIntegrationTests.class);
		test.node(TaskSpec.of("note", String.class, (event, context) -> null)).drain();
	}

	@AfterAll
	static void stop() {
		test.close();
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void isNotLostAfterTheCommit(boolean autocommit) {
		expectInvoked(2, autocommit, (application) -> application.inTransaction(() -> {
			Application.afterCommit(() -> {
				invoke(application);
				assertThat(application.committed(this.invoked.get(0))).isPresent();
				invoke(application);
			});
			return null;
		}));
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void isNotLostAfterTheCompletion(boolean autocommit) {
		expectInvoked(1, autocommit, (application) -> application.inTransaction(() -> {
			Application.afterCompletion(() -> invoke(application));
			return null;
		}));
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void isNotLostAfterTheRollback(boolean autocommit) {
		expectInvoked(2, autocommit, (application) -> {
			TransactionTemplate template = new TransactionTemplate(application.transactionManager());
			template.executeWithoutResult((status) -> {
				Application.afterCompletion(() -> {
					invoke(application);
					application.inTransaction(() -> invoke(application));
				});
				status.setRollbackOnly();
			});
		});
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void isNotLostAroundATransactionThatTheCallbackBegins(boolean autocommit) {
		Consumer<Application> callback = (application) -> {
			invoke(application);
			application.inTransaction(TransactionDefinition.PROPAGATION_REQUIRES_NEW, () -> {
				Application.afterCommit(() -> invoke(application));
				return invoke(application);
			});
			invoke(application);
		};

		expectInvoked(8, autocommit, (application) -> application.inTransaction(() -> {
			Application.afterCommit(() -> callback.accept(application));
			Application.afterCompletion(() -> callback.accept(application));
			return null;
		}));
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void isNotLostWhereTheCallbackTakesPartInWhatIsOver(boolean autocommit) {
		expectInvoked(2, autocommit, (application) -> application.inTransaction(() -> {
			Application.afterCommit(() -> application.inTransaction(() -> invoke(application)));
			Application.afterCompletion(() -> application.inTransaction(() -> invoke(application)));
			return null;
		}));
	}

	@Test
	void rollsBackATransactionThatTheCallbackBegins() {
		try (Application application = new Application(test, true)) {
			application.inTransaction(() -> {
				Application.afterCommit(() -> {
					TransactionTemplate template = new TransactionTemplate(application.transactionManager());
					template.setPropagationBehavior(TransactionDefinition.PROPAGATION_REQUIRES_NEW);
					template.executeWithoutResult((status) -> {
						invoke(application);
						status.setRollbackOnly();
					});
				});
				return null;
			});

			assertThat(application.committed(this.invoked.get(0))).isEmpty();
		}
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void isNotLostWithAnUnknownTransactionManagerOnceItHasSeenTheTransaction(boolean autocommit) {
		try (Application application = new Application(test, autocommit,
				(builder) -> builder.transactionManager(null))) {
			application.inTransaction(() -> {
				invoke(application);
				Application.afterCommit(() -> {
					invoke(application);
					assertThat(application.committed(this.invoked.get(1))).isPresent();
				});
				return null;
			});

			assertThat(this.invoked).hasSize(2).allMatch((id) -> application.committed(id).isPresent());
		}
	}

	static Stream<Class<?>> listeners() {
		return Stream.of(ListenerAfterCommit.class, ListenerAfterCompletion.class);
	}

	@ParameterizedTest
	@MethodSource("listeners")
	void isNotLostInATransactionalEventListener(Class<?> listener) {
		for (boolean autocommit : new boolean[] { true, false }) {
			expectInvoked(2, autocommit, (application) -> {
				AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext();
				try (context) {
					context.registerBean(ConductorClient.class, application::client);
					context.registerBean(PlatformTransactionManager.class, application::transactionManager);
					context.register(WithTransactions.class, listener);
					context.refresh();
					publishAndInvoke(context, application);
				}
			});
			this.invoked.clear();
		}
	}

	private void publishAndInvoke(ApplicationEventPublisher publisher, Application application) {
		application.inTransaction(() -> {
			publisher.publishEvent(new Placed(this.invoked));
			assertThat(this.invoked).isEmpty();
			return null;
		});
	}

	private UUID invoke(Application application) {
		UUID id = application.invoke();
		this.invoked.add(id);
		return id;
	}

	private void expectInvoked(int count, boolean autocommit, Consumer<Application> action) {
		try (Application application = new Application(test, autocommit)) {
			action.accept(application);

			assertThat(this.invoked).hasSize(count).allMatch((id) -> application.committed(id).isPresent());
		}
	}

	record Placed(List<UUID> invoked) {
	}

	@EnableTransactionManagement
	static class WithTransactions {

	}

	static class ListenerAfterCommit {

		private final ConductorClient client;

		ListenerAfterCommit(ConductorClient client) {
			this.client = client;
		}

		@TransactionalEventListener
		void on(Placed placed) {
			placed.invoked().add(this.client.invoke("note", "first"));
			placed.invoked().add(this.client.invoke("note", "second"));
		}

	}

	static class ListenerAfterCompletion {

		private final ConductorClient client;

		ListenerAfterCompletion(ConductorClient client) {
			this.client = client;
		}

		@TransactionalEventListener(phase = TransactionPhase.AFTER_COMPLETION)
		void on(Placed placed) {
			placed.invoked().add(this.client.invoke("note", "first"));
			placed.invoked().add(this.client.invoke("note", "second"));
		}

	}

}
