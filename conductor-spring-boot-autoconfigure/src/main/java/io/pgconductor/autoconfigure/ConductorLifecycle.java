package io.pgconductor.autoconfigure;

import io.pgconductor.Orchestrator;
import org.springframework.context.SmartLifecycle;

/**
 * Starts the workers when everything else has started, and stops them before everything
 * else stops: handlers may use whatever the application has, its web server included.
 */
final class ConductorLifecycle implements SmartLifecycle {

	private final Orchestrator orchestrator;

	private final Runnable afterStop;

	private volatile boolean running;

	/**
	 * Create the lifecycle.
	 * @param orchestrator runs the workers
	 * @param afterStop what to do when they have stopped
	 */
	ConductorLifecycle(Orchestrator orchestrator, Runnable afterStop) {
		this.orchestrator = orchestrator;
		this.afterStop = afterStop;
	}

	@Override
	public void start() {
		this.orchestrator.start();
		this.running = true;
	}

	@Override
	public void stop() {
		try {
			this.orchestrator.stop();
			this.afterStop.run();
		}
		finally {
			this.running = false;
		}
	}

	/**
	 * Stop beside other beans of this phase. Should that take longer than Spring waits
	 * for them, the orchestrator's destruction waits for the rest.
	 */
	@Override
	public void stop(Runnable callback) {
		Thread thread = new Thread(() -> {
			try {
				stop();
			}
			finally {
				callback.run();
			}
		}, "conductor-stop");
		thread.start();
	}

	@Override
	public boolean isRunning() {
		return this.running;
	}

}
