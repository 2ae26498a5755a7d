package io.pgconductor.execution;

import java.lang.reflect.Type;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;

import io.pgconductor.ConductorClient;
import io.pgconductor.EmitOptions;
import io.pgconductor.EventDefinition;
import io.pgconductor.ScheduleOptions;
import io.pgconductor.StepAction;
import io.pgconductor.StepBody;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskDefinition;
import io.pgconductor.execution.StepMemory.Remembered;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.jdbc.RunningExecutionTable.Progress;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.task.TaskWindow;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * The context of one attempt: over the steps of earlier runs, and with those of this one.
 */
final class AttemptContext implements TaskContext {

	private static final Duration CLAIM_LAG = Duration.ofSeconds(1);

	private static final int MAX_MESSAGE_LENGTH = 1_000;

	private static final Duration LONGEST_SLEEP = Duration.ofDays(366L * 1000);

	private static final Duration LONGEST_RETRY_AFTER = Duration.ofDays(1);

	private static final Instant EARLIEST = Instant.parse("0001-01-01T00:00:00Z");

	private static final Instant END = Instant.parse("+10000-01-01T00:00:00Z");

	private final Attempt attempt;

	private final ClaimedExecution execution;

	private final TaskSpec task;

	private final Map<String, String> headers;

	private final AttemptServices services;

	private final Thread thread = Thread.currentThread();

	private final EngineCalls calls;

	private final StepMemory memory;

	private final StepCalls steps;

	private final ChildCalls children;

	private final EventCalls events;

	private final HandlerExit exit;

	AttemptContext(Attempt attempt, TaskSpec task, Map<String, String> headers, AttemptServices services) {
		this.attempt = attempt;
		this.execution = attempt.execution();
		this.task = task;
		this.headers = headers;
		this.services = services;
		this.calls = new EngineCalls(attempt);
		this.memory = new StepMemory(this.execution, services.steps(), this.calls);
		this.exit = new HandlerExit(attempt);
		this.steps = new StepCalls(attempt, task, services, this.memory, this.exit);
		this.children = new ChildCalls(this.execution, services, this.memory, this.calls);
		this.events = new EventCalls(this.execution, services, this.memory, this.calls);
	}

	/**
	 * Return how the handler is left.
	 * @return whether it was to be left, and for what
	 */
	HandlerExit exit() {
		return this.exit;
	}

	boolean hasSteps() {
		return this.memory.isWritten();
	}

	/**
	 * Begin another run in the same attempt: the transaction of the one before was rolled
	 * back.
	 */
	void rewind() {
		this.memory.rewind(Set.of());
		this.steps.rewind();
	}

	@Override
	public <T, E extends Exception> @Nullable T step(String name, Class<T> type, StepBody<? extends T, E> body)
			throws E {
		reachBoundary();
		return this.steps.record(name, type, body);
	}

	@Override
	public <T, E extends Exception> @Nullable T step(String name, ParameterizedTypeReference<T> type,
			StepBody<? extends T, E> body) throws E {
		reachBoundary();
		return this.steps.record(name, type.getType(), body);
	}

	@Override
	public <E extends Exception> void step(String name, StepAction<E> body) throws E {
		reachBoundary();
		this.steps.record(name, Void.class, withoutResult(body));
	}

	private static <E extends Exception> StepBody<Void, E> withoutResult(StepAction<E> body) {
		return () -> {
			body.run();
			return null;
		};
	}

	@Override
	public <T, E extends Exception> @Nullable T transaction(String name, Class<T> type, StepBody<? extends T, E> body)
			throws E {
		reachBoundary();
		return this.steps.transact(name, type, body);
	}

	@Override
	public <T, E extends Exception> @Nullable T transaction(String name, ParameterizedTypeReference<T> type,
			StepBody<? extends T, E> body) throws E {
		reachBoundary();
		return this.steps.transact(name, type.getType(), body);
	}

	@Override
	public <E extends Exception> void transaction(String name, StepAction<E> body) throws E {
		reachBoundary();
		this.steps.transact(name, Void.class, withoutResult(body));
	}

	@Override
	public void sleep(String name, Duration duration) {
		if (duration.isNegative() || duration.compareTo(LONGEST_SLEEP) > 0) {
			throw new IllegalArgumentException(
					"The sleep '" + name + "' must take between 0 and 1000 years, but is to take " + duration);
		}
		sleep(name, duration, null);
	}

	@Override
	public void sleepUntil(String name, Instant time) {
		if (time.isBefore(EARLIEST) || !time.isBefore(END)) {
			throw new IllegalArgumentException(
					"The sleep '" + name + "' must end in the years 1 to 9999, but is to end at " + time);
		}
		sleep(name, null, time);
	}

