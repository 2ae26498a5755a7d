package io.pgconductor.jdbc;

import io.pgconductor.SchemaName;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Which queues are paused.
 */
public final class QueueTable {

	private static final String PAUSE = "select ${schema}.pause_queue(:queue)";

	private static final String RESUME = "select ${schema}.resume_queue(:queue)";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	public QueueTable(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * Have nobody claim from a queue until it is resumed.
	 * @param queue the queue's name
	 * @return {@code false} if it was paused before
	 */
	public boolean pause(String queue) {
		return this.jdbc.sql(this.schema.sql(PAUSE)).param("queue", queue).query(Boolean.class).single();
	}

	/**
	 * Have a paused queue served again.
	 * @param queue the queue's name
	 * @return {@code false} if it was not paused
	 */
	public boolean resume(String queue) {
		return this.jdbc.sql(this.schema.sql(RESUME)).param("queue", queue).query(Boolean.class).single();
	}

}
