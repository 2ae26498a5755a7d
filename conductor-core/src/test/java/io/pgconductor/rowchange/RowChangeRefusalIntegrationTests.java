package io.pgconductor.rowchange;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Orchestrator;
import io.pgconductor.OrchestratorInfo.State;
import io.pgconductor.RowPayload;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.UnreliableDataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.springframework.jdbc.datasource.DelegatingDataSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/**
 * What cannot be captured, or not by those who declare it.
 */
class RowChangeRefusalIntegrationTests extends AbstractInstallationTests {

	@Test
	void onlyVerifiesWhatOthersAreToInstall() {
		start("shop", task("left", items())).stop();
		Set<String> left = this.shop.triggers("item");
		this.logged.clear();
		TaskSpec[] tasks = { task("o'ne", items().when("NEW.name <> E'it\\'s \\\\'").dedupeKey("\\{name}")),
				task("two", this.shop.on("Order")) };

		InvalidTaskException refused = refusal(verifying(tasks));
		assertThat(refused.getMessage()).contains("conductor.row-changes.install");
		this.shop.execute(refused.getMessage().substring(refused.getMessage().indexOf("begin;")));
		Orchestrator node = verifying(tasks);
		node.start();

		assertThat(node.info().isRunning()).isTrue();
		assertThat(this.shop.triggers("item")).hasSize(4).containsAll(left);
		assertThat(this.shop.triggers("Order")).hasSize(2);
		this.shop.execute("insert into ${shop}.item values (1, '\"')");
		assertThat(this.shop.list("select task || ' ' || coalesce(coalesce_key, '') from ${schema}.execution",
				String.class))
			.contains("o'ne \\\"");
		String drop = this.logged.lines().stream().filter((line) -> line.startsWith("WARN")).findFirst().orElseThrow();
		assertThat(drop).contains(this.shop.schema() + ".item for task 'left'",
				"drop function if exists " + this.test.schema());
		assertThat(this.shop.query(
				"select count(distinct proowner) from pg_proc where pronamespace = '${schema}'::regnamespace",
				Integer.class))
			.isOne();
		this.shop.execute("drop table ${shop}.\"Order\"");
		await().atMost(LONG).until(() -> node.info().lastError() != null);
		assertThat(this.shop.triggers("item")).hasSize(4);
	}

	private Orchestrator verifying(TaskSpec... tasks) {
		return this.test.node((conductor) -> conductor.application("shop"),
				(builder) -> builder.nodeTimeout(Duration.ofSeconds(1)).installRowChanges(false), tasks);
	}

	private InvalidTaskException refusal(Orchestrator node) {
		List<InvalidTaskException> refused = new ArrayList<>();
		assertThatExceptionOfType(InvalidTaskException.class).isThrownBy(node::start).satisfies(refused::add);
		assertThat(node.info().state()).isEqualTo(State.STOPPED);
		assertThat(this.test.count("node")).isZero();
		return refused.get(0);
	}

	@ParameterizedTest
	@CsvSource(quoteCharacter = '`',
			value = { "NEW.emial = 'x', emial", "exists (select from pg_class), cannot use subquery",
					"NEW.stock, must be type boolean", "OLD.stock > 1, OLD", "stock > 1, stock",
					"NEW.stock > 'x', invalid input syntax", "count(NEW.stock) > 1, aggregate",
					"NEW.stock > 1 or, syntax error", "no_such(NEW.stock), no_such" })
	void refusesConditionsThatPostgresDoes(String condition, String problem) {
		Orchestrator node = node("shop", task("good", this.shop.on("Order")), task("bad", items().when(condition)));

		assertThat(refusal(node)).hasMessageContainingAll("Task 'bad'", "when = \"" + condition + "\"",
				this.shop.schema() + ".item", "id, name, stock, price", problem);

		assertThat(this.shop.triggers("Order")).isEmpty();
		assertThat(functions()).isZero();
		assertThat(this.shop.query("select count(*) from pg_class where relname like 'conductor\\_trial%'", Long.class))
			.isZero();
	}

	@Test
	void refusesWhatTheTableDoesNotHave() {
		this.shop.execute("create view ${shop}.stocked as select * from ${shop}.item where stock > 0");
		this.shop.execute("create table ${shop}.log (line text)");
		String columns = this.shop.schema() + ".item (id, name, stock, price)";

		assertThat(refusal(node("shop", task("bad", items().columns("id", "emial")))))
			.hasMessageContainingAll("Task 'bad'", "column 'emial' does not exist in " + columns, "columns");
		assertThat(refusal(node("shop", task("bad", items().watch("emial"))))).hasMessageContainingAll("Task 'bad'",
				"column 'emial' does not exist in " + columns, "watch");
		assertThat(refusal(node("shop", task("bad", items().dedupeKey("a-{emial}")))))
			.hasMessageContainingAll("Task 'bad'", "column 'emial' does not exist in " + columns, "dedupeKey");
		assertThat(refusal(node("shop", task("bad", items().mapping(Map.of("a", "emial"))))))
			.hasMessageContainingAll("Task 'bad'", "column 'emial' does not exist in " + columns, "mapping");
		assertThat(refusal(node("shop", task("bad", items().dedupeKey("a-{id"))))).hasMessageContainingAll("Task 'bad'",
				"braces");
		assertThat(refusal(node("shop", task("bad", this.shop.on("itme"))))).hasMessageContainingAll("Task 'bad'",
				"'itme'", this.shop.schema(), "Order, item");
		assertThat(refusal(node("shop", task("bad", this.shop.on("ORDER"))))).hasMessageContaining("'ORDER'");
		assertThat(refusal(node("shop", task("bad", this.shop.on("shpo", "item"))))).hasMessageContaining("'shpo'");
		assertThat(refusal(node("shop", task("bad", this.shop.on("stocked")))))
			.hasMessageContaining(this.shop.schema() + ".stocked is not a table");
		assertThat(refusal(node("shop", task("bad", this.shop.on("log").payload(RowPayload.ROW_ID)))))
			.hasMessageContainingAll("ROW_ID needs a primary key", this.shop.schema() + ".log");
		assertThat(functions()).isZero();
	}

