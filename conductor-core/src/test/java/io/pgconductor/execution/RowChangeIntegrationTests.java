package io.pgconductor.execution;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import io.pgconductor.ExecutionState;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.Invocation;
import io.pgconductor.RowChange;
import io.pgconductor.RowOperation;
import io.pgconductor.TaskEvent;
import io.pgconductor.TaskFailure;
import io.pgconductor.task.RetryPolicy;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.core.ResolvableType;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for executions that a row change has invoked: what their handlers receive.
 */
class RowChangeIntegrationTests {

	private record Contact(int id, @Nullable String firstName, @Nullable BigDecimal creditLimit,
			@Nullable Instant createdAt) {
	}

	private final BlockingQueue<TaskEvent<?>> events = new LinkedBlockingQueue<>();

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(RowChangeIntegrationTests.class);
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	@Test
	void aHandlerGetsTheRowsAsItsType() throws InterruptedException {
		this.test.node(task(Contact.class)).start();

		enqueue("UPDATE",
				"""
						{"old": {"id": 1, "first_name": "Ada", "credit_limit": 12.50},
						 "new": {"id": 1, "first_name": "Eve", "credit_limit": null, "created_at": "2026-11-26T01:00:00+00:00"}}""");

		RowChange<?> change = received();
		Contact before = new Contact(1, "Ada", new BigDecimal("12.50"), null);
		Contact after = new Contact(1, "Eve", null, Instant.parse("2026-11-26T01:00:00Z"));
		assertThat(change.name()).isEqualTo("crm.Contact.update");
		assertThat(change.operation()).isEqualTo(RowOperation.UPDATE);
		assertThat(change.schema()).isEqualTo("crm");
		assertThat(change.table()).isEqualTo("Contact");
		assertThat(change.oldRow()).isEqualTo(before);
		assertThat(change.newRow()).isEqualTo(after);
		assertThat(change.payload()).isEqualTo(after);
		Map<?, ?> untyped = change.oldRow(Map.class);
		assertThat(untyped).isEqualTo(Map.of("id", 1, "first_name", "Ada", "credit_limit", new BigDecimal("12.50")));
	}

	@Test
	void thePayloadIsTheNewestRowThereIs() throws InterruptedException {
		this.test.node(task(Contact.class)).start();

		enqueue("DELETE", "{\"old\": {\"id\": 1}}");
		RowChange<?> deleted = received();
		enqueue("MANUAL", "{\"new\": {\"id\": 2}}");
		RowChange<?> manual = received();

		assertThat(deleted.payload()).isEqualTo(new Contact(1, null, null, null)).isEqualTo(deleted.oldRow());
		assertThat(deleted.payload(Contact.class)).isEqualTo(deleted.payload());
		assertThat(deleted.newRow()).isNull();
		assertThat(manual.operation()).isEqualTo(RowOperation.MANUAL);
		assertThat(manual.payload()).isEqualTo(new Contact(2, null, null, null)).isEqualTo(manual.newRow());
		assertThat(manual.oldRow()).isNull();
	}

	@Test
	void rowsOfAnyTypeAreReadWhenTheyAreAskedFor() throws InterruptedException {
		this.test.node(task(null)).start();

		enqueue("INSERT", "{\"new\": {\"id\": 1, \"first_name\": \"Ada\"}}");

		RowChange<?> change = received();
		assertThat(change.newRow()).isNull();
		assertThat(change.newRow(Contact.class)).isEqualTo(new Contact(1, "Ada", null, null));
		assertThat(change.payload(Contact.class)).isEqualTo(new Contact(1, "Ada", null, null));
		assertThat(change.oldRow(Contact.class)).isNull();
	}

	@Test
	void anInvocationOfTheSameTaskIsReadAsItWasWritten() throws InterruptedException {
		this.test.node(task(Contact.class)).start();

		this.test.conductor().invoke("greet", Map.of("id", 1, "firstName", "Ada", "first_name", "Eve"));

		TaskEvent<?> event = this.events.poll(20, TimeUnit.SECONDS);
		assertThat(event).isInstanceOf(Invocation.class);
		assertThat(event.payload()).isEqualTo(new Contact(1, "Ada", null, null));
	}

