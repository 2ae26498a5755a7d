package io.pgconductor.client;

import java.sql.SQLException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import javax.sql.DataSource;

import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.AwaitedExecutions;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.BeanWrapper;
import org.springframework.beans.PropertyAccessorFactory;
import org.springframework.jdbc.datasource.DelegatingDataSource;

/**
 * Finds out for all waiting calls of a client when their executions are over, on one
 * thread with one connection, which are there while somebody waits and for some seconds
 * after. It is told by notifications, and looks every second in case that they are off or
 * get lost. Thread-safe.
 */
final class FinishedListener implements AutoCloseable {

	private static final Logger logger = LoggerFactory.getLogger(FinishedListener.class);

	private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

	// How long a new call waits while the thread listens for notifications
	private static final long LISTEN_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

	private static final long IDLE_NANOS = TimeUnit.SECONDS.toNanos(10);

	private static final long END_MILLIS = 1_000;

	private final DataSource dataSource;

	private final SchemaName schema;

	private final ReentrantLock lock = new ReentrantLock();

	private final Condition changed = this.lock.newCondition();

	private final Set<Waiter> waiters = new LinkedHashSet<>();

	private final ListenerHealth health = new ListenerHealth();

	private @Nullable Thread thread;

	private boolean closed;

	private long nextLookNanos;

	FinishedListener(DataSource dataSource, SchemaName schema) {
		this.dataSource = dataSource;
		this.schema = schema;
	}

	/**
	 * Answer a call as soon as its execution is over.
	 * @param waiter the call
	 */
	void add(Waiter waiter) {
		this.lock.lock();
		try {
			if (this.closed) {
				waiter.answer(new Waiter.Closed());
				return;
			}
			if (this.thread == null) {
				// Lives longer than the caller: without its thread locals
				Thread started = new Thread(null, this::run, "conductor-await", 0, false);
				started.setDaemon(true);
				started.start();
				this.thread = started;
			}
			this.waiters.add(waiter);
			this.changed.signalAll();
		}
		finally {
			this.lock.unlock();
		}
	}

	void remove(Waiter waiter) {
		this.lock.lock();
		try {
			this.waiters.remove(waiter);
		}
		finally {
			this.lock.unlock();
		}
	}

	/**
	 * Return why nobody knows at the moment.
	 * @return what keeps failing, {@code null} if nothing does
	 */
	@Nullable Throwable failure() {
		return this.health.failure();
	}

	@Override
	public void close() {
		Thread ending;
		this.lock.lock();
		try {
			this.closed = true;
			answerAll(new Waiter.Closed());
			this.changed.signalAll();
			ending = this.thread;
		}
		finally {
			this.lock.unlock();
		}
		if (ending != null) {
			join(ending);
		}
	}

	private static void join(Thread ending) {
		try {
			ending.join(END_MILLIS);
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
		}
		if (ending.isAlive()) {
			ending.interrupt();
		}
	}

	private void run() {
		while (!isOver()) {
			try {
				ListenerSession session = ListenerSession.open(this.dataSource, this.schema);
				try {
					serve(session);
					session.release();
				}
				catch (Throwable ex) {
					session.giveUp(ex);
					throw ex;
				}
			}
			catch (InterruptedException ex) {
				logger.debug("Interrupted", ex);
			}
			catch (Throwable ex) {
				failed(ex);
			}
		}
	}

	private boolean isOver() {
		this.lock.lock();
		try {
			if (this.waiters.isEmpty()) {
				this.thread = null;
				this.health.reset();
				return true;
			}
			return false;
		}
		finally {
			this.lock.unlock();
		}
	}

	private void serve(ListenerSession session) throws SQLException, InterruptedException {
		// What ended before this session listened was told to nobody
		this.nextLookNanos = System.nanoTime();
		while (isAnybodyWaiting()) {
			look(session, due());
			look(session, told(session));
		}
	}

	private boolean isAnybodyWaiting() throws InterruptedException {
		this.lock.lock();
		try {
			long nanos = IDLE_NANOS;
			while (this.waiters.isEmpty() && !this.closed && nanos > 0) {
				nanos = this.changed.awaitNanos(nanos);
			}
			return !this.waiters.isEmpty();
		}
		finally {
			this.lock.unlock();
		}
	}

