package io.pgconductor.rowchange;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.Orchestrator;
import io.pgconductor.OrchestratorInfo.State;
import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.LogCapture;
import io.pgconductor.testing.RecordingDataSource;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.UnreliableDataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

/**
 * How the triggers on users' tables follow what applications declare.
 */
class RowChangeInstallationIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(30);

	@RegisterExtension
	private final LogCapture logged = new LogCapture(RowChangeInstallation.class);

	private TestConductor test;

	private ShopTables shop;

	@BeforeEach
	void create() {
		this.test = new TestConductor(RowChangeInstallationIntegrationTests.class);
		this.shop = new ShopTables(this.test);
		this.shop.execute("create table ${shop}.item (id int primary key, name text, stock int, price numeric)");
		this.shop.execute("create table ${shop}.\"Order\" (id int primary key, total int)");
	}

	@AfterEach
	void close() {
		this.shop.drop();
		this.test.close();
	}

	private TaskSpec task(String name, ShopTables.Declaration... declarations) {
		return ShopTables.task(name, JsonNode.class, (event, context) -> null, declarations);
	}

	private ShopTables.Declaration items() {
		return this.shop.on("item");
	}

	private Orchestrator node(@Nullable String application, TaskSpec... tasks) {
		return this.test.node((conductor) -> conductor.application(application),
				(builder) -> builder.nodeTimeout(Duration.ofSeconds(1)), tasks);
	}

	private Orchestrator start(@Nullable String application, TaskSpec... tasks) {
		Orchestrator node = node(application, tasks);
		node.start();
		assertThat(node.info().state()).isEqualTo(State.RUNNING);
		assertThat(node.info().isRunning()).isTrue();
		return node;
	}

	private long functions() {
		return this.shop.query("select count(*) from pg_proc where pronamespace = '${schema}'::regnamespace "
				+ "and proname like 'conductor\\_%'", Long.class);
	}

	private void awaitTriggers(String table, int count) {
		await().atMost(LONG).until(() -> this.shop.triggers(table).size() == count);
	}

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
		kept = new java.util.HashSet<>(kept);
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
	void agreesWhenNodesStartAtOnce() {
		for (int round = 0; round < 12; round++) {
			int number = round;
			TaskSpec[] tasks = { task("one", items().when("NEW.id <> " + number), items().columns("id", "name")),
					task("t" + (round % 3), items()) };
			List<Orchestrator> nodes = IntStream.range(0, 3).mapToObj((i) -> node("shop", tasks)).toList();
			CyclicBarrier barrier = new CyclicBarrier(nodes.size());
			CompletableFuture.allOf(nodes.stream().map((node) -> CompletableFuture.runAsync(() -> {
				try {
					barrier.await();
				}
				catch (Exception ex) {
					throw new IllegalStateException(ex);
				}
				node.start();
			}, (task) -> new Thread(task, "start").start())).toArray(CompletableFuture[]::new)).join();

			assertThat(nodes).allMatch((node) -> node.info().isRunning());
			assertThat(nodes).allMatch((node) -> node.info().lastError() == null);
			awaitTriggers("item", 6);
			assertThat(functions()).isEqualTo(3);
			nodes.forEach(Orchestrator::stop);
		}
		assertThat(this.logged.lines()).noneMatch((line) -> line.startsWith("ERROR") || line.startsWith("WARN"));
	}

	@Test
	void capturesEveryChangeWhileItIsReplaced() {
		start("shop", task("one", items())).stop();
		AtomicBoolean done = new AtomicBoolean();
		CompletableFuture<Integer> writer = CompletableFuture.supplyAsync(() -> {
			int written = 0;
			while (!done.get()) {
				this.shop.execute("insert into ${shop}.item (id) values (" + written++ + ")");
			}
			return written;
		});

		for (int round = 0; round < 10; round++) {
			this.shop.install((builder) -> {
			}, task("one", items().columns("id", "name").when("NEW.id <> -" + round)));
		}
		done.set(true);

		int written = writer.join();
		assertThat(this.shop.query("select count(distinct payload #>> '{new,id}') from ${schema}.executions",
				Integer.class))
			.isEqualTo(written);
		assertThat(this.test.count("executions")).isEqualTo(written);
	}

	@Test
	void addsWhileTheOldVersionRunsAndDropsWhenItIsGone() {
		Orchestrator old = start("shop", task("both", items()), task("old", items()));
		Orchestrator other = start("shop", task("both", items()), task("old", items()));

		start("shop", task("both", items().watch("stock")), task("new", items()));
		Set<String> triggers = this.shop.triggers("item");
		assertThat(triggers).hasSize(6);
		old.stop();
		old.start();
		other.stop();
		assertThat(this.shop.triggers("item")).isEqualTo(triggers);
		old.stop();

		awaitTriggers("item", 4);
		assertThat(triggers).containsAll(this.shop.triggers("item"));
	}

	@Test
	void goesBackToTheOldVersionWhenTheNewOneIsGone() {
		start("shop", task("both", items().when("NEW.id = 1")), task("old", items().when("NEW.id = 1")));
		Orchestrator next = start("shop", task("both", items().when("NEW.id = 2")), task("new", items()));
		Set<String> triggers = this.shop.triggers("item");

		next.stop();

		awaitTriggers("item", 4);
		this.shop.execute("insert into ${shop}.item values (1), (2)");
		assertThat(this.shop.list("select task || (payload #>> '{new,id}') from ${schema}.executions", String.class))
			.containsExactlyInAnyOrder("both1", "old1");
		assertThat(this.shop.triggers("item")).doesNotContainAnyElementsOf(
				triggers.stream().filter((trigger) -> !trigger.contains("conductor_old")).toList());
	}

	@Test
	void keepsApplicationsApart() {
		Orchestrator shop = start("shop", task("shop", items()), task("both", items()));
		Set<String> triggers = this.shop.triggers("item");

		start("mail", task("mail", items()), task("both", items().watch("stock")));
		assertThat(this.shop.triggers("item")).hasSize(6).containsAll(triggers);
		assertThat(this.logged.lines()).filteredOn((line) -> line.startsWith("WARN"))
			.singleElement()
			.asString()
			.contains(this.shop.schema() + ".item for task 'both'", "left alone");
		shop.stop();
		await().atMost(LONG).until(() -> this.test.count("row_change where application = 'mail'") == 2);
		assertThat(this.shop.triggers("item")).hasSize(6).isNotEqualTo(triggers);
		start("shop", task("shop", items().watch("name")));

		assertThat(this.shop.triggers("item")).hasSize(6);
		assertThat(this.logged.lines()).filteredOn((line) -> line.startsWith("WARN")).hasSize(1);
	}

	@Test
	void takesOverFromAnApplicationThatIsGoneWithoutTouchingTheTable() {
		start("shop", task("one", items())).stop();
		Set<String> triggers = this.shop.triggers("item");

		start("store", task("one", items())).stop();
		assertThat(this.shop.triggers("item")).isEqualTo(triggers);
		assertThat(this.test.count("row_change where application = 'store'")).isOne();
		start(null, task("one", items())).stop();
		assertThat(this.shop.triggers("item")).isEqualTo(triggers);
		start("shop", TaskSpec.of("one", null, (event, context) -> null)).stop();
		assertThat(this.shop.triggers("item")).isEqualTo(triggers);
		start("store", TaskSpec.of("one", null, (event, context) -> null)).stop();

		assertThat(this.shop.triggers("item")).isEmpty();
	}

	@Test
	void dropsNothingWithoutAnApplication() {
		start(null, task("one", items()), task("two", items())).stop();
		start(null, task("one", items().watch("stock"))).stop();
		start("shop", TaskSpec.of("one", null, (event, context) -> null)).stop();

		assertThat(this.shop.triggers("item")).hasSize(4);
	}

	@Test
	void doesNotFightWithAnotherVersionWithoutAnApplication() {
		Orchestrator node = start(null, task("one", items()));
		Orchestrator other = start(null, task("one", items().watch("stock")));
		Set<String> triggers = this.shop.triggers("item");

		awaitSeconds(other, 3);
		assertThat(this.shop.triggers("item")).isEqualTo(triggers);
		this.shop.execute("drop table ${shop}.item");
		this.shop.execute("create table ${shop}.item (id int, stock int)");

		awaitTriggers("item", 2);
		assertThat(node.info().lastError()).isNull();
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
		assertThat(refusal(node("shop", task("bad", items().mapping(java.util.Map.of("a", "emial"))))))
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

	private void awaitSeconds(Orchestrator node, int seconds) {
		String elapsed = "select clock_timestamp() > started_at + interval '" + seconds
				+ " s' from ${schema}.node where id = '" + node.info().id() + "'";
		await().atMost(LONG).until(() -> this.shop.query(elapsed, Boolean.class));
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

}
