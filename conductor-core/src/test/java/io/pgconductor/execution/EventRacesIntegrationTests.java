package io.pgconductor.execution;

import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.pgconductor.Conductor;
import io.pgconductor.EventDefinition;
import io.pgconductor.ExecutionState;
import io.pgconductor.Invoke;
import io.pgconductor.task.TaskOptions;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.testing.TestConductor;
import io.pgconductor.worker.WorkerOptions;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.support.TransactionTemplate;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Events that come at the same moment as something else happens to who waits for them, on
 * two nodes.
 */
class EventRacesIntegrationTests {

	private static final Duration LONG = Duration.ofSeconds(90);

	private static final int ROUNDS = 300;

	private static final EventDefinition<Integer> EVENT = EventDefinition.of("event", Integer.class);

	private final ListAppender<ILoggingEvent> log = new ListAppender<>();

	private final Logger logger = (Logger) LoggerFactory.getLogger("io.pgconductor");

	private TestConductor test;

	private Conductor client;

	@BeforeEach
	void install() {
		this.test = new TestConductor(EventRacesIntegrationTests.class);
		this.client = this.test.conductor();
		this.log.start();
		this.logger.addAppender(this.log);
	}

	@AfterEach
	void close() {
		this.test.close();
		this.logger.detachAppender(this.log);
	}

	private void start(TaskSpec task) {
		for (int node = 0; node < 2; node++) {
			this.test
				.node((builder) -> builder.shutdownTimeout(Duration.ofMillis(100))
					.defaultWorker(WorkerOptions.DEFAULT.withConcurrency(4)), task)
				.start();
		}
	}

