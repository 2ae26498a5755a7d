package io.pgconductor.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Map;

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.StepTable;

/**
 * Records results of steps with the engine's statement, each a transaction of its own, on
 * one connection. Used by one thread.
 */
final class BareSteps implements AutoCloseable {

	// Stand-ins for what differs from step to step
	private static final String NAME = "stand-in";

	private static final String RESULT = "\"stand-in\"";

	private static final RecordedStatement RECORD = RecordedStatement
		.of((jdbc) -> new StepTable(jdbc, SchemaName.DEFAULT).record(StandIn.execution(Mode.DELETE.task()), NAME,
				RESULT));

	private final PreparedStatement statement;

	BareSteps(Connection connection) throws SQLException {
		this.statement = connection.prepareStatement(RECORD.sql());
	}

	/**
	 * Record the result of a step.
	 * @param row the execution
	 * @param name the step's name
	 * @param result the result as JSON
	 */
	void record(ClaimedRow row, String name, String result) throws SQLException {
		RECORD.bind(this.statement, RecordedStatement.Values
			.of(Map.of(StandIn.ID, row.id(), StandIn.CLAIM_NO, row.claimNo(), NAME, name, RESULT, result)));
		if (this.statement.executeUpdate() != 1) {
			throw new IllegalStateException("Step '" + name + "' of execution " + row.id() + " was not recorded");
		}
	}

	@Override
	public void close() throws SQLException {
		this.statement.close();
	}

}
