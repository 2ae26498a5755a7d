package io.pgconductor.rowchange;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;

import io.pgconductor.jdbc.DefinitionSetTable.Standing;
import io.pgconductor.jdbc.RowChangeTable.Installed;
import io.pgconductor.jdbc.RowChangeTable.Other;
import io.pgconductor.jdbc.SqlErrors;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.RowChangeTrigger;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;

/**
 * Has the triggers on users' tables follow what the tasks of a node declare. What is as
 * declared is not touched; each of the others is replaced in a transaction of its own
 * that waits for nobody long, and tried again.
 */
public final class RowChangeInstallation {

	private static final Logger logger = LoggerFactory.getLogger(RowChangeInstallation.class);

	// Longer, and changes are missed that somebody counts on
	private static final Duration PATIENCE = Duration.ofMinutes(1);

	private final @Nullable String application;

	private final boolean install;

	private final RowChangeServices services;

	private final TriggerTrial trial;

	private final List<RowChangeDeclaration> declarations = new ArrayList<>();

	private final Map<String, Long> lockedSince = new HashMap<>();

	private Set<String> foreign = Set.of();

	private final Set<String> settled = new HashSet<>();

	private volatile List<CaptureScript> scripts = List.of();

	private volatile @Nullable String invalid;

	private volatile @Nullable String problem;

	private volatile boolean waiting;

	/**
	 * Collect what tasks declare.
	 * @param application that declares it; {@code null}: nothing is ever dropped
	 * @param install whether to install triggers, rather than only to verify that
	 * somebody has
	 * @param tasks the tasks
	 * @param services of the node
	 */
	public RowChangeInstallation(@Nullable String application, boolean install, Collection<TaskSpec> tasks,
			RowChangeServices services) {
		this.application = application;
		this.install = install;
		this.services = services;
		this.trial = new TriggerTrial(services);
		for (TaskSpec task : tasks) {
			task.triggers()
				.stream()
				.filter(RowChangeTrigger.class::isInstance)
				.map(RowChangeTrigger.class::cast)
				.forEach((trigger) -> this.declarations.add(new RowChangeDeclaration(task, trigger)));
		}
	}

	/**
	 * Describe what is declared.
	 * @return the same for all nodes that install the same
	 */
	public List<String> describe() {
		Map<List<String>, Integer> ordinals = new HashMap<>();
		return this.declarations.stream()
			.map((declaration) -> declaration.describe(this.services,
					ordinals.merge(List.of(declaration.task().name(), declaration.trigger().schema(),
							declaration.trigger().table()), 1, Integer::sum)))
			.toList();
	}

	/**
	 * Check that the database can do what is declared; if triggers are not to be
	 * installed, that they are there.
	 * @param refuse whether to refuse what does not work; else it is left out
	 * @throws InvalidTaskException if something does not work
	 */
	public void verify(boolean refuse) {
		Map<RowChangeDeclaration, CaptureScript> scripts = new LinkedHashMap<>();
		Map<String, Integer> ordinals = new HashMap<>();
		for (RowChangeDeclaration declaration : List.copyOf(this.declarations)) {
			attempt(declaration, refuse, () -> {
				try {
					scripts.put(declaration, declaration.script(this.services, ordinals));
				}
				catch (DataAccessException ex) {
					waitFor(declaration, ex);
				}
				return null;
			});
		}
		this.scripts = List.copyOf(scripts.values());
		Map<String, Installed> installed = installed(this.scripts);
		List<CaptureScript> missing = this.scripts.stream()
			.filter((script) -> !isCurrent(script, installed.get(script.name())))
			.toList();
		scripts.forEach((declaration, script) -> attempt(declaration, refuse, () -> {
			Installed existing = installed.get(script.name());
			if (!isCurrent(script, existing)) {
				if (!this.install) {
					throw new IllegalArgumentException(
							"its triggers are not installed as it declares them, and conductor.row-changes.install is off. "
									+ "Run this first, as a role that may create triggers on the table:\n\n"
									+ text(refuse ? missing : List.of(script)));
				}
				this.trial.verify(script);
			}
			return null;
		}));
		if (!this.install && this.application != null) {
			List<Other> left = this.services.table().others(this.application, names(this.scripts));
			if (!left.isEmpty()) {
				logger.warn("Triggers {} are not declared any more, and conductor.row-changes.install is off. "
						+ "To drop them: {}", left, left.stream().map(this::statementsToDrop).toList());
			}
		}
	}

	private String text(Collection<CaptureScript> scripts) {
		String owner = this.services.table().owner();
		return scripts.stream().map((script) -> script.text(this.application, owner)).collect(Collectors.joining("\n"));
	}

	private void waitFor(RowChangeDeclaration declaration, DataAccessException cause) {
		if (!SqlErrors.isLockTimeout(cause)) {
			throw cause;
		}
		this.waiting = true;
		logger.debug("Table {} is being changed: its triggers are looked at later", declaration.trigger().table(),
				cause);
	}

