package io.pgconductor.rowchange;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

import io.pgconductor.ExecutionState;
import io.pgconductor.InvokeOptions;
import io.pgconductor.RetryAfterException;
import io.pgconductor.RowChange;
import io.pgconductor.RowOperation;
import io.pgconductor.RowReplay;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * From a changed row to its handler.
 */
class RowChangeHandlingIntegrationTests {

	private final BlockingQueue<RowChange<?>> changes = new LinkedBlockingQueue<>();

	private TestConductor test;

	private ShopTables shop;

	@BeforeEach
	void create() {
		this.test = new TestConductor(RowChangeHandlingIntegrationTests.class);
		this.shop = new ShopTables(this.test);
		this.shop.execute("create table ${shop}.article (id bigint generated always as identity primary key, "
				+ "article_name text not null, price numeric(10,2), tags text[], changed_at timestamptz, extra jsonb)");
	}

	@AfterEach
	void close() {
		this.shop.drop();
		this.test.close();
	}

	record Extra(String someName) {
	}

	record Article(long id, String articleName, BigDecimal price, List<String> tags, Instant changedAt, Extra extra) {
	}

	private void start(ShopTables.Declaration declaration) {
		start((event, context) -> {
			this.changes.add((RowChange<?>) event);
			return null;
		}, declaration);
	}

	private void start(TaskHandler handler, ShopTables.Declaration declaration) {
		TaskSpec task = ShopTables.task("article-changed", Article.class, handler, declaration);
		this.test.node(task).start();
	}

	private RowChange<?> next() throws InterruptedException {
		RowChange<?> change = this.changes.poll(20, TimeUnit.SECONDS);
		assertThat(change).isNotNull();
		return change;
	}

	private String insert(String name) {
		return "insert into ${shop}.article (article_name, price, tags, changed_at, extra) values ('" + name
				+ "', 12.50, '{a,b}', '2026-11-26 01:00:00+00', '{\"someName\": \"x\", \"some_name\": \"y\"}')";
	}

	@Test
	void runsForEachChange() throws InterruptedException {
		start(this.shop.on("article").operations(RowOperation.INSERT, RowOperation.UPDATE, RowOperation.DELETE));

		this.shop.execute(insert("book"));
		RowChange<?> inserted = next();
		this.shop.execute("update ${shop}.article set article_name = 'Book'");
		RowChange<?> updated = next();
		this.shop.execute("delete from ${shop}.article");
		RowChange<?> deleted = next();

		Article book = new Article(1, "book", new BigDecimal("12.50"), List.of("a", "b"),
				Instant.parse("2026-11-26T01:00:00Z"), new Extra("x"));
		assertThat(inserted.name()).isEqualTo(this.shop.schema() + ".article.insert");
		assertThat(inserted.oldRow()).isNull();
		assertThat(inserted.newRow()).isEqualTo(inserted.payload()).isEqualTo(book);
		assertThat(updated.operation()).isEqualTo(RowOperation.UPDATE);
		assertThat(updated.oldRow()).isEqualTo(book);
		assertThat(((Article) updated.newRow()).articleName()).isEqualTo("Book");
		assertThat(deleted.newRow()).isNull();
		assertThat(deleted.payload()).isEqualTo(updated.newRow());
	}

	@Test
	void runsOnTheQueueThatTheTriggerNames() throws InterruptedException {
		start(this.shop.on("article").options(InvokeOptions.defaults().queue("bulk").maxAttempts(7)));

		this.shop.execute(insert("book"));

		next();
		ShopTables.await(() -> this.shop.query(
				"select count(*) = 1 from ${schema}.executions where queue = 'bulk' and max_attempts = 7 and state = 'completed'",
				Boolean.class));
	}

	@Test
	void runsOnceForWhatChangesUntilItIsQuiet() throws InterruptedException {
		Instant begin = Instant.parse("2031-03-03T10:00:00Z");
		this.test.stopClock(begin);
		start(this.shop.on("article").columns("article_name").dedupeKey("article-{id}").delay(Duration.ofSeconds(30)));
		this.shop.execute(insert("1"));
		for (int i = 2; i <= 5; i++) {
			this.test.stopClock(begin.plusSeconds(10L * i));
			this.shop.execute("update ${shop}.article set article_name = '" + i + "'");
		}
		assertThat(this.changes).isEmpty();

		this.test.stopClock(begin.plusSeconds(80));

		assertThat(((Article) next().newRow()).articleName()).isEqualTo("5");
		ShopTables.await(() -> this.test.count("execution") == 0);
		assertThat(this.changes).isEmpty();
	}

	@Test
	void keepsItsRowsAndStepsOverARetry() throws InterruptedException {
		BlockingQueue<String> steps = new LinkedBlockingQueue<>();
		start((event, context) -> {
			context.step("look", () -> steps.add("look"));
			if (context.attempt() == 1) {
				throw new RetryAfterException(Duration.ZERO, "again", null);
			}
			this.changes.add((RowChange<?>) event);
			return null;
		}, this.shop.on("article"));

		this.shop.execute(insert("book"));

		assertThat(((Article) next().newRow()).articleName()).isEqualTo("book");
		assertThat(steps).hasSize(1);
	}

	@Test
	void runsForRowsThatAreReplayed() throws InterruptedException {
		this.shop.execute(insert("book"));
		this.shop.execute(insert("lamp"));
		start(this.shop.on("article"));

		long replayed = this.test.conductor()
			.replay("article-changed",
					RowReplay.of(this.shop.schema(), "article").where("article_name = :name", Map.of("name", "lamp")));

		assertThat(replayed).isOne();
		RowChange<?> change = next();
		assertThat(change.operation()).isEqualTo(RowOperation.MANUAL);
		assertThat(((Article) change.newRow()).articleName()).isEqualTo("lamp");
		ShopTables.await(() -> this.shop.query("select count(*) = 1 from ${schema}.executions where state = '"
				+ ExecutionState.COMPLETED.name().toLowerCase() + "'", Boolean.class));
	}

}
