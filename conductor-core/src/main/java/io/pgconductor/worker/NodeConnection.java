package io.pgconductor.worker;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

import javax.sql.DataSource;

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.NodeTable;
import io.pgconductor.jdbc.WakeLocks;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

/**
 * The node's own connection, used by one thread: for heartbeats, which must not wait for
 * a pool, and for what belongs to a session: notifications and the locks of the wake-up
 * handshake. When it breaks, a new one takes its place.
 */
final class NodeConnection {

	private static final Logger logger = LoggerFactory.getLogger(NodeConnection.class);

	// How long a request may wait while the thread listens for notifications
	private static final int LISTEN_MILLIS = 10;

	private static final int IDLE_MILLIS = 250;

	private static final long ANSWER_MILLIS = 500;

	private static final long END_MILLIS = 1_000;

	private final DataSource dataSource;

	private final SchemaName schema;

	private final boolean notifications;

	private final Duration heartbeatInterval;

	private final Heartbeat heartbeat;

	private final ConcurrentMap<String, Sleeper> sleepers = new ConcurrentHashMap<>();

	private final BlockingQueue<Runnable> requests = new LinkedBlockingQueue<>();

	private final LoopThread thread;

	private volatile @Nullable Session session;

	private long nextHeartbeatNanos = System.nanoTime();

	/**
	 * Tells the database that the node lives.
	 */
	interface Heartbeat {

		/**
		 * Beat once.
		 * @param nodes on the connection to use
		 * @return whether those who sleep may have missed something meanwhile
		 */
		boolean beat(NodeTable nodes);

	}

	private record Session(Connection connection, SingleConnectionDataSource dataSource, NodeTable nodes,
			WakeLocks locks) {
	}

	NodeConnection(DataSource dataSource, SchemaName schema, boolean notifications, Duration heartbeatInterval,
			Heartbeat heartbeat) {
		this.dataSource = dataSource;
		this.schema = schema;
		this.notifications = notifications;
		this.heartbeatInterval = heartbeatInterval;
		this.heartbeat = heartbeat;
		this.thread = new LoopThread("conductor-node", true, new Signal(), this::round);
	}

	void start() {
		this.thread.start();
	}

	void stop() {
		this.thread.stop();
		this.requests.add(() -> {
		});
		if (this.thread.join(END_MILLIS)) {
			disconnect();
		}
		else {
			abort();
		}
	}

	private void abort() {
		Session hanging = this.session;
		if (hanging != null) {
			try {
				hanging.connection().abort(Runnable::run);
			}
			catch (SQLException ex) {
				logger.debug("The node's connection cannot be given up", ex);
			}
		}
	}

	boolean isWatching() {
		return this.notifications;
	}

	boolean isFailing() {
		return this.thread.isFailing();
	}

	Sleeper sleeper(String target, Signal signal) {
		Sleeper sleeper = new Sleeper(target, this, signal);
		this.sleepers.put(target, sleeper);
		return sleeper;
	}

	/**
	 * Wake those in this process who wait for some targets.
	 * @param targets the targets
	 */
	void wakeLocally(Iterable<String> targets) {
		for (String target : targets) {
			Sleeper sleeper = this.sleepers.get(target);
			if (sleeper != null) {
				sleeper.wake();
			}
		}
	}

