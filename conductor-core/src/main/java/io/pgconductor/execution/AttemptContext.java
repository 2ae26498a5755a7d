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
import io.pgconductor.ConductorException;
import io.pgconductor.EmitOptions;
import io.pgconductor.EventDefinition;
import io.pgconductor.ScheduleOptions;
import io.pgconductor.StepAction;
import io.pgconductor.StepBody;
import io.pgconductor.SuspensionSignal;
import io.pgconductor.TaskContext;
import io.pgconductor.TaskDefinition;
import io.pgconductor.execution.ApplicationTransactions.TransactionalWork;
import io.pgconductor.execution.StepMemory.Remembered;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.Outcome;
import io.pgconductor.jdbc.RunningExecutionTable.Progress;
import io.pgconductor.jdbc.StepTable;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.task.TaskWindow;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.ParameterizedTypeReference;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * The context of one attempt: over the steps of earlier runs, and with those of this one.
 */
final class AttemptContext implements TaskContext {

	private static final int MAX_MESSAGE_LENGTH = 1_000;

	private static final Duration LONGEST_SLEEP = Duration.ofDays(366L * 1000);

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

	private final ChildCalls children;

	private final EventCalls events;

	private @Nullable String runningStep;

	private @Nullable SuspensionSignal signal;

	private Outcome.@Nullable Suspended suspension;

	AttemptContext(Attempt attempt, TaskSpec task, Map<String, String> headers, AttemptServices services) {
		this.attempt = attempt;
		this.execution = attempt.execution();
		this.task = task;
		this.headers = headers;
		this.services = services;
		this.calls = new EngineCalls(attempt);
		this.memory = new StepMemory(this.execution, services.steps(), this.calls);
		this.children = new ChildCalls(this.execution, services, this.memory, this.calls);
		this.events = new EventCalls(this.execution, services, this.memory, this.calls);
	}

	/**
	 * Return what was thrown to leave the handler.
	 * @return the signal, {@code null} if none was thrown
	 */
	@Nullable SuspensionSignal signal() {
		return this.signal;
	}

	/**
	 * Return what the execution waits for.
	 * @return the suspension, {@code null} if it doesn't wait
	 */
	Outcome.@Nullable Suspended suspension() {
		return this.suspension;
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
		this.runningStep = null;
	}

	@Override
	public <T, E extends Exception> @Nullable T step(String name, Class<T> type, StepBody<? extends T, E> body)
			throws E {
		return recordedStep(name, type, body);
	}

	@Override
	public <T, E extends Exception> @Nullable T step(String name, ParameterizedTypeReference<T> type,
			StepBody<? extends T, E> body) throws E {
		return recordedStep(name, type.getType(), body);
	}

	@Override
	public <E extends Exception> void step(String name, StepAction<E> body) throws E {
		recordedStep(name, Void.class, withoutResult(body));
	}

	private static <E extends Exception> StepBody<Void, E> withoutResult(StepAction<E> body) {
		return () -> {
			body.run();
			return null;
		};
	}

	private <T, E extends Exception> @Nullable T recordedStep(String name, Type type, StepBody<? extends T, E> body)
			throws E {
		reachBoundary();
		Remembered remembered = this.memory.use(name, "step");
		if (remembered != null) {
			return read(name, remembered.result(), type);
		}
		T result = runToItsEnd(name, body);
		if (!this.memory.record(name, write(name, result))) {
			throw lost();
		}
		return result;
	}

	@Override
	public <T, E extends Exception> @Nullable T transaction(String name, Class<T> type, StepBody<? extends T, E> body)
			throws E {
		return transactionalStep(name, type, body);
	}

	@Override
	public <T, E extends Exception> @Nullable T transaction(String name, ParameterizedTypeReference<T> type,
			StepBody<? extends T, E> body) throws E {
		return transactionalStep(name, type.getType(), body);
	}

	@Override
	public <E extends Exception> void transaction(String name, StepAction<E> body) throws E {
		transactionalStep(name, Void.class, withoutResult(body));
	}

	private <T, E extends Exception> @Nullable T transactionalStep(String name, Type type,
			StepBody<? extends T, E> body) throws E {
		reachBoundary();
		Remembered remembered = this.memory.use(name, "step");
		if (remembered != null) {
			return read(name, remembered.result(), type);
		}
		boolean joins = TransactionSynchronizationManager.isActualTransactionActive();
		Set<String> usedBefore = this.memory.used();
		Done<T> done = this.<Done<T>, E>inTransaction(name, (own) -> {
			this.memory.rewind(usedBefore);
			T result = runToItsEnd(name, body);
			String json = write(name, result);
			this.memory.noteWritten();
			if (!recordInTransaction(name, json, own)) {
				throw lost();
			}
			return new Done<>(result, json);
		});
		if (done == null) {
			throw new IllegalStateException("The transaction of step '" + name + "' has ended without a result");
		}
		if (!joins) {
			this.memory.keep(name, done.json());
		}
		return done.result();
	}

