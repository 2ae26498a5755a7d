package io.pgconductor.jdbc;

import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;

import io.pgconductor.SchemaName;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Records how attempts ended. Every statement is fenced: it touches an execution only
 * under the claim that the attempt belongs to, and tells which ones it did touch.
 */
public final class ExecutionOutcomes {

	private static final String FENCE = "e.id = o.id and e.claim_no = o.claim_no and e.claimed_by = :node";

	// What needs a closer look when it ends: it was cancelled, or a client waits for it
	private static final String UNMARKED = FENCE + " and e.cancel_requested_at is null and e.awaited_until is null";

	private static final String NOT_CANCELLED = FENCE + " and e.cancel_requested_at is null";

	private static final String DISCARD = """
			delete from ${schema}.execution e
			using unnest(:ids::uuid[], :claimNos::int[]) as o (id, claim_no)
			where %s
			returning e.id
			""".formatted(UNMARKED);

	private static final String ARCHIVE = """
			with done as (
			    delete from ${schema}.execution e
			    using unnest(:ids::uuid[], :claimNos::int[], :states::text[], :results::text[], :errors::text[], :kept::float8[])
			        as o (id, claim_no, state, result, error, kept)
			    where %s
			    returning e.id, e.task, e.queue, e.priority, o.state, e.attempt, e.max_attempts, e.claim_no, e.payload,
			        e.headers, o.result::json as result, coalesce(o.error::json, e.error) as error, e.created_at, e.run_at,
			        e.claimed_at, e.parent_id, e.dedupe_key, o.kept
			)
			insert into ${schema}.finished_execution
			    (id, task, queue, priority, state, attempt, max_attempts, claim_no, payload, headers, result, error,
			     created_at, run_at, claimed_at, finished_at, expires_at, parent_id, dedupe_key)
			select id, task, queue, priority, state, attempt, max_attempts, claim_no, payload, headers, result, error,
			       created_at, run_at, claimed_at, ${schema}.now(), ${schema}.now() + kept * interval '1 second', parent_id,
			       dedupe_key
			from done
			returning id
			"""
		.formatted(UNMARKED);

	// Executions with children, parents, steps or marks: what their end means for others
	// is up to the function
	private static final String FINISH = """
			select finished, queues
			from ${schema}.finish(:node, :ids::uuid[], :claimNos::int[], :states::text[], :results::text[], :errors::text[],
			    :kept::float8[], :forgotten::text[], :failureTasks::text[])
			""";

	private static final String RESCHEDULE = """
			with done as (
			    update ${schema}.execution e
			    set claimed_by = null, error = o.error::json, run_at = ${schema}.now() + o.delay * interval '1 second',
			        phase = case when o.delay > 0 then 'future' else 'due' end, waiting_for = null
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
			""".formatted(NOT_CANCELLED);

	private static final String RELEASE = """
			with done as (
			    update ${schema}.execution e
			    set claimed_by = null, attempt = e.attempt - case when e.waiting_for is null then 1 else 0 end, phase = 'due'
			    from unnest(:ids::uuid[], :claimNos::int[]) as o (id, claim_no)
			    where %s
			    returning e.id, e.queue
			), woken as (
			    select count(${schema}.wake('queue:' || queue)) as n from (select distinct queue from done) q
			)
			select done.id from done, woken
			"""
		.formatted(NOT_CANCELLED);

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

	private static final String CLOSE_GATES = "select ${schema}.pause_gates(:gates, :seconds)";

	// Whoever waits for one of their lanes has something to do
	private static final String LEAVE_GATES = """
			select count(${schema}.wake('queue:' || q)) from unnest(:queues::text[]) q
			""";

	private static final String LOCK_WAITS = "select ${schema}.lock_waits(:ids::uuid[])";

	private static final String LOCK_UNCANCELLED = """
			select e.id
			from ${schema}.execution e, unnest(:ids::uuid[], :claimNos::int[]) as o (id, claim_no)
			where %s
			for update of e
			""".formatted(NOT_CANCELLED);

	// An array, since a subquery's rows would be joined by reading the whole table
	private static final String LOCKED_WAITS = """
			with wanted as materialized (
			    select w.id from ${schema}.child_wait w where w.id = any (:waits::uuid[])
			    union
			    select w.id from ${schema}.child_wait w where w.parent_id = any (:ids::uuid[])
			), free as materialized (
			    select w.id from ${schema}.child_wait w where w.id = any (array (select id from wanted)) order by w.id
			    for update skip locked
			)
			select w.id, w.parent_id from ${schema}.child_wait w
			where w.id in (select id from wanted except select id from free)
			""";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	private final ExecutionSuspensions suspensions;

	public ExecutionOutcomes(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
		this.suspensions = new ExecutionSuspensions(jdbc, schema);
	}

