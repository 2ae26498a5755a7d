package com.example.rowchanges;

import java.io.IOException;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

import com.example.DocumentationPage;
import com.example.rowchanges.Measurements.Measurement;
import com.example.rowchanges.Measurements.Quality;
import io.pgconductor.NonRetryableException;
import io.pgconductor.sample.TestDatabaseConfiguration;
import org.junit.jupiter.api.Test;
import org.mockito.ArgumentCaptor;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.context.annotation.Import;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.test.annotation.DirtiesContext;
import org.springframework.test.context.bean.override.mockito.MockitoBean;
import org.springframework.transaction.support.TransactionOperations;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.BDDMockito.then;
import static org.mockito.BDDMockito.willThrow;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.timeout;
import static org.mockito.Mockito.times;

/**
 * Runs what the page about row changes shows.
 */
@SpringBootTest(classes = RowChangesApplication.class, webEnvironment = WebEnvironment.NONE,
		properties = "spring.config.location=classpath:rowchanges/application.yml")
@Import(TestDatabaseConfiguration.class)
@DirtiesContext
class RowChangesDocumentationIntegrationTests {

	private static final Duration SOON = Duration.ofSeconds(20);

	private final UUID id = UUID.randomUUID();

	@Autowired
	private JdbcClient jdbcClient;

	@Autowired
	private JdbcTemplate jdbcTemplate;

	@Autowired
	private TransactionOperations transaction;

	@Autowired
	private Measurements measurements;

	@Autowired
	private Backfill backfill;

	@MockitoBean
	private Crm crm;

	@MockitoBean
	private Mail mail;

	@MockitoBean
	private SearchIndex index;

	@MockitoBean
	private AuditLog log;

	@Test
	void tasksRunForTheRowsThatMatter() {
		this.transaction.executeWithoutResult((status) -> {
			insert("nobody@example.com", true);
			status.setRollbackOnly();
		});
		insert("ada@example.com", false);
		update("active = true");
		update("email = 'ada@example.org'");
		delete();

		then(this.crm).should(timeout(SOON.toMillis())).save(new Contact(this.id, "ada@example.com", "Ada"));
		then(this.crm).should(timeout(SOON.toMillis())).save(new Contact(this.id, "ada@example.org", "Ada"));
		then(this.crm).should(timeout(SOON.toMillis())).delete(this.id);
		then(this.mail).should(timeout(SOON.toMillis()))
			.send("ada@example.org", "Is this you? So far we wrote to ada@example.com");
		awaitQuiet();
		then(this.crm).should(times(2)).save(any());
		then(this.mail).should(times(1)).send(any(), any());
	}

	@Test
	void aFailureHandlerGetsTheRow() {
		willThrow(new NonRetryableException("There is no room for Eve")).given(this.crm).save(any());

		insert("eve@example.com", true);

		then(this.mail).should(timeout(SOON.toMillis()))
			.send("admin@example.com", "Contact " + this.id + " is not in the CRM: There is no room for Eve");
	}

	@Test
	void manyChangesOfOneContactAreOneExecution() {
		insert("bob@example.com", true);
		this.transaction.executeWithoutResult((status) -> {
			for (int i = 0; i < 10; i++) {
				this.jdbcClient.sql("insert into address (contact_id, street) values (?, 'Street ' || ?)")
					.param(this.id)
					.param(i)
					.update();
			}
		});
		update("email = 'bob@example.org'");

		then(this.index).should(timeout(SOON.toMillis())).update(this.id);
		awaitQuiet();
		then(this.index).should(times(1)).update(this.id);
	}

	@Test
	void aTaskHasTriggersOfSeveralTables() {
		insert("carol@example.com", true);
		this.jdbcClient.sql("insert into address (contact_id, street) values (?, 'High Street')")
			.param(this.id)
			.update();
		delete();

		ArgumentCaptor<JsonNode> inserted = ArgumentCaptor.forClass(JsonNode.class);
		then(this.log).should(timeout(SOON.toMillis()))
			.write(eq("public.contact.insert"), eq(null), inserted.capture());
		assertThat(inserted.getValue().get("first_name").stringValue()).isEqualTo("Ada");
		assertThat(inserted.getValue().at("/_meta/operation").stringValue()).isEqualTo("INSERT");
		then(this.log).should(timeout(SOON.toMillis())).write(eq("public.contact.delete"), any(), eq(null));
		ArgumentCaptor<JsonNode> deleted = ArgumentCaptor.forClass(JsonNode.class);
		then(this.log).should(timeout(SOON.toMillis())).write(eq("public.address.delete"), deleted.capture(), eq(null));
		assertThat(deleted.getValue().get("street").stringValue()).isEqualTo("High Street");
	}

	@Test
	void rowsAreReplayed() {
		insert("dan@example.com", true);
		then(this.crm).should(timeout(SOON.toMillis())).save(any());
		awaitQuiet();

		assertThat(this.backfill.syncAgain(Instant.now().plusSeconds(3600))).isZero();
		assertThat(this.backfill.syncAgain(Instant.now().minusSeconds(3600))).isPositive();

		then(this.crm).should(timeout(SOON.toMillis()).times(2)).save(new Contact(this.id, "dan@example.com", "Ada"));
	}

