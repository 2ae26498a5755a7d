package io.pgconductor.schedule;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

import javax.sql.DataSource;

import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.NodeProcess;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.TickLog;
import io.pgconductor.testing.UnreliableDataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.datasource.DelegatingDataSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Nodes and connections that go while schedules are fired.
 */
class ScheduleCrashIntegrationTests {

	private static final Instant TEN = Instant.parse("2031-03-03T10:00:00Z");

	private static final Duration LONG = Duration.ofSeconds(60);

	private static final String MOVE_ON = "with tick as materialized";

	private TestConductor test;

	private TickLog log;

	private HikariDataSource pool;

	@BeforeEach
	void start() {
		this.test = new TestConductor(ScheduleCrashIntegrationTests.class);
		this.log = new TickLog(this.test);
		this.pool = this.test.pool("unreliable", 5);
		this.test.stopClock(TEN);
	}

	@AfterEach
	void stop() {
		this.test.close();
		this.pool.close();
	}

	private static Instant at(int minute) {
		return TEN.plus(Duration.ofMinutes(minute));
	}

	private void startNode(DataSource pool, TaskSpec task) {
		this.test.node(pool, (builder) -> {
		}, task).start();
	}

	private void scheduleEveryMinute() {
		this.test.conductor().schedule("task", "name", "* * * * *", null);
		this.log.awaitNext("name", at(1));
	}

	@ParameterizedTest
	@ValueSource(strings = { MOVE_ON, "for update of s skip locked" })
	void firesOnceWhenTheConnectionIsLostBeforeTheCommit(String part) {
		UnreliableDataSource unreliable = new UnreliableDataSource(this.pool, part);
		startNode(unreliable, this.log.task("task"));
		scheduleEveryMinute();

		unreliable.lose(3);
		this.test.stopClock(at(1));
		this.log.await("name", at(1));
		this.log.awaitNext("name", at(2));

		assertThat(unreliable.lost()).isEqualTo(3);
		assertThat(this.log.invoked("name")).isOne();
	}

	@Test
	void firesOnceWhenTheConnectionIsLostAfterTheCommit() {
		AtomicInteger toLose = new AtomicInteger();
		startNode(new CommitLosingDataSource(this.pool, toLose), this.log.task("task"));
		scheduleEveryMinute();

		toLose.set(1);
		this.test.stopClock(at(1));
		this.log.await("name", at(1));
		this.test.stopClock(at(2));
		this.log.await("name", at(2));

		assertThat(toLose).hasValue(0);
		assertThat(this.log.invoked("name")).isEqualTo(2);
	}

	@Test
	void letsAnotherNodeFireWhatADeadOneWasAboutTo() {
		CountDownLatch frozen = new CountDownLatch(1);
		CountDownLatch mayThaw = new CountDownLatch(1);
		UnreliableDataSource unreliable = new UnreliableDataSource(this.pool, MOVE_ON);
		unreliable.failWith(() -> {
			frozen.countDown();
			mayThaw.await();
			return new SQLException("Too late", "08006");
		});
		startNode(unreliable, this.log.task("task"));
		scheduleEveryMinute();

		unreliable.lose(1);
		this.test.stopClock(at(1));
		await().atMost(LONG).until(() -> frozen.getCount() == 0);
		this.test.node(this.log.task("task"), this.log.task("other")).start();
		this.test.conductor().schedule("other", "free", "* * * * *", null);
		this.log.awaitNext("free", at(2));
		assertThat(this.log.schedule("name").nextRunAt()).isEqualTo(at(1));
		assertThat(this.log.invoked("name")).isZero();
		this.test
			.sql("select pg_terminate_backend(pid) from pg_stat_activity "
					+ "where application_name = 'unreliable' and state = 'idle in transaction'")
			.query()
			.listOfRows();

		this.log.awaitNext("name", at(2));
		this.log.await("name", at(1));
		mayThaw.countDown();
		this.test.stopClock(at(2));
		this.log.await("name", at(2));
		this.log.await("free", at(2));
		assertThat(this.log.invoked("name")).isEqualTo(2);
	}

	@Test
	void firesEachTickOnceAlthoughItsProcessIsKilledInTheMiddle() {
		this.test.sql("create table ${schema}.effect (n int primary key)").update();
		try (NodeProcess victim = NodeProcess.start(TestPostgres.shared().jdbcUrl(), this.test.schema(), "victim")) {
			victim.awaitRegistered(this.test, "victim");
			this.test
				.sql("select count(${schema}.schedule('work', '* * * * * *', to_jsonb(i), name => i::text)) "
						+ "from generate_series(1, 300) i")
				.query()
				.listOfRows();
			await().atMost(LONG).until(() -> this.test.count("schedule where next_run_at = '-infinity'") == 0);

			this.test.stopClock(TEN.plusSeconds(20));
			await().atMost(LONG)
				.pollInterval(Duration.ofMillis(1))
				.until(() -> this.test.count("execution") + this.test.count("finished_execution") >= 900);
			victim.kill();
			victim.awaitExit();
		}
		this.test.node(this.log.task("work")).start();

		await().atMost(LONG)
			.until(() -> this.test
				.count("schedule where next_run_at = timestamptz '" + TEN.plusSeconds(21) + "'") == 300);
		assertThat(this.test.count("executions")).isEqualTo(300 * 20);
		assertThat(this.test
			.sql("select count(distinct (headers ->> 'conductor.schedule', headers ->> 'conductor.time')) "
					+ "from ${schema}.executions")
			.query(Integer.class)
			.single()).isEqualTo(300 * 20);
	}

	/**
	 * Loses answers to commits of transactions that have fired schedules.
	 */
	private static final class CommitLosingDataSource extends DelegatingDataSource {

		private final AtomicInteger toLose;

		CommitLosingDataSource(DataSource target, AtomicInteger toLose) {
			super(target);
			this.toLose = toLose;
		}

		@Override
		public Connection getConnection() throws SQLException {
			Connection connection = super.getConnection();
			boolean[] fires = new boolean[1];
			return (Connection) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] { Connection.class },
					(proxy, method, arguments) -> {
						if (method.getName().equals("prepareStatement")) {
							fires[0] = fires[0] || ((String) arguments[0]).contains(MOVE_ON);
						}
						try {
							Object result = method.invoke(connection, arguments);
							if (method.getName().equals("commit") && fires[0]
									&& this.toLose.getAndUpdate((count) -> Math.max(0, count - 1)) > 0) {
								connection.abort(Runnable::run);
								throw new SQLException("The answer is lost", "08006");
							}
							return result;
						}
						catch (InvocationTargetException ex) {
							throw ex.getCause();
						}
					});
		}

	}

}
