package io.pgconductor;

import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

import org.jspecify.annotations.Nullable;

/**
 * What one invocation does differently from its task's own options. Immutable: each
 * method returns a changed copy.
 *
 * <pre class="code">
 * client.invoke("send-email", mail, InvokeOptions.defaults().delay(Duration.ofMinutes(5)).priority(10));
 * </pre>
 *
 * @since 0.1.0
 */
public final class InvokeOptions {

	private static final InvokeOptions DEFAULTS = new InvokeOptions(null, null, null, null, null, Map.of());

	private static final String RESERVED = "conductor.";

	private static final Duration LONGEST_DELAY = Duration.ofDays(366L * 1000);

	private static final Instant EARLIEST = Instant.parse("0001-01-01T00:00:00Z");

	private static final Instant END = Instant.parse("+10000-01-01T00:00:00Z");

	private final @Nullable String queue;

	private final @Nullable Integer priority;

	private final @Nullable Instant runAt;

	private final @Nullable Duration delay;

	private final @Nullable Integer maxAttempts;

	private final Map<String, String> headers;

	private InvokeOptions(@Nullable String queue, @Nullable Integer priority, @Nullable Instant runAt,
			@Nullable Duration delay, @Nullable Integer maxAttempts, Map<String, String> headers) {
		this.queue = queue;
		this.priority = priority;
		this.runAt = runAt;
		this.delay = delay;
		this.maxAttempts = maxAttempts;
		this.headers = headers;
	}

	/**
	 * Nothing differs from the task's own options.
	 * @return the options
	 */
	public static InvokeOptions defaults() {
		return DEFAULTS;
	}

	/**
	 * Run on another queue than the task's.
	 * @param queue the queue's name, see {@link QueueName#validate}
	 * @return the changed options
	 * @throws IllegalArgumentException if the name is not a queue's
	 */
	public InvokeOptions queue(String queue) {
		return new InvokeOptions(QueueName.validate(queue), this.priority, this.runAt, this.delay, this.maxAttempts,
				this.headers);
	}

	/**
	 * Run with another priority than the task's.
	 * @param priority any number; higher runs first, first in first out within one
	 * @return the changed options
	 */
	public InvokeOptions priority(int priority) {
		return new InvokeOptions(this.queue, priority, this.runAt, this.delay, this.maxAttempts, this.headers);
	}

	/**
	 * Run at some time; at once if it is past. Excludes {@link #delay}.
	 * @param runAt when, by the database's clock; in the years 1 to 9999
	 * @return the changed options
	 */
	public InvokeOptions runAt(Instant runAt) {
		if (runAt.isBefore(EARLIEST) || !runAt.isBefore(END)) {
			throw new IllegalArgumentException("runAt must be in the years 1 to 9999, was " + runAt);
		}
		if (this.delay != null) {
			throw new IllegalArgumentException("runAt and delay exclude each other: give one of them");
		}
		return new InvokeOptions(this.queue, this.priority, runAt, null, this.maxAttempts, this.headers);
	}

	/**
	 * Run some time from now. Excludes {@link #runAt}.
	 * @param delay from the start of the transaction, by the database's clock; not
	 * negative, at most a thousand years
	 * @return the changed options
	 */
	public InvokeOptions delay(Duration delay) {
		if (delay.isNegative() || delay.compareTo(LONGEST_DELAY) > 0) {
			throw new IllegalArgumentException("delay must be between 0 and 1000 years, was " + delay);
		}
		if (this.runAt != null) {
			throw new IllegalArgumentException("runAt and delay exclude each other: give one of them");
		}
		return new InvokeOptions(this.queue, this.priority, null, delay, this.maxAttempts, this.headers);
	}

	/**
	 * Have another number of attempts than the task's.
	 * @param maxAttempts at least 1
	 * @return the changed options
	 */
	public InvokeOptions maxAttempts(int maxAttempts) {
		if (maxAttempts < 1) {
			throw new IllegalArgumentException("maxAttempts must be at least 1, was " + maxAttempts);
		}
		return new InvokeOptions(this.queue, this.priority, this.runAt, this.delay, maxAttempts, this.headers);
	}

	/**
	 * Let a value travel with the execution, for {@link TaskContext#headers()}.
	 * @param name the header's name
	 * @param value the header's value
	 * @return the changed options
	 */
	public InvokeOptions header(String name, String value) {
		return headers(Map.of(name, value));
	}

	/**
	 * Let values travel with the execution, for {@link TaskContext#headers()}.
	 * @param headers added to those given before; names that begin with
	 * {@code conductor.} are Conductor's own
	 * @return the changed options
	 * @throws IllegalArgumentException if a name is one of Conductor's
	 */
	public InvokeOptions headers(Map<String, String> headers) {
		headers.keySet().forEach((name) -> {
			if (name.startsWith(RESERVED)) {
				throw new IllegalArgumentException("The header '" + name + "' cannot be given: names that begin with '"
						+ RESERVED + "' say what has made a task run");
			}
		});
		Map<String, String> all = new LinkedHashMap<>(this.headers);
		all.putAll(headers);
		return new InvokeOptions(this.queue, this.priority, this.runAt, this.delay, this.maxAttempts, Map.copyOf(all));
	}

	/**
	 * Return the queue.
	 * @return the queue, {@code null} for the task's
	 */
	public @Nullable String queue() {
		return this.queue;
	}

	/**
	 * Return the priority.
	 * @return the priority, {@code null} for the task's
	 */
	public @Nullable Integer priority() {
		return this.priority;
	}

	/**
	 * Return when to run.
	 * @return the time, {@code null} if none was given
	 */
	public @Nullable Instant runAt() {
		return this.runAt;
	}

	/**
	 * Return how much later to run.
	 * @return the delay, {@code null} if none was given
	 */
	public @Nullable Duration delay() {
		return this.delay;
	}

	/**
	 * Return how many attempts there may be.
	 * @return the number, {@code null} for the task's
	 */
	public @Nullable Integer maxAttempts() {
		return this.maxAttempts;
	}

	/**
	 * Return the headers.
	 * @return the headers; unmodifiable
	 */
	public Map<String, String> headers() {
		return this.headers;
	}

	@Override
	public boolean equals(@Nullable Object other) {
		return other instanceof InvokeOptions that && Objects.equals(this.queue, that.queue)
				&& Objects.equals(this.priority, that.priority) && Objects.equals(this.runAt, that.runAt)
				&& Objects.equals(this.delay, that.delay) && Objects.equals(this.maxAttempts, that.maxAttempts)
				&& this.headers.equals(that.headers);
	}

	@Override
	public int hashCode() {
		return Objects.hash(this.queue, this.priority, this.runAt, this.delay, this.maxAttempts, this.headers);
	}

}
