package com.example.triggers;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.List;
import java.util.UUID;

import com.example.DocumentationPage;
import com.example.triggers.Approvals.Budget;
import com.example.triggers.Approvals.Vote;
import com.example.triggers.Invoices.Invoice;
import com.example.triggers.Payments.Payment;
import com.example.triggers.Reports.ReportRequest;
import io.pgconductor.ConductorClient;
import io.pgconductor.Execution;
import io.pgconductor.ExecutionState;
import io.pgconductor.ScheduleInfo;
import io.pgconductor.sample.TestDatabaseConfiguration;
import org.assertj.core.groups.Tuple;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.bean.override.mockito.MockitoBean;
import org.springframework.transaction.support.TransactionOperations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.ArgumentMatchers.startsWith;
import static org.mockito.BDDMockito.then;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.timeout;

/**
 * Runs what the pages about schedules, events and SQL show.
 */
@SpringBootTest(classes = TriggersApplication.class, webEnvironment = WebEnvironment.NONE,
		properties = "spring.config.location=classpath:triggers/application.yml")
@Import(TestDatabaseConfiguration.class)
@DirtiesContext
class TriggersDocumentationIntegrationTests {

	private static final Duration SOON = Duration.ofSeconds(20);

	@Autowired
	private ConductorClient conductor;

	@Autowired
	private JdbcClient jdbcClient;

	@Autowired
	private JdbcTemplate jdbcTemplate;

	@Autowired
	private TransactionOperations transaction;

	@Autowired
	private Reminders reminders;

	@Autowired
	private Orders orders;

	@Autowired
	private Payments payments;

	@MockitoBean
	private Mail mail;

	@MockitoBean
	private PriceList prices;

	@AfterEach
	void comeBack() {
		travel(Duration.ZERO);
	}

	@Test
	void schedulesAreDeclared() {
		assertThat(this.conductor.schedules()).filteredOn(ScheduleInfo::declared)
			.extracting(ScheduleInfo::task, ScheduleInfo::name, ScheduleInfo::cron, ScheduleInfo::zone)
			.containsExactlyInAnyOrder(tuple("send-digest", "send-digest", "0 9 * * MON-FRI", "Europe/Vienna"),
					tuple("make-report", "daily", "0 6 * * *", "Europe/Vienna"),
					tuple("make-report", "monthly", "0 6 1 * *", "Europe/Vienna"),
					tuple("import-prices", "import-prices", "*/15 * * * *", "UTC"),
					tuple("clean-up", "clean-up", "0 3 * * *", "Europe/Vienna"));
	}

	private static Tuple tuple(Object... values) {
		return Tuple.tuple(values);
	}

	@Test
	void missedTicksRunOnceOrNotAtAll() {
		travel(Duration.ofDays(8));

		then(this.mail).should(timeout(SOON.toMillis())).send(eq("readers@example.com"), startsWith("The news until "));
		then(this.mail).should(timeout(SOON.toMillis()))
			.send(eq("boss@example.com"), startsWith("The daily report of "));
		await().atMost(SOON)
			.untilAsserted(() -> assertThat(schedule("import-prices").nextRunAt())
				.isAfter(Instant.now().plus(Duration.ofDays(7))));
	}

	@Test
	void oneTaskHasTriggersOfAllKinds() {
		this.conductor.emit("report.requested", new ReportRequest("ada@example.com"));
		this.conductor.invoke("make-report", null);

		then(this.mail).should(timeout(SOON.toMillis())).send("ada@example.com", "The report that you have requested");
		then(this.mail).should(timeout(SOON.toMillis())).send("boss@example.com", "A report in between");
	}

	@Test
	void schedulesComeAndGoAtRunTime() {
		this.reminders.remindDaily("ada@example.com", LocalTime.of(10, 30), ZoneId.of("Asia/Tokyo"));

		assertThat(schedule("ada@example.com")).satisfies((schedule) -> {
			assertThat(schedule.cron()).isEqualTo("30 10 * * *");
			assertThat(schedule.zone()).isEqualTo("Asia/Tokyo");
			assertThat(schedule.declared()).isFalse();
		});
		travel(Duration.ofDays(2));
		then(this.mail).should(timeout(SOON.toMillis())).send("ada@example.com", "Time for a break");
		assertThat(this.reminders.goOnHoliday("ada@example.com")).isTrue();
		assertThat(schedule("ada@example.com").paused()).isTrue();
		assertThat(schedule("ada@example.com").nextRunAt()).isNull();
		assertThat(this.reminders.comeBack("ada@example.com")).isTrue();
		assertThat(this.reminders.stopReminding("ada@example.com")).isTrue();
		assertThat(this.reminders.stopReminding("ada@example.com")).isFalse();
	}

	@Test
	void subscribersGetTheEventsOfCommittedTransactions() {
		this.transaction.executeWithoutResult((status) -> {
			this.orders.place("nobody@example.com", 500);
			status.setRollbackOnly();
		});
		long small = this.orders.place("bob@example.com", 50);
		long big = this.orders.place("eve@example.com", 500);

		then(this.mail).should(timeout(SOON.toMillis())).send("bob@example.com", "We have your order " + small);
		then(this.mail).should(timeout(SOON.toMillis())).send("eve@example.com", "We have your order " + big);
		then(this.mail).should(timeout(SOON.toMillis())).send("eve@example.com", "Thank you for your big order!");
		then(this.mail).should(timeout(SOON.toMillis()).atLeast(2))
			.send(eq("archive@example.com"), startsWith("order.placed at "));
		then(this.mail).should(never()).send(eq("nobody@example.com"), any());
		then(this.mail).should(never()).send("bob@example.com", "Thank you for your big order!");
	}

