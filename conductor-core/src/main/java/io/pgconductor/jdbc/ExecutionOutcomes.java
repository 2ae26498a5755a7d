package io.pgconductor.jdbc;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

import io.pgconductor.SchemaName;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.support.SqlArrayValue;

/**
 * Records how attempts ended. Every statement is fenced: it touches an execution only
 * under the claim that the attempt belongs to, and tells which ones it did touch.
 */
public final class ExecutionOutcomes {

	private static final String FENCE = "e.id = o.id and e.claim_no = o.claim_no and e.claimed_by = :node";

	private static final String DISCARD = """
			delete from ${schema}.execution e
			using unnest(:ids::uuid[], :claimNos::int[]) as o (id, claim_no)
			where %s
			returning e.id
			""".formatted(FENCE);

	private static final String ARCHIVE = """
			with done as (
			    delete from ${schema}.execution e
			    using unnest(:ids::uuid[], :claimNos::int[], :states::text[], :results::text[], :errors::text[], :kept::float8[])
			        as o (id, claim_no, state, result, error, kept)
			    where %s
			    returning e.id, e.task, e.queue, e.priority, o.state, e.attempt, e.max_attempts, e.claim_no, e.payload,
			        e.headers, o.result::json as result, coalesce(o.error::json, e.error) as error, e.created_at, e.run_at,
			        e.claimed_at, o.kept
			)
			insert into ${schema}.finished_execution
			    (id, task, queue, priority, state, attempt, max_attempts, claim_no, payload, headers, result, error,
			     created_at, run_at, claimed_at, finished_at, expires_at)
			select id, task, queue, priority, state, attempt, max_attempts, claim_no, payload, headers, result, error,
			       created_at, run_at, claimed_at, ${schema}.now(), ${schema}.now() + kept * interval '1 second'
			from done
			returning id
			"""
		.formatted(FENCE);

	private static final String RESCHEDULE = """
			with done as (
			    update ${schema}.execution e
			    set claimed_by = null, error = o.error::json, run_at = ${schema}.now() + o.delay * interval '1 second',
			        phase = case when o.delay > 0 then 'future' else 'due' end
			    from unnest(:ids::uuid[], :claimNos::int[], :errors::text[], :delays::float8[])
			        as o (id, claim_no, error, delay)
			    where %s
			    returning e.id, e.queue, e.phase, e.run_at
			), woken as (
			    select count(${schema}.wake(target)) as n from (
			        select distinct case phase when 'due' then 'queue:' || queue else 'promoter' end as target
			        from done
			        where phase = 'due' or run_at < ${schema}.now() + interval '5 seconds') t
			)
			select done.id from done, woken
			""".formatted(FENCE);

	private static final String RELEASE = """
			with done as (
			    update ${schema}.execution e
			    set claimed_by = null, attempt = e.attempt - 1, phase = 'due'
			    from unnest(:ids::uuid[], :claimNos::int[]) as o (id, claim_no)
			    where %s
			    returning e.id, e.queue
			), woken as (
			    select count(${schema}.wake('queue:' || queue)) as n from (select distinct queue from done) q
			)
			select done.id from done, woken
			""".formatted(FENCE);

	private static final String STILL_HELD = """
			select e.id
			from ${schema}.execution e, unnest(:ids::uuid[], :claimNos::int[]) as o (id, claim_no)
			where %s
			""".formatted(FENCE);

	private static final String UNLOCKED = """
			select e.id
			from ${schema}.execution e, unnest(:ids::uuid[], :claimNos::int[]) as o (id, claim_no)
			where %s
			for update of e skip locked
			""".formatted(FENCE);

	private final JdbcClient jdbc;

	private final SchemaName schema;