	private void sleep(String name, @Nullable Duration duration, @Nullable Instant until) {
		reachBoundary();
		verifyMaySuspend("sleep '" + name + "'");
		Remembered remembered = this.memory.use(name, "sleep");
		if (remembered != null) {
			Object end = this.services.json()
				.read(remembered.result(), OffsetDateTime.class, "end of sleep '" + name + "'");
			Instant wakeUp = (end != null) ? ((OffsetDateTime) end).toInstant() : now();
			if (wakeUp.isAfter(now()) && !isDueSince(wakeUp)) {
				throw this.exit.suspend("sleep '" + name + "'", new Outcome.Sleeping(null, null, wakeUp));
			}
		}
		else if (until == null || until.isAfter(now())) {
			throw this.exit.suspend("sleep '" + name + "'", new Outcome.Sleeping(name, duration, until));
		}
	}

	// A claim may have read the clock just before the execution that it took fell asleep
	private boolean isDueSince(Instant time) {
		return !this.execution.runAt().toInstant().isBefore(time) && !time.isAfter(now().plus(CLAIM_LAG));
	}

	@Override
	public void rateLimited(Duration retryAfter) {
		if (retryAfter.isNegative() || retryAfter.compareTo(LONGEST_RETRY_AFTER) > 0) {
			throw new IllegalArgumentException("retryAfter must be between 0 and 1 day, was " + retryAfter);
		}
		reachBoundary();
		verifyMaySuspend("rateLimited");
		this.attempt.closeGate(retryAfter);
		throw this.exit.suspend("rateLimited", new Outcome.RateLimited(retryAfter));
	}

	@Override
	public <P, R> @Nullable R invoke(String step, TaskDefinition<P, R> task, @Nullable P payload) {
		return invokeOne(step, task.name(), payload, task.resultType(), null);
	}

	@Override
	public <P, R> @Nullable R invoke(String step, TaskDefinition<P, R> task, @Nullable P payload, Duration timeout) {
		return invokeOne(step, task.name(), payload, task.resultType(), timeout);
	}

	@Override
	public <R> @Nullable R invoke(String step, String task, @Nullable Object payload, Class<R> resultType) {
		return invokeOne(step, task, payload, resultType, null);
	}

	@Override
	public <R> @Nullable R invoke(String step, String task, @Nullable Object payload, Class<R> resultType,
			Duration timeout) {
		return invokeOne(step, task, payload, resultType, timeout);
	}

	@Override
	public <P, R> List<@Nullable R> invokeAll(String step, TaskDefinition<P, R> task, List<? extends P> payloads) {
		return invokeMany(step, task.name(), payloads, task.resultType(), null);
	}

	@Override
	public <P, R> List<@Nullable R> invokeAll(String step, TaskDefinition<P, R> task, List<? extends P> payloads,
			Duration timeout) {
		return invokeMany(step, task.name(), payloads, task.resultType(), timeout);
	}

	@Override
	public <R> List<@Nullable R> invokeAll(String step, String task, List<?> payloads, Class<R> resultType) {
		return invokeMany(step, task, payloads, resultType, null);
	}

	@Override
	public <R> List<@Nullable R> invokeAll(String step, String task, List<?> payloads, Class<R> resultType,
			Duration timeout) {
		return invokeMany(step, task, payloads, resultType, timeout);
	}

	private <R> @Nullable R invokeOne(String step, String task, @Nullable Object payload, Type resultType,
			@Nullable Duration timeout) {
		List<@Nullable R> results = call(
				new ChildCalls.Call(step, true, task, Collections.singletonList(payload), resultType, timeout));
		return results.get(0);
	}

	private <R> List<@Nullable R> invokeMany(String step, String task, List<?> payloads, Type resultType,
			@Nullable Duration timeout) {
		return call(new ChildCalls.Call(step, false, task, payloads, resultType, timeout));
	}

	@SuppressWarnings("unchecked")
	private <R> List<@Nullable R> call(ChildCalls.Call call) {
		reachBoundary();
		verifyMaySuspend("invoke '" + call.step() + "'");
		ChildCalls.Answer answer = this.children.make(call);
		if (answer.suspension() != null) {
			throw this.exit.suspend("invoke '" + call.step() + "'", answer.suspension());
		}
		return (List<R>) answer.results();
	}

	@Override
	public <P> Optional<P> awaitEvent(String step, EventDefinition<P> event, Duration timeout) {
		return await(new EventCalls.Call(step, event.name(), event.payloadType(), null, timeout));
	}

