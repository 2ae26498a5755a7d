package io.pgconductor;

import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

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

	private static final InvokeOptions DEFAULTS = new InvokeOptions();

	private static final String RESERVED = "conductor.";

	private static final Duration LONGEST_DELAY = Duration.ofDays(366L * 1000);

	private static final Instant EARLIEST = Instant.parse("0001-01-01T00:00:00Z");

	private static final Instant END = Instant.parse("+10000-01-01T00:00:00Z");

	private static final Duration SHORTEST_WINDOW = Duration.ofMillis(1);

	private static final Duration LONGEST_WINDOW = Duration.ofDays(366L * 10);

	private static final int MAX_KEY_LENGTH = 512;

	private @Nullable String queue;

	private @Nullable Integer priority;

	private @Nullable Instant runAt;

	private @Nullable Duration delay;

	private @Nullable Integer maxAttempts;

	private Map<String, String> headers = Map.of();

	private @Nullable String dedupeKey;

	private @Nullable OnDuplicate onDuplicate;

	private @Nullable Duration throttle;

	private @Nullable Duration debounce;

	private @Nullable Duration maxWait;

	private InvokeOptions() {
	}

	private InvokeOptions copy() {
		InvokeOptions copy = new InvokeOptions();
		copy.queue = this.queue;
		copy.priority = this.priority;
		copy.runAt = this.runAt;
		copy.delay = this.delay;
		copy.maxAttempts = this.maxAttempts;
		copy.headers = this.headers;
		copy.dedupeKey = this.dedupeKey;
		copy.onDuplicate = this.onDuplicate;
		copy.throttle = this.throttle;
		copy.debounce = this.debounce;
		copy.maxWait = this.maxWait;
		return copy;
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
		InvokeOptions changed = copy();
		changed.queue = QueueName.validate(queue);
		return changed;
	}

	/**
	 * Run with another priority than the task's.
	 * @param priority any number; higher runs first, first in first out within one
	 * @return the changed options
	 */
	public InvokeOptions priority(int priority) {
		InvokeOptions changed = copy();
		changed.priority = priority;
		return changed;
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
		InvokeOptions changed = copy();
		changed.runAt = runAt;
		return changed.verified();
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
		InvokeOptions changed = copy();
		changed.delay = delay;
		return changed.verified();
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
		InvokeOptions changed = copy();
		changed.maxAttempts = maxAttempts;
		return changed;
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
		InvokeOptions changed = copy();
		changed.headers = Map.copyOf(all);
		return changed;
	}

	/**
	 * Let executions of the task that have the same key be one. By default the call does
	 * nothing while an execution with that key is live or retained, and returns its id;
	 * also if two calls come at the same moment, or as the execution finishes.
	 * @param dedupeKey 1 to 512 characters; each task has keys of its own
	 * @return the changed options
	 * @throws IllegalArgumentException if the key is empty or too long
	 */
	public InvokeOptions dedupeKey(String dedupeKey) {
		if (dedupeKey.isEmpty() || dedupeKey.length() > MAX_KEY_LENGTH || dedupeKey.indexOf('\u0000') >= 0) {
			throw new IllegalArgumentException("dedupeKey must be 1 to " + MAX_KEY_LENGTH
					+ " characters without the NUL character, had " + dedupeKey.length());
		}
		InvokeOptions changed = copy();
		changed.dedupeKey = dedupeKey;
		return changed;
	}

	/**
	 * Say what to do when there is an execution with the {@link #dedupeKey} already.
	 * @param onDuplicate what; {@link OnDuplicate#KEEP} by default
	 * @return the changed options
	 * @throws IllegalArgumentException if it is {@link OnDuplicate#REPLACE} and there is
	 * a throttle or debounce, which have rules of their own
	 */
	public InvokeOptions onDuplicate(OnDuplicate onDuplicate) {
		InvokeOptions changed = copy();
		changed.onDuplicate = onDuplicate;
		return changed.verified();
	}

	/**
	 * Run once within some time: the first call opens a window, and until it ends others
	 * do nothing and return the id of that first execution, also if that has finished.
	 * There is a window for each {@link #dedupeKey} of the task, or one for the task.
	 * Excludes {@link #debounce}.
	 * @param window how long the window is, from 1 ms to 10 years
	 * @return the changed options
	 * @throws IllegalArgumentException if the window is out of its range, or there is a
	 * debounce
	 */
	public InvokeOptions throttle(Duration window) {
		InvokeOptions changed = copy();
		changed.throttle = verifyWindow("throttle", window);
		return changed.verified();
	}

	/**
	 * Run when nobody has called for some time, with the payload of the last call,
	 * however long that takes.
	 * @param quiet how long nobody is to have called, from 1 ms to 10 years
	 * @return the changed options
	 * @see #debounce(Duration, Duration)
	 */
	public InvokeOptions debounce(Duration quiet) {
		InvokeOptions changed = copy();
		changed.debounce = verifyWindow("debounce", quiet);
		changed.maxWait = null;
		return changed.verified();
	}

	/**
	 * Run when nobody has called for some time, with the payload of the last call. Calls
	 * are told apart by their {@link #dedupeKey}, or all calls of the task are one.
	 * Excludes {@link #throttle}, {@link #runAt} and {@link #delay}.
	 * @param quiet how long nobody is to have called, from 1 ms to 10 years
	 * @param maxWait how long after the first call it runs at the latest; not less than
	 * {@code quiet}
	 * @return the changed options
	 * @throws IllegalArgumentException if a time is out of its range, or there is another
	 * option that it excludes
	 */
	public InvokeOptions debounce(Duration quiet, Duration maxWait) {
		InvokeOptions changed = copy();
		changed.debounce = verifyWindow("debounce", quiet);
		changed.maxWait = verifyWindow("maxWait", maxWait);
		if (maxWait.compareTo(quiet) < 0) {
			throw new IllegalArgumentException(
					"maxWait must not be less than the debounce of " + quiet + ", was " + maxWait);
		}
		return changed.verified();
	}

	private static Duration verifyWindow(String name, Duration window) {
		if (window.compareTo(SHORTEST_WINDOW) < 0 || window.compareTo(LONGEST_WINDOW) > 0) {
			throw new IllegalArgumentException(name + " must be between 1 ms and 10 years, was " + window);
		}
		return window;
	}

	private InvokeOptions verified() {
		verifyExclude("runAt", this.runAt, "delay", this.delay);
		verifyExclude("throttle", this.throttle, "debounce", this.debounce);
		verifyExclude("debounce", this.debounce, "runAt", this.runAt);
		verifyExclude("debounce", this.debounce, "delay", this.delay);
		Object replaces = (this.onDuplicate == OnDuplicate.REPLACE) ? this.onDuplicate : null;
		verifyExclude("onDuplicate REPLACE", replaces, "throttle", this.throttle);
		verifyExclude("onDuplicate REPLACE", replaces, "debounce", this.debounce);
		return this;
	}

	private static void verifyExclude(String name, @Nullable Object value, String otherName, @Nullable Object other) {
		if (value != null && other != null) {
			throw new IllegalArgumentException(name + " and " + otherName + " exclude each other: give one of them");
		}
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

	/**
	 * Return by what executions are told to be one.
	 * @return the key, {@code null} if none was given
	 */
	public @Nullable String dedupeKey() {
		return this.dedupeKey;
	}

	/**
	 * Return what to do when there is an execution with the key already.
	 * @return what, {@code null} if nothing was said
	 */
	public @Nullable OnDuplicate onDuplicate() {
		return this.onDuplicate;
	}

	/**
	 * Return the time within which to run once.
	 * @return the window, {@code null} if none was given
	 */
	public @Nullable Duration throttle() {
		return this.throttle;
	}

	/**
	 * Return how long nobody is to have called before it runs.
	 * @return the time, {@code null} if none was given
	 */
	public @Nullable Duration debounce() {
		return this.debounce;
	}

	/**
	 * Return how long after the first call it runs at the latest.
	 * @return the time, {@code null} if none was given
	 */
	public @Nullable Duration maxWait() {
		return this.maxWait;
	}

	private List<@Nullable Object> values() {
		return Arrays.asList(this.queue, this.priority, this.runAt, this.delay, this.maxAttempts, this.headers,
				this.dedupeKey, this.onDuplicate, this.throttle, this.debounce, this.maxWait);
	}

	@Override
	public boolean equals(@Nullable Object other) {
		return other instanceof InvokeOptions that && values().equals(that.values());
	}

	@Override
	public int hashCode() {
		return values().hashCode();
	}

}
