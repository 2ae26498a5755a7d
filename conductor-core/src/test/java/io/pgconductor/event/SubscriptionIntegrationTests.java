package io.pgconductor.event;

import java.time.Duration;
import java.util.List;
import java.util.UUID;

import io.pgconductor.Orchestrator;
import io.pgconductor.task.EventTrigger;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.TestConductor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

/**
 * Subscriptions that applications declare, and declare no more.
 */
class SubscriptionIntegrationTests {

	private static final Duration NODE_TIMEOUT = Duration.ofSeconds(2);

	private TestConductor shop;

	private TestConductor mail;

	private TestConductor nameless;

	@BeforeEach
	void install() {
		String schema = TestPostgres.shared().uniqueSchema(SubscriptionIntegrationTests.class);
		this.shop = application(schema, "shop");
		this.mail = application(schema, "mail");
		this.nameless = application(schema, null);
	}

	private static TestConductor application(String schema, @Nullable String name) {
		return new TestConductor(TestPostgres.shared().jdbcUrl(), schema, (builder) -> builder.application(name));
	}

	@AfterEach
	void close() {
		this.shop.close();
		this.mail.close();
		this.nameless.close();
	}

	private static Orchestrator start(TestConductor application, TaskSpec... tasks) {
		Orchestrator node = application.node((builder) -> builder.nodeTimeout(NODE_TIMEOUT), tasks);
		node.start();
		return node;
	}

	private static TaskSpec task(String name, EventTrigger... triggers) {
		return TaskSpec.of(name, null, (event, context) -> null).withTriggers(List.of(triggers));
	}

	private static EventTrigger on(String pattern) {
		return EventTrigger.of(pattern, null, null);
	}

	private static EventTrigger on(String pattern, @Nullable String filter, String... fields) {
		return EventTrigger.of(pattern, filter, List.of(fields));
	}

	private List<String> subscriptions() {
		return this.shop.sql("""
				select concat_ws(' ', task, event || case when prefix then '*' else '' end, filter::text, fields::text,
				                 coalesce(application, '-'))
				from ${schema}.subscription order by 1
				""").query(String.class).list();
	}

	private List<String> tasks(UUID event) {
		return EmittedExecutions.tasks(this.shop, event);
	}

	private UUID emit(String event) {
		return this.shop.conductor().emit(event, 1);
	}

	@Test
	void bringsAnEventToAllApplications() {
		Subscriber toShop = Subscriber.to("shop-task", "event");
		Subscriber toMail = Subscriber.to("mail-task", "event");
		start(this.shop, toShop.task());
		start(this.mail, toMail.task());

		UUID id = this.nameless.conductor().emit("event", 1);

		assertThat(toShop.next().id()).isEqualTo(id);
		assertThat(toMail.next().id()).isEqualTo(id);
		assertThat(tasks(id)).containsExactly("mail-task", "shop-task");
	}

	@Test
	void followsWhatItsApplicationDeclaresAndLeavesTheOthers() {
		start(this.mail, task("mail", on("event"), on("prefix.*"))).stop();
		start(this.nameless, task("nameless", on("event"))).stop();
		start(this.shop, task("a", on("event"), on("event*"), on("removed")), task("b", on("event"), on("other")))
			.stop();
		assertThat(subscriptions()).containsExactly("a event shop", "a event* shop", "a removed shop", "b event shop",
				"b other shop", "mail event mail", "mail prefix.* mail", "nameless event -");

		start(this.shop, task("a", on("event", "$.total > 100", "x", "y \"'{}"), on("event*"))).stop();
		start(this.nameless, task("other", on("event"))).stop();

		assertThat(subscriptions()).containsExactly("a event ($.\"total\" > 100) {x,\"y \\\"'{}\"} shop",
				"a event* shop", "mail event mail", "mail prefix.* mail", "nameless event -", "other event -");
		assertThat(tasks(emit("event"))).containsExactly("a", "mail", "nameless", "other");
	}

	@Test
	void runsATaskOnceForEachOfItsSubscriptionsThatMatch() {
		start(this.shop, task("task", on("event"), on("e*"), on("ev*", "$ > 1")));

		assertThat(tasks(emit("event"))).containsExactly("task", "task");
	}