	private static void pause(int maxMicros) {
		LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(ThreadLocalRandom.current().nextInt(maxMicros)));
	}

	private List<UUID> invoke(int count) {
		return this.client.invokeAll("task", IntStream.range(0, count).mapToObj(Invoke::of).toList());
	}

	/**
	 * Emit in one of several ways.
	 */
	private void emit(int n) {
		int isolation = switch (n % 4) {
			case 0 -> Connection.TRANSACTION_NONE;
			case 1 -> Connection.TRANSACTION_READ_COMMITTED;
			case 2 -> Connection.TRANSACTION_REPEATABLE_READ;
			default -> Connection.TRANSACTION_SERIALIZABLE;
		};
		if (isolation == Connection.TRANSACTION_NONE) {
			this.client.emit(EVENT, n);
			return;
		}
		TransactionTemplate transaction = this.test.transaction();
		transaction.setIsolationLevel(isolation);
		transaction.executeWithoutResult((status) -> {
			this.test.sql("select 1").query(Integer.class).single();
			pause(2_000);
			this.client.emit(EVENT, n);
			pause(5_000);
		});
	}

	// Serializable transactions may have to be repeated
	private void emitForSure(int n) {
		while (true) {
			try {
				emit(n);
				return;
			}
			catch (DataAccessException ex) {
				assertThat(ex).rootCause().hasMessageContaining("could not serialize");
			}
		}
	}

	/**
	 * Wait until there is no wait left whose event has been emitted.
	 */
	private void awaitNothingMissed() {
		Awaitility.await().atMost(LONG).until(() -> this.test.sql("""
				select count(*)
				from ${schema}.event_wait w
				join ${schema}.event e on e.name = w.event and not pg_visible_in_snapshot(e.xid, w.snapshot)
				where w.filter is null or e.payload @@ w.filter
				""").query(Long.class).single() == 0);
	}

	private void awaitAllEnded() {
		Awaitility.await().atMost(LONG).until(() -> this.test.count("execution") == 0);
		assertThat(this.test.count("event_wait")).isZero();
		assertThat(this.log.list.stream()
			.filter((event) -> event.getLevel().isGreaterOrEqual(Level.WARN))
			.map(ILoggingEvent::getFormattedMessage)).isEmpty();
	}

	private static TaskSpec waiter(Duration timeout) {
		return TaskSpec.of("task", Integer.class, (event, context) -> {
			int n = event.payload(Integer.class);
			return context.awaitEvent("wait", EVENT, timeout, "$ == " + n).orElse(-1);
		}).with(TaskOptions.none().maxAttempts(1000));
	}

	@Test
	void missesNoEventThatIsEmittedWhileExecutionsBeginToWaitAndWakeUpAndAreRescued() {
		BlockingQueue<Integer> aboutToWait = new LinkedBlockingQueue<>();
		start(TaskSpec.of("task", Integer.class, (event, context) -> {
			int n = event.payload(Integer.class);
			aboutToWait.add(n);
			return context.awaitEvent("wait", EVENT, Duration.ofHours(1), "$ == " + n).orElse(-1);
		}).with(TaskOptions.none().maxAttempts(1000)));
		AtomicBoolean over = new AtomicBoolean();
		CompletableFuture<Integer> disturbance = CompletableFuture.supplyAsync(() -> disturb(over));
		Set<Integer> emitted = ConcurrentHashMap.newKeySet();
		List<CompletableFuture<Void>> emitters = IntStream.range(0, 3)
			.mapToObj((emitter) -> CompletableFuture.runAsync(() -> emitSoon(aboutToWait, emitted),
					(task) -> new Thread(task).start()))
			.toList();
		List<UUID> ids = new ArrayList<>();
		for (int n = 0; n < ROUNDS; n++) {
			ids.add(this.client.invoke("task", n));
			pause(8_000);
		}

		emitters.forEach((emitter) -> emitter.orTimeout(LONG.toSeconds(), TimeUnit.SECONDS).join());
		awaitNothingMissed();
		// Those that came before the wait did not count
		long deadline = System.nanoTime() + LONG.toNanos();
		while (this.test.count("execution") > 0) {
			assertThat(System.nanoTime()).isLessThan(deadline);
			this.test.sql("select payload::text::int from ${schema}.execution")
				.query(Integer.class)
				.list()
				.forEach(this::emitForSure);
			pause(200_000);
		}
		over.set(true);

		assertThat(disturbance.orTimeout(LONG.toSeconds(), TimeUnit.SECONDS).join()).isPositive();
		assertThat(this.test.count("event_wait")).isZero();
		for (int n = 0; n < ROUNDS; n++) {
			assertThat(this.client.find(ids.get(n)).orElseThrow().result().asInt()).isEqualTo(n);
		}
	}

	/**
	 * Emit the event of each execution as that begins to wait.
	 */
	private void emitSoon(BlockingQueue<Integer> aboutToWait, Set<Integer> emitted) {
		try {
			while (emitted.size() < ROUNDS) {
				Integer n = aboutToWait.poll(100, TimeUnit.MILLISECONDS);
				if (n != null && emitted.add(n)) {
					pause(4_000);
					emitForSure(n);
				}
			}
		}
		catch (InterruptedException ex) {
			throw new IllegalStateException(ex);
		}
	}

	private int disturb(AtomicBoolean over) {
		int disturbed = 0;
		while (!over.get()) {
			// Woken too early
			disturbed += this.test.sql("""
					update ${schema}.execution set phase = 'due'
					where ctid = any (array (
					    select ctid from ${schema}.execution
					    where claimed_by is null and waiting_for = 'event' and phase = 'future' and random() < 0.2
					    for update skip locked))
					""").update();
			// Taken back from a node that seems to be dead
			disturbed += this.test.sql("""
					update ${schema}.execution set claimed_by = null, phase = 'due', waiting_for = null
					where ctid = any (array (
					    select ctid from ${schema}.execution where claimed_by is not null and random() < 0.2
					    for update skip locked))
					""").update();
			pause(5_000);
		}
		return disturbed;
	}

	@Test
	void endsEveryWaitOnceWhenTheEventComesAsTheTimeIsOver() {
		start(waiter(Duration.ofMillis(150)));
		List<UUID> ids = new ArrayList<>();
		for (int first = 0; first < ROUNDS; first += 30) {
			ids.addAll(this.client.invokeAll("task", IntStream.range(first, first + 30).mapToObj(Invoke::of).toList()));
			LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(90));
			for (int n = first; n < first + 30; n++) {
				pause(6_000);
				emitForSure(n);
			}
		}

		awaitAllEnded();
		for (int n = 0; n < ROUNDS; n++) {
			assertThat(this.client.find(ids.get(n)).orElseThrow().result().asInt()).isIn(n, -1);
		}
		assertThat(this.test.count("step where kind = 'event'")).isEqualTo(ROUNDS);
	}

	@Test
	void endsEveryExecutionThatIsCancelledAsItsEventComes() {
		start(waiter(Duration.ofHours(1)));
		List<UUID> ids = invoke(ROUNDS);
		Awaitility.await().atMost(LONG).until(() -> this.test.count("event_wait") == ROUNDS);

		List<CompletableFuture<Void>> streams = IntStream.range(0, 3)
			.mapToObj((stream) -> CompletableFuture.runAsync(() -> {
				for (int n = stream; n < ROUNDS; n += 3) {
					int round = n;
					CompletableFuture<Void> emitter = CompletableFuture.runAsync(() -> emitForSure(round));
					pause((n % 2 == 0) ? 20_000 : 200_000);
					this.client.cancel(ids.get(n), "race");
					emitter.join();
				}
			}, (task) -> new Thread(task).start()))
			.toList();

		streams.forEach((stream) -> stream.orTimeout(LONG.toSeconds(), TimeUnit.SECONDS).join());
		awaitAllEnded();
		List<ExecutionState> states = ids.stream().map((id) -> this.client.find(id).orElseThrow().state()).toList();
		assertThat(states).containsOnly(ExecutionState.COMPLETED, ExecutionState.CANCELLED);
	}

	@Test
	void wakesTenThousandExecutionsByOneEvent() {
		int size = 10_000;
		TaskSpec task = TaskSpec.of("task", Integer.class,
				(event, context) -> context.awaitEvent("wait", EVENT, Duration.ofHours(1)).orElse(-1));
		start(task);
		invoke(size);
		Awaitility.await().atMost(LONG).until(() -> this.test.count("event_wait") == size);

		this.client.emit(EVENT, 1);
		awaitAllEnded();

		assertThat(this.test.count("finished_execution where state = 'completed'")).isEqualTo(size);
	}

}