	record Stocked(int id, String articleName) {
	}

	@ParameterizedTest
	@EnumSource(names = { "FIELDS", "ROW" })
	void refusesPropertiesWithoutColumns(RowPayload form) {
		assertThat(refusal(node("shop", typed(items().payload(form))))).hasMessageContainingAll("Task 'typed'",
				"column 'article_name' does not exist", "'articleName'", "id, ");
	}

	@Test
	void refusesNamesWithoutProperties() {
		assertThat(refusal(node("shop", typed(items().mapping(Map.of("ID", "id"))))))
			.hasMessageContainingAll("Task 'typed'", "'ID' is among its mapping", "which has id, articleName");
		assertThat(refusal(node("shop", typed(items().columns("id", "price"))))).hasMessageContainingAll("Task 'typed'",
				"'price' is among its columns", "which has id, articleName");
	}

	private static TaskSpec typed(ShopTables.Declaration declaration) {
		return ShopTables.task("typed", Stocked.class, (event, context) -> null, declaration);
	}

	@Test
	void leavesOutWhatDoesNotWorkIfTheDatabaseWasDownAtTheStart() {
		try (HikariDataSource pool = this.test.pool("engine", 4)) {
			AtomicBoolean down = new AtomicBoolean(true);
			UnreliableDataSource engine = new UnreliableDataSource(pool, "nothing");
			engine.onConnect(() -> {
				if (down.get()) {
					throw new SQLException("down", "08001");
				}
				return true;
			});
			Orchestrator node = this.test.node(engine, (builder) -> builder.nodeTimeout(Duration.ofSeconds(1)),
					task("good", items()), task("bad", items().when("NEW.emial = 'x'"), items().columns("name")));
			node.start();
			assertThat(node.info().state()).isEqualTo(State.STARTING);

			down.set(false);

			await().atMost(LONG).until(() -> node.info().isRunning());
			awaitTriggers("item", 4);
			assertThat(node.info().lastError()).contains("Task 'bad'", "NEW.emial = 'x'", "id, name, stock, price");
			assertThat(this.logged.lines()).filteredOn((line) -> line.startsWith("ERROR"))
				.singleElement()
				.asString()
				.startsWith("ERROR Task 'bad'")
				.contains("does not run for these changes");
			node.stop();
		}
	}

	@Test
	void needsNoMoreThanTheRightToCreateTriggers() {
		String role = this.test.schema() + "_engine";
		this.shop.execute("create role " + role);
		try (HikariDataSource pool = this.test.pool("engine", 4)) {
			this.shop.execute("grant usage, create on schema ${schema} to " + role);
			this.shop.execute("grant all on all tables in schema ${schema} to " + role);
			this.shop.execute("grant usage on schema ${shop} to " + role);
			this.shop.execute("grant select on ${shop}.item to " + role);
			DelegatingDataSource engine = new DelegatingDataSource(pool) {

				@Override
				public Connection getConnection() throws SQLException {
					Connection connection = super.getConnection();
					try (Statement statement = connection.createStatement()) {
						statement.execute("set role " + role);
					}
					return connection;
				}
			};
			assertThat(refusal(this.test.node(engine, (builder) -> {
			}, task("one", items())))).hasMessageContainingAll("Task 'one'",
					"may not create triggers on " + this.shop.schema() + ".item", "TRIGGER");
			this.shop.execute("grant trigger on ${shop}.item to " + role);
			Orchestrator node = this.test.node(engine, (builder) -> {
			}, task("one", items()));
			node.start();
			node.stop();
			Set<String> before = this.shop.triggers("item");
			assertThat(before).hasSize(2);
			node = this.test.node(engine, (builder) -> {
			}, task("one", items().watch("stock")));
			node.start();
			node.stop();
			assertThat(this.shop.triggers("item")).hasSize(2).isNotEqualTo(before);
			this.shop.execute("revoke trigger on ${shop}.item from " + role);
			node = this.test.node(engine, (builder) -> {
			}, task("one", items().watch("stock")));
			node.start();
			assertThat(node.info().isRunning()).isTrue();
			assertThat(node.info().lastError()).isNull();
			node.stop();
		}
		finally {
			this.shop.execute("drop owned by " + role + " cascade");
			this.shop.execute("drop role " + role);
		}
	}

}
