package io.pgconductor.rowchange;

import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Orchestrator;
import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.RecordingDataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * How the triggers on users' tables follow what an application declares.
 */
class RowChangeInstallationIntegrationTests extends AbstractInstallationTests {

	@Test
	void touchesNothingThatHasNotChanged() throws Exception {
		String how = (this.shop.query("select current_setting('server_version_num')::int", Integer.class) >= 180000)
				? "virtual" : "stored";
		this.shop.execute("alter table ${shop}.item add worth int generated always as (stock * 2) " + how);
		TaskSpec[] tasks = { task("one", items().watch("worth").when("NEW.id > 0"), items().payload(RowPayload.ROW)),
				task("two", this.shop.on("Order")) };
		start("shop", tasks).stop();
		Set<String> items = this.shop.triggers("item");
		Set<String> orders = this.shop.triggers("Order");
		assertThat(items).hasSize(4);
		assertThat(orders).hasSize(2);

		try (Connection connection = this.test.dataSource().getConnection();
				Statement statement = connection.createStatement()) {
			connection.setAutoCommit(false);
			statement.execute(this.shop.sql("lock ${shop}.item, ${shop}.\"Order\" in access exclusive mode"));
			CompletableFuture<Orchestrator> started = CompletableFuture.supplyAsync(() -> start("shop", tasks));
			assertThat(started).succeedsWithin(Duration.ofSeconds(10));
			connection.rollback();
		}

		assertThat(this.shop.triggers("item")).isEqualTo(items);
		assertThat(this.shop.triggers("Order")).isEqualTo(orders);
		assertThat(this.logged.lines()).filteredOn((line) -> !line.startsWith("DEBUG"))
			.hasSize(3)
			.allMatch((line) -> line.startsWith("INFO Installed"));
	}

	@Test
	void replacesOnlyWhatHasChanged() {
		start("shop", task("one", items(), items().columns("id")), task("two", items())).stop();
		Set<String> before = this.shop.triggers("item");
		this.logged.clear();

		start("shop", task("one", items(), items().columns("id", "name")), task("two", items())).stop();

		Set<String> kept = this.shop.triggers("item");
		assertThat(kept).hasSize(6);
		kept = new HashSet<>(kept);
		kept.retainAll(before);
		assertThat(kept).hasSize(4);
		assertThat(this.logged.lines()).singleElement()
			.asString()
			.startsWith("INFO Installed triggers [conductor_one_");
	}

	@Test
	void dropsWhatIsNotDeclaredAnyMore() {
		start("shop", task("one", items(), this.shop.on("Order")), task("two", items())).stop();
		this.shop.execute("drop table ${shop}.\"Order\"");

		start("shop", task("one", items().operations(RowOperation.DELETE))).stop();
		assertThat(this.shop.triggers("item")).hasSize(1);
		assertThat(functions()).isOne();
		assertThat(this.logged.lines()).contains("INFO Dropped triggers of " + this.shop.schema()
				+ ".Order for task 'one', which application 'shop' does not declare any more");
		start("shop", TaskSpec.of("one", null, (event, context) -> null)).stop();
		assertThat(this.shop.triggers("item")).isEmpty();
		assertThat(functions()).isZero();
		assertThat(this.test.count("row_change")).isZero();
	}

	@Test
	void bringsBackTheTriggersOfATableThatWasCreatedAnew() {
		Orchestrator node = start("shop", task("one", items()));
		this.shop.execute("drop table ${shop}.item");
		await().atMost(LONG).until(() -> node.info().lastError() != null);
		assertThat(node.info().lastError()).contains("Task 'one'", this.shop.schema() + ".item", "Order");
		this.shop.execute("create table ${shop}.item (id int, name text)");
		awaitTriggers("item", 2);
		await().atMost(LONG).until(() -> node.info().lastError() == null);
		assertThat(this.logged.lines()).filteredOn((line) -> line.startsWith("ERROR")).hasSizeLessThan(2);
		node.stop();
		this.shop.execute("drop table ${shop}.item");
		this.shop.execute("create table ${shop}.item (id int, name text)");

		start("shop", task("one", items()));

		assertThat(this.shop.triggers("item")).hasSize(2);
		this.shop.execute("insert into ${shop}.item values (1, 'a')");
		assertThat(this.test.count("executions")).isOne();
	}

	@Test
	void leavesATableAloneThatHadTheNameBefore() {
		start("shop", task("one", items().operations(RowOperation.INSERT, RowOperation.DELETE))).stop();
		this.shop.execute("alter table ${shop}.item rename to item_old");
		this.shop.execute("create table ${shop}.item (like ${shop}.item_old)");

		start("shop", task("one", items().operations(RowOperation.INSERT, RowOperation.DELETE)));

		assertThat(this.shop.triggers("item")).hasSize(2);
		assertThat(this.shop.triggers("item_old")).isEmpty();
	}

