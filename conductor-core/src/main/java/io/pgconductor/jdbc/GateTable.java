package io.pgconductor.jdbc;

import io.pgconductor.SchemaName;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * What is known of gates: how their rates were used, and which of them are closed.
 */
public final class GateTable {

	// Claims forget what their own gates need no more. No rate has a longer period.
	private static final String PRUNE = """
			with used as (
			    delete from ${schema}.rate_use
			    where ctid = any (array (
			        select ctid from ${schema}.rate_use
			        where at <= ${schema}.now() - interval '1 day'
			        order by at
			        limit :limit for update skip locked))
			    returning 1
			), closed as (
			    delete from ${schema}.gate_pause
			    where ctid = any (array (
			        select ctid from ${schema}.gate_pause
			        where until <= ${schema}.now()
			        limit :limit for update skip locked))
			    returning 1
			)
			select greatest((select count(*) from used), (select count(*) from closed))
			""";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	public GateTable(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * Delete what nothing depends on any more.
	 * @param limit how many rows of each kind at most
	 * @return how many, of the kind that had more
	 */
	public int prune(int limit) {
		return this.jdbc.sql(this.schema.sql(PRUNE)).param("limit", limit).query(Integer.class).single();
	}

}
