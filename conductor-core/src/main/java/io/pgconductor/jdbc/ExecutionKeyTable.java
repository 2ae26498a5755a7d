package io.pgconductor.jdbc;

import io.pgconductor.SchemaName;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Which execution a key belongs to, for as long as somebody may ask.
 */
public final class ExecutionKeyTable {

	// A key whose execution is still there goes with that
	private static final String PRUNE = """
			with over as materialized (
			    select ctid, execution_id from ${schema}.execution_key
			    where window_until <= ${schema}.now()
			    order by window_until
			    limit :limit for update skip locked
			), kept as (
			    update ${schema}.execution_key set window_until = null
			    where ctid = any (array (
			        select o.ctid from over o
			        where exists (select from ${schema}.execution e where e.id = o.execution_id)
			           or exists (select from ${schema}.finished_execution f where f.id = o.execution_id)))
			), pruned as (
			    delete from ${schema}.execution_key
			    where ctid = any (array (
			        select o.ctid from over o
			        where not exists (select from ${schema}.execution e where e.id = o.execution_id)
			          and not exists (select from ${schema}.finished_execution f where f.id = o.execution_id)))
			)
			select count(*) from over
			""";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	public ExecutionKeyTable(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * Forget keys whose window is over and whose execution is gone.
	 * @param limit how many are looked at
	 * @return how many were
	 */
	public int prune(int limit) {
		return this.jdbc.sql(this.schema.sql(PRUNE)).param("limit", limit).query(Integer.class).single();
	}

}
