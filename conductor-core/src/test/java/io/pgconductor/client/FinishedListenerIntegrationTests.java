package io.pgconductor.client;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

import javax.sql.DataSource;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.pgconductor.AwaitTimeoutException;
import io.pgconductor.Conductor;
import io.pgconductor.ConductorException;
import io.pgconductor.Invoke;
import io.pgconductor.InvokeOptions;
import io.pgconductor.test.TestPostgres;
import io.pgconductor.testing.LogCapture;
import io.pgconductor.testing.StallingProxy;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.testing.UnreliableDataSource;
import io.pgconductor.worker.ConductorBuilder;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.postgresql.ds.PGSimpleDataSource;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * What many waiting calls share, and what becomes of them when it fails. The engine is
 * played by statements that do to an execution what its completion does.
 */
@Timeout(90)
class FinishedListenerIntegrationTests {

	private static final String POOL = "waiting";

	private static final Duration LONG = Duration.ofSeconds(40);

	private static final Duration SHORT = Duration.ofMillis(300);

	private static final Duration BEFORE_THE_NEXT_LOOK = Duration.ofMillis(500);

	@RegisterExtension
	private final LogCapture log = new LogCapture(FinishedListener.class);

	@RegisterExtension
	private final LogCapture healthLog = new LogCapture(ListenerHealth.class);

	private final List<AutoCloseable> resources = new ArrayList<>();

	private TestConductor test;

	private HikariDataSource pool;

	private Conductor client;

	@BeforeEach
	void install() {
		this.test = new TestConductor(FinishedListenerIntegrationTests.class);
		this.pool = this.test.pool(POOL, 3);
		this.client = client(this.pool);
	}

	@AfterEach
	void close() throws Exception {
		// Clients before their pools, or they would still log while the next test runs
		while (!this.resources.isEmpty()) {
			this.resources.remove(this.resources.size() - 1).close();
		}
		this.pool.close();
		this.test.close();
	}

	private Conductor client(DataSource dataSource) {
		Conductor client = new ConductorBuilder(dataSource).schema(this.test.schema()).build();
		this.resources.add((AutoCloseable) client);
		return client;
	}

	private UUID enqueue() {
		return this.test.conductor().invoke("played", null, InvokeOptions.defaults().delay(Duration.ofHours(1)));
	}

	private void finish(UUID execution, String result, boolean notify) {
		this.test.transaction().executeWithoutResult((status) -> {
			this.test
				.sql("""
						with done as (delete from ${schema}.execution where id = :id returning *)
						insert into ${schema}.finished_execution (id, run_at, created_at, finished_at, expires_at, claim_no, attempt,
						    state, task, result)
						select id, run_at, created_at, now(), awaited_until, 1, 1, 'completed', task, :result::json from done
						""")
				.param("id", execution)
				.param("result", '"' + result + '"')
				.update();
			if (notify) {
				this.test.sql("select pg_notify('${schema}:finished', :id::text)")
					.param("id", execution.toString())
					.query((rs, row) -> 1)
					.single();
			}
		});
	}

	private CompletableFuture<String> awaiting(UUID execution, Duration timeout) {
		return awaiting(this.client, execution, timeout);
	}

	private static CompletableFuture<String> awaiting(Conductor client, UUID execution, Duration timeout) {
		CompletableFuture<String> answer = new CompletableFuture<>();
		new Thread(() -> {
			try {
				answer.complete(client.await(execution, String.class, timeout));
			}
			catch (Throwable ex) {
				answer.completeExceptionally(ex);
			}
		}, "waiting").start();
		return answer;
	}

	private void awaitMarks(long count) {
		Awaitility.await().until(() -> marks() == count);
	}

	private long marks() {
		return this.test.sql("select count(awaited_until) from ${schema}.execution").query(Long.class).single();
	}

	private List<Integer> sessions() {
		return this.test
			.sql("select pid from pg_stat_activity where datname = current_database() and application_name = :name")
			.param("name", POOL)
			.query(Integer.class)
			.list();
	}

	private int connectionsInUse() {
		return this.pool.getHikariPoolMXBean().getActiveConnections();
	}

	private void terminateSessions() {
		this.test.sql("""
				select pg_terminate_backend(pid) from pg_stat_activity
				where datname = current_database() and application_name = :name""")
			.param("name", POOL)
			.query(Boolean.class)
			.list();
	}