	@Test
	void installsLaterWhatIsInUse() throws Exception {
		start("shop", task("one", items())).stop();
		this.logged.clear();
		this.shop.execute("insert into ${shop}.item values (1)");

		try (Connection connection = this.test.dataSource().getConnection();
				Statement statement = connection.createStatement()) {
			connection.setAutoCommit(false);
			statement.execute(this.shop.sql("update ${shop}.item set name = 'x'"));
			CompletableFuture<Orchestrator> started = CompletableFuture.supplyAsync(() -> start("shop",
					task("one", items().watch("stock")), task("two", items()), task("three", this.shop.on("Order"))));
			assertThat(started).succeedsWithin(Duration.ofSeconds(10));
			assertThat(this.shop.triggers("Order")).hasSize(2);
			assertThat(this.shop.triggers("item")).hasSize(2);
			await().atMost(LONG)
				.until(() -> this.shop.query(
						"select clock_timestamp() > started_at + interval '3 s' from ${schema}.node", Boolean.class));
			connection.commit();
		}

		awaitTriggers("item", 4);
		assertThat(this.logged.lines()).filteredOn((line) -> line.contains("is in use")).hasSize(2);
		assertThat(this.logged.lines()).allMatch((line) -> line.startsWith("INFO"));
	}

	@Test
	void followsColumnsThatHaveChanged() {
		TaskSpec task = task("one", items().watch("name", "stock").when("NEW.id > 0"),
				items().columns("price").dedupeKey("{price}"));
		start("shop", task).stop();
		this.shop.execute("alter table ${shop}.item alter price type interval using null");
		Set<String> before = this.shop.triggers("item");

		start("shop", task).stop();

		Set<String> after = this.shop.triggers("item");
		assertThat(after).hasSize(4).isNotEqualTo(before);
		this.shop.execute("insert into ${shop}.item values (1, 'a', 2, '1 day')");
		assertThat(this.shop.list(
				"select payload ->> 'new' from ${schema}.executions where payload #>> '{new,id}' is null",
				String.class))
			.containsExactly("{\"price\" : \"P1D\"}");
	}

	@ParameterizedTest
	@CsvSource({ ",0", "shop,1" })
	void asksNextToNothingOfTheDatabaseWithoutRowChanges(@Nullable String application, int statements) {
		try (HikariDataSource pool = this.test.pool("engine", 4)) {
			RecordingDataSource engine = new RecordingDataSource(pool);
			Orchestrator node = this.test.node(
					(conductor) -> conductor.application(application).engineDataSource(engine),
					(builder) -> builder.nodeTimeout(Duration.ofSeconds(1)),
					TaskSpec.of("one", null, (event, context) -> null));
			node.start();
			engine.clear();
			awaitSeconds(node, 3);

			assertThat(engine.executed(".row_change")).hasSizeBetween(2 * statements, 4 * statements);
			assertThat(engine.executed("pg_catalog.pg_class")).isEmpty();
			node.stop();
		}
	}

	@Test
	void looksTwiceIfNothingHasChanged() {
		try (HikariDataSource pool = this.test.pool("engine", 4)) {
			RecordingDataSource engine = new RecordingDataSource(pool);
			Orchestrator node = this.test.node((conductor) -> conductor.application("shop").engineDataSource(engine),
					(builder) -> builder.nodeTimeout(Duration.ofSeconds(1)), task("one", items()),
					task("two", items(), this.shop.on("Order")));
			node.start();
			engine.clear();
			awaitSeconds(node, 3);

			assertThat(engine.executed(".row_change")).hasSizeBetween(4, 8);
			assertThat(engine.executed("pg_catalog.pg_attribute")).isEmpty();
			node.stop();
		}
	}

	@Test
	void waitsForAVacuumToGiveWay() {
		CompletableFuture<Void> started = this.test.transaction().execute((status) -> {
			this.shop.execute("lock table ${shop}.item in share update exclusive mode");
			CompletableFuture<Void> starting = CompletableFuture.runAsync(() -> start("shop", task("one", items())),
					(task) -> new Thread(task, "start").start());
			await().atMost(LONG)
				.until(() -> this.test.elsewhere(() -> this.shop.query(
						"select exists (select from pg_locks where not granted and relation = '${shop}.item'::regclass "
								+ "and clock_timestamp() > waitstart + interval '200 ms')",
						Boolean.class)));
			return starting;
		});

		started.join();

		assertThat(this.shop.triggers("item")).hasSize(2);
		assertThat(this.logged.lines()).noneMatch((line) -> line.contains("is in use"));
	}

	@Test
	void writesWithTheRightsOfWhoOwnsTheTablesWhoeverOwnsTheSchema() {
		String role = this.test.schema() + "_owner";
		this.shop.execute("create role " + role);
		try {
			this.shop.execute("alter schema ${schema} owner to " + role);

			start("shop", task("one", items()));
			this.shop.execute("insert into ${shop}.item values (1)");

			assertThat(this.test.count("executions")).isOne();
		}
		finally {
			this.shop.execute("reassign owned by " + role + " to current_user");
			this.shop.execute("drop role " + role);
		}
	}

	@Test
	void leavesFunctionsToWhoOwnsTheTables() {
		String role = this.test.schema() + "_tables";
		this.shop.execute("create role " + role);
		try {
			this.shop.execute("grant usage, create on schema ${schema} to " + role);
			for (String table : List.of("execution", "task")) {
				this.shop.execute("alter table ${schema}." + table + " owner to " + role);
			}

			start("shop", task("one", items()));
			this.shop.execute("insert into ${shop}.item values (1)");

			assertThat(this.test.count("executions")).isOne();
			assertThat(this.shop.query(
					"select pg_get_userbyid(proowner)::text from pg_proc where pronamespace = '${schema}'::regnamespace "
							+ "and proname like 'conductor\\_one%'",
					String.class))
				.isEqualTo(role);
		}
		finally {
			this.shop.execute("reassign owned by " + role + " to current_user");
			this.shop.execute("drop owned by " + role);
			this.shop.execute("drop role " + role);
		}
	}

}