	public ExecutionOutcomes(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * Record outcomes: one statement for each kind of outcome among them.
	 * @param recordings what to record
	 * @return the executions that were not touched, since their claim is over
	 */
	public Set<UUID> record(List<Recording> recordings) {
		if (recordings.isEmpty()) {
			return Set.of();
		}
		UUID node = recordings.get(0).execution().node();
		if (recordings.stream().allMatch((recording) -> recording.execution().node().equals(node))) {
			return record(node, recordings);
		}
		Set<UUID> lost = new HashSet<>();
		recordings.stream()
			.collect(Collectors.groupingBy((recording) -> recording.execution().node()))
			.forEach((member, members) -> lost.addAll(record(member, members)));
		return lost;
	}

	private Set<UUID> record(UUID node, List<Recording> recordings) {
		Map<Kind, List<Recording>> byKind = new EnumMap<>(Kind.class);
		for (Recording recording : recordings) {
			byKind.computeIfAbsent(Kind.of(recording.outcome()), (kind) -> new ArrayList<>(recordings.size()))
				.add(recording);
		}
		Set<UUID> lost = new HashSet<>();
		byKind.forEach((kind, members) -> {
			List<UUID> recorded = switch (kind) {
				case DISCARD -> discard(node, members);
				case ARCHIVE -> archive(node, members);
				case RESCHEDULE -> reschedule(node, members);
				case RELEASE -> release(node, members);
			};
			if (recorded.size() < members.size()) {
				Set<UUID> missing = members.stream().map((r) -> r.execution().id()).collect(Collectors.toSet());
				recorded.forEach(missing::remove);
				lost.addAll(missing);
			}
		});
		return lost;
	}

	private List<UUID> discard(UUID node, List<Recording> recordings) {
		return fenced(DISCARD, node, recordings).query(UUID.class).list();
	}

	private List<UUID> archive(UUID node, List<Recording> recordings) {
		return fenced(ARCHIVE, node, recordings)
			.param("states", SqlArrays.texts(recordings, (r) -> r.outcome().label()))
			.param("results",
					SqlArrays.texts(recordings,
							(r) -> (r.outcome() instanceof Outcome.Completed c) ? c.result() : null))
			.param("errors", SqlArrays.texts(recordings, ExecutionOutcomes::error))
			.param("kept", SqlArrays.column("float8", recordings, ExecutionOutcomes::kept))
			.query(UUID.class)
			.list();
	}

	private List<UUID> reschedule(UUID node, List<Recording> recordings) {
		return fenced(RESCHEDULE, node, recordings)
			.param("errors", SqlArrays.texts(recordings, ExecutionOutcomes::error))
			.param("delays",
					SqlArrays.column("float8", recordings, (r) -> seconds(((Outcome.Retried) r.outcome()).delay())))
			.query(UUID.class)
			.list();
	}

	private List<UUID> release(UUID node, List<Recording> recordings) {
		return fenced(RELEASE, node, recordings).query(UUID.class).list();
	}

	/**
	 * Tell which of some executions are held under their claim still.
	 * @param recordings of one node
	 * @return their ids
	 */
	public Set<UUID> stillHeld(List<Recording> recordings) {
		return new HashSet<>(
				fenced(STILL_HELD, recordings.get(0).execution().node(), recordings).query(UUID.class).list());
	}

	/**
	 * Lock those of some executions that nobody else has locked, for the rest of the
	 * transaction.
	 * @param recordings of one node
	 * @return their ids
	 */
	public Set<UUID> lockUnlocked(List<Recording> recordings) {
		return new HashSet<>(
				fenced(UNLOCKED, recordings.get(0).execution().node(), recordings).query(UUID.class).list());
	}

	private JdbcClient.StatementSpec fenced(String sql, UUID node, List<Recording> recordings) {
		List<UUID> ids = new ArrayList<>(recordings.size());
		List<Integer> claimNos = new ArrayList<>(recordings.size());
		for (Recording recording : recordings) {
			ids.add(recording.execution().id());
			claimNos.add(recording.execution().claimNo());
		}
		return this.jdbc.sql(this.schema.sql(sql))
			.param("node", node)
			.param("ids", SqlArrays.of("uuid", ids))
			.param("claimNos", new SqlArrayValue("int4", (Object[]) claimNos.toArray(Integer[]::new)));
	}

	private static @Nullable String error(Recording recording) {
		if (recording.outcome() instanceof Outcome.Failed failed) {
			return failed.error();
		}
		return (recording.outcome() instanceof Outcome.Retried retried) ? retried.error() : null;
	}

	private static @Nullable Double kept(Recording recording) {
		Duration kept = ((Outcome.Finished) recording.outcome()).retention().duration();
		return (kept != null) ? seconds(kept) : null;
	}

	private static double seconds(Duration duration) {
		return duration.getSeconds() + duration.getNano() / 1e9;
	}

	private enum Kind {

		DISCARD, ARCHIVE, RESCHEDULE, RELEASE;

		static Kind of(Outcome outcome) {
			if (outcome instanceof Outcome.Finished finished) {
				return finished.retention().keeps() ? ARCHIVE : DISCARD;
			}
			return (outcome instanceof Outcome.Retried) ? RESCHEDULE : RELEASE;
		}

	}

}
