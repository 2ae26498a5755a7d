package io.pgconductor.autoconfigure;

import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

import io.pgconductor.ConductorClient;
import io.pgconductor.EmittedEvent;
import io.pgconductor.EventDefinition;
import io.pgconductor.MisfirePolicy;
import io.pgconductor.ScheduleInfo;
import io.pgconductor.ScheduleTick;
import io.pgconductor.TaskEvent;
import io.pgconductor.annotation.Cron;
import io.pgconductor.annotation.OnEvent;
import io.pgconductor.annotation.Task;
import io.pgconductor.autoconfigure.health.ConductorHealthContributorAutoConfiguration;
import io.pgconductor.test.EmbeddedServer;
import io.pgconductor.test.TestPostgres;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.health.contributor.Health;
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
import org.springframework.transaction.support.TransactionTemplate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatException;

/**
 * Tests for applications with schedules and subscriptions, on PostgreSQL.
 */
class TriggersIntegrationTests {

	private static final Duration PATIENCE = Duration.ofSeconds(30);

	private static final EventDefinition<User> CREATED = EventDefinition.of("user.created", User.class);

	private final String schema = TestPostgres.shared().uniqueSchema(getClass());

	private final ApplicationContextRunner bareRunner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(ConductorAutoConfiguration.class,
				ConductorHealthContributorAutoConfiguration.class, DataSourceAutoConfiguration.class,
				DataSourceTransactionManagerAutoConfiguration.class, JdbcTemplateAutoConfiguration.class,
				TransactionAutoConfiguration.class))
		.withPropertyValues("conductor.schema=" + this.schema, "spring.application.name=shop");

	private final ApplicationContextRunner runner = this.bareRunner
		.withPropertyValues("spring.datasource.url=" + TestPostgres.shared().jdbcUrl());

	@Test
	void runsTasksAtTheTimesOfTheirSchedules() {
		this.runner.withBean(Clock.class).run((context) -> {
			Clock clock = context.getBean(Clock.class);

			Awaitility.await().atMost(PATIENCE).until(() -> clock.ticks.size() >= 2);

			assertThat(clock.ticks).doesNotHaveDuplicates()
				.allSatisfy((tick) -> assertThat(tick).isEqualTo(tick.truncatedTo(ChronoUnit.SECONDS)));
			assertThat(context.getBean(ConductorClient.class).schedules()).singleElement().satisfies((schedule) -> {
				assertThat(schedule.task()).isEqualTo("strike");
				assertThat(schedule.name()).isEqualTo("every-second");
				assertThat(schedule.declared()).isTrue();
				assertThat(schedule.application()).isEqualTo("shop");
				assertThat(schedule.lastRunAt()).isNotNull();
			});
		});
	}

	@Test
	void runsTasksForTheEventsTheySubscribeTo() {
		this.runner.withBean(Subscribers.class).run((context) -> {
			Subscribers subscribers = context.getBean(Subscribers.class);
			ConductorClient client = context.getBean(ConductorClient.class);
			TransactionTemplate transaction = context.getBean(TransactionTemplate.class);

			transaction.executeWithoutResult((status) -> {
				client.emit(CREATED, new User("Rolled back", 99));
				status.setRollbackOnly();
			});
			transaction.executeWithoutResult((status) -> client.emit(CREATED, new User("Ada", 36)));
			client.emit("user.removed", Map.of("name", "Bob"));

			Awaitility.await().atMost(PATIENCE).untilAsserted(() -> {
				assertThat(subscribers.welcomed).containsExactly(new User("Ada", 0));
				assertThat(subscribers.noted).containsExactlyInAnyOrder("user.created", "user.removed");
			});
		});
	}

	@Test
	void aTaskHasTriggersOfSeveralKinds() {
		this.runner.withBean(AnyTrigger.class).run((context) -> {
			AnyTrigger handler = context.getBean(AnyTrigger.class);
			ConductorClient client = context.getBean(ConductorClient.class);

			client.invoke("report", null);
			client.emit("month.closed", null);
			client.schedule("report", "dynamic", "* * * * * *", null);

			Awaitility.await()
				.atMost(PATIENCE)
				.untilAsserted(() -> assertThat(handler.names).contains("conductor.invoke", "month.closed", "dynamic"));
		});
	}

	@Test
	void keepsEventsForTheConfiguredTime() {
		this.runner.withPropertyValues("conductor.retention.events=2d")
			.run((context) -> assertThat(
					query(context, "select keep_events = interval '2 days' from ${schema}.node", Boolean.class))
				.isTrue());
	}

	@Test
	void firesWhatIsLateWithinTheConfiguredThreshold() {
		this.runner.withPropertyValues("conductor.schedule.misfire-threshold=1h")
			.withBean(Yearly.class)
			.run((context) -> {
				Instant tick = query(context, """
						update ${schema}.schedule set next_run_at = date_trunc('minute', now() - interval '10 minutes')
						returning next_run_at
						""", OffsetDateTime.class).toInstant();
				wakePromoter(context);

				Awaitility.await().atMost(PATIENCE).until(() -> context.getBean(Yearly.class).ticks.contains(tick));
			});
	}

	@Test
	void leavesOutWhatIsLaterThanTheThreshold() {
		this.runner.withBean(Yearly.class).run((context) -> {
			query(context, "update ${schema}.schedule set next_run_at = now() - interval '10 minutes' returning true",
					Boolean.class);
			wakePromoter(context);

			Awaitility.await().atMost(PATIENCE).until(() -> {
				Instant next = context.getBean(ConductorClient.class).schedules().get(0).nextRunAt();
				return next != null && next.isAfter(Instant.now());
			});
			assertThat(context.getBean(ConductorClient.class).schedules().get(0).lastRunAt()).isNull();
			assertThat(context.getBean(Yearly.class).ticks).isEmpty();
		});
	}

	@Test
	void dropsTheTriggersOfATaskThatIsSwitchedOff() {
		this.runner.withBean(Subscribers.class).withBean(Yearly.class).run((context) -> {
			assertThat(schedules(context)).containsExactly("new-year");
			assertThat(subscriptions(context)).containsExactly("note-user", "welcome");
		});

		this.runner.withBean(Subscribers.class)
			.withBean(Yearly.class)
			.withPropertyValues("conductor.tasks.new-year.enabled=false", "conductor.tasks.welcome.enabled=false")
			.run((context) -> {
				assertThat(schedules(context)).isEmpty();
				assertThat(subscriptions(context)).containsExactly("note-user");
			});
	}

	@Test
	void dropsAScheduleThatAPropertySwitchesOff() {
		this.runner.withBean(Yearly.class).run((context) -> assertThat(schedules(context)).hasSize(1));

		this.runner.withBean(Yearly.class)
			.withPropertyValues("new-year.cron=-")
			.run((context) -> assertThat(schedules(context)).isEmpty());
	}

	@Test
	@ExtendWith(OutputCaptureExtension.class)
	void explainsAFilterThatPostgresDoesNotUnderstand(CapturedOutput output) {
		SpringApplication application = new SpringApplication(DataSourceAutoConfiguration.class,
				DataSourceTransactionManagerAutoConfiguration.class, ConductorAutoConfiguration.class, BadFilter.class);
		application.setWebApplicationType(WebApplicationType.NONE);

		assertThatException()
			.isThrownBy(() -> application.run("--spring.datasource.url=" + TestPostgres.shared().jdbcUrl(),
					"--conductor.schema=" + this.schema, "--spring.application.name=shop"));

		assertThat(output).contains("APPLICATION FAILED TO START")
			.contains("'thank'")
			.contains("TriggersIntegrationTests.BadFilter.thank of bean")
			.contains("the filter \"$.total >\" of its subscription to 'order.placed' cannot be used")
			.contains("syntax error");
	}

	@Test
	void isDownIfTheDatabaseIsThereTooLateToRefuseAFilter() {
		try (EmbeddedServer server = TestPostgres.startSeparate()) {
			server.stop();
			this.bareRunner.withPropertyValues("spring.datasource.url=" + server.database().jdbcUrl())
				.withBean(BadFilter.class)
				.withBean(Subscribers.class)
				.run((context) -> {
					assertThat(context).hasNotFailed();

					server.start();

					Awaitility.await()
						.atMost(PATIENCE)
						.untilAsserted(() -> assertThat(health(context).getDetails().get("lastError")).asString()
							.contains("'thank'", "$.total >"));
					assertThat(health(context).getStatus()).isEqualTo(Status.DOWN);
					context.getBean(ConductorClient.class).emit(CREATED, new User("Ada", 36));
					Awaitility.await()
						.atMost(PATIENCE)
						.until(() -> !context.getBean(Subscribers.class).welcomed.isEmpty());
				});
		}
	}

	@Test
	void showsASchedulesErrorAndIsUp() {
		this.runner.withBean(Yearly.class).run((context) -> {
			query(context, "select ${schema}.schedule('new-year', '0 0 0 30 2 *', name => 'never') is null",
					Boolean.class);

			Awaitility.await()
				.atMost(PATIENCE)
				.untilAsserted(() -> assertThat(health(context).getDetails().get("brokenSchedules")).asString()
					.contains("new-year/never", "no date has the day of month '30'"));
			assertThat(health(context).getStatus()).isEqualTo(Status.UP);
		});
	}

	private static List<String> schedules(ApplicationContext context) {
		return context.getBean(ConductorClient.class).schedules().stream().map(ScheduleInfo::task).toList();
	}

	private List<String> subscriptions(ApplicationContext context) {
		return context.getBean(JdbcTemplate.class)
			.queryForList("select task from " + this.schema + ".subscription order by task", String.class);
	}

	private void wakePromoter(ApplicationContext context) {
		query(context, "select ${schema}.wake('promoter') is not null", Boolean.class);
	}

	private <T> T query(ApplicationContext context, String sql, Class<T> type) {
		T result = context.getBean(JdbcTemplate.class).queryForObject(sql.replace("${schema}", this.schema), type);
		assertThat(result).isNotNull();
		return result;
	}

	private static Health health(ApplicationContext context) {
		Health health = context.getBean("conductorHealthIndicator", HealthIndicator.class).health();
		assertThat(health).isNotNull();
		return health;
	}

	record User(String name, int age) {
	}

	static class Clock {

		final List<Instant> ticks = new CopyOnWriteArrayList<>();

		@Cron(value = "* * * * * *", name = "every-second")
		void strike(ScheduleTick<?> tick) {
			this.ticks.add(tick.scheduledAt());
		}

	}

	static class Subscribers {

		final List<User> welcomed = new CopyOnWriteArrayList<>();

		final List<String> noted = new CopyOnWriteArrayList<>();

		@Task(name = "welcome")
		@OnEvent(value = "user.created", filter = "$.age >= 18", fields = "name")
		void welcomeUser(User user) {
			this.welcomed.add(user);
		}

		@OnEvent("user.*")
		void noteUser(EmittedEvent<?> event) {
			this.noted.add(event.name());
		}

	}

	static class AnyTrigger {

		final List<String> names = new CopyOnWriteArrayList<>();

		@Task
		@Cron("0 0 1 1 *")
		@OnEvent("month.closed")
		void report(TaskEvent<?> event) {
			this.names.add(event.name());
		}

	}

	static class Yearly {

		final List<Instant> ticks = new CopyOnWriteArrayList<>();

		@Cron(value = "${new-year.cron:0 0 1 1 *}", misfire = MisfirePolicy.SKIP)
		void newYear(ScheduleTick<?> tick) {
			this.ticks.add(tick.scheduledAt());
		}

	}

	static class BadFilter {

		@OnEvent(value = "order.placed", filter = "$.total >")
		void thank() {
		}

	}

}