	/**
	 * Record outcomes: one statement for each kind of outcome among them.
	 * @param recordings what to record
	 * @return what was recorded; what is missing was not touched, since its claim is over
	 */
	public Recorded record(List<Recording> recordings) {
		Recorded recorded = Recorded.nothing();
		recordings.stream()
			.collect(Collectors.groupingBy((recording) -> recording.execution().node()))
			.forEach((node, members) -> recorded.add(record(node, members)));
		return recorded;
	}

	/**
	 * Record a completion as the last thing in a transaction of the application.
	 * @param recording the completion
	 * @return {@code false} if the execution was cancelled, or its claim is over: the
	 * transaction is to be rolled back
	 */
	public boolean recordInTransaction(Recording recording) {
		UUID node = recording.execution().node();
		List<Recording> one = List.of(recording);
		this.jdbc.sql(this.schema.sql(LOCK_WAITS))
			.param("ids", SqlArrays.of("uuid", List.of(recording.execution().id())))
			.query((rs, row) -> true)
			.list();
		boolean finished = !fenced(LOCK_UNCANCELLED, node, one).query(UUID.class).list().isEmpty()
				&& !finish(node, one).executions().isEmpty();
		leaveGates(one);
		return finished;
	}

	private Recorded record(UUID node, List<Recording> recordings) {
		Map<Kind, List<Recording>> byKind = new EnumMap<>(Kind.class);
		for (Recording recording : recordings) {
			byKind.computeIfAbsent(Kind.of(recording), (kind) -> new ArrayList<>(recordings.size())).add(recording);
		}
		closeGates(recordings);
		Recorded all = Recorded.nothing();
		byKind.forEach((kind, members) -> {
			Recorded recorded = record(node, kind, members);
			all.add(recorded);
			if (kind != Kind.FINISH && recorded.executions().size() < members.size()) {
				// Their claim is over, or they are marked
				all.add(finish(node,
						members.stream().filter((r) -> !recorded.executions().contains(r.execution().id())).toList()));
			}
		});
		leaveGates(recordings);
		return all;
	}

	// Before others are let through
	private void closeGates(List<Recording> recordings) {
		List<Recording> closing = recordings.stream()
			.filter((r) -> r.gateClosedFor() != null && r.execution().gated())
			.toList();
		if (!closing.isEmpty()) {
			this.jdbc.sql(this.schema.sql(CLOSE_GATES))
				.param("gates", SqlArrays.texts(closing, (r) -> r.execution().gate()))
				.param("seconds",
						SqlArrays.column("float8", closing, (r) -> seconds(Objects.requireNonNull(r.gateClosedFor()))))
				.query((rs, row) -> true)
				.list();
		}
	}

	private void leaveGates(List<Recording> recordings) {
		Set<String> queues = recordings.stream()
			.map(Recording::execution)
			.filter(ClaimedExecution::gated)
			.map(ClaimedExecution::queue)
			.collect(Collectors.toSet());
		if (!queues.isEmpty()) {
			this.jdbc.sql(this.schema.sql(LEAVE_GATES))
				.param("queues", SqlArrays.texts(queues))
				.query(Long.class)
				.single();
		}
	}

	private Recorded record(UUID node, Kind kind, List<Recording> recordings) {
		return switch (kind) {
			case DISCARD -> Recorded.of(fenced(DISCARD, node, recordings).query(UUID.class).list());
			case ARCHIVE -> Recorded.of(finished(ARCHIVE, node, recordings).query(UUID.class).list());
			case FINISH -> finish(node, recordings);
			case RESCHEDULE -> reschedule(node, recordings);
			case RELEASE -> Recorded.of(fenced(RELEASE, node, recordings).query(UUID.class).list());
			case SLEEP -> this.suspensions.sleep(node, recordings);
			case LIMIT -> this.suspensions.limit(node, recordings);
			case INVOKE -> this.suspensions.invoke(node, recordings);
			case AWAIT_CHILDREN -> this.suspensions.awaitChildren(node, recordings);
			case AWAIT_EVENT -> this.suspensions.awaitEvent(node, recordings);
			case STILL_AWAIT_EVENT -> this.suspensions.stillAwaitEvent(node, recordings);
		};
	}

	private Recorded finish(UUID node, List<Recording> recordings) {
		return finished(FINISH, node, recordings)
			.param("forgotten",
					SqlArrays.texts(recordings,
							(r) -> (r.outcome() instanceof Outcome.Failed failed) ? failed.forgottenStep() : null))
			.param("failureTasks",
					SqlArrays.texts(recordings,
							(r) -> (r.outcome() instanceof Outcome.Failed failed) ? failed.failureTask() : null))
			.query((rs, row) -> new Recorded(SqlArrays.set(rs, "finished", UUID[].class),
					SqlArrays.set(rs, "queues", String[].class)
						.stream()
						.map((queue) -> "queue:" + queue)
						.collect(Collectors.toSet())))
			.single();
	}

