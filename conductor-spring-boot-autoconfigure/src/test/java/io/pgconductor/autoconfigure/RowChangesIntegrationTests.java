package io.pgconductor.autoconfigure;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

import io.pgconductor.ConductorClient;
import io.pgconductor.RowChange;
import io.pgconductor.RowOperation;
import io.pgconductor.RowReplay;
import io.pgconductor.annotation.OnRowChange;
import io.pgconductor.annotation.Task;
import io.pgconductor.autoconfigure.health.ConductorHealthContributorAutoConfiguration;
import io.pgconductor.test.TestDatabase;
import io.pgconductor.test.TestPostgres;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.flyway.autoconfigure.FlywayAutoConfiguration;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceInitializationAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.JdbcTemplateAutoConfiguration;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
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
 * Tests for applications whose tasks run for rows that change, on PostgreSQL.
 */
class RowChangesIntegrationTests {

	private static final Duration PATIENCE = Duration.ofSeconds(30);

	private final TestDatabase database = TestPostgres.shared().createDatabase();

	private final JdbcTemplate jdbc = new JdbcTemplate(this.database.dataSource());

	private final ApplicationContextRunner runner = new ApplicationContextRunner()
		.withConfiguration(AutoConfigurations.of(ConductorAutoConfiguration.class,
				ConductorHealthContributorAutoConfiguration.class, DataSourceAutoConfiguration.class,
				DataSourceTransactionManagerAutoConfiguration.class, JdbcTemplateAutoConfiguration.class,
				TransactionAutoConfiguration.class))
		.withPropertyValues("spring.datasource.url=" + this.database.jdbcUrl(), "spring.application.name=shop");

	@BeforeEach
	void createTable() {
		this.jdbc.execute("create schema crm");
		this.jdbc
			.execute("create table crm.contact (id int primary key, first_name text, active boolean default true)");
	}

	@AfterEach
	void dropDatabase() {
		this.database.close();
	}

	@Test
	void runsTasksForRowsThatAreCommitted() {
		this.runner.withBean(Contacts.class).withPropertyValues("crm.schema=crm").run((context) -> {
			context.getBean(TransactionTemplate.class).executeWithoutResult((status) -> {
				context.getBean(JdbcTemplate.class).update("insert into crm.contact values (1, 'Rolled back')");
				status.setRollbackOnly();
			});
			this.jdbc.update("insert into crm.contact values (2, 'Ada'), (3, 'Bob')");
			this.jdbc.update("update crm.contact set first_name = 'Bill' where id = 3");
			this.jdbc.update("update crm.contact set active = true");
			this.jdbc.update("insert into crm.contact values (4, 'Eve', false)");
			this.jdbc.update("delete from crm.contact where id = 2");

			Contacts contacts = context.getBean(Contacts.class);
			Awaitility.await()
				.atMost(PATIENCE)
				.untilAsserted(() -> assertThat(contacts.seen).containsExactlyInAnyOrder("INSERT null 2 Ada",
						"INSERT null 3 Bob", "UPDATE 3 Bob 3 Bill", "DELETE 2 Ada null"));
			assertThat(executions()).isEqualTo(4);
		});
	}

	@Test
	void replaysRowsThatAreThere() {
		this.jdbc.update("insert into crm.contact values (1, 'Ada'), (2, 'Bob'), (3, 'Eve')");

		this.runner.withBean(Contacts.class).withPropertyValues("crm.schema=crm").run((context) -> {
			assertThat(context.getBean(ConductorClient.class)
				.replay("contact-changed", RowReplay.of("crm", "contact").where("id > 1"))).isEqualTo(2);

			Contacts contacts = context.getBean(Contacts.class);
			Awaitility.await()
				.atMost(PATIENCE)
				.untilAsserted(() -> assertThat(contacts.seen).containsExactlyInAnyOrder("MANUAL null 2 Bob",
						"MANUAL null 3 Eve"));
		});
	}

