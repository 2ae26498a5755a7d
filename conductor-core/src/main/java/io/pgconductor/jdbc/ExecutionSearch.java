package io.pgconductor.jdbc;

import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

import io.pgconductor.ExecutionFilter;
import io.pgconductor.ExecutionState;
import org.jspecify.annotations.Nullable;

/**
 * The SQL that finds the ids of executions, greatest first. It has only the conditions
 * that were asked for, so that each question gets the plan it needs.
 */
final class ExecutionSearch {

	private static final Set<ExecutionState> FINISHED = EnumSet.of(ExecutionState.COMPLETED, ExecutionState.FAILED,
			ExecutionState.CANCELLED);

	private static final String LIVE_STATE = """
			case when claimed_by is not null then 'running'
			     when phase in ('due', 'held') then 'ready'
			     when waiting_for is not null then 'waiting'
			     else 'scheduled' end""";

	// Ids begin with the time at which clients made them. Their clocks may be off a bit,
	// and the time of the engine may have been put forward.
	private static final String ID_OF = """
			(select (pg_catalog.lpad(pg_catalog.to_hex(greatest(0, pg_catalog.floor(extract(epoch from
			     cast(:%s as timestamptz) %s))::bigint * 1000)), 12, '0') || pg_catalog.repeat('%s', 20))::uuid)""";

	private static final String LOWER_SLACK = "- interval '1 day' "
			+ "- greatest(interval '0', ${schema}.now() - pg_catalog.clock_timestamp())";

	private static final String UPPER_SLACK = "+ interval '1 day'";

	private final ExecutionFilter filter;

	private final Map<String, Object> parameters = new LinkedHashMap<>();

	private final String sql;

	private ExecutionSearch(ExecutionFilter filter, Set<ExecutionState> states, int limit) {
		this.filter = filter;
		Set<ExecutionState> wanted = filter.states().isEmpty() ? EnumSet.copyOf(states)
				: EnumSet.copyOf(filter.states());
		wanted.retainAll(states);
		Set<ExecutionState> live = EnumSet.copyOf(EnumSet.complementOf(EnumSet.copyOf(FINISHED)));
		live.retainAll(wanted);
		Set<ExecutionState> finished = EnumSet.copyOf(FINISHED);
		finished.retainAll(wanted);
		List<String> parts = new ArrayList<>();
		if (!live.isEmpty() && filter.finishedFrom() == null && filter.finishedBefore() == null) {
			parts.add(of("${schema}.execution", live(live), "id desc"));
		}
		if (!finished.isEmpty()) {
			// By task although that is always the same: a rare one is not to be looked
			// for
			// among all others
			String order = isOfTasks() ? "e.task desc, e.id desc" : "id desc";
			parts.add(of("${schema}.finished_execution", finished(finished), order));
		}
		this.parameters.put("limit", limit);
		this.sql = parts.isEmpty() ? "select null::uuid as id where false"
				: "select id from (" + String.join("\nunion all\n", parts) + ") found order by id desc limit :limit";
	}

	/**
	 * Look for executions.
	 * @param filter which ones; its limit doesn't count
	 * @param states those to look at
	 * @param limit how many at most
	 * @return the search
	 */
	static ExecutionSearch of(ExecutionFilter filter, Set<ExecutionState> states, int limit) {
		return new ExecutionSearch(filter, states, limit);
	}

	String sql() {
		return this.sql;
	}

	Map<String, Object> parameters() {
		return this.parameters;
	}

	// For each task by itself, so that each is read in the order of its ids
	private String of(String table, List<String> conditions, String order) {
		String page = "select id from " + table + " e"
				+ (conditions.isEmpty() ? "" : " where " + String.join("\n and ", conditions)) + " order by " + order
				+ " limit :limit";
		List<String> tasks = new ArrayList<>();
		if (!this.filter.tasks().isEmpty()) {
			this.parameters.put("tasks", SqlArrays.texts(this.filter.tasks()));
			tasks.add("select pg_catalog.unnest(:tasks::text[])");
		}
		if (this.filter.application() != null) {
			this.parameters.put("application", this.filter.application());
			tasks.add("select pg_catalog.unnest(tasks) from ${schema}.node where application = :application");
		}
		return tasks.isEmpty() ? "(" + page + ")" : "(select p.id from (" + String.join(" intersect ", tasks)
				+ ") t (task) cross join lateral (" + page + ") p)";
	}

	private List<String> live(Set<ExecutionState> states) {
		List<String> conditions = common("e.task = t.task");
		if (states.size() < ExecutionState.values().length - FINISHED.size()) {
			this.parameters.put("liveStates", names(states));
			conditions.add(LIVE_STATE + " = any (:liveStates::text[])");
		}
		return conditions;
	}

	private List<String> finished(Set<ExecutionState> states) {
		List<String> conditions = common("e.task between t.task and t.task");
		if (!states.contains(ExecutionState.COMPLETED)) {
			conditions.add("state <> 'completed'");
		}
		if (states.size() < FINISHED.size()) {
			this.parameters.put("finishedStates", names(states));
			conditions.add("state = any (:finishedStates::text[])");
		}
		add(conditions, "finished_at >= cast(:finishedFrom as timestamptz)", "finishedFrom",
				this.filter.finishedFrom());
		add(conditions, "finished_at < cast(:finishedBefore as timestamptz)", "finishedBefore",
				this.filter.finishedBefore());
		// Nothing finishes before it is enqueued
		add(conditions, "id <= " + ID_OF.formatted("finishedBefore", UPPER_SLACK, "f"), "finishedBefore",
				this.filter.finishedBefore());
		return conditions;
	}

	private boolean isOfTasks() {
		return !this.filter.tasks().isEmpty() || this.filter.application() != null;
	}

	private List<String> common(String ofTask) {
		List<String> conditions = new ArrayList<>();
		if (isOfTasks()) {
			conditions.add(ofTask);
		}
		if (this.filter.queue() != null) {
			this.parameters.put("queue", this.filter.queue());
			conditions.add("coalesce(queue, 'default') = :queue");
		}
		add(conditions, "created_at >= cast(:createdFrom as timestamptz)", "createdFrom", this.filter.createdFrom());
		add(conditions, "id >= " + ID_OF.formatted("createdFrom", LOWER_SLACK, "0"), "createdFrom",
				this.filter.createdFrom());
		add(conditions, "created_at < cast(:createdBefore as timestamptz)", "createdBefore",
				this.filter.createdBefore());
		add(conditions, "id <= " + ID_OF.formatted("createdBefore", UPPER_SLACK, "f"), "createdBefore",
				this.filter.createdBefore());
		if (this.filter.errorText() != null) {
			this.parameters.put("errorText", this.filter.errorText());
			conditions.add("error is not null and pg_catalog.strpos(pg_catalog.lower(concat_ws(': ', error->>'type', "
					+ "error->>'message')), pg_catalog.lower(:errorText)) > 0");
		}
		if (this.filter.before() != null) {
			this.parameters.put("before", this.filter.before());
			conditions.add("id < :before");
		}
		return conditions;
	}

	private void add(List<String> conditions, String condition, String parameter, @Nullable Instant time) {
		if (time != null) {
			this.parameters.put(parameter, time.toString());
			conditions.add(condition);
		}
	}

	private static Object names(Set<ExecutionState> states) {
		return SqlArrays
			.texts(states.stream().map((state) -> state.name().toLowerCase(Locale.ROOT)).collect(Collectors.toList()));
	}

}