	private List<Waiter> due() {
		long now = System.nanoTime();
		boolean all = this.nextLookNanos - now <= 0;
		if (all) {
			this.nextLookNanos = now + LOOK_NANOS;
		}
		return waiters().stream().filter((waiter) -> all || waiter.nanosToLook(now) <= 0).toList();
	}

	private List<Waiter> told(ListenerSession session) throws SQLException, InterruptedException {
		long pause = nanosToLook();
		if (pause <= 0) {
			return List.of();
		}
		if (!session.isListening()) {
			pause(pause);
			return List.of();
		}
		Set<UUID> finished = session.await(Math.min(pause, LISTEN_NANOS));
		return finished.isEmpty() ? List.of()
				: waiters().stream().filter((waiter) -> finished.contains(waiter.execution())).toList();
	}

	private long nanosToLook() {
		long now = System.nanoTime();
		return waiters().stream()
			.mapToLong((waiter) -> waiter.nanosToLook(now))
			.reduce(this.nextLookNanos - now, Math::min);
	}

	// Ends when a call begins to wait, too: there is something to look for then
	private void pause(long nanos) throws InterruptedException {
		this.lock.lock();
		try {
			if (!this.closed && nanosToLook() > 0) {
				this.changed.awaitNanos(nanos);
			}
		}
		finally {
			this.lock.unlock();
		}
	}

	private List<Waiter> waiters() {
		this.lock.lock();
		try {
			return List.copyOf(this.waiters);
		}
		finally {
			this.lock.unlock();
		}
	}

	private void look(ListenerSession session, Collection<Waiter> due) {
		if (due.isEmpty()) {
			return;
		}
		Map<UUID, Duration> awaited = new HashMap<>();
		due.forEach((waiter) -> awaited.merge(waiter.execution(), waiter.remaining(),
				(first, second) -> (first.compareTo(second) >= 0) ? first : second));
		Map<UUID, AwaitedExecutions.Found> found = session.executions().look(awaited);
		for (Waiter waiter : due) {
			AwaitedExecutions.Found execution = found.get(waiter.execution());
			if (execution == null) {
				waiter.missing();
			}
			else if (execution instanceof AwaitedExecutions.Finished finished) {
				waiter.answer(new Waiter.Ended(finished));
			}
			else if (execution instanceof AwaitedExecutions.Live live) {
				waiter.live(live.marked());
				continue;
			}
			remove(waiter);
		}
		this.health.works();
	}

	private void failed(Throwable ex) {
		if (isClosed()) {
			logger.debug("The data source is closed: nothing can be awaited any more", ex);
			answerAll(new Waiter.Closed());
		}
		else if (ListenerHealth.isPassing(ex)) {
			sleep(this.health.failed(ex));
		}
		else {
			logger.debug("Executions cannot be awaited", ex);
			answerAll(new Waiter.Refused(ex));
		}
	}

	private void sleep(long nanos) {
		this.lock.lock();
		try {
			long left = nanos;
			while (!this.closed && left > 0) {
				left = this.changed.awaitNanos(left);
			}
		}
		catch (InterruptedException ex) {
			logger.debug("Interrupted", ex);
		}
		finally {
			this.lock.unlock();
		}
	}

	private boolean isClosed() {
		DataSource pool = this.dataSource;
		while (pool instanceof DelegatingDataSource delegating && delegating.getTargetDataSource() != null) {
			pool = delegating.getTargetDataSource();
		}
		// As the pools of Hikari, Tomcat and DBCP say it
		BeanWrapper properties = PropertyAccessorFactory.forBeanPropertyAccess(pool);
		return properties.isReadableProperty("closed") && Boolean.TRUE.equals(properties.getPropertyValue("closed"));
	}

	private void answerAll(Waiter.Answer answer) {
		this.lock.lock();
		try {
			this.waiters.forEach((waiter) -> waiter.answer(answer));
			this.waiters.clear();
		}
		finally {
			this.lock.unlock();
		}
	}

}
