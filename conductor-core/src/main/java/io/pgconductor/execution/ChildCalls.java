package io.pgconductor.execution;

import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;

import io.pgconductor.ChildFailedException;
import io.pgconductor.ChildTimeoutException;
import io.pgconductor.ConductorException;
import io.pgconductor.ExecutionError;
import io.pgconductor.InvalidPayloadException;
import io.pgconductor.NonRetryableException;
import io.pgconductor.execution.StepMemory.Remembered;
import io.pgconductor.execution.StepMemory.Waiting;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.task.TaskName;
import org.jspecify.annotations.Nullable;

/**
 * Invokes children for an attempt, and reads what has become of them.
 */
final class ChildCalls {

	// They are invoked in one statement
	private static final int MAX_CHILDREN = 100_000;

	private static final Duration LONGEST_TIMEOUT = Duration.ofDays(366L * 1000);

	private final ClaimedExecution execution;

	private final AttemptServices services;

	private final StepMemory memory;

	private final EngineCalls calls;

	/**
	 * A call of the handler.
	 *
	 * @param step the step it is remembered by
	 * @param single whether there is one child, whose result is the call's
	 * @param task the task to invoke
	 * @param payloads one for each child
	 * @param resultType the type that results are read as
	 * @param timeout how long to wait; {@code null}: for ever
	 */
	record Call(String step, boolean single, String task, List<?> payloads, Type resultType,
			@Nullable Duration timeout) {

		Call {
			TaskName.validate(task);
			if (payloads.size() > MAX_CHILDREN) {
				throw new IllegalArgumentException("'" + step + "' would invoke " + payloads.size()
						+ " children, of at most " + MAX_CHILDREN + ": have children invoke children");
			}
			if (timeout != null
					&& (timeout.isNegative() || timeout.isZero() || timeout.compareTo(LONGEST_TIMEOUT) > 0)) {
				throw new IllegalArgumentException(
						"The timeout of '" + step + "' must be positive and at most 1000 years, was " + timeout);
			}
		}

		String kind() {
			return this.single ? "child" : "children";
		}

	}

	/**
	 * What a call comes to.
	 *
	 * @param results the results in the order of the payloads; empty while they are
	 * waited for
	 * @param suspension what to wait for, {@code null} if all results are there
	 */
	record Answer(List<@Nullable Object> results, Outcome.@Nullable Suspended suspension) {
	}

	/**
	 * What the wait for children has ended with, as the database stores it.
	 *
	 * @param child the child that has given no result
	 * @param task its task
	 * @param state how it has ended
	 * @param error its last error
	 * @param reason why it was cancelled
	 * @param timeout whether the time was over
	 * @param size the length of too long results
	 * @param maxSize how long they may be
	 */
	record WaitError(@Nullable UUID child, @Nullable String task, @Nullable String state,
			@Nullable ExecutionError error, @Nullable String reason, boolean timeout, long size, long maxSize) {
	}

	ChildCalls(ClaimedExecution execution, AttemptServices services, StepMemory memory, EngineCalls calls) {
		this.execution = execution;
		this.services = services;
		this.memory = memory;
		this.calls = calls;
	}

	/**
	 * Make a call, or read its results.
	 * @param call the call
	 * @return the results, or what to wait for
	 * @throws ChildFailedException if a child gave no result
	 * @throws ChildTimeoutException if the time was over
	 */
	Answer make(Call call) {
		Remembered remembered = this.memory.use(call.step(), call.kind());
		if (remembered != null && remembered.waiting() != null && remembered.waiting().error() == null
				&& remembered.waiting().overdue() && !remembered.waiting().settled()) {
			UUID waitId = remembered.waiting().id();
			this.calls.call(() -> {
				this.services.steps().timeOutChildren(this.execution, waitId);
				return true;
			});
			remembered = this.memory.reread(call.step());
		}
		Waiting waiting = (remembered != null) ? remembered.waiting() : null;
		if (waiting != null && waiting.error() != null) {
			throw failure(call, waiting.error());
		}
		if (waiting != null && !waiting.settled()) {
			return new Answer(List.of(), new Outcome.AwaitingChildren(waiting.id()));
		}
		Map<Integer, @Nullable String> results = (remembered != null) ? remembered.results() : Map.of();
		List<Outcome.NewChild> missing = missing(call, results);
		if (waiting != null && !missing.isEmpty()) {
			throw new NonRetryableException("'" + call.step() + "' of execution " + this.execution.id() + " (task '"
					+ this.execution.task() + "') has invoked " + results.size() + " children, but is called with "
					+ call.payloads().size() + " payloads now: make them in a step, so that they come out the same");
		}
		return missing.isEmpty() ? new Answer(read(call, results), null)
				: new Answer(List.of(), new Outcome.Invoking(call.step(), call.single(), this.services.ids().get(),
						call.task(), missing, call.timeout(), this.services.maxFanInSize()));
	}

	private List<Outcome.NewChild> missing(Call call, Map<Integer, @Nullable String> results) {
		List<Outcome.NewChild> missing = new ArrayList<>();
		long size = 0;
		for (int part = 0; part < call.payloads().size(); part++) {
			if (!results.containsKey(part)) {
				String payload = this.services.json()
					.write(call.payloads().get(part),
							"payload for task '" + call.task() + "' in step '" + call.step() + "'");
				missing.add(new Outcome.NewChild(this.services.ids().get(), part, payload));
				size += (payload != null) ? payload.getBytes(StandardCharsets.UTF_8).length : 0;
				if (size > this.services.maxFanInSize()) {
					throw new InvalidPayloadException(
							"The payloads of '" + call.step() + "' are larger than " + this.services.maxFanInSize()
									+ " bytes together (conductor.max-fan-in-size): pass references to what is large");
				}
			}
		}
		return missing;
	}

	private List<@Nullable Object> read(Call call, Map<Integer, @Nullable String> results) {
		List<@Nullable Object> read = new ArrayList<>(call.payloads().size());
		for (int part = 0; part < call.payloads().size(); part++) {
			read.add((call.resultType() != Void.class) ? this.services.json()
				.read(results.get(part), call.resultType(),
						"result of task '" + call.task() + "' in step '" + call.step() + "'")
					: null);
		}
		return read;
	}

	private ConductorException failure(Call call, String json) {
		WaitError error = (WaitError) this.services.json().read(json, WaitError.class, "outcome of " + call.step());
		String where = " in step '" + call.step() + "' of execution " + this.execution.id();
		if (error == null || error.timeout()) {
			return new ChildTimeoutException(call.step(),
					"Task '" + call.task() + "' did not end in time" + where + ", and was cancelled");
		}
		if (error.child() == null) {
			String message = "The results of task '" + call.task() + "'" + where + " are larger than " + error.maxSize()
					+ " bytes together (conductor.max-fan-in-size): have the children return references";
			return new ChildFailedException(call.step(), null, message,
					new ExecutionError(ChildFailedException.class.getName(), message, null));
		}
		String message = "Child " + error.child() + " (task '" + error.task() + "')" + where;
		if ("cancelled".equals(error.state())) {
			message += " was cancelled" + ((error.reason() != null) ? ": " + error.reason() : "");
			return new ChildFailedException(call.step(), error.child(), message,
					new ExecutionError(ChildFailedException.class.getName(), message, null));
		}
		ExecutionError own = (error.error() != null) ? error.error() : new ExecutionError("unknown", null, null);
		return new ChildFailedException(call.step(), error.child(),
				message + " failed: " + own.type() + ((own.message() != null) ? ": " + own.message() : ""), own);
	}

}
