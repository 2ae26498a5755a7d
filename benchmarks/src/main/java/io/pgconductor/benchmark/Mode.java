package io.pgconductor.benchmark;

import java.time.Duration;
import java.util.Locale;

import io.pgconductor.task.Retention;

/**
 * What becomes of an execution when it completes, with a task that says so.
 */
enum Mode {

	/**
	 * It is deleted: {@code removeOnComplete = 0}.
	 */
	DELETE("bench-delete", Retention.AT_ONCE),

	/**
	 * It moves to the finished ones.
	 */
	ARCHIVE("bench-archive", Retention.of(Duration.ofDays(7)));

	private final String task;

	private final Retention retention;

	Mode(String task, Retention retention) {
		this.task = task;
		this.retention = retention;
	}

	String task() {
		return this.task;
	}

	Retention retention() {
		return this.retention;
	}

	String label() {
		return name().toLowerCase(Locale.ROOT);
	}

}
