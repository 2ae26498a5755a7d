package io.pgconductor.worker;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;

import io.pgconductor.jdbc.DefinitionSetTable;
import io.pgconductor.jdbc.DefinitionSetTable.Standing;
import io.pgconductor.jdbc.DefinitionSetTable.ToDo;
import io.pgconductor.jdbc.NodeTable;
import io.pgconductor.jdbc.ScheduleTable;
import io.pgconductor.jdbc.SqlErrors;
import io.pgconductor.jdbc.SubscriptionTable;
import io.pgconductor.rowchange.RowChangeInstallation;
import io.pgconductor.task.CronTrigger;
import io.pgconductor.task.EventTrigger;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.JsonMapping;
import io.pgconductor.task.TaskSpec;
import io.pgconductor.task.TaskTrigger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.transaction.support.TransactionOperations;

/**
 * The schedules, subscriptions and row changes that this node's tasks declare, and how
 * the database's follow them. Of an application only nodes of its newest declaration
 * change anything, so that old and new ones can run side by side.
 */
final class DeclaredTriggers {

	private static final Logger logger = LoggerFactory.getLogger(DeclaredTriggers.class);

	private static final Duration SET_AGE = Duration.ofDays(90);

	private final @Nullable String application;

	private final Tables tables;

	private final List<ScheduleTable.Declaration> schedules = new ArrayList<>();

	private final List<SubscriptionTable.Declaration> subscriptions = new ArrayList<>();

	private final JsonMapping json;

	private final Collection<TaskSpec> tasks;

	private volatile @Nullable String problem;

	private boolean waiting;

	private Set<ScheduleTable.Key> othersSchedules = Set.of();

	private Set<SubscriptionTable.Key> othersSubscriptions = Set.of();

	/**
	 * Where triggers are declared, all on the same connections.
	 *
	 * @param transactions on these connections
	 * @param nodes the nodes
	 * @param sets of what applications declare
	 * @param schedules the schedules
	 * @param subscriptions the subscriptions
	 * @param rowChanges the triggers on users' tables
	 */
	record Tables(TransactionOperations transactions, NodeTable nodes, DefinitionSetTable sets, ScheduleTable schedules,
			SubscriptionTable subscriptions, RowChangeInstallation rowChanges) {
	}

	/**
	 * Collect what tasks declare.
	 * @param application that declares it; {@code null}: nothing is ever dropped
	 * @param tasks the tasks
	 * @param tables where it is declared
	 * @param json writes what is stored
	 */
	DeclaredTriggers(@Nullable String application, Collection<TaskSpec> tasks, Tables tables, JsonMapping json) {
		this.application = application;
		this.tables = tables;
		this.json = json;
		this.tasks = tasks;
		tasks.forEach((task) -> task.triggers().forEach((trigger) -> add(task, trigger)));
	}

	private void add(TaskSpec task, TaskTrigger trigger) {
		if (trigger instanceof CronTrigger cron) {
			this.schedules.add(new ScheduleTable.Declaration(task.name(), cron));
		}
		else if (trigger instanceof EventTrigger event) {
			String fields = this.json.write(event.fields(), "list of fields of " + task);
			this.subscriptions.add(new SubscriptionTable.Declaration(task.name(), event, fields));
		}
	}

	/**
	 * Ask the database whether it understands what is declared. To be called before
	 * anything else.
	 * @param refuse whether to refuse what it does not; else the subscription concerned
	 * is left out
	 * @throws InvalidTaskException if it does not understand a filter
	 */
	void verify(boolean refuse) {
		this.tables.rowChanges().verify(refuse);
		for (SubscriptionTable.Declaration subscription : List.copyOf(this.subscriptions)) {
			String filter = subscription.trigger().filter();
			String wrong = (filter != null) ? this.tables.subscriptions().problemWith(filter) : null;
			if (wrong != null) {
				TaskSpec task = this.tasks.stream()
					.filter((candidate) -> candidate.name().equals(subscription.task()))
					.findFirst()
					.orElseThrow();
				InvalidTaskException invalid = new InvalidTaskException(
						task + ": the filter \"" + filter + "\" of its subscription to '"
								+ subscription.trigger().pattern() + "' cannot be used: " + wrong,
						task.source(), null);
				if (refuse) {
					throw invalid;
				}
				logger.error("{}. The task gets none of these events", invalid.getMessage());
				this.problem = invalid.getMessage();
				this.subscriptions.remove(subscription);
			}
		}
	}

	/**
	 * Return what could not be declared.
	 * @return the problem, {@code null} if all is well
	 */
	@Nullable String problem() {
		String found = this.problem;
		return (found != null) ? found : this.tables.rowChanges().problem();
	}

