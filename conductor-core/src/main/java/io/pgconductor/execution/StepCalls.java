package io.pgconductor.execution;

import java.lang.reflect.Type;
import java.util.Set;

import io.pgconductor.ConductorException;
import io.pgconductor.StepBody;
import io.pgconductor.execution.ApplicationTransactions.TransactionalWork;
import io.pgconductor.execution.StepMemory.Remembered;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.StepTable;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;

/**
 * Runs steps for an attempt, and records their results.
 */
final class StepCalls {

	private final Attempt attempt;

	private final ClaimedExecution execution;

	private final TaskSpec task;

	private final AttemptServices services;

	private final StepMemory memory;

	private final HandlerExit exit;

	private @Nullable String running;

	StepCalls(Attempt attempt, TaskSpec task, AttemptServices services, StepMemory memory, HandlerExit exit) {
		this.attempt = attempt;
		this.execution = attempt.execution();
		this.task = task;
		this.services = services;
		this.memory = memory;
		this.exit = exit;
	}

	/**
	 * Return the step whose body runs.
	 * @return its name, {@code null} if none does
	 */
	@Nullable String running() {
		return this.running;
	}

	/**
	 * Begin another run in the same attempt.
	 */
	void rewind() {
		this.running = null;
	}

	/**
	 * Run a step, unless it is remembered.
	 * @param name the step's name
	 * @param type the type that its result is read as
	 * @param body what to do
	 * @param <T> the result's type
	 * @param <E> what the body may throw
	 * @return the result
	 * @throws E if the body throws it
	 */
	<T, E extends Exception> @Nullable T record(String name, Type type, StepBody<? extends T, E> body) throws E {
		Remembered remembered = this.memory.use(name, "step");
		if (remembered != null) {
			return read(name, remembered.result(), type);
		}
		T result = runToItsEnd(name, body);
		if (!this.memory.record(name, write(name, result))) {
			throw this.exit.lose();
		}
		return result;
	}

	/**
	 * Run a step in one transaction with its record, unless it is remembered.
	 * @param name the step's name
	 * @param type the type that its result is read as
	 * @param body what to do
	 * @param <T> the result's type
	 * @param <E> what the body may throw
	 * @return the result
	 * @throws E if the body throws it
	 */
	<T, E extends Exception> @Nullable T transact(String name, Type type, StepBody<? extends T, E> body) throws E {
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
				throw this.exit.lose();
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
		// If the body has caught it, its result is not what it would have been
		this.exit.verifyNotBegun();
		return result;
	}

	private <T, E extends Exception> @Nullable T run(String name, StepBody<T, E> body) throws E {
		String outerStep = this.running;
		this.running = name;
		try {
			return body.run();
		}
		finally {
			this.running = outerStep;
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

}
