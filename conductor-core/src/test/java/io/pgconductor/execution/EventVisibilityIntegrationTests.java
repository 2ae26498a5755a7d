package io.pgconductor.execution;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

import io.pgconductor.Conductor;
import io.pgconductor.EventDefinition;
import io.pgconductor.ExecutionState;
import io.pgconductor.Orchestrator;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.EventTable;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Events that are emitted in transactions which are open while somebody begins to wait.
 */
class EventVisibilityIntegrationTests {

	private static final int[] ISOLATIONS = { Connection.TRANSACTION_READ_COMMITTED,
			Connection.TRANSACTION_REPEATABLE_READ, Connection.TRANSACTION_SERIALIZABLE };

	private final List<Emitter> emitters = new ArrayList<>();

	private TestConductor test;

	private Conductor client;

	private EventTable events;

	@BeforeEach
	void start() {
		this.test = new TestConductor(EventVisibilityIntegrationTests.class);
		this.client = this.test.conductor();
		this.events = new EventTable(JdbcClient.create(this.test.dataSource()), new SchemaName(this.test.schema()));
	}

	@AfterEach
	void stop() {
		this.emitters.forEach(Emitter::close);
		this.test.close();
	}

	@Test
	void doesNotMissWhatWasEmittedBeforeTheWaitAndIsCommittedLater() {
		this.test.node(task()).start();
		for (int isolation : ISOLATIONS) {
			emitter(isolation).emit("event-" + isolation, "late");
		}
		List<UUID> ids = new ArrayList<>();
		for (int isolation : ISOLATIONS) {
			ids.add(waiting("event-" + isolation));
		}
		awaitLooks(ids.size());

		this.emitters.forEach(Emitter::commit);

		assertThat(ids).allSatisfy((id) -> assertThat(result(id)).isEqualTo("late"));
		assertThat(this.test.count("event_wait")).isZero();
		await().atMost(Duration.ofSeconds(30)).until(() -> this.test.count("event where awaited") == 0);
	}

	private void awaitLooks(int waits) {
		await().atMost(Duration.ofSeconds(30))
			.until(() -> this.test.count("event_wait where horizon is not null") == waits);
		assertThat(this.test.count("event_wait where settled")).isZero();
	}

	@Test
	void doesNotMissWhatIsEmittedInATransactionThatIsOlderThanTheWait() {
		this.test.node(task()).start();
		for (int isolation : ISOLATIONS) {
			emitter(isolation).execute("select pg_current_xact_id()");
		}
		List<UUID> ids = new ArrayList<>();
		for (int isolation : ISOLATIONS) {
			ids.add(waiting("event-" + isolation));
		}
		awaitLooks(ids.size());

		for (int i = 0; i < ISOLATIONS.length; i++) {
			this.emitters.get(i).emit("event-" + ISOLATIONS[i], "late").commit();
		}

		assertThat(ids).allSatisfy((id) -> assertThat(result(id)).isEqualTo("late"));
	}

	@Test
	void doesNotMissWhatIsEmittedWithASnapshotThatIsOlderThanTheWait() {
		this.test.node(task()).start();
		// They have a snapshot, but no id yet: waits are settled without them
		for (int isolation : ISOLATIONS) {
			emitter(isolation);
		}
		List<UUID> ids = new ArrayList<>();
		for (int isolation : ISOLATIONS) {
			ids.add(waiting("event-" + isolation));
		}
		await().atMost(Duration.ofSeconds(30)).until(() -> this.test.count("event_wait where settled") == ids.size());

		for (int i = 0; i < ISOLATIONS.length; i++) {
			this.emitters.get(i).emit("event-" + ISOLATIONS[i], "late").commit();
		}

		assertThat(ids).allSatisfy((id) -> assertThat(result(id)).isEqualTo("late"));
	}

	@Test
	void doesNotMissWhatIsEmittedAfterASavepoint() {
		this.test.node(task()).start();
		Emitter emitter = emitter(Connection.TRANSACTION_READ_COMMITTED);
		emitter.execute("savepoint first")
			.emit("event", "undone")
			.execute("rollback to first")
			.execute("savepoint second")
			.emit("event", "done");
		UUID id = waiting("event");
		awaitLooks(1);

		emitter.commit();

		assertThat(result(id)).isEqualTo("done");
	}

