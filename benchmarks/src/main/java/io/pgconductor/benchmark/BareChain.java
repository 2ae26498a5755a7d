package io.pgconductor.benchmark;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.ExecutionOutcomes;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.jdbc.Recording;
import io.pgconductor.jdbc.StepTable;
import io.pgconductor.jdbc.TimeOrderedIds;
import io.pgconductor.jdbc.WakeLocks;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * Runs a parent and its children, one after the other, with the engine's statements on
 * one connection and notifications on another one: each statement that makes something
 * ready is followed by the wait for its notification. Used by one thread.
 */
final class BareChain implements AutoCloseable {

	private static final String QUEUE = "queue:default";

	private static final int LONGEST_WAIT_MILLIS = 1000;

	private static final int BATCH_SIZE = 500;

	// Stand-ins for what differs from child to child
	private static final UUID WAIT_ID = new UUID(2, 2);

	private static final UUID CHILD_ID = new UUID(3, 3);

	private static final String STEP = "stand-in";

	private static final String PAYLOAD = "{\"order\": 1, \"customer\": \"ada@example.com\"}";

	private static final RecordedStatement INVOKE = RecordedStatement
		.of((jdbc) -> new ExecutionOutcomes(jdbc, SchemaName.DEFAULT)
			.record(List.of(new Recording(StandIn.execution(ChildHop.PARENT), new Outcome.Invoking(STEP, true, WAIT_ID,
					ChildHop.CHILD, List.of(new Outcome.NewChild(CHILD_ID, 0, PAYLOAD)), null, Integer.MAX_VALUE)))));

	private static final RecordedStatement LOAD = RecordedStatement
		.of((jdbc) -> new StepTable(jdbc, SchemaName.DEFAULT).load(StandIn.ID));

	private final TimeOrderedIds ids = new TimeOrderedIds();

	private final Connection connection;

	private final Connection listening;

	private final WakeLocks wakeUps;

	private final BareClaims claims;

	private final PreparedStatement invoke;

	private final BareCompletions childCompletions;

	private final BareCompletions parentCompletions;

	private final PreparedStatement load;

	BareChain(BenchmarkDatabase database) throws SQLException {
		this.connection = database.connect();
		this.listening = database.connect();
		this.wakeUps = new WakeLocks(JdbcClient.create(new SingleConnectionDataSource(this.listening, true)),
				this.listening, SchemaName.DEFAULT);
		this.wakeUps.listen();
		// Else nobody would notify
		if (this.wakeUps.tryLock(QUEUE) != WakeLocks.LockResult.LOCKED) {
			throw new IllegalStateException("A node is still waiting for work");
		}
		this.claims = new BareClaims(this.connection, BATCH_SIZE, List.of(ChildHop.PARENT, ChildHop.CHILD));
		this.invoke = this.connection.prepareStatement(INVOKE.sql());
		this.childCompletions = BareCompletions.withSteps(this.connection, PAYLOAD);
		this.parentCompletions = BareCompletions.withSteps(this.connection, null);
		this.load = this.connection.prepareStatement(LOAD.sql());
	}

	/**
	 * Run a parent that is ready.
	 * @param hops how many children it invokes
	 * @return how long that took per child, in milliseconds, from the parent's claim to
	 * the last child's result
	 */
	double run(int hops) throws SQLException {
		awaitWakeUp();
		ClaimedRow parent = claim();
		long begin = System.nanoTime();
		for (int hop = 1; hop <= hops; hop++) {
			invokeChild(parent, "child " + hop);
			awaitWakeUp();
			complete(this.childCompletions, claim());
			awaitWakeUp();
			parent = claim();
			loadSteps(parent, hop);
		}
		double millis = (System.nanoTime() - begin) / 1e6 / hops;
		complete(this.parentCompletions, parent);
		return millis;
	}

	private void awaitWakeUp() throws SQLException {
		if (this.wakeUps.await(LONGEST_WAIT_MILLIS).isEmpty()) {
			throw new IllegalStateException("Nobody was notified");
		}
	}

	private ClaimedRow claim() throws SQLException {
		List<ClaimedRow> rows = this.claims.fromStart();
		if (rows.size() != 1) {
			throw new IllegalStateException(rows.size() + " executions were ready");
		}
		return rows.get(0);
	}

	private void invokeChild(ClaimedRow parent, String step) throws SQLException {
		INVOKE.bind(this.invoke, RecordedStatement.Values.of(Map.of(StandIn.ID, parent.id(), StandIn.CLAIM_NO,
				parent.claimNo(), STEP, step, WAIT_ID, this.ids.next(), CHILD_ID, this.ids.next())));
		this.invoke.executeQuery().close();
	}

	private static void complete(BareCompletions completions, ClaimedRow row) throws SQLException {
		if (completions.complete(List.of(row)) != 1) {
			throw new IllegalStateException("Execution " + row.id() + " could not be completed");
		}
	}

	private void loadSteps(ClaimedRow parent, int expected) throws SQLException {
		LOAD.bind(this.load, RecordedStatement.Values.of(Map.of(StandIn.ID, parent.id())));
		int loaded = 0;
		try (ResultSet rs = this.load.executeQuery()) {
			while (rs.next()) {
				// Besides the results there are the waits for them
				if (rs.getObject("wait_id") == null) {
					loaded++;
				}
			}
		}
		if (loaded != expected) {
			throw new IllegalStateException(loaded + " steps instead of " + expected);
		}
	}

	@Override
	public void close() throws SQLException {
		this.listening.close();
		this.connection.close();
	}

}