	@Test
	void aWaitEndsWithTheEventOrInTime() {
		UUID paid = this.conductor.invoke("collect", new Invoice("I-1", "ada@example.com"));
		UUID late = this.conductor.invoke("collect", new Invoice("I-2", "ada@example.com"));
		UUID unpaid = this.conductor.invoke("collect", new Invoice("I-3", "ada@example.com"));
		List.of(paid, late, unpaid).forEach((id) -> awaitWait(id, "payment"));

		this.payments.received(new Payment("P-1", "I-1", 30));

		assertThat(awaitState(paid, ExecutionState.COMPLETED).result()).hasToString("\"paid by P-1\"");
		travel(Duration.ofDays(15));
		awaitWait(late, "late-payment");
		awaitWait(unpaid, "late-payment");
		this.payments.received(new Payment("P-2", "I-2", 30));
		assertThat(awaitState(late, ExecutionState.COMPLETED).result()).hasToString("\"paid by P-2\"");
		travel(Duration.ofDays(30));
		assertThat(awaitState(unpaid, ExecutionState.COMPLETED).result()).hasToString("\"not paid\"");
	}

	@Test
	void anEventWithAKeyIsEmittedOnce() {
		Payment payment = new Payment("P-7", "I-7", 30);

		this.payments.received(payment);
		this.payments.received(payment);

		assertThat(this.jdbcClient.sql("select count(*) from conductor.event where name = 'payment.received.I-7'")
			.query(Long.class)
			.single()).isOne();
	}

	@Test
	void aWaitMayHaveAFilter() {
		UUID vetoed = this.conductor.invoke("approve-budget", new Budget(1));
		UUID accepted = this.conductor.invoke("approve-budget", new Budget(2));
		awaitWait(vetoed, "veto");
		awaitWait(accepted, "veto");

		this.conductor.emit(Approvals.VOTE, new Vote(2, "ada", true));
		this.conductor.emit(Approvals.VOTE, new Vote(1, "bob", false));

		assertThat(awaitState(vetoed, ExecutionState.COMPLETED).result()).hasToString("false");
		travel(Duration.ofDays(3));
		assertThat(awaitState(accepted, ExecutionState.COMPLETED).result()).hasToString("true");
	}

	@ParameterizedTest
	@ValueSource(strings = { "sql-api", "cron", "events" })
	void sqlOfThePageRuns(String page) throws IOException {
		List<String> blocks = DocumentationPage.blocks(page, "sql");

		assertThat(blocks).isNotEmpty();
		this.transaction.executeWithoutResult((status) -> {
			blocks.forEach(this.jdbcTemplate::execute);
			status.setRollbackOnly();
		});
	}

	@Test
	void sqlDoesWhatItSays() {
		UUID id = this.jdbcClient
			.sql("select conductor.invoke('remind', '{\"customer\": \"sql\", \"text\": \"Now\"}', delay => '1 day')")
			.query(UUID.class)
			.single();
		assertThat(
				this.jdbcClient.sql("select conductor.cancel(?, 'too late')").param(id).query(Boolean.class).single())
			.isTrue();

		this.jdbcClient.sql("select conductor.emit('report.requested', '{\"recipient\": \"sql@example.com\"}')")
			.query(UUID.class)
			.single();

		assertThat(find(id).cancelReason()).isEqualTo("too late");
		then(this.mail).should(timeout(SOON.toMillis())).send("sql@example.com", "The report that you have requested");
		assertThat(this.jdbcClient.sql("""
				select headers ->> 'conductor.event' from conductor.executions
				where task = 'make-report' and payload ->> 'recipient' = 'sql@example.com'
				""").query(String.class).single()).isEqualTo("report.requested");
	}

	@Test
	void aTriggerEmitsAnEventForEachRow() throws IOException {
		List<String> blocks = DocumentationPage.blocks("sql-api", "sql");

		this.transaction.executeWithoutResult((status) -> {
			this.jdbcTemplate.execute(blocks.get(blocks.size() - 1));
			this.jdbcTemplate.execute("insert into orders (customer, total) values ('trigger@example.com', 7)");
			assertThat(this.jdbcClient.sql("""
					select count(*) from conductor.executions
					where task = 'confirm-order' and payload ->> 'customer' = 'trigger@example.com'
					""").query(Long.class).single()).isOne();
			status.setRollbackOnly();
		});
	}

	private ScheduleInfo schedule(String name) {
		return this.conductor.schedules()
			.stream()
			.filter((schedule) -> schedule.name().equals(name))
			.findFirst()
			.orElseThrow();
	}

	private Execution find(UUID id) {
		return this.conductor.find(id).orElseThrow();
	}

	private Execution awaitState(UUID id, ExecutionState state) {
		return await().atMost(SOON).until(() -> find(id), (execution) -> execution.state() == state);
	}

	private void awaitWait(UUID id, String step) {
		await().atMost(SOON)
			.until(() -> this.jdbcClient
				.sql("select count(*) from conductor.event_wait where execution_id = ? and step = ?")
				.param(id)
				.param(step)
				.query(Long.class)
				.single() == 1);
	}

	/**
	 * Put the database's clock forward, and let the promoter look at it.
	 */
	private void travel(Duration ahead) {
		this.jdbcClient
			.sql("create or replace function conductor.now() returns timestamptz language sql stable "
					+ "parallel safe as 'select pg_catalog.now() + interval ''" + ahead.toSeconds() + " seconds'''")
			.update();
		this.jdbcClient.sql("select conductor.wake('promoter')").query(Boolean.class).single();
	}

}
