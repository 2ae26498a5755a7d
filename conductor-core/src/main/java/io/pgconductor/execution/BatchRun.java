package io.pgconductor.execution;

import org.jspecify.annotations.Nullable;

/**
 * The thread that runs a batch. It is interrupted when all attempts of the batch were
 * broken off. Thread-safe.
 */
final class BatchRun {

	private @Nullable Thread thread = Thread.currentThread();

	private int unbroken;

	synchronized void join() {
		this.unbroken++;
	}

	synchronized void brokenOff() {
		this.unbroken--;
		if (this.unbroken == 0 && this.thread != null) {
			this.thread.interrupt();
		}
	}

	synchronized boolean isBrokenOff() {
		return this.unbroken == 0;
	}

	/**
	 * End: no interruption reaches the thread any more, and none that did stays behind.
	 */
	synchronized void end() {
		this.thread = null;
		Thread.interrupted();
	}

}
