package io.pgconductor.rowchange;

import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;

import io.pgconductor.InvokeOptions;
import io.pgconductor.Orchestrator;
import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import io.pgconductor.task.RowChangeTrigger;
import io.pgconductor.task.TaskHandler;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.OrchestratorBuilder;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import tools.jackson.databind.JsonNode;

/**
 * A user's tables in a schema of their own, and tasks that run for their changes.
 */
final class ShopTables {

	private final TestConductor test;

	private final String schema;

	private final JdbcTemplate jdbc;

	ShopTables(TestConductor test) {
		this.test = test;
		this.schema = test.schema() + "_shop";
		this.jdbc = new JdbcTemplate(test.dataSource());
		execute("create schema ${shop}");
	}

	String schema() {
		return this.schema;
	}

	/**
	 * Execute SQL.
	 * @param sql says <code>${shop}</code> for the tables' schema and
	 * <code>${schema}</code> for the conductor's
	 */
	void execute(String sql) {
		this.jdbc.execute(sql(sql));
	}

	String sql(String sql) {
		return sql.replace("${shop}", this.schema).replace("${schema}", this.test.schema());
	}

	/**
	 * Execute SQL in one transaction.
	 * @param statements the statements
	 */
	void transaction(String... statements) {
		this.test.transaction().executeWithoutResult((status) -> {
			for (String statement : statements) {
				execute(statement);
			}
		});
	}

	<T> List<T> list(String sql, Class<T> type) {
		return this.jdbc.queryForList(sql(sql), type);
	}

	<T> T query(String sql, Class<T> type) {
		return this.jdbc.queryForObject(sql(sql), type);
	}

	Declaration on(String schema, String table) {
		return new Declaration(schema, table);
	}

	Declaration on(String table) {
		return new Declaration(this.schema, table);
	}

	/**
	 * Return the triggers that a table has.
	 * @param table the table's name
	 * @return oid and name of each: both stay as long as nobody replaces it
	 */
	Set<String> triggers(String table) {
		return Set.copyOf(this.jdbc.queryForList(sql("""
				select t.oid || ' ' || t.tgname from pg_trigger t join pg_class c on c.oid = t.tgrelid
				join pg_namespace n on n.oid = c.relnamespace
				where n.nspname = '${shop}' and c.relname = ? and not t.tgisinternal"""), String.class, table));
	}

	/**
	 * Return what waits to run.
	 * @return the payloads, in the order in which the rows were changed
	 */
	List<String> payloads() {
		return this.jdbc.queryForList(sql("select payload::text from ${schema}.execution order by id"), String.class);
	}

	void drop() {
		execute("drop schema ${shop} cascade");
	}

	/**
	 * A declaration in the making.
	 */
	static final class Declaration {

		private final String schema;

		private final String table;

		private Set<RowOperation> operations = EnumSet.of(RowOperation.INSERT, RowOperation.UPDATE);

		private @Nullable String when;

		private List<String> watch = List.of();

		private RowPayload form = RowPayload.FIELDS;

		private @Nullable List<String> columns;

		private Map<String, String> mapping = Map.of();

		private boolean includeOld = true;

		private boolean includeMeta;

		private @Nullable String dedupeKey;

		private InvokeOptions options = InvokeOptions.defaults();

		private Declaration(String schema, String table) {
			this.schema = schema;
			this.table = table;
		}

		Declaration operations(RowOperation... operations) {
			this.operations = Set.of(operations);
			return this;
		}

		Declaration when(String condition) {
			this.when = condition;
			return this;
		}

		Declaration watch(String... columns) {
			this.watch = List.of(columns);
			return this;
		}

		Declaration payload(RowPayload form) {
			this.form = form;
			return this;
		}

		Declaration columns(String... columns) {
			this.columns = List.of(columns);
			return this;
		}

		Declaration mapping(Map<String, String> mapping) {
			this.form = RowPayload.CUSTOM;
			this.mapping = mapping;
			return this;
		}

		Declaration includeOld(boolean includeOld) {
			this.includeOld = includeOld;
			return this;
		}

		Declaration includeMeta(boolean includeMeta) {
			this.includeMeta = includeMeta;
			return this;
		}

		Declaration dedupeKey(String key) {
			this.dedupeKey = key;
			return this;
		}

		Declaration delay(Duration delay) {
			this.options = this.options.delay(delay);
			return this;
		}

		Declaration options(InvokeOptions options) {
			this.options = options;
			return this;
		}

		RowChangeTrigger trigger() {
			return new RowChangeTrigger(this.schema, this.table, this.operations, this.when, this.watch,
					new RowChangeTrigger.Content(this.form, this.columns, this.mapping, this.includeOld,
							this.includeMeta),
					this.dedupeKey, this.options);
		}

	}

	/**
	 * A task that runs for changes of rows.
	 * @param name the task's name
	 * @param rowType the type that rows are read as
	 * @param handler runs it
	 * @param declarations what it runs for
	 * @return the task
	 */
	static TaskSpec task(String name, Class<?> rowType, TaskHandler handler, Declaration... declarations) {
		return TaskSpec.of(name, rowType, handler)
			.withTriggers(Stream.of(declarations)
				.map(Declaration::trigger)
				.map((trigger) -> (io.pgconductor.task.TaskTrigger) trigger)
				.toList());
	}

	/**
	 * Install the triggers of tasks, which don't run here.
	 * @param tasks the tasks
	 */
	void install(TaskSpec... tasks) {
		install((builder) -> {
		}, tasks);
	}

	void install(Consumer<OrchestratorBuilder> customizer, TaskSpec... tasks) {
		Orchestrator node = this.test.node(customizer, tasks);
		node.start();
		node.stop();
	}

	void install(Declaration... declarations) {
		install(task("captured", JsonNode.class, (event, context) -> null, declarations));
	}

	static void await(java.util.concurrent.Callable<Boolean> condition) {
		Awaitility.await().atMost(Duration.ofSeconds(20)).pollInterval(Duration.ofMillis(5)).until(condition);
	}

}