	@Test
	void doesNotTakeWhatIsRolledBack() {
		this.test.node(task()).start();
		Emitter undone = emitter(Connection.TRANSACTION_READ_COMMITTED).emit("event", "undone");
		UUID id = waiting("event");
		awaitLooks(1);

		undone.close();

		await().atMost(Duration.ofSeconds(30)).until(() -> this.test.count("event_wait where settled") == 1);
		assertThat(this.client.find(id).orElseThrow().state()).isEqualTo(ExecutionState.WAITING);
	}

	@Test
	void doesNotMissTheEventOfATransactionThatBeganWhileTheWaitWasBeingRecorded() {
		UUID id = waitingWithoutNode("other");
		while (this.events.match(10, null).unsettled()) {
			continue;
		}
		Emitter recording = emitter(Connection.TRANSACTION_READ_COMMITTED).execute("""
				update ${schema}.event_wait
				set event = 'event', snapshot = pg_current_snapshot(), horizon = null, settled = false""");
		// Its id is greater than any that has ended when the wait is looked at
		Emitter emitting = emitter(Connection.TRANSACTION_READ_COMMITTED).emit("event", "late");
		recording.commit();

		for (int look = 0; look < 3; look++) {
			assertThat(this.events.match(10, null).unsettled()).isTrue();
		}
		emitting.commit();

		assertThat(this.events.match(10, null).matched()).isOne();
		this.test.node(task()).start();
		assertThat(result(id)).isEqualTo("late");
	}

	private UUID waitingWithoutNode(String event) {
		Orchestrator node = this.test.node(task());
		node.start();
		UUID id = waiting(event);
		node.stop();
		return id;
	}

	@Test
	void doesNotSettleAWaitWhoseExecutionIsLockedWhenItsEventIsFound() {
		Emitter emitting = emitter(Connection.TRANSACTION_READ_COMMITTED).emit("event", "late");
		UUID id = waitingWithoutNode("event");
		this.events.match(10, null);
		Emitter locking = emitter(Connection.TRANSACTION_READ_COMMITTED)
			.execute("select id from ${schema}.execution for update");
		emitting.commit();

		for (int look = 0; look < 3; look++) {
			EventTable.Matched matched = this.events.match(10, null);
			assertThat(matched).isEqualTo(new EventTable.Matched(0, false, true, null));
		}
		locking.commit();

		assertThat(this.events.match(10, null).matched()).isOne();
		this.test.node(task()).start();
		assertThat(result(id)).isEqualTo("late");
	}

	@Test
	void matchesOthersWhileSomebodyHasLockedManyExecutions() {
		Orchestrator node = this.test.node(task());
		node.start();
		List<UUID> locked = new ArrayList<>();
		for (int i = 0; i < 10; i++) {
			locked.add(waiting("event"));
		}
		UUID last = waiting("event");
		Emitter locking = emitter(Connection.TRANSACTION_READ_COMMITTED)
			.execute("select id from ${schema}.execution where id <> '" + last + "' for update");
		node.stop();
		UUID event = this.client.emit("event", "done");

		EventTable.Matched matched = this.events.match(5, null);
		assertThat(matched.matched()).isOne();
		assertThat(this.events.match(5, null)).isEqualTo(new EventTable.Matched(0, false, true, event));
		locking.close();
		assertThat(this.events.match(5, null)).isEqualTo(new EventTable.Matched(5, true, true, null));
		assertThat(this.events.match(5, null).matched()).isEqualTo(5);
		assertThat(this.events.match(5, null).matched()).isZero();

		node.start();
		assertThat(locked).allSatisfy((id) -> assertThat(result(id)).isEqualTo("done"));
		assertThat(result(last)).isEqualTo("done");
	}