	private void attempt(RowChangeDeclaration declaration, boolean refuse, Supplier<@Nullable Void> step) {
		try {
			step.get();
		}
		catch (IllegalArgumentException ex) {
			InvalidTaskException invalid = declaration.invalid(String.valueOf(ex.getMessage()), ex);
			if (refuse) {
				throw invalid;
			}
			logger.error("{}. The task does not run for these changes", invalid.getMessage());
			this.invalid = invalid.getMessage();
			this.declarations.remove(declaration);
		}
	}

	private Map<String, Installed> installed(Collection<CaptureScript> scripts) {
		return scripts.isEmpty() ? Map.of() : this.services.table().installed(names(scripts));
	}

	private static List<String> names(Collection<CaptureScript> scripts) {
		return scripts.stream().map(CaptureScript::name).toList();
	}

	private static boolean isCurrent(CaptureScript script, @Nullable Installed installed) {
		return installed != null && installed.digest().equals(script.digest())
				&& installed.triggers().equals(script.triggerNames());
	}

	/**
	 * Return what is not captured although it is declared.
	 * @return the problem, {@code null} if all is well
	 */
	public @Nullable String problem() {
		String found = this.invalid;
		return (found != null) ? found : this.problem;
	}

	/**
	 * Return whether something could not be done so far, since others have a table
	 * locked.
	 * @return whether to call {@link #reconcile} again soon
	 */
	public boolean isWaiting() {
		return this.waiting;
	}

	/**
	 * Install what is declared and not there, and drop what is not declared any more.
	 * Costs two looks if there is nothing to do.
	 * @param standing tells how this node's declarations stand to those of others
	 * @param lock keeps others from changing that, in a transaction, if it can be had
	 */
	public void reconcile(Supplier<Standing> standing, BooleanSupplier lock) {
		this.waiting = false;
		Map<String, Installed> installed = installed(this.scripts);
		if (this.scripts.size() == this.declarations.size()
				&& this.scripts.stream().allMatch((script) -> isOwn(script, installed.get(script.name())))
				&& this.problem == null && others().isEmpty()) {
			return;
		}
		if (standing.get() == Standing.SUPERSEDED) {
			// What is missing may be so on purpose
			this.problem = null;
		}
		else {
			Set<String> problems = new HashSet<>();
			List<CaptureScript> scripts = scripts(problems);
			if (scripts == null) {
				return;
			}
			this.scripts = scripts;
			if (this.install) {
				addAndChange(standing, lock, problems);
				// Of what is missing only its table is: it comes back
				if (problems.isEmpty()) {
					dropOthers(standing, lock, problems);
				}
			}
			else {
				findMissing(problems);
			}
			this.problem = problems.isEmpty() ? null : String.join("; ", problems);
		}
	}

	private void addAndChange(Supplier<Standing> standing, BooleanSupplier lock, Set<String> problems) {
		Set<String> foreign = new HashSet<>();
		Map<String, Installed> installed = installed(this.scripts);
		List<Other> others = others();
		for (List<CaptureScript> scripts : byTaskAndTable()) {
			String table = scripts.get(0).capture().table().toString();
			if (isForeign(scripts, installed)) {
				foreign.add(table + " for task '" + scripts.get(0).capture().task() + "'");
			}
			else if (!areOwn(scripts, installed) || others.stream().anyMatch((other) -> isBeside(other, scripts))) {
				change(scripts.get(0).name(), table, problems, () -> install(scripts, standing, lock));
			}
		}
		if (!foreign.isEmpty() && !foreign.equals(this.foreign)) {
			logger.warn("Triggers on {} are declared here, but left alone, since another application declares them: "
					+ "give the tasks names of their own", foreign);
		}
		this.foreign = foreign;
	}

	// What one of them doesn't capture any more, another may by now: no change is to be
	// lost in between, and none to come twice
	private Collection<List<CaptureScript>> byTaskAndTable() {
		return this.scripts.stream()
			.collect(Collectors.groupingBy(
					(script) -> List.of(script.capture().task(), script.capture().table().quoted()), LinkedHashMap::new,
					Collectors.toList()))
			.values();
	}

	private static boolean isBeside(Other other, List<CaptureScript> scripts) {
		Capture capture = scripts.get(0).capture();
		return other.task().equals(capture.task()) && other.table().equals(capture.table().toString());
	}

	private boolean isForeign(List<CaptureScript> scripts, Map<String, Installed> installed) {
		return scripts.stream().anyMatch((script) -> isForeign(installed.get(script.name())));
	}

	private boolean areOwn(List<CaptureScript> scripts, Map<String, Installed> installed) {
		return scripts.stream().allMatch((script) -> isOwn(script, installed.get(script.name())));
	}

	private void dropOthers(Supplier<Standing> standing, BooleanSupplier lock, Set<String> problems) {
		for (Other other : others()) {
			change(other.name(), other.table(), problems, () -> drop(other, standing, lock));
		}
	}

	private void findMissing(Set<String> problems) {
		Map<String, Installed> installed = installed(this.scripts);
		this.scripts.stream()
			.filter((script) -> !isCurrent(script, installed.get(script.name())))
			.forEach((script) -> problems.add("The triggers on " + script.capture().table() + " for task '"
					+ script.capture().task() + "' are not there any more: restart to see what to run"));
	}

