package io.pgconductor.autoconfigure;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.pgconductor.Conductor;
import io.pgconductor.ConductorClient;
import io.pgconductor.ConductorException;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.annotation.Task;
import io.pgconductor.autoconfigure.health.ConductorHealthContributorAutoConfiguration;
import io.pgconductor.autoconfigure.metrics.ConductorMetricsAutoConfiguration;
import io.pgconductor.test.EmbeddedServer;
import io.pgconductor.test.TestDatabase;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.worker.ConductorBuilder;
import org.awaitility.Awaitility;
import org.flywaydb.core.Flyway;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.beans.factory.InitializingBean;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.flyway.autoconfigure.FlywayAutoConfiguration;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.JdbcTemplateAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;
import org.springframework.context.ApplicationContext;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.transaction.annotation.Transactional;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/**
 * Tests for {@link ConductorAutoConfiguration} on PostgreSQL.
 */
class ConductorAutoConfigurationIntegrationTests {

	private static final Duration PATIENCE = Duration.ofSeconds(30);

	private final String schema = TestPostgres.shared().uniqueSchema(getClass());

	private final ApplicationContextRunner bareRunner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(ConductorAutoConfiguration.class,
				ConductorHealthContributorAutoConfiguration.class, ConductorMetricsAutoConfiguration.class,
				DataSourceAutoConfiguration.class, DataSourceTransactionManagerAutoConfiguration.class,
				JdbcTemplateAutoConfiguration.class, TransactionAutoConfiguration.class))
		.withPropertyValues("conductor.schema=" + this.schema);

	private final ApplicationContextRunner runner = this.bareRunner
		.withPropertyValues("spring.datasource.url=" + TestPostgres.shared().jdbcUrl());

	@Test
	void runsATaskAfterTheCommit() {
		this.runner.withBean(Greeter.class).withBean(Reception.class).run((context) -> {
			context.getBean(Reception.class).welcome("Ada", () -> {
			});

			awaitGreetings(context, "Ada");
		});
	}

	@Test
	void runsNoTaskBeforeTheCommit() {
		this.runner.withBean(Greeter.class).withBean(Reception.class).run((context) -> {
			Greeter greeter = context.getBean(Greeter.class);

			context.getBean(Reception.class).welcome("Ada", () -> {
				context.getBean(Reception.class).welcomeApart("Bob");
				awaitGreetings(context, "Bob");
			});

			awaitGreetings(context, "Bob", "Ada");
			assertThat(greeter.greeted).containsExactly("Bob", "Ada");
		});
	}

	@Test
	void runsNoTaskAfterARollback() {
		this.runner.withBean(Greeter.class).withBean(Reception.class).run((context) -> {
			Reception reception = context.getBean(Reception.class);

			assertThatIllegalStateException().isThrownBy(() -> reception.welcome("Ada", () -> {
				throw new IllegalStateException("rolled back");
			}));
			reception.welcome("Bob", () -> {
			});

			awaitGreetings(context, "Bob");
			assertThat(executions(context)).isOne();
		});
	}

	@Test
	void hasTheSchemaWhileBeansAreInitialised() {
		this.runner.withBean(Greeter.class).withBean(Eager.class).run((context) -> {
			assertThat(context).hasNotFailed();
			awaitGreetings(context, "early bird");
		});
	}

	@Test
	void worksBesideTheApplicationsFlyway() {
		try (TestDatabase database = TestPostgres.shared().createDatabase()) {
			this.bareRunner.withConfiguration(AutoConfigurations.of(FlywayAutoConfiguration.class))
				.withPropertyValues("spring.datasource.url=" + database.jdbcUrl(),
						"spring.flyway.locations=classpath:db/shop")
				.withBean(Greeter.class)
				.withBean(Eager.class)
				.run((context) -> {
					assertThat(context).hasNotFailed().hasSingleBean(Flyway.class);
					assertThat(context.getBean(Flyway.class).info().applied()).hasSize(1);
					assertThat(tablesOf(context, "public")).containsExactlyInAnyOrder("orders",
							"flyway_schema_history");
					assertThat(tablesOf(context, this.schema)).contains("execution");
					awaitGreetings(context, "early bird");
				});
		}
	}

	@Test
	void waitsForADatabaseThatIsDown() {
		try (EmbeddedServer server = TestPostgres.startSeparate()) {
			server.stop();
			this.bareRunner.withPropertyValues("spring.datasource.url=" + server.database().jdbcUrl())
				.withBean(Greeter.class)
				.run((context) -> {
					assertThat(context).hasNotFailed();
					assertThat(status(context)).isEqualTo(Status.DOWN);

					server.start();
					Awaitility.await().atMost(PATIENCE).until(() -> status(context).equals(Status.UP));

					context.getBean(ConductorClient.class).invoke("greet", "Ada");
					awaitGreetings(context, "Ada");
				});
		}
	}

	@Test
	void waitsAsAClientForADatabaseThatIsDown() {
		try (EmbeddedServer server = TestPostgres.startSeparate()) {
			server.stop();
			this.bareRunner
				.withPropertyValues("spring.datasource.url=" + server.database().jdbcUrl(),
						"conductor.worker.enabled=false")
				.run((context) -> {
					assertThat(context).hasNotFailed();
					assertThat(status(context)).isEqualTo(Status.DOWN);

					server.start();
					Awaitility.await().atMost(PATIENCE).until(() -> executions(context) == 0);

					context.getBean(ConductorClient.class).invoke("greet", "Ada");
					assertThat(executions(context)).isOne();
					assertThat(status(context)).isEqualTo(Status.UP);
				});
		}
	}

	@Test
	void failsTheStartIfTheSchemaIsNotThereAndMustNotBeInstalled() {
		this.runner.withPropertyValues("conductor.migrate=false").run((context) -> {
			assertThat(context).hasFailed();
			var analysis = new SchemaFailureAnalyzer().analyze(context.getStartupFailure());
			assertThat(analysis).isNotNull();
			assertThat(analysis.getDescription()).contains(this.schema).contains("conductor.migrate");
			assertThat(analysis.getAction()).contains("set conductor.migrate to true");
		});
	}

	@Test
	void letsHandlersReturnWhenTheContextCloses() {
		Slow slow = new Slow();
		UUID[] execution = new UUID[1];
		this.runner.withBean(Slow.class, () -> slow).run((context) -> {
			execution[0] = context.getBean(ConductorClient.class).invoke("dawdle", null);
			assertThat(slow.began.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
			Thread finisher = new Thread(() -> {
				Awaitility.await()
					.until(() -> !context.getBean(ConductorLifecycle.class).isRunning() || Thread.getAllStackTraces()
						.keySet()
						.stream()
						.anyMatch((t) -> t.getName().equals("conductor-stop")));
				slow.mayEnd.countDown();
			});
			finisher.start();
			context.close();
			finisher.join();
		});

		assertThat(find(execution[0]).state()).isEqualTo(ExecutionState.COMPLETED);
	}

	@Test
	void givesExecutionsBackWhoseHandlersDoNotReturn() {
		Slow slow = new Slow();
		UUID[] execution = new UUID[1];
		this.runner.withPropertyValues("conductor.shutdown-timeout=200ms")
			.withBean(Slow.class, () -> slow)
			.run((context) -> {
				execution[0] = context.getBean(ConductorClient.class).invoke("dawdle", null);
				assertThat(slow.began.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
			});

		assertThat(slow.interrupted).isTrue();
		assertThat(find(execution[0]).state()).isEqualTo(ExecutionState.READY);
		assertThat(find(execution[0]).attempt()).isZero();
	}

	@Test
	@ExtendWith(OutputCaptureExtension.class)
	void endsCallsThatAwaitResultsWhenTheContextCloses(CapturedOutput output) {
		CompletableFuture<Void> answer = new CompletableFuture<>();
		this.runner.withPropertyValues("conductor.worker.enabled=false").run((context) -> {
			ConductorClient client = context.getBean(ConductorClient.class);
			UUID execution = client.invoke("greet", "Ada");
			new Thread(() -> {
				try {
					client.await(execution, Void.class, PATIENCE.multipliedBy(2));
				}
				catch (ConductorException ex) {
					answer.completeExceptionally(ex);
				}
			}).start();
			Awaitility.await()
				.atMost(PATIENCE)
				.until(() -> Boolean.TRUE.equals(context.getBean(JdbcTemplate.class)
					.queryForObject("select awaited_until is not null from " + this.schema + ".execution",
							Boolean.class)));
		});

		assertThat(answer).failsWithin(Duration.ofSeconds(1))
			.withThrowableThat()
			.havingCause()
			.isInstanceOf(ConductorException.class)
			.withMessageContaining("closed");
		assertThat(output).doesNotContain("marked as broken");
	}

	@Test
	void runsAgainAfterThePauseOfATestContext() {
		this.runner.withBean(Greeter.class).run((context) -> {
			context.pause();
			context.getBean(ConductorClient.class).invoke("greet", "Ada");
			assertThat(status(context)).isEqualTo(Status.OUT_OF_SERVICE);
			assertThat(context.getBean(Greeter.class).greeted).isEmpty();

			context.restart();

			awaitGreetings(context, "Ada");
		});
	}

	@Test
	void isNotHeldUpByHandlersThatHoldAllOfTheApplicationsConnections() {
		Slow slow = new Slow();
		this.runner.withPropertyValues("spring.datasource.hikari.maximum-pool-size=1")
			.withBean(Slow.class, () -> slow)
			.withBean(Greeter.class)
			.run((context) -> {
				ConductorClient client = context.getBean(ConductorClient.class);
				UUID greeting = client.invoke("greet", "Ada");
				awaitGreetings(context, "Ada");
				client.invoke("hold-connection", null);
				assertThat(slow.began.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();

				Awaitility.await().atMost(PATIENCE).until(() -> find(greeting).state() == ExecutionState.COMPLETED);
				assertThat(status(context)).isEqualTo(Status.UP);

				slow.mayEnd.countDown();
			});
	}

	@Test
	void countsWhatItRuns() {
		this.runner.withBean(Greeter.class).withBean(MeterRegistry.class, SimpleMeterRegistry::new).run((context) -> {
			MeterRegistry registry = context.getBean(MeterRegistry.class);
			context.getBean(ConductorClient.class).invoke("greet", "Ada");
			awaitGreetings(context, "Ada");

			Awaitility.await()
				.atMost(PATIENCE)
				.untilAsserted(() -> assertThat(registry.find("conductor.execution")
					.tags("task", "greet", "queue", "default", "outcome", "completed")
					.timer()).isNotNull());
			assertThat(registry.get("conductor.running").tag("queue", "default").gauge().value()).isNotNegative();
		});
	}

	private static void awaitGreetings(ApplicationContext context, String... names) {
		Greeter greeter = context.getBean(Greeter.class);
		Awaitility.await()
			.atMost(PATIENCE)
			.untilAsserted(() -> assertThat(greeter.greeted).containsExactlyInAnyOrder(names));
	}

	private static Status status(ApplicationContext context) {
		return context.getBean("conductorHealthIndicator", HealthIndicator.class).health().getStatus();
	}

	private static List<String> tablesOf(ApplicationContext context, String schema) {
		return context.getBean(JdbcTemplate.class)
			.queryForList("select table_name::text from information_schema.tables where table_schema = ? "
					+ "and table_type = 'BASE TABLE'", String.class, schema);
	}

	private long executions(ApplicationContext context) {
		try {
			return context.getBean(JdbcTemplate.class)
				.queryForObject("select count(*) from " + this.schema + ".executions", Long.class);
		}
		catch (org.springframework.dao.DataAccessException ex) {
			return -1;
		}
	}

	private Execution find(UUID execution) {
		Conductor observer = new ConductorBuilder(TestPostgres.shared().dataSource()).schema(this.schema).build();
		return observer.find(execution).orElseThrow();
	}

	static class Greeter {

		final List<String> greeted = new CopyOnWriteArrayList<>();

		@Task
		void greet(String name) {
			this.greeted.add(name);
		}

	}

	static class Reception {

		private final ConductorClient client;

		Reception(ConductorClient client) {
			this.client = client;
		}

		@Transactional
		public void welcome(String name, Runnable next) {
			this.client.invoke("greet", name);
			next.run();
		}

		@Transactional(propagation = org.springframework.transaction.annotation.Propagation.REQUIRES_NEW)
		public void welcomeApart(String name) {
			this.client.invoke("greet", name);
		}

	}

	static class Eager implements InitializingBean {

		private final ConductorClient client;

		Eager(ConductorClient client) {
			this.client = client;
		}

		@Override
		public void afterPropertiesSet() {
			this.client.invoke("greet", "early bird");
		}

	}

	static class Slow {

		final CountDownLatch began = new CountDownLatch(1);

		final CountDownLatch mayEnd = new CountDownLatch(1);

		volatile boolean interrupted;

		@Task
		public void dawdle() throws InterruptedException {
			this.began.countDown();
			try {
				this.mayEnd.await(60, TimeUnit.SECONDS);
			}
			catch (InterruptedException ex) {
				this.interrupted = true;
				throw ex;
			}
		}

		@Task
		@Transactional
		public void holdConnection() throws InterruptedException {
			dawdle();
		}

	}

}