	@Override
	public <P> Optional<P> awaitEvent(String step, EventDefinition<P> event, Duration timeout, String filter) {
		return await(new EventCalls.Call(step, event.name(), event.payloadType(), filter, timeout));
	}

	@SuppressWarnings("unchecked")
	private <P> Optional<P> await(EventCalls.Call call) {
		reachBoundary();
		verifyMaySuspend("awaitEvent '" + call.step() + "'");
		EventCalls.Answer answer = this.events.make(call);
		if (answer.suspension() != null) {
			throw this.exit.suspend("awaitEvent '" + call.step() + "'", answer.suspension());
		}
		return (Optional<P>) answer.payload();
	}

	@Override
	public UUID emit(String event, @Nullable Object payload, EmitOptions options) {
		return byClient((client) -> client.emit(event, payload, options));
	}

	@Override
	public void schedule(String task, String name, String cron, @Nullable Object payload, ScheduleOptions options) {
		byClient((client) -> {
			client.schedule(task, name, cron, payload, options);
			return true;
		});
	}

	@Override
	public boolean unschedule(String task, String name) {
		return byClient((client) -> client.unschedule(task, name));
	}

	@Override
	public void checkpoint() {
		reachBoundary();
	}

	/**
	 * Leave the handler if there is a reason not to go on.
	 */
	private void reachBoundary() {
		verifyUsable();
		if (this.attempt.interruption() != null || this.services.stopping().getAsBoolean()) {
			throw this.exit.stop();
		}
		TaskWindow window = this.task.window();
		if (window != null && isSuspendable() && !window.isOpen(now())) {
			throw this.exit.suspend("the end of its time window",
					new Outcome.OutsideWindow(window.nextOpening(now()), true));
		}
	}

	private boolean isSuspendable() {
		return this.steps.running() == null && !TransactionSynchronizationManager.isActualTransactionActive();
	}

	private void verifyUsable() {
		verifyThread();
		this.exit.verifyNotBegun();
	}

	private void verifyThread() {
		if (Thread.currentThread() != this.thread) {
			throw new IllegalStateException("The context of execution " + this.execution.id() + " (task '"
					+ this.execution.task() + "') belongs to the thread that runs its handler, and was used on '"
					+ Thread.currentThread().getName() + "': what other threads do belongs into one step");
		}
	}

	private void verifyMaySuspend(String what) {
		if (this.steps.running() != null) {
			throw new IllegalStateException("The " + what + " of task '" + this.execution.task() + "' is within step '"
					+ this.steps.running() + "': a step runs to its end, so wait before or after it");
		}
		if (TransactionSynchronizationManager.isActualTransactionActive()) {
			throw new IllegalStateException("The " + what + " of task '" + this.execution.task()
					+ "' is within an active transaction, which would have to stay open meanwhile: "
					+ "wait outside of it, and put what is transactional into ctx.transaction(…)");
		}
	}

	@Override
	public void progress(double fraction, @Nullable String message) {
		verifyUsable();
		if (!(fraction >= 0 && fraction <= 1)) {
			throw new IllegalArgumentException("progress must be from 0 to 1, was " + fraction);
		}
		this.attempt.progress(new Progress(this.execution, fraction, storable(message)));
	}

	// A text of PostgreSQL has no place for the NUL character
	private static @Nullable String storable(@Nullable String message) {
		if (message == null) {
			return null;
		}
		String shown = (message.length() > MAX_MESSAGE_LENGTH) ? message.substring(0, MAX_MESSAGE_LENGTH) : message;
		return shown.replace('\u0000', '\uFFFD');
	}

	@Override
	public boolean cancel(UUID execution, @Nullable String reason) {
		verifyUsable();
		if (execution.equals(this.execution.id())) {
			// In the handler's own transaction it would be undone with that
			return this.calls.call(() -> this.services.running().cancel(execution, storable(reason)));
		}
		return byClient((client) -> client.cancel(execution, reason));
	}

	private <T> T byClient(Function<ConductorClient, T> call) {
		verifyUsable();
		// An interrupted thread gets no connection
		this.attempt.shield();
		try {
			return call.apply(this.services.client());
		}
		finally {
			this.attempt.unshield();
		}
	}

	@Override
	public Instant now() {
		return this.attempt.now();
	}

	@Override
	public boolean isCancelled() {
		return this.attempt.isCancelled();
	}

	@Override
	public UUID executionId() {
		return this.execution.id();
	}

	@Override
	public Optional<UUID> parent() {
		return Optional.ofNullable(this.execution.parentId());
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
	public Map<String, String> headers() {
		return this.headers;
	}

	@Override
	public Logger logger() {
		return LoggerFactory.getLogger("io.pgconductor.task." + task());
	}

}
