package io.pgconductor.jdbc;

import io.pgconductor.SchemaName;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Finished executions and what they remember, until their time is over.
 */
public final class FinishedExecutionTable {

	// A key goes with its execution, unless its window is open. What is locked, since
	// somebody is just invoking with that key, stays until the next time.
	private static final String PRUNE = """
			with expired as materialized (
			    select ctid, id, task, dedupe_key from ${schema}.finished_execution
			    where expires_at <= ${schema}.now()
			    order by expires_at
			    limit :limit for update skip locked
			), own_key as materialized (
			    select k.ctid, k.execution_id
			    from expired e
			    join ${schema}.execution_key k on k.task = e.task and k.key = e.dedupe_key and k.execution_id = e.id
			    where e.dedupe_key is not null
			), free_key as materialized (
			    select k.ctid, k.execution_id, k.window_until from ${schema}.execution_key k
			    where k.ctid = any (array (select ctid from own_key)) and k.execution_id in (select id from expired)
			    for update skip locked
			), pruned as (
			    delete from ${schema}.finished_execution
			    where ctid = any (array (
			        select e.ctid from expired e
			        where e.dedupe_key is null or e.id not in (
			            select execution_id from own_key except select execution_id from free_key)))
			    returning id
			), freed as (
			    delete from ${schema}.execution_key
			    where ctid = any (array (
			        select ctid from free_key where window_until is null or window_until <= ${schema}.now()))
			), forgotten as (
			    delete from ${schema}.step where execution_id in (select id from pruned)
			), unawaited as (
			    delete from ${schema}.child_wait where parent_id in (select id from pruned)
			)
			select count(*) from pruned
			""";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	public FinishedExecutionTable(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * Delete executions whose retention is over, oldest first.
	 * @param limit how many at most
	 * @return how many
	 */
	public int prune(int limit) {
		return this.jdbc.sql(this.schema.sql(PRUNE)).param("limit", limit).query(Integer.class).single();
	}

}