	@Test
	void usesTablesOfTheApplicationsOwnMigrations() {
		this.runner.withConfiguration(AutoConfigurations.of(FlywayAutoConfiguration.class))
			.withPropertyValues("spring.flyway.locations=classpath:db/shop", "spring.flyway.baseline-on-migrate=true",
					"spring.flyway.baseline-version=0")
			.withBean(Orders.class)
			.run((context) -> {
				this.jdbc.update("insert into orders (item) values ('book')");

				Awaitility.await()
					.atMost(PATIENCE)
					.until(() -> context.getBean(Orders.class).items.equals(List.of("book")));
			});
	}

	@Test
	void usesTablesOfTheApplicationsOwnScripts() {
		this.runner.withConfiguration(AutoConfigurations.of(DataSourceInitializationAutoConfiguration.class))
			.withPropertyValues("spring.sql.init.mode=always",
					"spring.sql.init.schema-locations=classpath:db/row-changes/schema.sql")
			.withBean(QuotedOrders.class)
			.run((context) -> {
				this.jdbc.update("insert into \"Order\" (item_name, quantity) values ('book', 2), ('lamp', 0)");

				Awaitility.await()
					.atMost(PATIENCE)
					.until(() -> context.getBean(QuotedOrders.class).orders
						.equals(List.of(new QuotedOrder("book", 2))));
			});
	}

	@Test
	void dropsTheTriggersOfATaskThatIsSwitchedOff() {
		ApplicationContextRunner shop = this.runner.withBean(Contacts.class).withPropertyValues("crm.schema=crm");
		shop.run((context) -> assertThat(triggers()).hasSize(3));
		this.jdbc.update("insert into crm.contact values (1, 'Ada')");

		shop.withPropertyValues("conductor.tasks.contact-changed.enabled=false").run((context) -> {
			assertThat(triggers()).isEmpty();
			this.jdbc.update("insert into crm.contact values (2, 'Bob')");
		});

		assertThat(executions()).isOne();
		shop.run((context) -> {
			assertThat(triggers()).hasSize(3);
			Contacts contacts = context.getBean(Contacts.class);
			Awaitility.await()
				.atMost(PATIENCE)
				.untilAsserted(() -> assertThat(contacts.seen).containsExactly("INSERT null 1 Ada"));
		});
	}

	@Test
	void onlyVerifiesTriggersThatOthersInstall() {
		ApplicationContextRunner verifying = this.runner.withBean(Contacts.class)
			.withPropertyValues("crm.schema=crm", "conductor.row-changes.install=false");
		verifying.run((context) -> {
			assertThat(context).hasFailed();
			assertThat(context.getStartupFailure()).rootCause()
				.hasMessageContaining("conductor.row-changes.install")
				.hasMessageContaining("create trigger");
			assertThat(triggers()).isEmpty();

			this.jdbc.execute(script(context));
		});

		verifying.run((context) -> {
			assertThat(context).hasNotFailed();
			this.jdbc.update("insert into crm.contact values (1, 'Ada')");
			Contacts contacts = context.getBean(Contacts.class);
			Awaitility.await()
				.atMost(PATIENCE)
				.untilAsserted(() -> assertThat(contacts.seen).containsExactly("INSERT null 1 Ada"));
		});
	}

	private static String script(AssertableApplicationContext context) {
		Throwable failure = context.getStartupFailure();
		while (failure.getCause() != null) {
			failure = failure.getCause();
		}
		String message = String.valueOf(failure.getMessage());
		return message.substring(message.indexOf("begin;"), message.lastIndexOf("commit;") + "commit;".length());
	}

	@Test
	@ExtendWith(OutputCaptureExtension.class)
	void explainsAConditionThatPostgresRefuses(CapturedOutput output) {
		assertThatException().isThrownBy(() -> start(BadCondition.class));

		assertThat(output).contains("APPLICATION FAILED TO START")
			.contains("'greet'")
			.contains("RowChangesIntegrationTests.BadCondition.greet of bean")
			.contains("row changes of crm.contact cannot be captured")
			.contains("when = \"NEW.activ\"")
			.contains("id, first_name, active");
		assertThat(triggers()).isEmpty();
	}

	@Test
	@ExtendWith(OutputCaptureExtension.class)
	void explainsThatAColumnIsMissing(CapturedOutput output) {
		assertThatException().isThrownBy(() -> start(MissingColumn.class));

		assertThat(output).contains("APPLICATION FAILED TO START")
			.contains("RowChangesIntegrationTests.MissingColumn.greet of bean")
			.contains("column 'last_name' does not exist in crm.contact (id, first_name, active)");
	}

