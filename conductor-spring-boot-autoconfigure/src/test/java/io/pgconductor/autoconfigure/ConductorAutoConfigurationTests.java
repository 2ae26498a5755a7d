package io.pgconductor.autoconfigure;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import javax.sql.DataSource;

import com.zaxxer.hikari.HikariDataSource;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.pgconductor.Conductor;
import io.pgconductor.ConductorClient;
import io.pgconductor.Orchestrator;
import io.pgconductor.annotation.Task;
import io.pgconductor.annotation.TaskAnnotationProcessor;
import io.pgconductor.autoconfigure.health.ConductorClientHealthIndicator;
import io.pgconductor.autoconfigure.health.ConductorHealthContributorAutoConfiguration;
import io.pgconductor.autoconfigure.health.ConductorHealthIndicator;
import io.pgconductor.autoconfigure.metrics.ConductorMetricsAutoConfiguration;
import io.pgconductor.client.ForeignTransaction;
import io.pgconductor.task.DuplicateTaskException;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.Retention;
import io.pgconductor.task.TaskRegistry;
import io.pgconductor.task.UnknownTaskOptionsException;
import io.pgconductor.worker.ConductorBuilder;
import io.pgconductor.worker.ConductorMetrics;
import io.pgconductor.worker.MicrometerConductorMetrics;
import io.pgconductor.worker.OrchestratorBuilder;
import io.pgconductor.worker.WorkerOptions;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.mockito.Answers;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.boot.LazyInitializationBeanFactoryPostProcessor;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.flyway.autoconfigure.FlywayAutoConfiguration;
import org.springframework.boot.flyway.autoconfigure.FlywayMigrationStrategy;
import org.springframework.boot.health.autoconfigure.contributor.HealthContributorAutoConfiguration;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.JdbcTemplateAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.AbstractDataSource;
import org.springframework.jdbc.datasource.SimpleDriverDataSource;
import org.springframework.mock.env.MockEnvironment;
import org.springframework.transaction.PlatformTransactionManager;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.BDDMockito.given;
import static org.mockito.BDDMockito.willAnswer;
import static org.mockito.Mockito.inOrder;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.verify;

/**
 * Tests for {@link ConductorAutoConfiguration} and its companions, without a database.
 */
class ConductorAutoConfigurationTests {

	private static final String UNREACHABLE_URL = "jdbc:postgresql://localhost:1/none";