	private JdbcClient.StatementSpec finished(String sql, UUID node, List<Recording> recordings) {
		return fenced(sql, node, recordings)
			.param("states",
					SqlArrays.texts(recordings,
							(r) -> (r.outcome() instanceof Outcome.Finished) ? r.outcome().label() : null))
			.param("results",
					SqlArrays.texts(recordings,
							(r) -> (r.outcome() instanceof Outcome.Completed c) ? c.result() : null))
			.param("errors", SqlArrays.texts(recordings, ExecutionOutcomes::error))
			.param("kept", SqlArrays.column("float8", recordings, ExecutionOutcomes::kept));
	}

	private Recorded reschedule(UUID node, List<Recording> recordings) {
		return Recorded.of(fenced(RESCHEDULE, node, recordings)
			.param("errors", SqlArrays.texts(recordings, ExecutionOutcomes::error))
			.param("delays",
					SqlArrays.column("float8", recordings, (r) -> seconds(((Outcome.Retried) r.outcome()).delay())))
			.query(UUID.class)
			.list());
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
	 * Lock those of some executions that nobody else has locked, and the waits that their
	 * end concerns, for the rest of the transaction.
	 * @param recordings of one node
	 * @return their ids
	 */
	public Set<UUID> lockUnlocked(List<Recording> recordings) {
		UUID node = recordings.get(0).execution().node();
		Set<UUID> lockedWaits = new HashSet<>();
		Set<UUID> waitingParents = new HashSet<>();
		List<Recording> related = recordings.stream().filter(ExecutionOutcomes::mayConcernOthers).toList();
		if (!related.isEmpty()) {
			this.jdbc.sql(this.schema.sql(LOCKED_WAITS))
				.param("waits", SqlArrays.column("uuid", related, (r) -> r.execution().waitId()))
				.param("ids", SqlArrays.column("uuid", related, (r) -> r.execution().id()))
				.query((rs) -> {
					lockedWaits.add(rs.getObject(1, UUID.class));
					waitingParents.add(rs.getObject(2, UUID.class));
				});
		}
		List<Recording> free = recordings.stream()
			.filter((r) -> !lockedWaits.contains(r.execution().waitId())
					&& !waitingParents.contains(r.execution().id()))
			.toList();
		return new HashSet<>(fenced(UNLOCKED, node, free).query(UUID.class).list());
	}

	// Also what would only wait on, if it is to be cancelled
	private static boolean mayConcernOthers(Recording recording) {
		return recording.execution().waitId() != null || recording.execution().mayHaveHistory();
	}

	private JdbcClient.StatementSpec fenced(String sql, UUID node, List<Recording> recordings) {
		return FencedStatement.of(this.jdbc, this.schema.sql(sql), node, recordings);
	}

	private static @Nullable String error(Recording recording) {
		if (recording.outcome() instanceof Outcome.Failed failed) {
			return failed.error();
		}
		if (recording.outcome() instanceof Outcome.Unstorable unstorable) {
			return unstorable.error();
		}
		return (recording.outcome() instanceof Outcome.Retried retried) ? retried.error() : null;
	}

	private static @Nullable Double kept(Recording recording) {
		Duration kept = (recording.outcome() instanceof Outcome.Finished finished) ? finished.retention().duration()
				: null;
		return (kept != null) ? seconds(kept) : null;
	}

	private static double seconds(Duration duration) {
		return duration.getSeconds() + duration.getNano() / 1e9;
	}

	private enum Kind {

		DISCARD, ARCHIVE, FINISH, RESCHEDULE, RELEASE, SLEEP, LIMIT, INVOKE, AWAIT_CHILDREN, AWAIT_EVENT,
		STILL_AWAIT_EVENT;

		static Kind of(Recording recording) {
			Outcome outcome = recording.outcome();
			if (outcome instanceof Outcome.Finished finished) {
				return ofFinished(recording.execution(), finished);
			}
			if (outcome instanceof Outcome.Retried) {
				return RESCHEDULE;
			}
			if (outcome instanceof Outcome.Invoking) {
				return INVOKE;
			}
			if (outcome instanceof Outcome.AwaitingChildren) {
				return AWAIT_CHILDREN;
			}
			if (outcome instanceof Outcome.AwaitingEvent) {
				return AWAIT_EVENT;
			}
			if (outcome instanceof Outcome.StillAwaitingEvent) {
				return STILL_AWAIT_EVENT;
			}
			if (outcome instanceof Outcome.RateLimited) {
				return LIMIT;
			}
			return (outcome instanceof Outcome.Suspended) ? SLEEP : RELEASE;
		}

		private static Kind ofFinished(ClaimedExecution execution, Outcome.Finished outcome) {
			boolean tellsOthers = execution.waitId() != null
					|| (outcome instanceof Outcome.Failed failed && failed.failureTask() != null);
			if (tellsOthers || execution.mayHaveHistory()) {
				return FINISH;
			}
			if (outcome.retention().keeps()) {
				return ARCHIVE;
			}
			return (outcome.hasSteps() || execution.hasDedupeKey()) ? FINISH : DISCARD;
		}

	}

}
