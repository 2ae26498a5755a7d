package io.pgconductor.jdbc;

import io.pgconductor.SchemaName;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Finished executions and what they remember, until their time is over.
 */
public final class FinishedExecutionTable {

	private static final String PRUNE = """
			with pruned as (
			    delete from ${schema}.finished_execution
			    where ctid = any (array (
			        select ctid from ${schema}.finished_execution
			        where expires_at <= ${schema}.now()
			        order by expires_at
			        limit :limit for update skip locked))
			    returning id
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