	@Test
	void takesOneConnectionForAllCalls() {
		List<UUID> ids = this.test.conductor()
			.invokeAll("played", IntStream.range(0, 200).mapToObj(Invoke::of).toList());
		List<CompletableFuture<String>> answers = ids.stream().map((id) -> awaiting(id, LONG)).toList();
		List<CompletableFuture<String>> more = ids.stream().map((id) -> awaiting(id, LONG)).toList();
		awaitMarks(200);

		assertThat(sessions()).hasSize(1);
		assertThat(connectionsInUse()).isOne();
		ids.forEach((id) -> finish(id, "result of " + id, true));

		for (int i = 0; i < 200; i++) {
			assertThat(answers.get(i)).succeedsWithin(LONG).isEqualTo("result of " + ids.get(i));
			assertThat(more.get(i)).succeedsWithin(LONG).isEqualTo("result of " + ids.get(i));
		}
		assertThat(sessions()).hasSize(1);
	}

	@Test
	void isToldByNotifications() {
		List<Duration> delays = new ArrayList<>();
		for (int i = 0; i < 10; i++) {
			UUID id = enqueue();
			CompletableFuture<String> answer = awaiting(id, LONG);
			awaitMarks(1);
			long begin = System.nanoTime();
			finish(id, "done", true);
			assertThat(answer).succeedsWithin(LONG).isEqualTo("done");
			delays.add(Duration.ofNanos(System.nanoTime() - begin));
		}

		assertThat(median(delays)).isLessThan(BEFORE_THE_NEXT_LOOK);
	}

	// Some may meet a busy machine
	private static Duration median(List<Duration> durations) {
		return durations.stream().sorted().toList().get(durations.size() / 2);
	}

	@Test
	void looksIfNotificationsGetLost() {
		UUID id = enqueue();
		CompletableFuture<String> answer = awaiting(id, LONG);
		awaitMarks(1);

		finish(id, "done", false);

		assertThat(answer).succeedsWithin(LONG).isEqualTo("done");
	}

	@Test
	void looksWhereNobodyCanListen() {
		Conductor deaf = client(new DelegatingDataSource(this.pool) {

			@Override
			public Connection getConnection() throws SQLException {
				Connection connection = super.getConnection();
				return (Connection) Proxy.newProxyInstance(getClass().getClassLoader(),
						new Class<?>[] { Connection.class }, (proxy, method, arguments) -> {
							assertThat(method.getName()).isNotEqualTo("unwrap");
							return method.getName().equals("isWrapperFor") ? false
									: method.invoke(connection, arguments);
						});
			}

		});
		UUID id = enqueue();
		CompletableFuture<String> answer = awaiting(deaf, id, LONG);
		awaitMarks(1);

		List<Duration> delays = new ArrayList<>();
		for (int i = 0; i < 5; i++) {
			UUID finished = enqueue();
			finish(finished, "second", false);
			long begin = System.nanoTime();
			assertThat(awaiting(deaf, finished, LONG)).succeedsWithin(LONG).isEqualTo("second");
			delays.add(Duration.ofNanos(System.nanoTime() - begin));
		}
		assertThat(median(delays)).isLessThan(BEFORE_THE_NEXT_LOOK);
		finish(id, "first", false);

		assertThat(answer).succeedsWithin(LONG).isEqualTo("first");
	}

	@Test
	void isAnsweredWhenItsConnectionIsKilled() {
		UUID before = enqueue();
		UUID meanwhile = enqueue();
		CompletableFuture<String> first = awaiting(before, LONG);
		CompletableFuture<String> second = awaiting(meanwhile, LONG);
		awaitMarks(2);
		List<Integer> killed = sessions();

		terminateSessions();
		finish(meanwhile, "meanwhile", true);
		assertThat(second).succeedsWithin(LONG).isEqualTo("meanwhile");
		Awaitility.await().until(() -> sessions().stream().noneMatch(killed::contains));
		finish(before, "after", true);

		assertThat(first).succeedsWithin(LONG).isEqualTo("after");
		assertThat(this.healthLog.lines()).noneMatch((line) -> line.startsWith("WARN"));
	}

	@Test
	void isAnsweredWhenTheNetworkSwallowsItsConnection() throws IOException {
		PGSimpleDataSource direct = new PGSimpleDataSource();
		direct.setUrl(TestPostgres.shared().jdbcUrl());
		StallingProxy proxy = new StallingProxy(direct.getServerNames()[0], direct.getPortNumbers()[0]);
		this.resources.add(proxy);
		direct.setServerNames(new String[] { "localhost" });
		direct.setPortNumbers(new int[] { proxy.port() });
		HikariConfig config = new HikariConfig();
		config.setJdbcUrl(direct.getUrl());
		config.setUsername(direct.getUser());
		config.setPassword(direct.getPassword());
		config.setMinimumIdle(0);
		config.setConnectionTimeout(5_000);
		HikariDataSource proxied = new HikariDataSource(config);
		this.resources.add(proxied);
		UUID id = enqueue();
		CompletableFuture<String> answer = awaiting(client(proxied), id, LONG);
		awaitMarks(1);

		proxy.stall();
		finish(id, "done", true);

		assertThat(answer).succeedsWithin(Duration.ofSeconds(20)).isEqualTo("done");
	}