	@Test
	void changesNothingWhereNothingHasChanged() {
		start(this.shop, task("a", on("event", "$.total>100", "x"))).stop();
		String version = version();

		start(this.shop, task("a", on("event", "$.total   >  100", "x"))).stop();

		assertThat(version()).isEqualTo(version);
	}

	@Test
	void waitsForNobodyWhoHasLockedWhatHasNotChanged() {
		start(this.shop, task("a", on("event", "$ > 0", "x"), on("e*"))).stop();

		this.shop.transaction().executeWithoutResult((status) -> {
			this.shop.sql("select task from ${schema}.subscription for update").query().listOfRows();
			this.shop.elsewhere(() -> start(this.shop, task("a", on("event", "$ > 0", "x"), on("e*"), on("new"))));

			assertThat(this.shop.elsewhere(this::subscriptions)).containsExactlyInAnyOrder("a e* shop",
					"a event ($ > 0) {x} shop", "a new shop");
		});
	}

	private String version() {
		return this.shop.sql("select xmin::text || ctid::text from ${schema}.subscription")
			.query(String.class)
			.single();
	}

	@Test
	void leavesWhatAnotherLiveApplicationDeclares() {
		Orchestrator owner = start(this.mail, task("shared", on("event", "$ > 0")));
		start(this.shop, task("shared", on("event", "$ > 5")), task("own", on("event"))).stop();
		assertThat(subscriptions()).containsExactly("own event shop", "shared event ($ > 0) {} mail");

		owner.stop();
		start(this.shop, task("shared", on("event", "$ > 5")), task("own", on("event")), task("more")).stop();

		assertThat(subscriptions()).contains("own event shop");
	}

	@Test
	void takesOverWhatAnotherApplicationHasDropped() {
		Orchestrator owner = start(this.mail, task("shared", on("event", "$ > 0")));
		start(this.shop, task("shared", on("event", "$ > 5")));
		assertThat(subscriptions()).containsExactly("shared event ($ > 0) {} mail");

		owner.stop();
		start(this.mail, task("shared"));

		await().atMost(Duration.ofSeconds(30))
			.until(() -> subscriptions().equals(List.of("shared event ($ > 5) {} shop")));
	}

	@Test
	void keepsWhatOldNodesDeclareUntilTheyHaveGone() {
		Orchestrator old = start(this.shop, task("old", on("event")), task("both", on("event")));
		start(this.shop, task("both", on("event", "$ > 0")), task("new", on("event")));
		assertThat(subscriptions()).containsExactly("both event ($ > 0) {} shop", "new event shop", "old event shop");
		start(this.shop, task("old", on("event")), task("both", on("event"))).stop();
		assertThat(subscriptions()).contains("both event ($ > 0) {} shop");

		old.stop();

		await().atMost(Duration.ofSeconds(30))
			.until(() -> subscriptions().equals(List.of("both event ($ > 0) {} shop", "new event shop")));
	}

	@Test
	void bringsTheEventsLaterToATaskThatNobodyServes() {
		Subscriber subscriber = Subscriber.to("task", "event", "later.*");
		start(this.shop, subscriber.task()).stop();
		UUID first = emit("event");
		start(this.mail, task("mail", on("event")));
		UUID second = emit("later.event");

		assertThat(tasks(first)).containsExactly("task");
		assertThat(subscriber.isEmpty()).isTrue();
		start(this.shop, subscriber.task());

		assertThat(List.of(subscriber.next().id(), subscriber.next().id())).containsExactlyInAnyOrder(first, second);
	}

	@Test
	void holdsEventsForATaskThatWasNeverRegistered() {
		this.shop.sql("insert into ${schema}.subscription (task, event, prefix) values ('task', 'event', false)")
			.update();
		UUID id = emit("event");

		Subscriber subscriber = Subscriber.to("task", "event");
		start(this.shop, subscriber.task());

		assertThat(subscriber.next().id()).isEqualTo(id);
	}

	@Test
	void refusesPatterns() {
		for (String pattern : List.of("", "*a", "a*b", "a**", " a", "a\n*", "n".repeat(201))) {
			assertThatIllegalArgumentException().isThrownBy(() -> on(pattern));
		}
		assertThat(on("*")).isEqualTo(new EventTrigger("", true, null, null));
		assertThat(on("a.*")).isEqualTo(new EventTrigger("a.", true, null, null));
	}

}
