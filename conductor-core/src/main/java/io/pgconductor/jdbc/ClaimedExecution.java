package io.pgconductor.jdbc;

import java.time.OffsetDateTime;
import java.util.UUID;

import org.jspecify.annotations.Nullable;

/**
 * An execution that a node has claimed.
 *
 * @param id its id
 * @param node the node that has claimed it
 * @param claimNo the number of the claim: the fence of all that is written about it
 * @param task the name it was invoked by
 * @param queue the queue it was claimed from
 * @param attempt the attempt that begins, from 1
 * @param maxAttempts how many it has
 * @param priority its priority
 * @param runAt when it was due
 * @param claimedAt when it was claimed
 * @param payload its payload as JSON
 * @param headers its headers as JSON
 * @param resumed whether it goes on after a suspension: no new attempt
 * @param cancelRequested whether it was cancelled while an earlier node held it
 * @param parentId the execution that invoked it as a child
 * @param waitId what that one waits on
 * @param keyed whether it has a key and has not begun: until it is decided that it does,
 * it may have to give way to a newer execution with the same key
 * @param hasDedupeKey whether it may have a key that is free when it ends
 * @param gate the gate that its task's limits have let it through; {@code null}: nothing
 * limits it
 * @param lane which of the gate's lanes it is on: what is on the same one runs one after
 * another; {@code null}: on none
 */
public record ClaimedExecution(UUID id, UUID node, int claimNo, String task, String queue, int attempt, int maxAttempts,
		int priority, OffsetDateTime runAt, OffsetDateTime claimedAt, @Nullable String payload,
		@Nullable String headers, boolean resumed, boolean cancelRequested, @Nullable UUID parentId,
		@Nullable UUID waitId, boolean keyed, boolean hasDedupeKey, @Nullable String gate, @Nullable Integer lane) {

	/**
	 * Return whether there may be something to remember from earlier runs.
	 * @return {@code false} if it has never been claimed before
	 */
	public boolean mayHaveHistory() {
		return this.claimNo > 1;
	}

	/**
	 * Return whether limits count it as long as it is claimed.
	 * @return whether somebody may wait for its end
	 */
	public boolean gated() {
		return this.gate != null;
	}

}