	@Test
	void waitsForAConnectionAsLongAsItWaitsForTheResult() throws SQLException {
		UUID id = enqueue();
		finish(id, "done", false);
		CompletableFuture<String> longer;
		try (Connection first = this.pool.getConnection();
				Connection second = this.pool.getConnection();
				Connection third = this.pool.getConnection()) {
			assertThat(List.of(first, second, third)).hasSize(this.pool.getMaximumPoolSize());
			longer = awaiting(id, LONG);

			assertThatExceptionOfType(AwaitTimeoutException.class)
				.isThrownBy(() -> this.client.await(id, String.class, SHORT));
			assertThat(longer).isNotDone();
		}

		assertThat(longer).succeedsWithin(LONG).isEqualTo("done");
	}

	@Test
	void triesAgainUntilTheDatabaseIsBack() {
		UnreliableDataSource unreliable = new UnreliableDataSource(this.pool, "nothing");
		unreliable.onConnect(() -> {
			throw new IllegalStateException("down for a moment");
		});
		Conductor onUnreliable = client(unreliable);
		UUID id = enqueue();
		finish(id, "done", false);
		CompletableFuture<String> longer = awaiting(onUnreliable, id, LONG);

		assertThatExceptionOfType(AwaitTimeoutException.class)
			.isThrownBy(() -> onUnreliable.await(id, String.class, Duration.ofSeconds(2)))
			.withRootCauseInstanceOf(IllegalStateException.class)
			.withStackTraceContaining("down for a moment");
		assertThat(longer).isNotDone();
		unreliable.onConnect(() -> true);

		assertThat(longer).succeedsWithin(LONG).isEqualTo("done");
		Awaitility.await()
			.untilAsserted(() -> assertThat(this.healthLog.lines()).contains("INFO Executions can be awaited again"));
		assertThat(this.healthLog.lines().stream().filter((line) -> line.startsWith("WARN"))).hasSize(1)
			.allMatch((line) -> line.contains("down for a moment"));
	}

	@Test
	void givesItsConnectionBackWhenNobodyWaitsAnyMore() throws SQLException {
		this.pool.setMaximumPoolSize(1);
		UUID first = enqueue();
		UUID second = enqueue();
		finish(first, "first", false);
		finish(second, "second", false);
		assertThat(this.client.await(first, String.class, LONG)).isEqualTo("first");
		assertThat(connectionsInUse()).isOne();
		List<Integer> used = sessions();

		Awaitility.await().atMost(Duration.ofSeconds(20)).until(() -> connectionsInUse() == 0);

		try (Connection connection = this.pool.getConnection()) {
			JdbcClient jdbc = JdbcClient.create(new SingleConnectionDataSource(connection, true));
			assertThat(jdbc.sql("select pg_backend_pid()").query(Integer.class).list()).isEqualTo(used);
			assertThat(jdbc.sql("select pg_listening_channels()").query(String.class).list()).isEmpty();
			assertThat(connection.getNetworkTimeout()).isZero();
		}
		assertThat(this.client.await(second, String.class, LONG)).isEqualTo("second");
		assertThat(this.log.lines()).isEmpty();
		assertThat(this.healthLog.lines()).isEmpty();
	}

	@Test
	void endsQuietlyWhenThePoolIsClosed() {
		CompletableFuture<String> answer = awaiting(enqueue(), LONG);
		awaitMarks(1);

		this.pool.close();

		assertThat(answer).failsWithin(LONG)
			.withThrowableThat()
			.havingCause()
			.isInstanceOf(ConductorException.class)
			.withMessageContainingAll("data source is closed", "goes on");
		assertThat(this.log.lines()).isNotEmpty().allMatch((line) -> line.startsWith("DEBUG"));
		assertThat(this.healthLog.lines()).allMatch((line) -> line.startsWith("DEBUG"));
	}

	@Test
	void givesItsConnectionBackAtOnceWhenTheClientIsClosed() throws Exception {
		CompletableFuture<String> answer = awaiting(enqueue(), LONG);
		awaitMarks(1);

		((AutoCloseable) this.client).close();

		assertThat(connectionsInUse()).isZero();
		assertThat(answer).failsWithin(LONG)
			.withThrowableThat()
			.havingCause()
			.isInstanceOf(ConductorException.class)
			.withMessageContaining("closed");
		assertThatExceptionOfType(ConductorException.class)
			.isThrownBy(() -> this.client.await(enqueue(), String.class, LONG))
			.withMessageContaining("closed");
		assertThat(this.client.find(enqueue())).isPresent();
		assertThat(this.log.lines()).isEmpty();
		assertThat(this.healthLog.lines()).isEmpty();
	}

}
