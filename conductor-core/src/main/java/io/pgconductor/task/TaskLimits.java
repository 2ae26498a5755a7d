package io.pgconductor.task;

import org.jspecify.annotations.Nullable;

/**
 * What limits how the executions of a task follow one another. Immutable.
 *
 * @param concurrency how many run at once; {@code null}: any number
 * @param concurrencyKey where in the payload the key is that they share, by its names in
 * JSON; {@code null}: they all do
 * @param rateLimit how many begin within a period; {@code null}: any number
 * @param rateLimitKey where in the payload the key is that they share, by its names in
 * JSON; {@code null}: they all do
 */
public record TaskLimits(@Nullable Integer concurrency, @Nullable PayloadPath concurrencyKey,
		@Nullable RateLimit rateLimit, @Nullable PayloadPath rateLimitKey) {

	/**
	 * Return the limits of a task.
	 * @param task the task
	 * @param json knows how its payload is written
	 * @return the limits; {@code null} if there are none
	 * @throws InvalidTaskException if there is a key without a limit, or one that the
	 * payload doesn't have
	 */
	public static @Nullable TaskLimits of(TaskSpec task, JsonMapping json) {
		verifyHasLimit(task, "concurrencyKey", task.concurrencyKey(), "concurrency", task.concurrency());
		verifyHasLimit(task, "rateLimitKey", task.rateLimitKey(), "rateLimit", task.rateLimit());
		return task.isLimited()
				? new TaskLimits(task.concurrency(), resolve(task, "concurrencyKey", task.concurrencyKey(), json),
						task.rateLimit(), resolve(task, "rateLimitKey", task.rateLimitKey(), json))
				: null;
	}

	private static void verifyHasLimit(TaskSpec task, String keyName, @Nullable PayloadPath key, String limitName,
			@Nullable Object limit) {
		if (key != null && limit == null) {
			throw invalid(task, keyName, key, "there is no " + limitName + " that it could be the key of: set it, too");
		}
	}

	private static @Nullable PayloadPath resolve(TaskSpec task, String keyName, @Nullable PayloadPath key,
			JsonMapping json) {
		if (key == null || task.payloadType() == null) {
			return key;
		}
		try {
			return json.resolve(key, task.payloadType());
		}
		catch (IllegalArgumentException ex) {
			throw invalid(task, keyName, key, String.valueOf(ex.getMessage()));
		}
	}

	private static InvalidTaskException invalid(TaskSpec task, String keyName, PayloadPath key, String problem) {
		return new InvalidTaskException(task + ": " + keyName + " '" + key + "' cannot be used: " + problem,
				task.source(), null);
	}

}
