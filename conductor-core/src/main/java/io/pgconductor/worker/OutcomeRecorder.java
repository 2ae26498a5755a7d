package io.pgconductor.worker;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

import io.pgconductor.jdbc.ExecutionOutcomes;
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
	 * @return the executions that were not touched, since their claim is over
	 * @throws org.springframework.dao.DataAccessException if some of them could not be
	 * recorded, because of a lock among other reasons
	 */
	Set<UUID> record(List<Recording> recordings) {
		if (this.ownSessions) {
			return this.outcomes.record(recordings);
		}
		Set<UUID> lost = this.transactions.execute((status) -> {
			this.jdbc.sql("set local lock_timeout = '100ms'").update();
			return this.outcomes.record(recordings);
		});
		return (lost != null) ? lost : Set.of();
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
