package io.pgconductor.execution;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;

import io.pgconductor.NonRetryableException;
import io.pgconductor.jdbc.ClaimedExecution;
import io.pgconductor.jdbc.StepTable;
import io.pgconductor.jdbc.StepTable.StoredStep;
import org.jspecify.annotations.Nullable;

/**
 * What an execution remembers of its earlier runs and of this one. Read at the first
 * need, in one query; a first run has nothing to read.
 */
final class StepMemory {

	private static final int MAX_NAME_LENGTH = 200;

	private final ClaimedExecution execution;

	private final StepTable table;

	private final EngineCalls calls;

	private final Set<String> used = new HashSet<>();

	private @Nullable Map<String, Remembered> steps;

	private boolean written;

	/**
	 * What is remembered under a name.
	 *
	 * @param kind step, sleep, child, children or event
	 * @param results the results as JSON, by part; a step or a sleep has the part 0
	 * @param waiting the wait for children or an event, {@code null} if there is none
	 */
	record Remembered(String kind, SortedMap<Integer, @Nullable String> results, @Nullable Waiting waiting) {

		@Nullable String result() {
			return this.results.get(0);
		}

	}

	/**
	 * A wait for children or an event.
	 *
	 * @param id its id
	 * @param error what it has ended with, {@code null} while it lasts
	 * @param settled whether all have ended
	 * @param overdue whether its time is over
	 */
	record Waiting(UUID id, @Nullable String error, boolean settled, boolean overdue) {
	}

	StepMemory(ClaimedExecution execution, StepTable table, EngineCalls calls) {
		this.execution = execution;
		this.table = table;
		this.calls = calls;
	}

	/**
	 * Use a name, once in a run.
	 * @param name the step's name
	 * @param kind what it is used for
	 * @return what is remembered under it, {@code null} if nothing is
	 */
	@Nullable Remembered use(String name, String kind) {
		if (name.isBlank() || name.length() > MAX_NAME_LENGTH
				|| name.codePoints().anyMatch((c) -> Character.isISOControl(c) || isHalf(c))) {
			throw new IllegalArgumentException(
					"'" + name.replaceAll("\\p{Cntrl}", "?") + "' is not the name of a step: use 1 to "
							+ MAX_NAME_LENGTH + " characters, no control characters, and no half of a character");
		}
		if (!this.used.add(name)) {
			throw new IllegalStateException("Step '" + name + "' of task '" + this.execution.task()
					+ "' was used before in this run: give each step a name of its own, in a loop with the "
					+ "loop's index or key");
		}
		Remembered remembered = steps().get(name);
		if (remembered != null && !remembered.kind().equals(kind)) {
			throw new NonRetryableException("'" + name + "' of execution " + this.execution.id() + " (task '"
					+ this.execution.task() + "') was recorded as '" + remembered.kind() + "', but is used as '" + kind
					+ "' now: give what has changed another name");
		}
		return remembered;
	}

	// A name that was cut there would come back from the database as another one
	private static boolean isHalf(int codePoint) {
		return Character.getType(codePoint) == Character.SURROGATE;
	}

	private Map<String, Remembered> steps() {
		Map<String, Remembered> known = this.steps;
		if (known == null) {
			known = this.execution.mayHaveHistory() ? load() : new HashMap<>();
			this.steps = known;
		}
		return known;
	}

	private Map<String, Remembered> load() {
		Map<String, Remembered> loaded = new HashMap<>();
		for (StoredStep stored : this.calls.call(() -> this.table.load(this.execution.id()))) {
			if (stored.waitId() != null) {
				Waiting waiting = new Waiting(stored.waitId(), stored.json(), stored.settled(), stored.overdue());
				loaded.compute(stored.name(), (name, before) -> new Remembered(stored.kind(),
						(before != null) ? before.results() : new TreeMap<>(), waiting));
			}
			else {
				loaded.computeIfAbsent(stored.name(), (name) -> new Remembered(stored.kind(), new TreeMap<>(), null))
					.results()
					.put(stored.part(), stored.json());
			}
		}
		return loaded;
	}

	/**
	 * Read again what is remembered under a name, after it may have changed.
	 * @param name a name that was used
	 * @return what is remembered under it, {@code null} if nothing is
	 */
	@Nullable Remembered reread(String name) {
		this.steps = null;
		return steps().get(name);
	}

	/**
	 * Record the result of a step.
	 * @param name a name that was used
	 * @param result the result as JSON
	 * @return {@code false} if the execution's claim is over
	 */
	boolean record(String name, @Nullable String result) {
		this.written = true;
		boolean recorded = this.calls.call(() -> this.table.record(this.execution, name, result));
		if (recorded) {
			keep(name, result);
		}
		return recorded;
	}

	/**
	 * Note that the result of a step was recorded in a transaction that has committed.
	 * @param name a name that was used
	 * @param result the result as JSON
	 */
	void keep(String name, @Nullable String result) {
		this.written = true;
		SortedMap<Integer, @Nullable String> results = new TreeMap<>();
		results.put(0, result);
		steps().put(name, new Remembered("step", results, null));
	}

	/**
	 * Note that a step may be recorded, in a transaction that is still open.
	 */
	void noteWritten() {
		this.written = true;
	}

	/**
	 * Return whether this run has recorded anything, or may have.
	 * @return {@code false} if it certainly has not
	 */
	boolean isWritten() {
		return this.written;
	}

	/**
	 * Return the names that this run has used so far.
	 * @return the names, to go back to with {@link #rewind}
	 */
	Set<String> used() {
		return Set.copyOf(this.used);
	}

	/**
	 * Go back to an earlier moment of the run.
	 * @param names the names that had been used by then
	 */
	void rewind(Set<String> names) {
		this.used.retainAll(names);
	}

}