	@Test
	void isToldOfEventsAgainAndAgain() {
		this.test.node(task()).start();
		List<UUID> ids = new ArrayList<>();
		for (int i = 0; i < 20; i++) {
			ids.add(waiting("event-" + i));
		}

		long begin = System.nanoTime();
		for (int i = 0; i < 20; i++) {
			this.client.emit("event-" + i, "done");
			assertThat(result(ids.get(i))).isEqualTo("done");
		}

		// Looking once a second would take longer
		assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(10));
	}

	@Test
	void keepsEmittersOfOneEventFromWaitingForOneAnother() {
		this.test.node(task()).start();
		UUID id = waiting("event");
		for (int isolation : ISOLATIONS) {
			emitter(isolation).execute("set local lock_timeout = '1ms'").emit("event", "from " + isolation);
		}
		assertThat(this.client.find(id).orElseThrow().state()).isEqualTo(ExecutionState.WAITING);

		this.emitters.forEach(Emitter::commit);

		assertThat(result(id)).isIn("from 2", "from 4", "from 8");
		await().atMost(Duration.ofSeconds(30)).until(() -> this.test.count("event where awaited") == 0);
		assertThat(this.test.count("event_wait")).isZero();
	}

	@Test
	void leavesAnEventMarkedWhileACancellationOfWhoWaitsIsOpen() {
		this.test.node(task()).start();
		UUID kept = waiting("event");
		Emitter cancelling = emitter(Connection.TRANSACTION_READ_COMMITTED)
			.execute("select ${schema}.cancel('" + kept + "')");
		this.client.emit("event", "done");

		UUID other = waiting("other");
		this.client.emit("other", "done");
		assertThat(result(other)).isEqualTo("done");
		assertThat(this.client.find(kept).orElseThrow().state()).isEqualTo(ExecutionState.WAITING);
		cancelling.close();

		assertThat(result(kept)).isEqualTo("done");
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void bringsEventsWithoutNotifications(boolean late) {
		this.test.node((builder) -> builder.notifications(false), task()).start();
		Emitter emitter = emitter(Connection.TRANSACTION_READ_COMMITTED);
		if (late) {
			emitter.emit("event", "done");
		}
		UUID id = waiting("event");
		if (!late) {
			emitter.execute("set local conductor.notify = off").emit("event", "done");
		}

		emitter.commit();

		assertThat(result(id)).isEqualTo("done");
	}

	private TaskSpec task() {
		return TaskSpec
			.of("task", String.class,
					(event, context) -> context.awaitEvent("wait",
							EventDefinition.of(event.payload(String.class), String.class), Duration.ofHours(1))
						.orElse("nothing"));
	}

	private UUID waiting(String event) {
		UUID id = this.client.invoke("task", event);
		this.test.await(id, ExecutionState.WAITING);
		return id;
	}

	private Emitter emitter(int isolation) {
		Emitter emitter = new Emitter(isolation);
		this.emitters.add(emitter);
		return emitter;
	}

	private String result(UUID id) {
		return this.test.await(id, ExecutionState.COMPLETED).result().asString();
	}

	/**
	 * A transaction that is open, on a connection of its own.
	 */
	private final class Emitter implements AutoCloseable {

		private final Connection connection;

		Emitter(int isolation) {
			try {
				this.connection = EventVisibilityIntegrationTests.this.test.dataSource().getConnection();
				this.connection.setAutoCommit(false);
				this.connection.setTransactionIsolation(isolation);
				// Takes the snapshot
				execute("select count(*) from ${schema}.event_wait");
			}
			catch (SQLException ex) {
				throw new IllegalStateException(ex);
			}
		}

		Emitter emit(String event, String payload) {
			return execute("select ${schema}.emit('" + event + "', '\"" + payload + "\"')");
		}

		Emitter execute(String sql) {
			try (Statement statement = this.connection.createStatement()) {
				statement.execute(new SchemaName(EventVisibilityIntegrationTests.this.test.schema()).sql(sql));
				return this;
			}
			catch (SQLException ex) {
				throw new IllegalStateException(ex);
			}
		}

		void commit() {
			try {
				this.connection.commit();
			}
			catch (SQLException ex) {
				throw new IllegalStateException(ex);
			}
		}

		@Override
		public void close() {
			try {
				if (!this.connection.isClosed()) {
					this.connection.rollback();
					this.connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
					this.connection.close();
				}
			}
			catch (SQLException ex) {
				throw new IllegalStateException(ex);
			}
		}

	}

}
