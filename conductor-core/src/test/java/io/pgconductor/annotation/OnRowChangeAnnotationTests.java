package io.pgconductor.annotation;

import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

import io.pgconductor.EmittedEvent;
import io.pgconductor.ExecutionError;
import io.pgconductor.Invocation;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.InvokeOptions;
import io.pgconductor.RowChange;
import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import io.pgconductor.ScheduleTick;
import io.pgconductor.TaskEvent;
import io.pgconductor.TaskFailure;
import io.pgconductor.task.EventTrigger;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.RowChangeTrigger;
import io.pgconductor.task.RowChangeTrigger.Content;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.aot.hint.annotation.Reflective;
import org.springframework.core.annotation.AliasFor;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Tests for {@link OnRowChange @OnRowChange}: what it says of a table, and what a method
 * receives.
 */
class OnRowChangeAnnotationTests {

	private static final Content ALL = new Content(RowPayload.FIELDS, null, Map.of(), true, false);

	private static final RowChangeTrigger CONTACT = contact(RowOperation.INSERT, RowOperation.UPDATE);

	@Test
	void aMethodWithoutATaskIsOneNamedAfterItself() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Alone.class)) {
			TaskSpec task = tasks.onlyTask();

			assertThat(task.name()).isEqualTo("greet-contact");
			assertThat(task.payloadType()).isEqualTo(Contact.class);
			assertThat(task.triggers()).containsExactly(CONTACT);
			assertThat(tasks.run(task, inserted(new Contact("ada")))).isEqualTo("hello ada");
		}
	}

	@Test
	void takesNameAndOptionsFromATaskOnTheSameMethodOrTheClass() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(WithTask.class)) {
			assertThat(tasks.registry().tasks()).hasSize(2);
			assertThat(tasks.task("greet").queue()).isEqualTo("mail");
			assertThat(tasks.task("greet").triggers()).containsExactly(CONTACT);
			assertThat(tasks.task("index").queue()).isEqualTo("slow");
		}
	}

	@Test
	void readsAllAttributes() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Full.class)) {
			assertThat(tasks.task("fields").triggers()).containsExactly(new RowChangeTrigger("sales", "\"Order\"",
					Set.of(RowOperation.UPDATE, RowOperation.DELETE), "NEW.total > 100", List.of("total", "state"),
					new Content(RowPayload.FIELDS, List.of("id", "total"), Map.of(), false, true), "order-{id}",
					InvokeOptions.defaults().queue("orders").priority(7).maxAttempts(1).delay(Duration.ofSeconds(90))));
			assertThat(tasks.task("custom").triggers())
				.containsExactly(new RowChangeTrigger("public", "contact", Set.of(RowOperation.INSERT), null, List.of(),
						new Content(RowPayload.CUSTOM, null, Map.of("userId", "id", "both", "\"a=b\""), true, false),
						null, InvokeOptions.defaults()));
			assertThat(contentOf(tasks.task("row")))
				.isEqualTo(new Content(RowPayload.ROW, null, Map.of(), true, false));
			assertThat(contentOf(tasks.task("id")))
				.isEqualTo(new Content(RowPayload.ROW_ID, null, Map.of(), true, false));
		}
	}

	@Test
	void aMethodHasSeveralAlsoOfOneTable() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Repeated.class)) {
			RowChangeTrigger inserted = contact(RowOperation.INSERT);
			RowChangeTrigger deleted = contact(RowOperation.DELETE);

			assertThat(tasks.task("repeated").triggers()).containsExactly(inserted, deleted);
			assertThat(tasks.task("in-a-container").triggers()).containsExactly(inserted, deleted);
		}
	}

	@Test
	void worksAsMetaAnnotationWithAliases() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Composed.class)) {
			assertThat(tasks.task("any").triggers()).containsExactly(CONTACT);
			assertThat(tasks.task("deleted").triggers()).containsExactly(contact(RowOperation.DELETE));
		}
	}

	@Test
	void findsTheAnnotationOnAnInterfaceWithAGenericRow() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(ContactListener.class)) {
			TaskSpec task = tasks.onlyTask();

			assertThat(task.payloadType()).isEqualTo(Contact.class);
			assertThat(task.triggers()).containsExactly(CONTACT);
			assertThat(tasks.run(task, inserted(new Contact("ada")))).isEqualTo("heard of ada");
		}
	}

	@Test
	void annotationsOfAnOverridingMethodReplaceTheInheritedOnes() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Child.class)) {
			assertThat(tasks.task("inherited").triggers()).containsExactly(CONTACT);
			assertThat(tasks.task("overridden").triggers()).containsExactly(contact(RowOperation.DELETE));
		}
	}

	@Test
	void attributesTakePlaceholders() {
		Map<String, Object> properties = Map.of("schema", "sales", "least", "50", "column", "total", "delay", "1h",
				"queue", "orders");

		try (AnnotatedTasks tasks = AnnotatedTasks.withProperties(properties, WithPlaceholders.class)) {
			assertThat(tasks.task("run").triggers()).containsExactly(new RowChangeTrigger("sales", "order_2",
					Set.of(RowOperation.INSERT, RowOperation.UPDATE), "NEW.total > 50", List.of("total"),
					new Content(RowPayload.FIELDS, List.of("id", "total"), Map.of(), true, false), "key-total",
					InvokeOptions.defaults().queue("orders").delay(Duration.ofHours(1))));
			assertThat(tasks.task("empty").triggers()).containsExactly(CONTACT);
		}
	}

	@Test
	void aTaskThatIsSwitchedOffHasNone() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Map.of("greet-contact", TaskOptions.none().enabled(false)),
				(context) -> context.register(Alone.class))) {
			assertThat(tasks.registry().tasks()).isEmpty();
		}
	}

	@Test
	void triggersOfAllKindsAreToldApart() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(AllKinds.class)) {
			TaskSpec task = tasks.onlyTask();

			assertThat(task.payloadType()).isNull();
			assertThat(task.triggers()).hasSize(3)
				.contains(new EventTrigger("contact.added", false, null, null), CONTACT);
			assertThat(tasks.run(task, inserted(new Contact("ada")))).isEqualTo("INSERT of contact");
			assertThat(tasks.run(task, new ScheduleTick<>("nightly", Instant.EPOCH, null))).isEqualTo("nightly");
			assertThat(tasks.run(task, (Object) null)).isEqualTo("conductor.invoke");
		}
	}

	@Test
	void theRowIsThePayload() throws Throwable {
		Contact before = new Contact("ada");
		Contact after = new Contact("eve");

		try (AnnotatedTasks tasks = AnnotatedTasks.of(Receiving.class)) {
			assertThat(tasks.task("typed").payloadType()).isEqualTo(Contact.class);
			assertThat(tasks.task("both").payloadType()).isEqualTo(Contact.class);
			assertThat(tasks.task("open").payloadType()).isNull();
			assertThat(tasks.task("as-map").payloadType())
				.hasToString("java.util.Map<java.lang.String, java.lang.Object>");
			for (String name : List.of("typed", "both", "as-optional")) {
				assertThat(tasks.run(tasks.task(name), changed(RowOperation.UPDATE, before, after))).isEqualTo(after);
				assertThat(tasks.run(tasks.task(name), changed(RowOperation.DELETE, before, null))).isEqualTo(before);
			}
		}
	}

	@Test
	void saysWhatItTakesWhenItIsCalledForSomethingElse() {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Receiving.class)) {
			assertThatExceptionOfType(InvalidPayloadException.class)
				.isThrownBy(() -> tasks.run("typed", new Contact("ada")))
				.withMessageContainingAll("Receiving.typed of bean", "takes RowChange only",
						"called for Invocation (conductor.invoke", "have it take a TaskEvent");
		}
	}

	@Test
	void anOnFailureMethodFollowsIt() throws Throwable {
		try (AnnotatedTasks tasks = AnnotatedTasks.of(Failing.class)) {
			TaskFailure<Contact> failure = new TaskFailure<>(UUID.randomUUID(), "index", new Contact("ada"),
					new ExecutionError("T", "no disk", null));

			assertThat(tasks.task("index").onFailure()).isEqualTo("give-up");
			assertThat(tasks.run("give-up", failure)).isEqualTo("ada: no disk");
		}
	}

	@ParameterizedTest
	@CsvSource(delimiter = ';', quoteCharacter = '`',
			textBlock = """
					NoTable; @OnRowChange(table = "") cannot be used; give it the name of a table
					NoOperation; @OnRowChange(table = "contact"): operations must be; not []
					Manual; @OnRowChange(table = "contact"): operations must be one or more of INSERT, UPDATE and DELETE, not [MANUAL]; rows that are there are for replay
					ColumnTwice; @OnRowChange(columns = "id") cannot be used; it is given twice: remove one of them
					WatchTwice; @OnRowChange(watch = "id") cannot be used; it is given twice: remove one of them
					WatchWithoutUpdate; watch is about updates, which are not among its operations; add UPDATE, or remove it
					ColumnsOfRow; columns are for payload = FIELDS, but it is ROW; remove one of them
					MappingOfFields; mapping is for payload = CUSTOM, but it is FIELDS; remove one of them
					CustomWithoutMapping; @OnRowChange(table = "contact"): payload = CUSTOM needs a mapping; mapping
					MappingWithoutSign; @OnRowChange(mapping = "userId") cannot be used; use name=column, such as userId=id
					MappingWithoutName; @OnRowChange(mapping = "=id") cannot be used; use name=column, such as userId=id
					MappingWithoutColumn; @OnRowChange(mapping = "userId= ") cannot be used; use name=column, such as userId=id
					MappingTwice; @OnRowChange(mapping = "id=other") cannot be used; the name 'id' is given twice: remove one of them
					BadDelay; @OnRowChange(delay = "soon") cannot be used; use a duration such as 500ms, 15s, 5m, 2h, 7d or P1D
					NegativeDelay; @OnRowChange(delay = "-1s") cannot be used; use a duration that is not negative, or none to run at once
					LongDelay; @OnRowChange(delay = "P999999D") cannot be used; delay must be between 0 and 1000 years
					BadQueue; @OnRowChange(queue = "a b") cannot be used; is not a queue name
					NoAttempts; @OnRowChange(maxAttempts = 0) cannot be used; use a number of at least 1
					BlankKey; @OnRowChange(table = "contact"): dedupeKey must be 1 to 512 characters; dedupeKey
					MissingProperty; @OnRowChange(when = "NEW.total > ${least}") cannot be used; least
					Twice; two of its @OnRowChange for table contact are the same; remove one
					Failure; an @OnFailure method runs when a task has failed; remove @Cron, @OnEvent and @OnRowChange
					OtherFailure; as the payload of task 'index', which is; use the same type
					TakesTick; it takes a ScheduleTick, but has an @OnRowChange too; take a TaskEvent
					TakesEvent; it takes an EmittedEvent, but has an @OnRowChange too; take a TaskEvent
					TakesInvocation; it takes an Invocation, but has other triggers too; take a TaskEvent
					WithCron; it takes a RowChange, but has a @Cron too; take a TaskEvent
					WithEvent; it takes a RowChange, but has an @OnEvent too; take a TaskEvent
					DifferentRows; different types; TaskEvent<?>
					Primitive; it takes java.lang.Long, which no row of an @OnRowChange can be read as; take a record
					Text; it takes java.lang.String, which no row of an @OnRowChange can be read as; take a record
					Rows; which no row of an @OnRowChange can be read as; take a record
					""")
	void refusesWhatCannotWork(String component, String problem, String remedy) throws ClassNotFoundException {
		Class<?> type = Class.forName(Refusals.class.getName() + "$" + component);

		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(() -> AnnotatedTasks.of(type).close())
			.withMessageContainingAll("Refusals." + component + ".run of bean", component + "'", problem, remedy);
	}

	@Test
	void isReflective() {
		assertThat(OnRowChange.class).hasAnnotation(Reflective.class);
		assertThat(OnRowChange.RowChanges.class).hasAnnotation(Reflective.class);
	}

	private static RowChangeTrigger contact(RowOperation... operations) {
		return new RowChangeTrigger("public", "contact", Set.of(operations), null, List.of(), ALL, null,
				InvokeOptions.defaults());
	}

	private static Content contentOf(TaskSpec task) {
		return ((RowChangeTrigger) task.triggers().get(0)).content();
	}

	private static <T> RowChange<T> inserted(T row) {
		return changed(RowOperation.INSERT, null, row);
	}

	private static <T> RowChange<T> changed(RowOperation operation, @Nullable T before, @Nullable T after) {
		return new RowChange<>(operation, "public", "contact", before, after);
	}

	record Contact(String name) {
	}

	static class Alone {

		@OnRowChange(table = "contact")
		String greetContact(Contact contact) {
			return "hello " + contact.name();
		}

	}

	@TaskDefaults(queue = "slow")
	static class WithTask {

		@Task(name = "greet", queue = "mail")
		@OnRowChange(table = "contact")
		void sendGreeting(Contact contact) {
		}

		@OnRowChange(table = "contact")
		void index(Contact contact) {
		}

	}

	static class Full {

		@OnRowChange(schema = "sales", table = "\"Order\"", operations = { RowOperation.UPDATE, RowOperation.DELETE },
				columns = { "id", "total" }, when = "NEW.total > 100", watch = { "total", "state" }, includeOld = false,
				includeMeta = true, dedupeKey = "order-{id}", priority = 7, delay = "1m30s", queue = "orders",
				maxAttempts = 1)
		void fields() {
		}

		@OnRowChange(table = "contact", operations = RowOperation.INSERT, payload = RowPayload.CUSTOM,
				mapping = { "userId = id", "both=\"a=b\"" }, delay = "0")
		void custom() {
		}

		@OnRowChange(table = "contact", payload = RowPayload.ROW)
		void row(JsonNode row) {
		}

		@OnRowChange(table = "contact", payload = RowPayload.ROW_ID)
		void id() {
		}

	}

	static class Repeated {

		@OnRowChange(table = "contact", operations = RowOperation.INSERT)
		@OnRowChange(table = "contact", operations = RowOperation.DELETE)
		void repeated() {
		}

		@OnRowChange.RowChanges({ @OnRowChange(table = "contact", operations = RowOperation.INSERT),
				@OnRowChange(table = "contact", operations = RowOperation.DELETE) })
		void inAContainer() {
		}

	}

	@Retention(RetentionPolicy.RUNTIME)
	@OnRowChange(table = "contact")
	@interface OnContact {

		@AliasFor(annotation = OnRowChange.class, attribute = "operations")
		RowOperation[] value() default { RowOperation.INSERT, RowOperation.UPDATE };

	}

	static class Composed {

		@OnContact
		void any() {
		}

		@OnContact(RowOperation.DELETE)
		void deleted() {
		}

	}

	interface Listener<P> {

		@OnRowChange(table = "contact")
		String hear(P row);

	}

	static class ContactListener implements Listener<Contact> {

		@Override
		public String hear(Contact contact) {
			return "heard of " + contact.name();
		}

	}

	abstract static class Parent {

		@OnRowChange(table = "contact")
		void inherited() {
		}

		@OnRowChange(table = "contact")
		void overridden() {
		}

	}

	static class Child extends Parent {

		@Override
		@OnRowChange(table = "contact", operations = RowOperation.DELETE)
		void overridden() {
		}

	}

	static class WithPlaceholders {

		@OnRowChange(schema = "${schema}", table = "order_${number:2}", columns = { "id", "${column}", "${none:}" },
				when = "NEW.total > ${least}", watch = "${column}", dedupeKey = "key-${column}", delay = "${delay}",
				queue = "${queue}")
		void run() {
		}

		@OnRowChange(schema = "${none:}", table = "contact", columns = "${none:}", when = "${none:}",
				watch = "${none:}", mapping = "${none:}", dedupeKey = "${none:}", delay = "${none:}",
				queue = "${none:}")
		void empty() {
		}

	}

	static class AllKinds {

		@Task
		@OnEvent("contact.added")
		@OnRowChange(table = "contact")
		@Cron(value = "0 3 * * *", name = "nightly")
		String run(TaskEvent<?> event) {
			if (event instanceof RowChange<?> change) {
				return change.operation() + " of " + change.table();
			}
			return event.name();
		}

	}

	static class Receiving {

		@OnRowChange(table = "contact")
		@Nullable Contact typed(RowChange<Contact> change) {
			return change.payload();
		}

		@OnRowChange(table = "contact")
		Contact both(RowChange<Contact> change, Contact contact) {
			return contact;
		}

		@OnRowChange(table = "contact")
		void open(RowChange<?> change) {
		}

		@OnRowChange(table = "contact")
		@Nullable Contact asOptional(Optional<Contact> contact) {
			return contact.orElse(null);
		}

		@OnRowChange(table = "contact")
		void asMap(RowChange<Map<String, Object>> change) {
		}

	}

	static class Failing {

		@OnRowChange(table = "contact")
		void index(RowChange<Contact> change) {
		}

		@OnFailure
		String giveUp(Contact contact, ExecutionError error) {
			return contact.name() + ": " + error.message();
		}

	}

	static class Refusals {

		static class OtherFailure {

			@OnRowChange(table = "contact")
			void index(RowChange<Contact> change) {
			}

			@OnFailure
			void run(Map<String, Object> contact) {
			}

		}

		static class NoTable {

			@OnRowChange(table = "")
			void run() {
			}

		}

		static class NoOperation {

			@OnRowChange(table = "contact", operations = {})
			void run() {
			}

		}

		static class Manual {

			@OnRowChange(table = "contact", operations = RowOperation.MANUAL)
			void run() {
			}

		}

		static class ColumnTwice {

			@OnRowChange(table = "contact", columns = { "id", "name", "id" })
			void run() {
			}

		}

		static class WatchTwice {

			@OnRowChange(table = "contact", watch = { "id", "id" })
			void run() {
			}

		}

		static class WatchWithoutUpdate {

			@OnRowChange(table = "contact", operations = RowOperation.INSERT, watch = "id")
			void run() {
			}

		}

		static class ColumnsOfRow {

			@OnRowChange(table = "contact", payload = RowPayload.ROW, columns = "id")
			void run() {
			}

		}

		static class MappingOfFields {

			@OnRowChange(table = "contact", mapping = "userId=id")
			void run() {
			}

		}

		static class CustomWithoutMapping {

			@OnRowChange(table = "contact", payload = RowPayload.CUSTOM)
			void run() {
			}

		}

		static class MappingWithoutSign {

			@OnRowChange(table = "contact", payload = RowPayload.CUSTOM, mapping = "userId")
			void run() {
			}

		}

		static class MappingWithoutName {

			@OnRowChange(table = "contact", payload = RowPayload.CUSTOM, mapping = "=id")
			void run() {
			}

		}

		static class MappingWithoutColumn {

			@OnRowChange(table = "contact", payload = RowPayload.CUSTOM, mapping = "userId= ")
			void run() {
			}

		}

		static class MappingTwice {

			@OnRowChange(table = "contact", payload = RowPayload.CUSTOM, mapping = { "id=id", "id=other" })
			void run() {
			}

		}

		static class BadDelay {

			@OnRowChange(table = "contact", delay = "soon")
			void run() {
			}

		}

		static class NegativeDelay {

			@OnRowChange(table = "contact", delay = "-1s")
			void run() {
			}

		}

		static class LongDelay {

			@OnRowChange(table = "contact", delay = "P999999D")
			void run() {
			}

		}

		static class BadQueue {

			@OnRowChange(table = "contact", queue = "a b")
			void run() {
			}

		}

		static class NoAttempts {

			@OnRowChange(table = "contact", maxAttempts = 0)
			void run() {
			}

		}

		static class BlankKey {

			@OnRowChange(table = "contact", dedupeKey = " ")
			void run() {
			}

		}

		static class MissingProperty {

			@OnRowChange(table = "contact", when = "NEW.total > ${least}")
			void run() {
			}

		}

		static class Twice {

			@OnRowChange(table = "contact", priority = 5, delay = "1s")
			@OnRowChange(table = "contact", priority = 5, delay = "1000")
			void run() {
			}

		}

		static class Failure {

			@Task
			void order() {
			}

			@OnFailure
			@OnRowChange(table = "contact")
			void run() {
			}

		}

		static class TakesTick {

			@OnRowChange(table = "contact")
			@Cron("@daily")
			void run(ScheduleTick<?> tick) {
			}

		}

		static class TakesEvent {

			@OnRowChange(table = "contact")
			@OnEvent("contact.added")
			void run(EmittedEvent<?> event) {
			}

		}

		static class TakesInvocation {

			@OnRowChange(table = "contact")
			void run(Invocation<?> invocation) {
			}

		}

		static class WithCron {

			@OnRowChange(table = "contact")
			@Cron("@daily")
			void run(RowChange<?> change) {
			}

		}

		static class WithEvent {

			@OnRowChange(table = "contact")
			@OnEvent("contact.added")
			void run(RowChange<Contact> change) {
			}

		}

		static class DifferentRows {

			@OnRowChange(table = "contact")
			void run(RowChange<Map<String, String>> change, Contact contact) {
			}

		}

		static class Primitive {

			@OnRowChange(table = "contact")
			void run(long id) {
			}

		}

		static class Text {

			@OnRowChange(table = "contact")
			void run(RowChange<String> change) {
			}

		}

		static class Rows {

			@OnRowChange(table = "contact")
			void run(List<Contact> contacts) {
			}

		}

	}

}
