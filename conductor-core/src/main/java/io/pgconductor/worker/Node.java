package io.pgconductor.worker;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

import io.pgconductor.jdbc.NodeTable;
import io.pgconductor.jdbc.TaskTable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.transaction.support.TransactionOperations;

/**
 * This process among the nodes: registers itself and its tasks, and stays alive by
 * heartbeats. When it finds that it was declared dead, it comes back under a new id.
 */
final class Node {

	private static final Logger logger = LoggerFactory.getLogger(Node.class);

	// Loops and pools pause up to 5 s between their tries to reach the database
	private static final long RETURN_NANOS = TimeUnit.SECONDS.toNanos(10);

	private final NodeTable nodes;

	private final TaskTable tasks;

	private final TransactionOperations transactions;

	private final Supplier<NodeTable.Registration> registration;

	private final List<TaskTable.Definition> definitions;

	private final DeclaredTriggers triggers;

	private final Duration life;

	private final Runnable onDeath;

	private volatile UUID id = UUID.randomUUID();

	private volatile boolean dead;

	private volatile @Nullable Instant lastHeartbeat;

	private volatile long beatAtNanos;

	private volatile long judgesFromNanos = System.nanoTime();

	/**
	 * Create a node that is not yet registered.
	 * @param nodes the table of nodes
	 * @param tasks the table of tasks
	 * @param transactions on the same connections
	 * @param registration what others need to know of it
	 * @param definitions the tasks it serves, one for each name and alias
	 * @param triggers what its tasks declare
	 * @param life how long it counts as alive without a heartbeat
	 * @param onDeath called when it was declared dead, before it comes back
	 */
	Node(NodeTable nodes, TaskTable tasks, TransactionOperations transactions,
			Supplier<NodeTable.Registration> registration, List<TaskTable.Definition> definitions,
			DeclaredTriggers triggers, Duration life, Runnable onDeath) {
		this.nodes = nodes;
		this.tasks = tasks;
		this.transactions = transactions;
		this.registration = registration;
		this.definitions = definitions;
		this.triggers = triggers;
		this.life = life;
		this.onDeath = onDeath;
	}

	UUID id() {
		return this.id;
	}

	/**
	 * Return whether this node works under an id.
	 * @param id the id
	 * @return {@code false} if that one was declared dead, whatever came after it
	 */
	boolean isAliveAs(UUID id) {
		return !this.dead && this.id.equals(id);
	}

	/**
	 * Return whether this node may claim under an id: not while others may declare it
	 * dead at any moment.
	 * @param id the id
	 * @return whether it is alive, and the others know it
	 */
	boolean mayClaimAs(UUID id) {
		return isAliveAs(id) && hasBeatenWithin(this.life);
	}

	/**
	 * Return whether this node can tell that others are dead. After a time in which the
	 * database was out of reach, it was so for the others too, and they get time to come
	 * back.
	 * @return whether it can
	 */
	boolean canJudge() {
		return !isLate() && System.nanoTime() - this.judgesFromNanos >= 0;
	}

	// The others may have beaten a little earlier: what nearly cost this node its life
	// can have cost them theirs
	private boolean isLate() {
		return !hasBeatenWithin(this.life.dividedBy(2));
	}

	private boolean hasBeatenWithin(Duration time) {
		return System.nanoTime() - this.beatAtNanos < time.toNanos();
	}

	@Nullable Instant lastHeartbeat() {
		return this.lastHeartbeat;
	}

	void register() {
		register(this.id, () -> {
			this.tasks.register(this.definitions);
			this.triggers.announce();
		});
		this.triggers.declare();
	}

	private void register(UUID newId, Runnable tellTasks) {
		this.transactions.executeWithoutResult((status) -> {
			this.nodes.lockMembership();
			this.nodes.register(newId, this.registration.get(), this.life);
			tellTasks.run();
		});
		beaten(System.nanoTime());
	}

	private void beaten(long atNanos) {
		this.beatAtNanos = atNanos;
		this.lastHeartbeat = Instant.now();
	}

	/**
	 * Tell the database that this node lives.
	 * @param table on the connection to use
	 * @return whether it may claim again, after some time in which it could not
	 */
	boolean heartbeat(NodeTable table) {
		long now = System.nanoTime();
		boolean late = isLate();
		if (table.heartbeat(this.id, this.life)) {
			if (late) {
				this.judgesFromNanos = System.nanoTime() + RETURN_NANOS;
			}
			beaten(now);
			return late;
		}
		if (!this.dead) {
			logger.warn("Node {} was declared dead, since its heartbeats did not arrive in time: "
					+ "what it ran is interrupted, and it comes back under a new id", this.id);
			this.dead = true;
			this.onDeath.run();
		}
		// Registered before the first claim under it: others rescue what no live node
		// holds
		UUID newId = UUID.randomUUID();
		// Newer nodes may have defined the tasks anew in the meantime
		register(newId, this.tasks::updateServed);
		this.id = newId;
		this.dead = false;
		logger.info("Node {} goes on", newId);
		return true;
	}

	void remove() {
		this.transactions.executeWithoutResult((status) -> {
			this.nodes.lockMembership();
			this.nodes.remove(this.id);
			this.tasks.updateServed();
		});
	}

}