	@Test
	void valuesHaveTheTypesOfThePage() throws InterruptedException {
		this.transaction.executeWithoutResult((status) -> {
			this.jdbcClient.sql("set local time zone 'Asia/Tokyo'").update();
			this.jdbcClient
				.sql("""
						insert into measurement (taken_at, day, took, value, "Unit", quality, tags, raw, details)
						values ('2027-01-01 12:00+01', '2027-01-01', '1 day 02:03:04.5', 12345678901234567890.1234567890, '°C',
						        'GOOD', array['in', 'door'], '\\x00ff', '{"snake_case": {"camelCase": 1}}')
						""")
				.update();
		});

		Measurement measurement = this.measurements.measurements.poll(SOON.toSeconds(), TimeUnit.SECONDS);

		assertThat(measurement).isNotNull();
		assertThat(measurement.takenAt()).isEqualTo("2027-01-01T11:00:00Z");
		assertThat(measurement.day()).isEqualTo(LocalDate.of(2027, 1, 1));
		assertThat(measurement.took()).isEqualTo(Duration.ofHours(26).plusMinutes(3).plusMillis(4500));
		assertThat(measurement.value()).isEqualTo(new BigDecimal("12345678901234567890.1234567890"));
		assertThat(measurement.unit()).isEqualTo("°C");
		assertThat(measurement.quality()).isEqualTo(Quality.GOOD);
		assertThat(measurement.tags()).containsExactly("in", "door");
		assertThat(measurement.raw()).containsExactly(0, 0xff);
		assertThat(measurement.details()).hasToString("{\"snake_case\":{\"camelCase\":1}}");
		assertThat(measurement.twice()).isEqualTo(new BigDecimal("24691357802469135780.2469135780"));
		assertThat(measurement.note()).isNull();
	}

	@Test
	void aNumberThatIsNoneFailsTheExecution() {
		this.jdbcClient.sql("""
				insert into measurement (taken_at, day, took, value, "Unit", quality, tags, raw, details)
				values (now(), 'today', '0', 'NaN', 'm', 'BAD', '{}', '', 'null')
				""").update();

		await().atMost(SOON)
			.untilAsserted(() -> assertThat(this.jdbcClient.sql("""
					select error ->> 'message' from conductor.executions
					where task = 'check' and state = 'failed' and attempt = 1
					""").query(String.class).optional())
				.hasValueSatisfying((message) -> assertThat(message).contains("NaN")));
	}

	@Test
	void aDroppedColumnDoesNotStopWriters() {
		this.transaction.executeWithoutResult((status) -> {
			this.jdbcTemplate.execute("alter table contact drop column first_name");
			this.jdbcTemplate.execute("alter table contact add column nickname text");
			this.jdbcClient.sql("insert into contact (id, email, nickname) values (?, 'fay@example.com', 'F.')")
				.param(this.id)
				.update();
			assertThat(this.jdbcClient.sql("""
					select payload #>> '{new,email}' from conductor.executions
					where task = 'sync-contact' and payload #>> '{new,id}' = ?
					  and payload #> '{new,nickname}' is null and payload #> '{new,first_name}' is null
					""").param(this.id.toString()).query(String.class).single()).isEqualTo("fay@example.com");
			status.setRollbackOnly();
		});
	}

	@Test
	void aColumnOfAConditionIsNotDroppedWithItsTriggers() {
		assertThatExceptionOfType(DataAccessException.class)
			.isThrownBy(() -> this.jdbcTemplate.execute("alter table contact drop column active"))
			.withMessageContaining("depend");
	}

	@Test
	void sqlOfThePageRuns() throws IOException {
		List<String> blocks = DocumentationPage.blocks("row-changes", "sql");

		this.transaction.executeWithoutResult((status) -> {
			blocks.forEach(this.jdbcTemplate::execute);
			status.setRollbackOnly();
		});
	}

	@Test
	void noTriggerFiresWhereNoneShould() {
		this.transaction.executeWithoutResult((status) -> {
			this.jdbcTemplate.execute("set local session_replication_role = replica");
			insert("gus@example.com", true);
		});
		this.jdbcTemplate.execute("truncate measurement");

		assertThat(executions()).isZero();
		then(this.crm).should(never()).save(any());
	}

	private void insert(String email, boolean active) {
		this.jdbcClient.sql("insert into contact (id, email, first_name, active) values (?, ?, 'Ada', ?)")
			.param(this.id)
			.param(email)
			.param(active)
			.update();
	}

	private void update(String assignment) {
		this.jdbcClient.sql("update contact set " + assignment + " where id = ?").param(this.id).update();
	}

	private void delete() {
		this.jdbcClient.sql("delete from contact where id = ?").param(this.id).update();
	}

	private void awaitQuiet() {
		await().atMost(SOON)
			.until(() -> this.jdbcClient.sql("select count(*) from conductor.execution")
				.query(Long.class)
				.single() == 0);
	}

	private long executions() {
		return this.jdbcClient.sql("select count(*) from conductor.executions where payload::text like ?")
			.param("%" + this.id + "%")
			.query(Long.class)
			.single();
	}

}
