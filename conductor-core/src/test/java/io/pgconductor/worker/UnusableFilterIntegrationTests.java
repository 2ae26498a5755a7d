package io.pgconductor.worker;

import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.ExecutionState;
import io.pgconductor.Orchestrator;
import io.pgconductor.OrchestratorInfo.State;
import io.pgconductor.task.EventTrigger;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.LogCapture;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.UnreliableDataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/**
 * Filters of subscriptions that PostgreSQL doesn't understand.
 */
class UnusableFilterIntegrationTests {

	@RegisterExtension
	final LogCapture log = new LogCapture(DeclaredTriggers.class);

	private TestConductor test;

	@BeforeEach
	void install() {
		this.test = new TestConductor(UnusableFilterIntegrationTests.class, (builder) -> builder.application("shop"));
	}

	@AfterEach
	void close() {
		this.test.close();
	}

	private static TaskSpec task(String name, String filter) {
		return TaskSpec.of(name, null, (event, context) -> event.name())
			.withTriggers(List.of(EventTrigger.of("order.*", filter, null)));
	}

	@ParameterizedTest
	@CsvSource(quoteCharacter = '`',
			value = { "$.total >, not a JSONPath expression", "total > 5, not a JSONPath expression",
					"$.total, not a predicate", "$.name like_regex \"(\", not a JSONPath expression",
					"``, not a JSONPath expression", "$.total > $limit, variable",
					"$.a == 1 && $.b > $\"the limit\", variable",
					"$.at.datetime(\"YYYY_MM\") == \"2026-01\".datetime(\"YYYY-MM\"), $.datetime(\"YYYY_MM\")",
					"$.a == 1 && $.b[*].c.datetime(\"YYYY\\\"-\\\"_MM\") == $.d, $.datetime(\"YYYY\\\"-\\\"_MM\")",
					"$.a == 1 || \"2026-01\".datetime(\"YYYY_MM\") == $.b, invalid datetime format" })
	void refusesToStart(String filter, String problem) {
		Orchestrator node = this.test.node(task("good", "$.total > 100"), task("bad", filter));

		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(node::start)
			.withMessageContainingAll("Task 'bad'", "\"" + filter + "\"", "order.*", problem);

		assertThat(node.info().state()).isEqualTo(State.STOPPED);
		assertThat(this.test.count("subscription")).isZero();
		assertThat(this.test.count("node")).isZero();
	}

	@ParameterizedTest
	@ValueSource(strings = { "$.total > 100", "strict $.total > 100", "exists($.a)", "$.a == \"cost $\"",
			"$.\"$a\" == 1", "$.a.datetime() < \"2030-01-01T00:00:00Z\".datetime()", "$ == null",
			"$.a ? (@ == 1).type() == \"number\"", "$.a == \"\\\"$x\"", "!($.a == 1)",
			"($.a starts with \"b\") is unknown", "true == true", "$.a[*].b.double() > 1",
			"$.at.datetime(\"YYYY-MM\") == \"2026-01\".datetime(\"YYYY-MM\")",
			"$.at.datetime(\"HH24:MI:SS\").type() == \"date\"", "$.a == \".datetime(\\\"YYYY_MM\\\")\"",
			"$.a == \".datetime(\" || $.\"YYYY_MM\" == \")\"" })
	void takesAllThatIsTrueOrFalse(String filter) {
		Orchestrator node = this.test.node(task("task", filter));

		node.start();

		assertThat(this.test.count("subscription")).isOne();
	}

	@Test
	void leavesOutTheSubscriptionIfTheDatabaseWasDownAtTheStart() {
		try (HikariDataSource pool = this.test.pool("engine", 4)) {
			AtomicBoolean down = new AtomicBoolean(true);
			UnreliableDataSource engine = new UnreliableDataSource(pool, "nothing");
			engine.onConnect(() -> {
				if (down.get()) {
					throw new SQLException("down", "08001");
				}
				return true;
			});
			Orchestrator node = this.test.node(engine, (builder) -> {
			}, task("good", "$.total > 100"), task("bad", "$.total >"));
			node.start();
			assertThat(node.info().state()).isEqualTo(State.STARTING);

			down.set(false);

			await().atMost(Duration.ofSeconds(30)).until(() -> node.info().isRunning());
			assertThat(node.info().lastError()).contains("Task 'bad'", "$.total >", "order.*");
			assertThat(this.log.lines()).singleElement()
				.asString()
				.startsWith("ERROR Task 'bad'")
				.contains("gets none of these events");
			assertThat(this.test.sql("select task from ${schema}.subscription").query(String.class).list())
				.containsExactly("good");
			UUID invoked = this.test.conductor().invoke("bad", null);
			this.test.await(invoked, ExecutionState.COMPLETED);
			this.test.sql("select ${schema}.emit('order.paid', '{\"total\": 150}')").query(UUID.class).single();
			await().atMost(Duration.ofSeconds(30))
				.until(() -> this.test.count("finished_execution where task = 'good'") == 1);
			node.stop();
		}
	}

}
