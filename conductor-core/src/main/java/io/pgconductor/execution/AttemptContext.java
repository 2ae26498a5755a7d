package io.pgconductor.execution;

import java.util.Map;
import java.util.UUID;

import io.pgconductor.TaskContext;
import io.pgconductor.jdbc.ClaimedExecution;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The context of one attempt.
 *
 * @param execution the claimed execution
 * @param headers its headers
 */
record AttemptContext(ClaimedExecution execution, Map<String, String> headers) implements TaskContext {

	@Override
	public UUID executionId() {
		return this.execution.id();
	}

	@Override
	public String task() {
		return this.execution.task();
	}

	@Override
	public String queue() {
		return this.execution.queue();
	}

	@Override
	public int attempt() {
		return this.execution.attempt();
	}

	@Override
	public int maxAttempts() {
		return this.execution.maxAttempts();
	}

	@Override
	public Logger logger() {
		return LoggerFactory.getLogger("io.pgconductor.task." + task());
	}

}
