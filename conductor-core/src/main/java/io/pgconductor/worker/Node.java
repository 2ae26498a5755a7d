package io.pgconductor.worker;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

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

	private final @Nullable String application;

	private final Collection<String> queues;

	private final List<TaskTable.Definition> definitions;

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
	 * @param application the application it belongs to
	 * @param queues the queues it serves
	 * @param definitions the tasks it serves, one for each name and alias
	 * @param life how long it counts as alive without a heartbeat
	 * @param onDeath called when it was declared dead, before it comes back
	 */
	Node(NodeTable nodes, TaskTable tasks, TransactionOperations transactions, @Nullable String application,
			Collection<String> queues, List<TaskTable.Definition> definitions, Duration life, Runnable onDeath) {
		this.nodes = nodes;
		this.tasks = tasks;
		this.transactions = transactions;
		this.application = application;
		this.queues = queues;
		this.definitions = definitions;
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
		register(this.id, () -> this.tasks.register(this.definitions));
	}

	private void register(UUID newId, Runnable tellTasks) {
		Collection<String> names = this.definitions.stream().map(TaskTable.Definition::name).toList();
		this.transactions.executeWithoutResult((status) -> {
			this.nodes.lockMembership();
			this.nodes.register(newId, this.application, hostName(), this.queues, names, this.life);
			tellTasks.run();
		});
		beaten(System.nanoTime());
	}

	private void beaten(long atNanos) {
		this.beatAtNanos = atNanos;
		this.lastHeartbeat = Instant.now();
	}

	private static String hostName() {
		try {
			return InetAddress.getLocalHost().getHostName();
		}
		catch (UnknownHostException ex) {
			return "unknown";
		}
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