	/**
	 * Watch for work in a sleeper's name.
	 * @param sleeper the sleeper
	 * @return how it is watched from now on
	 */
	Sleeper.Watch watch(Sleeper sleeper) {
		if (!this.notifications) {
			return Sleeper.Watch.NONE;
		}
		CompletableFuture<Sleeper.Watch> answer = new CompletableFuture<>();
		this.requests.add(() -> {
			if (answer.isDone()) {
				return;
			}
			sleeper.watching(tryWatch(sleeper.target()));
			if (!answer.complete(sleeper.watch())) {
				sleeper.busy();
				// It may have gone to sleep in the belief that it is watched
				sleeper.notified();
			}
		});
		try {
			return answer.get(ANSWER_MILLIS, TimeUnit.MILLISECONDS);
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
		catch (TimeoutException | ExecutionException ex) {
			logger.debug("The node's connection doesn't answer: polling has to do", ex);
		}
		return answer.cancel(false) ? Sleeper.Watch.NONE : sleeper.watch();
	}

	private Sleeper.Watch tryWatch(String target) {
		if (this.session == null) {
			return Sleeper.Watch.NONE;
		}
		return switch (this.session.locks().tryLock(target)) {
			case LOCKED -> Sleeper.Watch.SENTINEL;
			case HELD_BY_NODE -> Sleeper.Watch.FOLLOWER;
			case HELD_BY_WRITERS -> Sleeper.Watch.BEHIND_WRITERS;
		};
	}

	/**
	 * Give a lock back. Doesn't wait until that is done.
	 * @param target what was watched
	 */
	void unlock(String target) {
		this.requests.add(() -> {
			if (this.session != null) {
				this.session.locks().unlock(target);
			}
		});
	}

	private void round() {
		try {
			boolean connected = this.session != null;
			Session current = connected ? this.session : connect();
			if (beatIfDue(current) || !connected) {
				this.sleepers.values().forEach(Sleeper::notified);
			}
			boolean listening = this.sleepers.values().stream().anyMatch((s) -> s.watch() != Sleeper.Watch.NONE);
			Runnable request = listening ? this.requests.poll()
					: this.requests.poll(IDLE_MILLIS, TimeUnit.MILLISECONDS);
			if (request != null) {
				request.run();
			}
			else if (listening) {
				dispatch(current.locks().await(LISTEN_MILLIS));
			}
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
		catch (SQLException ex) {
			disconnect();
			throw new IllegalStateException(ex);
		}
		catch (RuntimeException ex) {
			disconnect();
			throw ex;
		}
	}

	private boolean beatIfDue(Session current) {
		if (System.nanoTime() - this.nextHeartbeatNanos < 0) {
			return false;
		}
		boolean back = this.heartbeat.beat(current.nodes());
		this.nextHeartbeatNanos = System.nanoTime() + this.heartbeatInterval.toNanos();
		return back;
	}

	private void dispatch(List<String> targets) {
		for (String target : targets) {
			Sleeper sleeper = this.sleepers.get(target);
			if (sleeper != null) {
				sleeper.notified();
			}
		}
	}

	private Session connect() throws SQLException {
		Connection connection = this.dataSource.getConnection();
		// Each of its statements takes a moment, and the node's life depends on them
		connection.setNetworkTimeout(Runnable::run, (int) this.heartbeatInterval.multipliedBy(2).toMillis());
		SingleConnectionDataSource single = new SingleConnectionDataSource(connection, true);
		JdbcClient jdbc = JdbcClient.create(single);
		Session connected = new Session(connection, single, new NodeTable(jdbc, this.schema),
				new WakeLocks(jdbc, connection, this.schema));
		try {
			if (this.notifications) {
				connected.locks().listen();
			}
		}
		catch (RuntimeException ex) {
			connection.close();
			throw ex;
		}
		this.session = connected;
		this.nextHeartbeatNanos = System.nanoTime();
		return connected;
	}

	private void disconnect() {
		Session broken = this.session;
		this.session = null;
		this.sleepers.values().forEach((sleeper) -> {
			sleeper.watching(Sleeper.Watch.NONE);
			sleeper.notified();
		});
		if (broken != null) {
			release(broken);
		}
	}

	private void release(Session broken) {
		try {
			// Back in the pool, its session must not go on listening or holding locks
			JdbcClient jdbc = JdbcClient.create(broken.dataSource());
			jdbc.sql("unlisten *").update();
			jdbc.sql("select pg_advisory_unlock_all()").query((rs, row) -> 1).single();
		}
		catch (RuntimeException ex) {
			// It is broken: the pool finds out by itself
		}
		finally {
			broken.dataSource().destroy();
		}
	}

}
