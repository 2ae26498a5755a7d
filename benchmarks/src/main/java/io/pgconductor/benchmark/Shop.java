package io.pgconductor.benchmark;

import java.util.EnumSet;
import java.util.List;
import java.util.Map;

import io.pgconductor.InvokeOptions;
import io.pgconductor.RowOperation;
import io.pgconductor.RowPayload;
import io.pgconductor.task.RowChangeTrigger;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;

/**
 * Tables of an application, which differ in their triggers: none, one whose condition
 * isn't met, one that enqueues an execution, and one that somebody has written.
 */
final class Shop implements AutoCloseable {

	private static final String UNMET = "unmet";

	private static final String MATCHING = "matching";

	private static final String WRITTEN = "written";

	private static final String WRITTEN_FUNCTION = """
			create function written() returns trigger language plpgsql as $$
			begin
			    if TG_OP = 'INSERT' then
			        insert into ${schema}.execution
			            (id, task, queue, priority, max_attempts, payload, headers, created_at, run_at, phase)
			        values (uuidv7(), 'written', 'default', 0, 3,
			            json_build_object('new',
			                json_build_object('id', NEW.id, 'customer', NEW.customer, 'total', NEW.total)),
			            '{"conductor.row-operation":"INSERT","conductor.row-schema":"public","conductor.row-table":"written"}',
			            now(), now(), 'due');
			    else
			        insert into ${schema}.execution
			            (id, task, queue, priority, max_attempts, payload, headers, created_at, run_at, phase)
			        values (uuidv7(), 'written', 'default', 0, 3,
			            json_build_object(
			                'old', json_build_object('id', OLD.id, 'customer', OLD.customer, 'total', OLD.total),
			                'new', json_build_object('id', NEW.id, 'customer', NEW.customer, 'total', NEW.total)),
			            '{"conductor.row-operation":"UPDATE","conductor.row-schema":"public","conductor.row-table":"written"}',
			            now(), now(), 'due');
			    end if;
			    return null;
			end $$
			""";

	private final BenchmarkDatabase database;

	private final List<ShopTable> tables;

	/**
	 * What a task gets of a row.
	 *
	 * @param id its key
	 * @param customer some text
	 * @param total some number
	 */
	private record Sale(long id, String customer, int total) {
	}

	/**
	 * Create the tables and their triggers.
	 * @param database the database
	 * @param note what stands in the column that no trigger looks at
	 */
	Shop(BenchmarkDatabase database, String note) {
		this.database = database;
		this.tables = List.of(new ShopTable("bare", "bare table", database.applicationPool(), note),
				new ShopTable(UNMET, "trigger that doesn't match", database.applicationPool(), note),
				new ShopTable(MATCHING, "trigger that matches", database.applicationPool(), note),
				new ShopTable(WRITTEN, "trigger written by hand", database.applicationPool(), note));
		this.tables.forEach(ShopTable::create);
		try (EngineNode node = new EngineNode(database, (event, context) -> null, task(UNMET, "NEW.total < 0"),
				task(MATCHING, null))) {
			// Installs the triggers; what they enqueue is to stay
			node.start();
		}
		database.sql(WRITTEN_FUNCTION).update();
		database.sql("create trigger written after insert or update on written for each row execute function written()")
			.update();
		verifyTriggers();
	}

	private static TaskSpec task(String table, @Nullable String when) {
		return TaskSpec.of(table, Sale.class, (event, context) -> null)
			.withTriggers(List
				.of(new RowChangeTrigger("public", table, EnumSet.of(RowOperation.INSERT, RowOperation.UPDATE), when,
						List.of(), new RowChangeTrigger.Content(RowPayload.FIELDS, null, Map.of(), true, false), null,
						InvokeOptions.defaults())));
	}

	private void verifyTriggers() {
		long installed = this.database
			.number("select count(*) from pg_trigger where tgrelid in ('unmet'::regclass, 'matching'::regclass)");
		if (installed != 4) {
			throw new IllegalStateException(installed + " instead of 4 triggers were installed");
		}
	}

	BenchmarkDatabase database() {
		return this.database;
	}

	List<ShopTable> tables() {
		return this.tables;
	}

	/**
	 * Put rows into all tables, instead of those that they have.
	 * @param count how many
	 */
	void fill(int count) {
		this.tables.forEach((table) -> table.fill(count));
	}

	/**
	 * Make sure that a round has enqueued what it was to, and that what it has enqueued
	 * by hand is the same.
	 * @param count how many rows were written
	 */
	void verify(int count) {
		verify(MATCHING, count);
		verify(WRITTEN, count);
		verify(UNMET, 0);
		long different = this.database.number("""
				select count(distinct (queue, priority, max_attempts, phase,
				    (select string_agg(k, ',') from json_object_keys(payload) k),
				    (select string_agg(k, ',') from json_object_keys(payload->'new') k),
				    headers->>'conductor.row-operation', length(headers::text) - length(task))) - 1
				from ${schema}.execution""");
		if (different != 0) {
			throw new IllegalStateException("The executions are not the same");
		}
	}

	private void verify(String task, int count) {
		long enqueued = this.database.sql("select count(*) from ${schema}.execution where task = ? and phase = 'due'")
			.param(task)
			.query(Long.class)
			.single();
		if (enqueued != count) {
			throw new IllegalStateException(enqueued + " instead of " + count + " were enqueued for " + task);
		}
	}

	@Override
	public void close() {
		this.tables.forEach(ShopTable::drop);
		this.database.sql("drop function written()").update();
	}

}