	private List<Other> others() {
		return (this.install && this.application != null)
				? this.services.table().others(this.application, names(this.scripts)) : List.of();
	}

	// Null if a table cannot be looked at for the moment
	private @Nullable List<CaptureScript> scripts(Set<String> problems) {
		List<CaptureScript> scripts = new ArrayList<>();
		Map<String, Integer> ordinals = new HashMap<>();
		for (RowChangeDeclaration declaration : this.declarations) {
			try {
				scripts.add(declaration.script(this.services, ordinals));
			}
			catch (IllegalArgumentException ex) {
				problems.add(String.valueOf(declaration.invalid(String.valueOf(ex.getMessage()), ex).getMessage()));
			}
			catch (DataAccessException ex) {
				waitFor(declaration, ex);
				return null;
			}
		}
		problems.stream()
			.filter((found) -> this.problem == null || !this.problem.contains(found))
			.forEach((found) -> logger.error("{}", found));
		return scripts;
	}

	private boolean isForeign(@Nullable Installed installed) {
		return installed != null && installed.live() && installed.application() != null
				&& !installed.application().equals(this.application);
	}

	private boolean isOwn(CaptureScript script, @Nullable Installed installed) {
		if (installed == null) {
			return false;
		}
		if (this.application != null) {
			return isCurrent(script, installed) && this.application.equals(installed.application());
		}
		if (isCurrent(script, installed)) {
			this.settled.add(script.name());
			return true;
		}
		// Without a name, nobody knows which of two versions is the newer one
		return this.settled.contains(script.name()) && !installed.triggers().isEmpty();
	}

	private void change(String name, String table, Set<String> problems, Runnable change) {
		try {
			change.run();
			this.lockedSince.remove(name);
		}
		catch (DataAccessException ex) {
			if (SqlErrors.isConnectionFailure(ex)) {
				throw ex;
			}
			if (!SqlErrors.isLockTimeout(ex)) {
				String message = "The triggers on " + table + " cannot be changed: " + SqlErrors.message(ex);
				logger.error("{}", message, ex);
				problems.add(message);
				return;
			}
			this.waiting = true;
			long now = System.nanoTime();
			Long since = this.lockedSince.putIfAbsent(name, now);
			if (since == null) {
				logger.info("Table {} is in use: its triggers are changed when there is a moment for it", table);
			}
			else if (now - since > PATIENCE.toNanos()) {
				problems.add("The triggers on " + table
						+ " wait for a moment in which the table is not in use: end the transactions that lock it");
			}
		}
	}

	private void install(List<CaptureScript> scripts, Supplier<Standing> standing, BooleanSupplier lock) {
		List<CaptureScript> installed = new ArrayList<>();
		List<Other> dropped = new ArrayList<>();
		boolean done = inTransaction(lock, () -> {
			Map<String, Installed> existing = installed(scripts);
			if (standing.get() == Standing.SUPERSEDED || isForeign(scripts, existing)) {
				return false;
			}
			this.services.table().boundWaits(scripts.get(0).capture().table());
			others().stream().filter((other) -> isBeside(other, scripts)).forEach((other) -> {
				statementsToDrop(other).forEach(this.services.table()::execute);
				dropped.add(other);
			});
			String owner = this.services.table().otherOwner().orElse(null);
			for (CaptureScript script : scripts) {
				if (!isCurrent(script, existing.get(script.name()))) {
					script.install(this.application, owner).forEach(this.services.table()::execute);
					installed.add(script);
				}
				else if (!isOwn(script, existing.get(script.name()))) {
					// Of an application that is gone
					this.services.table().execute(script.register(this.application));
				}
			}
			return true;
		});
		if (done) {
			for (CaptureScript script : installed) {
				this.settled.add(script.name());
				logger.info("Installed triggers {} on {}, which have task '{}' run", script.triggerNames(),
						script.capture().table(), script.capture().task());
			}
			dropped.forEach(this::logDropped);
		}
	}

	private void drop(Other other, Supplier<Standing> standing, BooleanSupplier lock) {
		boolean dropped = inTransaction(lock, () -> {
			if (standing.get() != Standing.ONLY || !others().contains(other)) {
				return false;
			}
			statementsToDrop(other).forEach(this.services.table()::execute);
			return true;
		});
		if (dropped) {
			logDropped(other);
		}
	}

	private void logDropped(Other other) {
		logger.info("Dropped triggers {}, which application '{}' does not declare any more", other, this.application);
	}

	private boolean inTransaction(BooleanSupplier lock, BooleanSupplier change) {
		return Boolean.TRUE.equals(this.services.inTransaction((status) -> {
			if (!lock.getAsBoolean()) {
				this.waiting = true;
				return false;
			}
			return change.getAsBoolean();
		}));
	}

	private List<String> statementsToDrop(Other other) {
		return CaptureScript.drop(this.services.schema(), other.name());
	}

}