	@Test
	void aRowThatDoesNotFitFailsAtOnce() {
		this.test.node(task(Contact.class)).start();

		UUID id = enqueue("INSERT", "{\"new\": {\"id\": \"one\"}}");

		assertThat(this.test.await(id, ExecutionState.FAILED).error()).satisfies((error) -> {
			assertThat(error.type()).isEqualTo("io.pgconductor.InvalidPayloadException");
			assertThat(error.message()).contains("The new row in the payload of task 'greet' cannot be read as",
					"[\"id\"]");
		});
	}

	@Test
	void anOldRowThatDoesNotFitIsNoProblemForWhoDoesNotReadIt() throws InterruptedException {
		this.test.node(task(Contact.class)).start();

		enqueue("UPDATE", "{\"old\": {\"id\": \"one\"}, \"new\": {\"id\": 1}}");

		RowChange<?> change = received();
		assertThat(change.newRow()).isEqualTo(new Contact(1, null, null, null));
		assertThatExceptionOfType(InvalidPayloadException.class).isThrownBy(change::oldRow)
			.withMessageContaining("The old row");
	}

	@Test
	void aFailureTaskGetsTheRow() throws InterruptedException {
		this.test.node(failing(), failureTask()).start();

		enqueue("UPDATE", "{\"old\": {\"id\": 1}, \"new\": {\"id\": 2, \"first_name\": \"Eve\"}}");
		TaskFailure<?> ofUpdate = (TaskFailure<?>) failure().payload();
		enqueue("DELETE", "{\"old\": {\"id\": 1, \"first_name\": \"Ada\"}}");
		TaskEvent<?> ofDelete = failure();

		assertThat(ofUpdate).isNotNull();
		assertThat(ofUpdate.task()).isEqualTo("greet");
		assertThat(ofUpdate.error().message()).isEqualTo("no mail");
		assertThat(ofUpdate.payload()).isEqualTo(new Contact(2, "Eve", null, null));
		TaskFailure<?> untyped = ofDelete.payload(TaskFailure.class);
		assertThat(untyped).isNotNull();
		assertThat(untyped.payload()).isEqualTo(Map.of("id", 1, "first_name", "Ada"));
	}

	@Test
	void aFailureOfAnInvocationHasItsPayload() throws InterruptedException {
		this.test.node(failing(), failureTask()).start();

		this.test.conductor().invoke("greet", new Contact(3, "Kim", null, null));

		TaskFailure<?> failure = (TaskFailure<?>) failure().payload();
		assertThat(failure).isNotNull();
		assertThat(failure.payload()).isEqualTo(new Contact(3, "Kim", null, null));
	}

	private UUID enqueue(String operation, String rows) {
		this.test
			.sql("""
					select ${schema}.row_changed('greet', cast(:rows as json), json_build_object(
					    'conductor.row-operation', :operation, 'conductor.row-schema', 'crm', 'conductor.row-table', 'Contact'),
					    null, null, null, null, null)
					""")
			.param("rows", rows)
			.param("operation", operation)
			.query()
			.listOfRows();
		return this.test.sql("""
				select id from ${schema}.executions where task = 'greet' order by id desc limit 1
				""").query(UUID.class).single();
	}

	private RowChange<?> received() throws InterruptedException {
		TaskEvent<?> event = this.events.poll(20, TimeUnit.SECONDS);
		assertThat(event).isInstanceOf(RowChange.class);
		return (RowChange<?>) event;
	}

	private TaskEvent<?> failure() throws InterruptedException {
		TaskEvent<?> event = this.events.poll(20, TimeUnit.SECONDS);
		assertThat(event).isNotNull();
		return event;
	}

	private TaskSpec task(@Nullable Class<?> rowType) {
		return TaskSpec.of("greet", rowType, (event, context) -> {
			this.events.add(event);
			return null;
		});
	}

	private static TaskSpec failing() {
		RetryPolicy atOnce = new RetryPolicy(List.of(Duration.ZERO), 0, Set.of());
		return TaskSpec.of("greet", null, (event, context) -> {
			throw new IllegalStateException("no mail");
		}).with(TaskOptions.none().retryPolicy(atOnce)).withOnFailure("give-up");
	}

	private TaskSpec failureTask() {
		return TaskSpec.of("give-up", ResolvableType.forClassWithGenerics(TaskFailure.class, Contact.class).getType(),
				(event, context) -> {
					this.events.add(event);
					return null;
				});
	}

}