	@Test
	@ExtendWith(OutputCaptureExtension.class)
	void explainsThatATableIsMissing(CapturedOutput output) {
		assertThatException().isThrownBy(() -> start(MissingTable.class));

		assertThat(output).contains("APPLICATION FAILED TO START")
			.contains("RowChangesIntegrationTests.MissingTable.greet of bean")
			.contains("there is no table 'contacts' in schema 'crm', which has [contact]");
	}

	private void start(Class<?> bean) {
		SpringApplication application = new SpringApplication(DataSourceAutoConfiguration.class,
				DataSourceTransactionManagerAutoConfiguration.class, ConductorAutoConfiguration.class, bean);
		application.setWebApplicationType(WebApplicationType.NONE);
		application.run("--spring.datasource.url=" + this.database.jdbcUrl(), "--spring.application.name=shop");
	}

	@Test
	void isDownWhileATableIsGone() {
		this.runner.withBean(Contacts.class)
			.withPropertyValues("crm.schema=crm", "conductor.node-timeout=1s")
			.run((context) -> {
				this.jdbc.execute("drop table crm.contact");

				Awaitility.await().atMost(PATIENCE).until(() -> health(context).getStatus().equals(Status.DOWN));
				assertThat(health(context).getDetails().get("lastError")).asString()
					.contains("'contact-changed'", "'contact'");

				createTableAgain();
				Awaitility.await().atMost(PATIENCE).until(() -> health(context).getStatus().equals(Status.UP));
				assertThat(triggers()).hasSize(3);
			});
	}

	private void createTableAgain() {
		this.jdbc.execute("create table crm.contact (id int primary key, first_name text, active boolean)");
	}

	private static Health health(ApplicationContext context) {
		Health health = context.getBean("conductorHealthIndicator", HealthIndicator.class).health();
		assertThat(health).isNotNull();
		return health;
	}

	private List<String> triggers() {
		return this.jdbc.queryForList("select tgname from pg_trigger where tgname like 'conductor\\_%'", String.class);
	}

	private Integer executions() {
		return this.jdbc.queryForObject("select count(*) from conductor.executions", Integer.class);
	}

	record Contact(int id, String firstName) {

		@Override
		public String toString() {
			return this.id + " " + this.firstName;
		}

	}

	static class Contacts {

		final List<String> seen = new CopyOnWriteArrayList<>();

		@Task(name = "contact-changed")
		@OnRowChange(schema = "${crm.schema}", table = "${crm.table:contact}", watch = "${crm.watch:first_name}",
				when = "${crm.condition:NEW.active}")
		@OnRowChange(schema = "${crm.schema}", table = "contact", operations = RowOperation.DELETE)
		void contactChanged(RowChange<Contact> change) {
			this.seen.add(change.operation() + " " + change.oldRow() + " " + change.newRow());
		}

	}

	record Item(String item) {
	}

	static class Orders {

		final List<String> items = new CopyOnWriteArrayList<>();

		@OnRowChange(table = "orders", operations = RowOperation.INSERT)
		void fulfil(Item item) {
			this.items.add(item.item());
		}

	}

	record QuotedOrder(String itemName, int quantity) {
	}

	static class QuotedOrders {

		final List<QuotedOrder> orders = new CopyOnWriteArrayList<>();

		@OnRowChange(table = "Order", operations = RowOperation.INSERT, when = "NEW.quantity > 0")
		void fulfil(QuotedOrder order) {
			this.orders.add(order);
		}

	}

	static class BadCondition {

		@OnRowChange(schema = "crm", table = "contact", when = "NEW.activ")
		void greet(Contact contact) {
		}

	}

	static class MissingColumn {

		@OnRowChange(schema = "crm", table = "contact")
		void greet(Person person) {
		}

		record Person(int id, String firstName, String lastName) {
		}

	}

	static class MissingTable {

		@OnRowChange(schema = "crm", table = "contacts")
		void greet() {
		}

	}

}