	private <T, E extends Exception> @Nullable T inTransaction(String name, TransactionalWork<T, E> work) throws E {
		boolean before = this.attempt.isInTransaction();
		this.attempt.setInTransaction(before || !TransactionSynchronizationManager.isActualTransactionActive());
		try {
			return this.services.transactions().execute(name, work);
		}
		finally {
			this.attempt.setInTransaction(before);
		}
	}

	private boolean recordInTransaction(String name, @Nullable String json, boolean own) {
		StepTable steps = this.services.joinedSteps();
		if (own) {
			return steps.recordInTransaction(this.execution, name, json);
		}
		// Locked now, the execution would stay so while the handler goes on
		boolean recorded = steps.recordInOpenTransaction(this.execution, name, json);
		if (recorded && !this.task.transactional()) {
			TransactionSynchronizationManager.registerSynchronization(new FenceAtCommit(steps, this.execution));
		}
		return recorded;
	}

	/**
	 * Takes the fence as the last thing before the commit of a transaction that has
	 * recorded a step.
	 */
	private record FenceAtCommit(StepTable steps, ClaimedExecution execution) implements TransactionSynchronization {

		@Override
		public void beforeCommit(boolean readOnly) {
			if (!this.steps.lockFence(this.execution)) {
				throw new ConductorException("Execution " + this.execution.id() + " was taken over by another node: "
						+ "the transaction is rolled back");
			}
		}

	}

	private record Done<T>(@Nullable T result, @Nullable String json) {
	}

	private <T, E extends Exception> @Nullable T runToItsEnd(String name, StepBody<T, E> body) throws E {
		T result = run(name, body);
		if (this.signal != null) {
			// The body has caught it: its result is not what it would have been
			throw this.signal;
		}
		return result;
	}

	private <T, E extends Exception> @Nullable T run(String name, StepBody<T, E> body) throws E {
		String outerStep = this.runningStep;
		this.runningStep = name;
		try {
			return body.run();
		}
		finally {
			this.runningStep = outerStep;
		}
	}

	@SuppressWarnings("unchecked")
	private <T> @Nullable T read(String step, @Nullable String json, Type type) {
		return (type != Void.class) ? (T) this.services.json().read(json, type, resultOf(step)) : null;
	}

	private @Nullable String write(String step, @Nullable Object result) {
		return this.services.json().write(result, resultOf(step));
	}

	private String resultOf(String step) {
		return "result of step '" + step + "' of task '" + this.execution.task() + "'";
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
			Object end = this.services.json().read(remembered.result(), OffsetDateTime.class, resultOf(name));
			Instant wakeUp = (end != null) ? ((OffsetDateTime) end).toInstant() : now();
			if (wakeUp.isAfter(now())) {
				throw suspend("sleep '" + name + "'", new Outcome.Sleeping(null, null, wakeUp));
			}
		}
		else if (until == null || until.isAfter(now())) {
			throw suspend("sleep '" + name + "'", new Outcome.Sleeping(name, duration, until));
		}
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
			throw suspend("invoke '" + call.step() + "'", answer.suspension());
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
			throw suspend("awaitEvent '" + call.step() + "'", answer.suspension());
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
			throw stop();
		}
		TaskWindow window = this.task.window();
		if (window != null && isSuspendable() && !window.isOpen(now())) {
			throw suspend("the end of its time window", new Outcome.OutsideWindow(window.nextOpening(now()), true));
		}
	}

	private boolean isSuspendable() {
		return this.runningStep == null && !TransactionSynchronizationManager.isActualTransactionActive();
	}

	private void verifyUsable() {
		verifyThread();
		if (this.signal != null) {
			throw this.signal;
		}
	}

	private void verifyThread() {
		if (Thread.currentThread() != this.thread) {
			throw new IllegalStateException("The context of execution " + this.execution.id() + " (task '"
					+ this.execution.task() + "') belongs to the thread that runs its handler, and was used on '"
					+ Thread.currentThread().getName() + "': what other threads do belongs into one step");
		}
	}

	private void verifyMaySuspend(String what) {
		if (this.runningStep != null) {
			throw new IllegalStateException("The " + what + " of task '" + this.execution.task() + "' is within step '"
					+ this.runningStep + "': a step runs to its end, so wait before or after it");
		}
		if (TransactionSynchronizationManager.isActualTransactionActive()) {
			throw new IllegalStateException("The " + what + " of task '" + this.execution.task()
					+ "' is within an active transaction, which would have to stay open meanwhile: "
					+ "wait outside of it, and put what is transactional into ctx.transaction(…)");
		}
	}

	private SuspensionSignal suspend(String what, Outcome.Suspended outcome) {
		this.suspension = outcome;
		this.signal = new SuspensionSignal("Execution " + this.execution.id() + " is suspended at " + what);
		return this.signal;
	}

	private SuspensionSignal stop() {
		this.signal = new SuspensionSignal("Execution " + this.execution.id() + " is broken off");
		return this.signal;
	}

	private SuspensionSignal lost() {
		this.attempt.interrupt(Attempt.Interruption.LOST);
		return stop();
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
		verifyThread();
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