	/**
	 * Return a digest of what is declared.
	 * @return the same for all nodes that declare the same; {@code null} without an
	 * application
	 */
	@Nullable String digest() {
		if (this.application == null) {
			return null;
		}
		Set<String> lines = new TreeSet<>();
		for (ScheduleTable.Declaration schedule : this.schedules) {
			CronTrigger trigger = schedule.trigger();
			lines.add(this.json.write(List.of("schedule", schedule.task(), trigger.name(), trigger.times().expression(),
					trigger.times().zone().getId(), trigger.misfire(), trigger.overlap()), "schedule"));
		}
		for (SubscriptionTable.Declaration subscription : this.subscriptions) {
			EventTrigger trigger = subscription.trigger();
			lines.add(this.json.write(List.of("subscription", subscription.task(), trigger.pattern(),
					String.valueOf(trigger.filter()), String.valueOf(subscription.fields())), "subscription"));
		}
		lines.addAll(this.tables.rowChanges().describe());
		try {
			byte[] digest = MessageDigest.getInstance("SHA-256")
				.digest(String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
			return HexFormat.of().formatHex(digest);
		}
		catch (NoSuchAlgorithmException ex) {
			throw new IllegalStateException(ex);
		}
	}

	/**
	 * Tell others what is declared here, in the transaction that registers a node, under
	 * {@link NodeTable#lockMembership()}.
	 */
	void announce() {
		String digest = digest();
		if (this.application != null && digest != null) {
			this.tables.sets().declare(this.application, digest);
		}
	}

	/**
	 * Declare everything, after the node was registered. What others have locked is
	 * declared later.
	 */
	void declare() {
		BooleanSupplier lock = () -> {
			this.tables.nodes().lockMembership();
			return true;
		};
		declare(lock);
		this.tables.rowChanges().reconcile(this::standing, lock);
	}

	private Standing standing() {
		String digest = digest();
		return (this.application == null || digest == null) ? Standing.NEWEST
				: this.tables.sets().standing(this.application, digest);
	}

	/**
	 * Declare what had to wait for others.
	 */
	void declareLocked() {
		if (this.waiting) {
			declare(this.tables.nodes()::tryLockMembership);
		}
		if (this.tables.rowChanges().isWaiting()) {
			reconcileRowChanges();
		}
	}

	private void reconcileRowChanges() {
		this.tables.rowChanges().reconcile(this::standing, this.tables.nodes()::tryLockMembership);
	}

	/**
	 * Have the database follow what is declared here, if that is what counts by now:
	 * nodes that declare other things may have come or gone.
	 */
	void follow() {
		String digest = digest();
		if (this.application != null && digest != null
				&& this.tables.sets().toDo(this.application, digest) != ToDo.NOTHING) {
			declare(this.tables.nodes()::tryLockMembership);
			this.tables.sets().forget(SET_AGE);
		}
		reconcileRowChanges();
	}

	private void declare(BooleanSupplier lock) {
		try {
			this.tables.transactions().executeWithoutResult((status) -> {
				if (!lock.getAsBoolean()) {
					this.waiting = true;
				}
				else if (addChangeAndDrop()) {
					this.waiting = false;
				}
				else {
					waitForOthers();
				}
			});
		}
		catch (DataAccessException ex) {
			if (!SqlErrors.isLockTimeout(ex)) {
				throw ex;
			}
			logger.debug("Something that is declared here is locked", ex);
			waitForOthers();
		}
	}

	private void waitForOthers() {
		if (!this.waiting) {
			logger.info("Others have schedules locked at the moment: "
					+ "all that is declared here comes into force when they let go of them");
		}
		this.waiting = true;
	}

	private boolean addChangeAndDrop() {
		String digest = digest();
		if (this.application == null || digest == null) {
			addAndChange();
			return true;
		}
		ToDo toDo = this.tables.sets().toDo(this.application, digest);
		if (toDo == ToDo.NOTHING) {
			return true;
		}
		addAndChange();
		boolean done = toDo != ToDo.APPLY || drop(this.application);
		this.tables.sets().done(this.application, digest, done ? toDo : ToDo.ADD);
		return done;
	}

	private void addAndChange() {
		Set<ScheduleTable.Key> schedules = this.tables.schedules().declare(this.application, this.schedules);
		if (!schedules.isEmpty() && !schedules.equals(this.othersSchedules)) {
			logger.warn("Schedules {} are declared here, but left alone, since a call has replaced them or another "
					+ "application declares them: give them names of their own, or unschedule them", schedules);
		}
		this.othersSchedules = schedules;
		Set<SubscriptionTable.Key> subscriptions = this.tables.subscriptions()
			.declare(this.application, this.subscriptions);
		if (!subscriptions.isEmpty() && !subscriptions.equals(this.othersSubscriptions)) {
			logger.warn("Subscriptions {} are declared here, but left alone, since another application declares them: "
					+ "give the tasks names of their own", subscriptions);
		}
		this.othersSubscriptions = subscriptions;
	}

	private boolean drop(String owner) {
		Collection<ScheduleTable.Key> schedules = this.tables.schedules().dropOthers(owner, this.schedules);
		Collection<SubscriptionTable.Key> subscriptions = this.tables.subscriptions()
			.dropOthers(owner, this.subscriptions);
		if (!schedules.isEmpty() || !subscriptions.isEmpty()) {
			logger.info("Dropped schedules {} and subscriptions {}, which application '{}' does not declare any more",
					schedules, subscriptions, owner);
			this.tables.sets().redoOthers(owner);
		}
		return !this.tables.schedules().anyOthers(owner, this.schedules);
	}

}
