package io.pgconductor.worker;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

import io.pgconductor.jdbc.ExecutionOutcomes;
import io.pgconductor.jdbc.Recorded;
import io.pgconductor.jdbc.Recording;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.transaction.support.TransactionOperations;

/**
 * Records outcomes without waiting for rows that others have locked. Thread-safe.
 */
final class OutcomeRecorder {

	private final ExecutionOutcomes outcomes;

	private final JdbcClient jdbc;

	private final TransactionOperations transactions;

	private final boolean ownSessions;

	/**
	 * Create a recorder.
	 * @param outcomes where to record
	 * @param jdbc on the same connections
	 * @param transactions on the same connections
	 * @param ownSessions whether the sessions are set not to wait for locks
	 */
	OutcomeRecorder(ExecutionOutcomes outcomes, JdbcClient jdbc, TransactionOperations transactions,
			boolean ownSessions) {
		this.outcomes = outcomes;
		this.jdbc = jdbc;
		this.transactions = transactions;
		this.ownSessions = ownSessions;
	}

	/**
	 * Record outcomes.
	 * @param recordings the outcomes
	 * @return what was recorded; the claims of the others are over
	 * @throws org.springframework.dao.DataAccessException if some of them could not be
	 * recorded, because of a lock among other reasons
	 */
	Recorded record(List<Recording> recordings) {
		if (this.ownSessions) {
			return this.outcomes.record(recordings);
		}
		return Objects.requireNonNull(this.transactions.execute((status) -> {
			setLockTimeout();
			return this.outcomes.record(recordings);
		}));
	}

	private void setLockTimeout() {
		this.jdbc.sql("set local lock_timeout = '100ms'").update();
	}

	/**
	 * Record the outcomes of executions that nobody else has locked.
	 * @param recordings the outcomes
	 * @return those that could not be recorded yet
	 */
	Set<Recording> recordUnlocked(List<Recording> recordings) {
		Map<UUID, List<Recording>> byNode = recordings.stream()
			.collect(Collectors.groupingBy((recording) -> recording.execution().node()));
		Set<Recording> locked = new HashSet<>();
		for (List<Recording> members : byNode.values()) {
			this.transactions.executeWithoutResult((status) -> {
				if (!this.ownSessions) {
					setLockTimeout();
				}
				Set<UUID> free = this.outcomes.lockUnlocked(members);
				this.outcomes.record(select(members, free));
			});
			locked.addAll(select(members, this.outcomes.stillHeld(members)));
		}
		return locked;
	}

	private static List<Recording> select(List<Recording> recordings, Set<UUID> ids) {
		return recordings.stream().filter((recording) -> ids.contains(recording.execution().id())).toList();
	}

}
