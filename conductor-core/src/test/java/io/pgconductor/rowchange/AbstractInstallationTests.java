package io.pgconductor.rowchange;

import java.time.Duration;

import io.pgconductor.Orchestrator;
import io.pgconductor.OrchestratorInfo.State;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.LogCapture;
import io.pgconductor.testing.TestConductor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Nodes that install triggers on a shop's tables.
 */
abstract class AbstractInstallationTests {

	static final Duration LONG = Duration.ofSeconds(30);

	@RegisterExtension
	final LogCapture logged = new LogCapture(RowChangeInstallation.class);

	TestConductor test;

	ShopTables shop;

	@BeforeEach
	void create() {
		this.test = new TestConductor(getClass());
		this.shop = new ShopTables(this.test);
		this.shop.execute("create table ${shop}.item (id int primary key, name text, stock int, price numeric)");
		this.shop.execute("create table ${shop}.\"Order\" (id int primary key, total int)");
	}

	@AfterEach
	void close() {
		this.shop.drop();
		this.test.close();
	}

	TaskSpec task(String name, ShopTables.Declaration... declarations) {
		return ShopTables.task(name, JsonNode.class, (event, context) -> null, declarations);
	}

	ShopTables.Declaration items() {
		return this.shop.on("item");
	}

	Orchestrator node(@Nullable String application, TaskSpec... tasks) {
		return this.test.node((conductor) -> conductor.application(application),
				(builder) -> builder.nodeTimeout(Duration.ofSeconds(1)), tasks);
	}

	Orchestrator start(@Nullable String application, TaskSpec... tasks) {
		Orchestrator node = node(application, tasks);
		node.start();
		assertThat(node.info().state()).isEqualTo(State.RUNNING);
		assertThat(node.info().isRunning()).isTrue();
		return node;
	}

	long functions() {
		return this.shop.query("select count(*) from pg_proc where pronamespace = '${schema}'::regnamespace "
				+ "and proname like 'conductor\\_%'", Long.class);
	}

	void awaitTriggers(String table, int count) {
		await().atMost(LONG).until(() -> this.shop.triggers(table).size() == count);
	}

	void awaitSeconds(Orchestrator node, int seconds) {
		String elapsed = "select clock_timestamp() > started_at + interval '" + seconds
				+ " s' from ${schema}.node where id = '" + node.info().id() + "'";
		await().atMost(LONG).until(() -> this.shop.query(elapsed, Boolean.class));
	}

}