	private final ApplicationContextRunner bareRunner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(ConductorAutoConfiguration.class,
				ConductorHealthContributorAutoConfiguration.class, ConductorMetricsAutoConfiguration.class,
				DataSourceAutoConfiguration.class, DataSourceTransactionManagerAutoConfiguration.class,
				JdbcTemplateAutoConfiguration.class, HealthContributorAutoConfiguration.class))
		.withUserConfiguration(Builders.class)
		.withPropertyValues("conductor.shutdown-timeout=1s");

	private final ApplicationContextRunner runner = this.bareRunner.withBean("dataSource", DataSource.class,
			UnreachableDataSource::new);

	@Test
	void providesWhatRunsTasks() {
		this.runner.run((context) -> {
			assertThat(context).hasNotFailed()
				.hasSingleBean(Conductor.class)
				.hasSingleBean(ConductorClient.class)
				.hasSingleBean(Orchestrator.class)
				.hasSingleBean(TaskRegistry.class)
				.hasSingleBean(TaskAnnotationProcessor.class)
				.hasSingleBean(ConductorLifecycle.class)
				.hasSingleBean(ConductorHealthIndicator.class)
				.doesNotHaveBean(SchemaInstallation.class);
			assertThat(context.getBean(ConductorLifecycle.class).isRunning()).isTrue();
		});
	}

	@Test
	void startsAlthoughTheDatabaseIsDown() {
		this.runner.run((context) -> {
			assertThat(context).hasNotFailed();
			assertThat(context.getBean(Orchestrator.class).info().isRunning()).isFalse();
			assertThat(
					context.getBean("conductorHealthIndicator", HealthIndicator.class).health().getStatus().getCode())
				.isEqualTo("DOWN");
		});
	}

	@Test
	void addsNoDataSourceToTheApplication() {
		idleRunner().run((context) -> {
			assertThat(context).hasNotFailed()
				.hasSingleBean(EngineConnections.class)
				.hasSingleBean(DataSource.class)
				.hasSingleBean(JdbcTemplate.class);
			assertThat(engineDataSource(context)).isInstanceOfSatisfying(HikariDataSource.class, (pool) -> {
				assertThat(pool.getPoolName()).isEqualTo("conductor");
				assertThat(pool.getMaximumPoolSize()).isEqualTo(5);
			});
		});
	}

	@Test
	void closesTheEnginesPool() {
		idleRunner().withPropertyValues("conductor.pool.size=2").run((context) -> {
			HikariDataSource pool = (HikariDataSource) engineDataSource(context);
			assertThat(pool.getMaximumPoolSize()).isEqualTo(3);
			context.close();
			assertThat(pool.isClosed()).isTrue();
		});
	}

	/**
	 * With a real pool, but nobody who asks it for connections.
	 */
	private ApplicationContextRunner idleRunner() {
		return this.bareRunner.withUserConfiguration(MockConductorConfiguration.class)
			.withPropertyValues("spring.datasource.url=" + UNREACHABLE_URL)
			.withBean("mine", Orchestrator.class, () -> mock(Orchestrator.class));
	}

	@Test
	void derivesTheEnginesPoolFromConnectionDetails() {
		idleRunner()
			.withPropertyValues("spring.datasource.type=" + SimpleDriverDataSource.class.getName(),
					"spring.datasource.username=ada")
			.run((context) -> assertThat(engineDataSource(context)).isInstanceOfSatisfying(HikariDataSource.class,
					(pool) -> {
						assertThat(pool.getJdbcUrl()).isEqualTo(UNREACHABLE_URL);
						assertThat(pool.getUsername()).isEqualTo("ada");
					}));
	}

	@Test
	void sharesTheApplicationsConnectionsIfItMust() {
		this.runner.run((context) -> {
			DataSource dataSource = context.getBean(DataSource.class);
			assertThat(engineDataSource(context)).isSameAs(dataSource);
		});
	}

	@Test
	void worksWithoutHikari() {
		this.runner.withClassLoader(new FilteredClassLoader(HikariDataSource.class))
			.run((context) -> assertThat(context).hasNotFailed()
				.hasSingleBean(Orchestrator.class)
				.doesNotHaveBean(EngineConnections.class));
	}

	@Test
	void worksWithLazyInitialization() {
		this.runner
			.withInitializer(
					(context) -> context.addBeanFactoryPostProcessor(new LazyInitializationBeanFactoryPostProcessor()))
			.withUserConfiguration(HandlerConfiguration.class)
			.run((context) -> {
				assertThat(context).hasNotFailed();
				assertThat(context.getBeanFactory().containsSingleton("conductorLifecycle")).isTrue();
				assertThat(context.getBeanFactory().containsSingleton("handler")).isFalse();
				assertThat(context.getBean(TaskRegistry.class).find("greet")).isNotNull();
			});
	}

	@Test
	void worksWithoutActuator() {
		this.runner.withClassLoader(new FilteredClassLoader(HealthIndicator.class))
			.run((context) -> assertThat(context).hasNotFailed()
				.hasSingleBean(Orchestrator.class)
				.doesNotHaveBean("conductorHealthIndicator"));
	}

	@Test
	void worksWithoutMicrometer() {
		this.runner.withClassLoader(new FilteredClassLoader("io.micrometer"))
			.run((context) -> assertThat(context).hasNotFailed()
				.hasSingleBean(Orchestrator.class)
				.doesNotHaveBean(ConductorMetrics.class));
	}

	@Test
	void hasNoMetricsWithoutARegistry() {
		this.runner.run((context) -> assertThat(context).doesNotHaveBean(ConductorMetrics.class));
	}

	@Test
	void countsInTheRegistry() {
		this.runner.withBean(MeterRegistry.class, SimpleMeterRegistry::new).run((context) -> {
			assertThat(context).hasSingleBean(MicrometerConductorMetrics.class);
			assertThat(conductorBuilder(context)).extracting("metrics")
				.isSameAs(context.getBean(ConductorMetrics.class));
		});
	}

	@Test
	void backsOffForTheUsersMetrics() {
		ConductorMetrics metrics = new ConductorMetrics() {
		};
		this.runner.withBean(MeterRegistry.class, SimpleMeterRegistry::new)
			.withBean("mine", ConductorMetrics.class, () -> metrics)
			.run((context) -> {
				assertThat(context).hasSingleBean(ConductorMetrics.class);
				assertThat(conductorBuilder(context)).extracting("metrics").isSameAs(metrics);
			});
	}

	@Test
	void canDoWithoutItsHealthIndicator() {
		this.runner.withPropertyValues("management.health.conductor.enabled=false")
			.run((context) -> assertThat(context).doesNotHaveBean("conductorHealthIndicator"));
	}

	@Test
	void backsOffForTheUsersHealthIndicator() {
		HealthIndicator mine = mock(HealthIndicator.class);
		this.runner.withBean("conductorHealthIndicator", HealthIndicator.class, () -> mine)
			.run((context) -> assertThat(context.getBean("conductorHealthIndicator", HealthIndicator.class))
				.isSameAs(mine));
	}

	@Test
	void isAClientOnlyWithoutWorker() {
		this.runner.withPropertyValues("conductor.worker.enabled=false", "conductor.tasks.no-such-task.queue=mail")
			.withUserConfiguration(HandlerConfiguration.class)
			.run((context) -> {
				assertThat(context).hasNotFailed()
					.hasSingleBean(Conductor.class)
					.hasSingleBean(SchemaInstallation.class)
					.hasSingleBean(ConductorClientHealthIndicator.class)
					.doesNotHaveBean(Orchestrator.class)
					.doesNotHaveBean(ConductorLifecycle.class)
					.doesNotHaveBean(EngineConnections.class)
					.doesNotHaveBean(TaskAnnotationProcessor.class);
				assertThat(context.getBean(TaskRegistry.class).tasks()).isEmpty();
				assertThat(context.getBean(SchemaInstallation.class).isRunning()).isTrue();
				assertThat(context.getBean("conductorHealthIndicator", HealthIndicator.class)
					.health()
					.getStatus()
					.getCode()).isEqualTo("DOWN");
			});
	}

	@Test
	void isNothingAtAllIfDisabled() {
		this.runner.withPropertyValues("conductor.enabled=false")
			.withBean(MeterRegistry.class, SimpleMeterRegistry::new)
			.run((context) -> assertThat(Arrays.stream(context.getBeanDefinitionNames())
				.filter((name) -> name.contains("onductor") && !name.contains("Captor") && !name.contains("Tests")))
				.isEmpty());
	}

	@Test
	void backsOffForTheUsersConductor() {
		this.runner.withUserConfiguration(MockConductorConfiguration.class)
			.withBean("mine", Orchestrator.class, () -> mock(Orchestrator.class))
			.run((context) -> {
				assertThat(context).hasSingleBean(Conductor.class).doesNotHaveBean("conductor");
				verify(context.getBean(Conductor.class), never()).ensureInstalled();
			});
	}

	@Test
	void backsOffForTheUsersClient() {
		ConductorClient client = mock(ConductorClient.class);
		this.runner.withBean("mine", ConductorClient.class, () -> client)
			.run((context) -> assertThat(context).hasNotFailed()
				.hasSingleBean(ConductorClient.class)
				.doesNotHaveBean(Conductor.class)
				.doesNotHaveBean(Orchestrator.class)
				.doesNotHaveBean(ConductorLifecycle.class));
	}

	@Test
	void runsNothingIfATestHasReplacedTheConductor() {
		this.runner.withInitializer((context) -> context.addBeanFactoryPostProcessor((beanFactory) -> {
			// As @MockitoBean does
			((BeanDefinitionRegistry) beanFactory).removeBeanDefinition("conductor");
			beanFactory.registerSingleton("conductor", mock(ConductorClient.class));
		})).run((context) -> {
			assertThat(context).hasNotFailed().hasSingleBean(ConductorClient.class);
			assertThat(context.getBean(Orchestrator.class)).isInstanceOf(IdleOrchestrator.class);
		});
	}

	@Test
	void backsOffForTheUsersOrchestrator() {
		Orchestrator orchestrator = mock(Orchestrator.class);
		this.runner.withUserConfiguration(MockConductorConfiguration.class)
			.withBean("mine", Orchestrator.class, () -> orchestrator)
			.run((context) -> {
				assertThat(context).hasSingleBean(Orchestrator.class);
				verify(orchestrator).start();
				context.close();
				verify(orchestrator).stop();
			});
	}

	@Test
	void backsOffForTheUsersRegistry() {
		TaskRegistry registry = new TaskRegistry();
		this.runner.withBean("mine", TaskRegistry.class, () -> registry)
			.run((context) -> assertThat(context.getBean(TaskRegistry.class)).isSameAs(registry));
	}

	@Test
	void stopsBeforeTheDataSourceIsClosed() {
		Orchestrator orchestrator = mock(Orchestrator.class);
		List<Boolean> closedAtStop = new ArrayList<>();
		this.bareRunner.withUserConfiguration(MockConductorConfiguration.class)
			.withPropertyValues("spring.datasource.url=" + UNREACHABLE_URL)
			.withBean("mine", Orchestrator.class, () -> orchestrator)
			.run((context) -> {
				HikariDataSource dataSource = context.getBean(HikariDataSource.class);
				willAnswer((invocation) -> closedAtStop.add(dataSource.isClosed())).given(orchestrator).stop();
				context.close();
				assertThat(dataSource.isClosed()).isTrue();
				assertThat(closedAtStop).isNotEmpty().containsOnly(false);
			});
	}

	@Test
	void pausesAndRestartsWithTheContext() {
		Orchestrator orchestrator = mock(Orchestrator.class);
		this.runner.withUserConfiguration(MockConductorConfiguration.class)
			.withBean("mine", Orchestrator.class, () -> orchestrator)
			.run((context) -> {
				context.pause();
				context.restart();
				var order = inOrder(orchestrator);
				order.verify(orchestrator).start();
				order.verify(orchestrator).stop();
				order.verify(orchestrator).start();
			});
	}

	@Test
	void appliesPropertiesToTheBuilders() {
		this.runner.withPropertyValues("spring.application.name=shop", "conductor.schema=jobs",
				"conductor.migrate=false", "conductor.max-payload-size=2KB", "conductor.max-fan-in-size=4KB",
				"conductor.foreign-transaction=separate", "conductor.node-timeout=10s", "conductor.shutdown-timeout=2s",
				"conductor.notifications.enabled=false", "conductor.worker.virtual-threads=false",
				"conductor.retention.completed=0", "conductor.retention.failed=never",
				"conductor.worker.default.concurrency=3", "conductor.worker.queues.mail.concurrency=1")
			.run((context) -> {
				assertThat(context).hasNotFailed();
				assertThat(conductorBuilder(context)).hasFieldOrPropertyWithValue("schema", "jobs")
					.hasFieldOrPropertyWithValue("application", "shop")
					.hasFieldOrPropertyWithValue("migrate", false)
					.hasFieldOrPropertyWithValue("maxPayloadSize", 2048L)
					.hasFieldOrPropertyWithValue("maxFanInSize", 4096L)
					.hasFieldOrPropertyWithValue("foreignTransaction", ForeignTransaction.SEPARATE)
					.hasFieldOrPropertyWithValue("dataSource", context.getBean(DataSource.class))
					.hasFieldOrPropertyWithValue("transactionManager",
							context.getBean(PlatformTransactionManager.class));
				assertThat(orchestratorBuilder(context))
					.hasFieldOrPropertyWithValue("nodeTimeout", Duration.ofSeconds(10))
					.hasFieldOrPropertyWithValue("shutdownTimeout", Duration.ofSeconds(2))
					.hasFieldOrPropertyWithValue("notifications", false)
					.hasFieldOrPropertyWithValue("virtualThreads", false)
					.hasFieldOrPropertyWithValue("completedRetention", Retention.AT_ONCE)
					.hasFieldOrPropertyWithValue("failedRetention", Retention.NEVER)
					.hasFieldOrPropertyWithValue("defaultWorker", WorkerOptions.DEFAULT.withConcurrency(3))
					.extracting("workers")
					.asInstanceOf(InstanceOfAssertFactories.MAP)
					.containsEntry("mail", WorkerOptions.DEFAULT.withConcurrency(1));
			});
	}

	@Test
	void prefersItsOwnApplicationName() {
		this.runner.withPropertyValues("spring.application.name=shop", "conductor.application=back-office")
			.run((context) -> assertThat(conductorBuilder(context)).hasFieldOrPropertyWithValue("application",
					"back-office"));
	}

	@Test
	void givesCustomizersTheLastWord() {
		this.runner.withPropertyValues("conductor.schema=jobs", "conductor.node-timeout=10s")
			.withBean(ConductorBuilderCustomizer.class, () -> (builder) -> builder.schema("mine"))
			.withBean(OrchestratorBuilderCustomizer.class,
					() -> (builder) -> builder.nodeTimeout(Duration.ofSeconds(5)))
			.run((context) -> {
				assertThat(conductorBuilder(context)).hasFieldOrPropertyWithValue("schema", "mine");
				assertThat(orchestratorBuilder(context)).hasFieldOrPropertyWithValue("nodeTimeout",
						Duration.ofSeconds(5));
			});
	}

	@Test
	void hasAJsonMapperOfItsOwn() {
		this.runner.withBean(JsonMapper.class, () -> mock(JsonMapper.class))
			.withBean(ConductorJsonMapperBuilderCustomizer.class,
					() -> (builder) -> builder.addMixIn(String.class, Object.class))
			.run((context) -> {
				assertThat(context).hasSingleBean(JsonMapper.class);
				assertThat(conductorBuilder(context)).extracting("jsonMapper")
					.isNotSameAs(context.getBean(JsonMapper.class))
					.satisfies((mapper) -> assertThat(
							((JsonMapper) mapper).serializationConfig().findMixInClassFor(String.class))
						.isEqualTo(Object.class));
			});
	}

	@Test
	void takesTheQualifiedDataSource() {
		this.bareRunner.withUserConfiguration(QualifiedDataSourceConfiguration.class).run((context) -> {
			assertThat(context).hasNotFailed();
			assertThat(conductorBuilder(context)).hasFieldOrPropertyWithValue("dataSource", context.getBean("orders"));
		});
	}

	@Test
	void takesThePrimaryDataSource() {
		this.bareRunner.withUserConfiguration(PrimaryDataSourceConfiguration.class).run((context) -> {
			assertThat(context).hasNotFailed();
			assertThat(conductorBuilder(context)).hasFieldOrPropertyWithValue("dataSource", context.getBean("orders"));
		});
	}

	@Test
	void failsIfItCannotChooseADataSource() {
		this.bareRunner.withBean("orders", DataSource.class, UnreachableDataSource::new)
			.withBean("stock", DataSource.class, UnreachableDataSource::new)
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.isInstanceOfSatisfying(NoConductorDataSourceException.class,
						(ex) -> assertThat(ex.candidates()).containsExactlyInAnyOrder("orders", "stock")));
	}

	@Test
	void failsWithoutDataSource() {
		new ApplicationContextRunner().withConfiguration(AutoConfigurations.of(ConductorAutoConfiguration.class))
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.isInstanceOfSatisfying(NoConductorDataSourceException.class,
						(ex) -> assertThat(ex.candidates()).isEmpty()));
	}

	@Test
	void failsWithAnExplanationIfTheDataSourceIsNotConfigured() {
		this.bareRunner.withClassLoader(new FilteredClassLoader("org.h2", "org.hsqldb", "org.apache.derby"))
			.run((context) -> {
				assertThat(context).hasFailed();
				FailureAnalysis analysis = new NoDataSourceFailureAnalyzer(new MockEnvironment())
					.analyze(context.getStartupFailure());
				assertThat(analysis).isNotNull();
				assertThat(analysis.getAction()).contains("spring.datasource.url=jdbc:postgresql://");
			});
	}

	@Test
	void comesAfterTheApplicationsMigrations() {
		this.runner.withConfiguration(AutoConfigurations.of(FlywayAutoConfiguration.class))
			.withBean(FlywayMigrationStrategy.class, () -> (flyway) -> {
			})
			.withBean("mine", Orchestrator.class, () -> mock(Orchestrator.class))
			.run((context) -> {
				assertThat(context).hasNotFailed();
				assertThat(context.getBeanFactory().getBeanDefinition("conductor").getDependsOn())
					.contains("flywayInitializer");
				assertThat(context.getBeanFactory().getBeanDefinition("mine").getDependsOn())
					.contains("flywayInitializer");
			});
	}

	@ParameterizedTest
	@CsvSource({ "H2, 2, Conductor needs PostgreSQL", "PostgreSQL, 12, Conductor needs PostgreSQL 13 or later" })
	void failsWithAnExplanationOnADatabaseThatDoesNotDo(String product, int version, String explanation)
			throws SQLException {
		DataSource dataSource = mock(DataSource.class, Answers.RETURNS_DEEP_STUBS);
		DatabaseMetaData server = dataSource.getConnection().getMetaData();
		given(server.getDatabaseProductName()).willReturn(product);
		given(server.getDatabaseMajorVersion()).willReturn(version);

		this.bareRunner.withBean("dataSource", DataSource.class, () -> dataSource).run((context) -> {
			assertThat(context).hasFailed();
			FailureAnalysis analysis = new SchemaFailureAnalyzer().analyze(context.getStartupFailure());
			assertThat(analysis).isNotNull();
			assertThat(analysis.getDescription()).contains(explanation).contains(product);
			assertThat(analysis.getAction()).isNotEmpty();
		});
	}

	@Test
	void refusesABadValueByTheNameOfItsProperty() {
		this.runner.withPropertyValues("conductor.worker.default.concurrency=0")
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.isInstanceOf(InvalidConfigurationPropertyValueException.class)
				.hasMessageContaining("conductor.worker.default.concurrency"));
	}

	@Test
	void refusesABadSchemaName() {
		this.runner.withPropertyValues("conductor.schema=drop table")
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.isInstanceOf(InvalidConfigurationPropertyValueException.class)
				.hasMessageContaining("conductor.schema"));
	}

	@Test
	void refusesABadRetention() {
		this.runner.withPropertyValues("conductor.retention.completed=for ever")
			.run((context) -> assertThat(context).getFailure()
				.hasStackTraceContaining("conductor.retention.completed")
				.rootCause()
				.hasMessageContaining("'for ever'"));
	}

	@Test
	void refusesOptionsOfAnUnknownTask() {
		this.runner.withUserConfiguration(HandlerConfiguration.class)
			.withPropertyValues("conductor.tasks.greeet.priority=1")
			.run((context) -> assertThat(context).getFailure().isInstanceOf(UnknownTaskOptionsException.class));
	}

	@Test
	void refusesOptionsOfATaskWhoseNameNeedsBrackets() {
		this.runner.withPropertyValues("conductor.tasks.user.created.priority=1")
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.isInstanceOf(UnknownOptionException.class)
				.hasMessageContaining("conductor.tasks.[user.created].priority"));
	}

	@Test
	void appliesOptionsToTasks() {
		this.runner.withUserConfiguration(HandlerConfiguration.class)
			.withPropertyValues("conductor.tasks.greet.max-attempts=9", "conductor.tasks.greet.queue=slow")
			.run((context) -> assertThat(context.getBean(TaskRegistry.class).find("greet"))
				.satisfies((task) -> assertThat(task).isNotNull())
				.hasFieldOrPropertyWithValue("maxAttempts", 9)
				.hasFieldOrPropertyWithValue("queue", "slow"));
	}

	@Test
	void refusesTwoTasksOfOneName() {
		this.runner.withUserConfiguration(HandlerConfiguration.class)
			.withBean("other", Handler.class)
			.run((context) -> assertThat(context).getFailure().isInstanceOf(DuplicateTaskException.class));
	}

	@Test
	void refusesAParameterThatItDoesNotKnow() {
		this.runner.withBean(ConfusedHandler.class)
			.run((context) -> assertThat(context).getFailure().isInstanceOf(InvalidTaskException.class));
	}

	private static ConductorBuilder conductorBuilder(AssertableApplicationContext context) {
		ConductorBuilder builder = context.getBean(Builders.class).conductor;
		assertThat(builder).isNotNull();
		return builder;
	}

	private static OrchestratorBuilder orchestratorBuilder(AssertableApplicationContext context) {
		OrchestratorBuilder builder = context.getBean(Builders.class).orchestrator;
		assertThat(builder).isNotNull();
		return builder;
	}

	private static Object engineDataSource(AssertableApplicationContext context) {
		return context.getBean(EngineConnections.class).orElse(context.getBean(DataSource.class));
	}

	static class Handler {

		@Task
		void greet() {
		}

	}

	static class ConfusedHandler {

		@Task
		void confused(Thread first, Thread second) {
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class HandlerConfiguration {

		@Bean
		Handler handler() {
			return new Handler();
		}

	}

	/**
	 * Keeps the builders as they are when all others have had their say.
	 */
	@Configuration(proxyBeanMethods = false)
	static class Builders {

		private @Nullable ConductorBuilder conductor;

		private @Nullable OrchestratorBuilder orchestrator;

		@Bean
		@Order(Ordered.LOWEST_PRECEDENCE)
		ConductorBuilderCustomizer conductorBuilderCaptor() {
			return (builder) -> this.conductor = builder;
		}

		@Bean
		@Order(Ordered.LOWEST_PRECEDENCE)
		OrchestratorBuilderCustomizer orchestratorBuilderCaptor() {
			return (builder) -> this.orchestrator = builder;
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class MockConductorConfiguration {

		@Bean
		Conductor myConductor() {
			return mock(Conductor.class);
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class QualifiedDataSourceConfiguration {

		@Bean
		@ConductorDataSource
		DataSource orders() {
			return new UnreachableDataSource();
		}

		@Bean
		@Primary
		DataSource stock() {
			return new UnreachableDataSource();
		}

	}

	@Configuration(proxyBeanMethods = false)
	static class PrimaryDataSourceConfiguration {

		@Bean
		@Primary
		DataSource orders() {
			return new UnreachableDataSource();
		}

		@Bean
		DataSource stock() {
			return new UnreachableDataSource();
		}

	}

	static class UnreachableDataSource extends AbstractDataSource {

		@Override
		public Connection getConnection() throws SQLException {
			throw new SQLTransientConnectionException("nobody there", "08001");
		}

		@Override
		public Connection getConnection(String username, String password) throws SQLException {
			return getConnection();
		}

	}

}
