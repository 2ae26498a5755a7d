package io.pgconductor.jdbc;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

import io.pgconductor.SchemaName;
import io.pgconductor.testing.TestConductor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Events that a wait may have missed: that they are found, and that others are not read.
 */
class MissableEventsIntegrationTests {

	private static final int MANY = 10_000;

	private static final int FEW = 100;

	private static final UUID NODE = UUID.randomUUID();

	private static final String WAIT = """
			insert into ${schema}.event_wait (id, execution_id, step, event, snapshot, deadline)
			select ${schema}.uuid_v7(), id, 'wait', 'event', pg_current_snapshot(), now() from ${schema}.execution
			""";

	private final List<Connection> open = new ArrayList<>();

	private TestConductor test;

	private EventTable events;

	@BeforeEach
	void install() {
		this.test = new TestConductor(MissableEventsIntegrationTests.class);
		this.events = new EventTable(JdbcClient.create(this.test.dataSource()), new SchemaName(this.test.schema()));
	}

	@AfterEach
	void close() throws SQLException {
		for (Connection connection : this.open) {
			if (!connection.isClosed()) {
				connection.rollback();
				connection.close();
			}
		}
		this.test.close();
	}

	private Connection open(String sql) throws SQLException {
		Connection connection = this.test.dataSource().getConnection();
		this.open.add(connection);
		connection.setAutoCommit(false);
		try (Statement statement = connection.createStatement()) {
			statement.execute(new SchemaName(this.test.schema()).sql(sql));
		}
		return connection;
	}

	private static void commit(Connection connection) throws SQLException {
		connection.commit();
		connection.close();
	}

	private void emitMany() {
		this.test.sql("""
				insert into ${schema}.event (id, name, payload, emitted_at, xid, awaited)
				select ${schema}.uuid_v7(), 'event', '1', now(), pg_current_xact_id(), false
				from generate_series(1, :count)
				""").param("count", MANY).update();
	}

	private void execution() {
		this.test
			.sql("""
					insert into ${schema}.execution
					    (id, task, queue, priority, max_attempts, created_at, run_at, phase, waiting_for, claim_no, attempt, claimed_by)
					values (${schema}.uuid_v7(), 'task', 'default', 0, 3, now(), now(), 'due', 'event', 1, 1, :node)
					""")
			.param("node", NODE)
			.update();
	}

	private void beginToWait() {
		execution();
		this.test.sql(WAIT).update();
	}

	private void match() {
		assertThat(this.events.match(1000, null).matched()).isZero();
	}

	private @Nullable String timeOut() {
		this.test.sql("""
				select ${schema}.time_out_event(e.claimed_by, e.id, e.claim_no, w.id)
				from ${schema}.execution e join ${schema}.event_wait w on w.execution_id = e.id
				""").query().listOfRows();
		assertThat(this.test.count("event_wait")).isZero();
		assertThat(this.test.count("step")).isOne();
		return this.test.sql("select result from ${schema}.step").query(String.class).optional().orElse(null);
	}

	private long eventsReadBy(Runnable work) {
		return this.test.transaction().execute((status) -> {
			long before = eventsRead();
			work.run();
			return eventsRead() - before;
		});
	}

	private long eventsRead() {
		return this.test.sql("""
				select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables
				where schemaname = :schema and relname = 'event'
				""").param("schema", this.test.schema()).query(Long.class).single();
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void areAllThatIsReadForAWaitThatIsUnsettledForLong(boolean analysed) throws SQLException {
		open("select pg_current_xact_id()");
		emitMany();
		beginToWait();
		match();
		emitMany();
		if (analysed) {
			this.test.sql("analyze ${schema}.event, ${schema}.event_wait").update();
		}

		assertThat(eventsReadBy(this::match)).isLessThan(FEW);

		assertThat(this.test.count("event_wait where not settled")).isOne();
		assertThat(eventsReadBy(() -> assertThat(timeOut()).isNull())).isLessThan(FEW);
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void areNotLookedForWhenTheWaitIsSettled(boolean analysed) {
		beginToWait();
		this.test.sql("update ${schema}.event_wait set settled = true").update();
		emitMany();
		if (analysed) {
			this.test.sql("analyze ${schema}.event, ${schema}.event_wait").update();
		}

		assertThat(eventsReadBy(() -> assertThat(timeOut()).isNull())).isLessThan(FEW);
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void areFoundIfTheyWereBeingEmittedWhenTheWaitWasRecorded(boolean looked) throws SQLException {
		Connection emitting = open("select ${schema}.emit('event', '\"late\"')");
		beginToWait();
		if (looked) {
			match();
		}
		commit(emitting);

		assertThat(timeOut()).isEqualTo("\"late\"");
	}

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void areFoundIfTheirTransactionBeganWhileTheWaitWasBeingRecorded(boolean looked) throws SQLException {
		execution();
		Connection recording = open(WAIT);
		Connection emitting = open("select ${schema}.emit('event', '\"late\"')");
		commit(recording);
		if (looked) {
			match();
		}
		commit(emitting);

		assertThat(this.test.count("event where awaited")).isZero();
		assertThat(timeOut()).isEqualTo("\"late\"");
	}

	@Test
	void areFewerThanThoseThatAreMarked() throws SQLException {
		open("select pg_current_xact_id()");
		beginToWait();
		match();
		this.test.conductor().emit("event", "marked");
		this.test.conductor().emit("event", "second");

		assertThat(this.test.count("event_wait where not settled")).isOne();
		assertThat(timeOut()).isEqualTo("\"marked\"");
	}

}
