package io.pgconductor.worker;

import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

import io.pgconductor.ConductorException;
import io.pgconductor.Orchestrator;
import io.pgconductor.OrchestratorInfo;
import io.pgconductor.OrchestratorInfo.State;
import io.pgconductor.task.TaskRegistry;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.TransactionException;

/**
 * Starts and stops the node of this process.
 */
final class DefaultOrchestrator implements Orchestrator {

	private static final Logger logger = LoggerFactory.getLogger(Orchestrator.class);

	private static final long DRAIN_CHECK_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

	private static final long STARTER_END_MILLIS = 5_000;

	private final DefaultConductor conductor;

	private final TaskRegistry registry;

	private final NodeOptions options;

	// Held while starting and stopping, so that neither happens within the other
	private final ReentrantLock lifecycle = new ReentrantLock();

	private volatile State state = State.NEW;

	private volatile @Nullable RunningNode node;

	private volatile @Nullable String startFailure;

	private volatile CompletableFuture<Void> stopped = new CompletableFuture<>();

	private volatile @Nullable LoopThread starter;

	DefaultOrchestrator(DefaultConductor conductor, TaskRegistry registry, NodeOptions options) {
		this.conductor = conductor;
		this.registry = registry;
		this.options = options;
	}

	@Override
	public void start() {
		this.lifecycle.lock();
		try {
			if (this.state == State.STARTING || this.state == State.RUNNING) {
				return;
			}
			if (this.stopped.isDone()) {
				this.stopped = new CompletableFuture<>();
			}
			this.state = State.STARTING;
			try {
				run(true);
			}
			catch (DataAccessException | TransactionException ex) {
				this.startFailure = causeOf(ex);
				logger.warn("The database cannot be reached, the workers start as soon as it can be: {}",
						this.startFailure);
				startInBackground();
			}
			catch (RuntimeException ex) {
				this.state = State.STOPPED;
				this.stopped.complete(null);
				throw ex;
			}
		}
		finally {
			this.lifecycle.unlock();
		}
	}

	private void startInBackground() {
		Signal signal = new Signal();
		LoopThread thread = new LoopThread("conductor-start", false, signal, () -> {
			if (this.lifecycle.tryLock()) {
				try {
					if (this.state == State.STARTING) {
						run(false);
					}
				}
				catch (RuntimeException ex) {
					this.startFailure = causeOf(ex);
					throw ex;
				}
				finally {
					this.lifecycle.unlock();
				}
			}
		}, () -> true);
		this.starter = thread;
		thread.start();
	}

	private static String causeOf(RuntimeException failure) {
		return NestedExceptionUtils.getMostSpecificCause(failure).toString();
	}

	private void run(boolean strict) {
		this.conductor.ensureInstalled();
		RunningNode starting = new RunningNode(this.conductor, this.registry, this.options);
		starting.start(strict);
		this.node = starting;
		this.conductor.add(starting);
		this.startFailure = null;
		this.state = State.RUNNING;
		LoopThread done = this.starter;
		if (done != null) {
			done.stop();
		}
	}

	@Override
	public void stop() {
		LoopThread background = this.starter;
		if (background != null && this.state == State.STARTING) {
			// It may be waiting for a connection, and holds the lock
			background.stopAtOnce();
		}
		this.lifecycle.lock();
		try {
			if (this.state != State.STARTING && this.state != State.RUNNING) {
				return;
			}
			this.state = State.STOPPING;
			background = this.starter;
			if (background != null) {
				background.stopAtOnce();
				background.join(STARTER_END_MILLIS);
				this.starter = null;
			}
			RunningNode running = this.node;
			if (running != null) {
				this.conductor.remove(running);
				running.stop();
				this.node = null;
			}
			this.state = State.STOPPED;
			this.stopped.complete(null);
		}
		finally {
			this.lifecycle.unlock();
		}
	}

	@Override
	public void drain() {
		start();
		if (this.state == State.STARTING) {
			String failure = this.startFailure;
			stop();
			throw new ConductorException("The database cannot be reached: " + failure);
		}
		try {
			awaitDrained();
		}
		finally {
			stop();
		}
	}

	private void awaitDrained() {
		Signal pause = new Signal();
		long giveUpAtNanos = System.nanoTime() + this.options.nodeTimeout().toNanos();
		for (RunningNode running = this.node; running != null; running = this.node) {
			try {
				if (running.isDrained()) {
					return;
				}
				giveUpAtNanos = System.nanoTime() + this.options.nodeTimeout().toNanos();
			}
			catch (DataAccessException | TransactionException ex) {
				if (System.nanoTime() - giveUpAtNanos >= 0) {
					throw new ConductorException("The database cannot be reached: " + causeOf(ex), ex);
				}
			}
			pause.await(DRAIN_CHECK_NANOS);
			if (Thread.currentThread().isInterrupted()) {
				throw new ConductorException("Interrupted while there was something left to run");
			}
		}
	}

	@Override
	public CompletionStage<Void> stopped() {
		return this.stopped.minimalCompletionStage();
	}

	@Override
	public OrchestratorInfo info() {
		RunningNode running = this.node;
		UUID id = (running != null) ? running.id() : null;
		Instant lastHeartbeat = (running != null) ? running.lastHeartbeat() : null;
		String failure = (running != null) ? running.failure() : this.startFailure;
		return new OrchestratorInfo(id, this.state, running != null, lastHeartbeat, failure,
				(running != null) ? running.brokenSchedules() : Map.of());
	}

}
