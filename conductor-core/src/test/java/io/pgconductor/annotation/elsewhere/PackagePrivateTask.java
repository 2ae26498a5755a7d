package io.pgconductor.annotation.elsewhere;

import io.pgconductor.annotation.Task;

/**
 * Has a task method that a proxy in another package cannot override.
 */
public abstract class PackagePrivateTask {

	@Task
	void send() {
	}

}
