package io.pgconductor.rowchange;

import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.IntStream;

import io.pgconductor.Orchestrator;
import io.pgconductor.task.TaskSpec;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * How triggers on users' tables follow what several nodes and applications declare.
 */
class RowChangeVersionsIntegrationTests extends AbstractInstallationTests {

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
	void capturesEveryChangeOnceWhileDeclarationsChangePlaces() {
		this.shop.execute("create table ${shop}.event (kind int)");
		ShopTables.Declaration first = this.shop.on("event").when("NEW.kind = 1");
		ShopTables.Declaration second = this.shop.on("event").when("NEW.kind = 2");
		this.shop.install(task("one", first, second));
		AtomicBoolean done = new AtomicBoolean();
		CompletableFuture<Integer> writer = CompletableFuture.supplyAsync(() -> {
			int written = 0;
			while (!done.get()) {
				this.shop.execute("insert into ${shop}.event values (1), (2)");
				written++;
			}
			return written;
		});

		for (int round = 0; round < 10; round++) {
			this.shop.install(task("one", second, first));
			this.shop.install(task("one", second));
			this.shop.install(task("one", first, second));
		}
		done.set(true);

		int written = writer.join();
		assertThat(this.shop.query("select count(*) from ${schema}.executions where payload #>> '{new,kind}' = '2'",
				Integer.class))
			.isEqualTo(written);
	}

	@Test
	void dropsAtOnceWhatTheNewVersionDoesNotCaptureOfTheSameTaskAndTable() {
		ShopTables.Declaration first = items().when("NEW.id = 1");
		ShopTables.Declaration second = items().when("NEW.id = 2");
		start("shop", task("one", first, second), task("other", items()));

		start("shop", task("one", second));
		this.shop.execute("insert into ${shop}.item values (1), (2)");

		assertThat(this.shop.list("select task || (payload #>> '{new,id}') from ${schema}.executions", String.class))
			.containsExactlyInAnyOrder("one2", "other1", "other2");
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

}
