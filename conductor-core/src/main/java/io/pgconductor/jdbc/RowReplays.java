package io.pgconductor.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import io.pgconductor.ConductorException;
import io.pgconductor.RowReplay;
import io.pgconductor.SchemaName;
import io.pgconductor.task.SqlName;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Invokes tasks for rows that are there, as the triggers on their tables would.
 */
public final class RowReplays {

	// Triggers are not inherited, but by partitions
	private static final String INSTALLED = """
			select d.name, d.table_schema, d.table_name, d.capture, d.key_columns, d.key_types,
			       format('%s%I.%I', case when c.relkind = 'p' then '' else 'only ' end, d.table_schema, d.table_name) as source
			from ${schema}.row_change d
			left join pg_namespace n on n.nspname = d.table_schema
			left join pg_class c on c.relnamespace = n.oid and c.relname = d.table_name
			where d.task = ?
			order by d.table_schema, d.table_name, d.name
			""";

	private static final int ROWS_LOOKED_AT_FOR_ONE = 10;

	// Writes nothing: whatever PostgreSQL has to say is about the condition, or that the
	// rows must not be locked
	private static final String CHECK = """
			select from %s where (%s
			) limit 0 for share
			""";

	// Later ones have their own trigger, and could come for ever
	private static final String LAST_KEY = """
			select %s as key from %s order by %s limit 1
			""";

	private static final String WINDOW = """
			select %s as key from %s where %s order by %s offset %d limit 1
			""";

	// In a case, so that the planner thinks of no index but the key's
	private static final String MATCHES = """
			%s and case when (%s) <= (%s) then (%s
			) end""";

	// Locked, so that changes that are under way come before and all others after. What
	// has been locked is the newest version of a row, which may have another key: where
	// the batch ends is found out before that, in the same snapshot. Volatile functions
	// of a select list are called after the order, once for each row. The condition sees
	// the first name, which must not be that of a table.
	private static final String REPLAY = """
			with conductor_ending as materialized (
			    select %2$s from %1$s where %3$s order by %2$s offset %5$d - 1 limit 1
			), page as materialized (
			    select %4$s.* from %1$s
			    where %3$s and ((%2$s) > (select * from conductor_ending)) is not true
			    order by %2$s limit %5$d
			    for share
			), captured as materialized (
			    select %6$s as target from page r order by %7$s
			)
			select count(*) as enqueued, array_agg(distinct c.target) filter (where c.target is not null) as targets,
			       (select %8$s from conductor_ending e) as key
			from captured c
			""";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	public RowReplays(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * How far a replay has come.
	 *
	 * @param replay what is replayed
	 * @param key up to which key all rows are replayed; {@code null}: none is
	 * @param enqueued how many executions were enqueued
	 * @param targets who has something to do
	 * @param complete whether that was all
	 */
	public record Progress(Replay replay, @Nullable List<String> key, long enqueued, Set<String> targets,
			boolean complete) {

		/**
		 * Describe the rows that are left.
		 * @return a condition, or an empty text if none is done
		 */
		public String rest() {
			return (this.key == null) ? ""
					: "(%s) > (%s)".formatted(String.join(", ", this.replay.trigger().keyColumns()),
							this.key.stream().map(SqlName::literal).collect(Collectors.joining(", ")));
		}

	}

	/**
	 * Rows to replay, and how.
	 *
	 * @param rows what was asked for
	 * @param trigger as which trigger
	 * @param condition what was asked for, ready for use
	 * @param lastKey the key of the last row when the replay began
	 */
	record Replay(RowReplay rows, InstalledTrigger trigger, ReplayCondition condition, List<String> lastKey) {
	}

	/**
	 * Find out how rows are to be replayed, and whether they can be. Nothing is written.
	 * @param task the task's name
	 * @param rows which rows
	 * @return where to begin
	 * @throws IllegalArgumentException if they cannot be replayed; the message says why
	 */
	public Progress begin(String task, RowReplay rows) {
		InstalledTrigger trigger = trigger(task, rows);
		if (trigger.keyColumns().isEmpty()) {
			throw new IllegalArgumentException("The rows of " + trigger.table() + " cannot be replayed for task '"
					+ task + "': the table had no primary key, by which batches follow one another, when its trigger "
					+ "was made. Add one and restart a node, or invoke the task for the rows");
		}
		ReplayCondition condition = ReplayCondition.of(rows);
		List<String> lastKey = onTable(trigger, () -> lastKey(trigger));
		onTable(trigger,
				() -> onCondition(trigger, rows,
						() -> this.jdbc.sql(CHECK.formatted(trigger.source(), condition.sql()))
							.params(condition.values())
							.query((rs, row) -> row)
							.list()));
		return new Progress(new Replay(rows, trigger, condition, lastKey), null, 0, Set.of(), lastKey.isEmpty());
	}

	private List<String> lastKey(InstalledTrigger trigger) {
		return this.jdbc
			.sql(LAST_KEY.formatted(trigger.keyAsTexts(trigger.alias()), trigger.source(),
					trigger.keys((column) -> trigger.alias() + "." + column + " desc")))
			.query((rs, row) -> texts(rs, "key"))
			.optional()
			.orElse(List.of());
	}

	/**
	 * Replay some more rows.
	 * @param progress how far the replay has come
	 * @return how far it has come now
	 */
	public Progress next(Progress progress) {
		Replay replay = progress.replay();
		InstalledTrigger trigger = replay.trigger();
		String key = trigger.key(trigger.alias());
		List<String> window = onTable(trigger, () -> window(progress));
		List<@Nullable Object> values = new ArrayList<>(range(progress, window));
		values.addAll(window);
		values.addAll(replay.condition().values());
		values.addAll(new ArrayList<>(values));
		String matches = MATCHES.formatted(range(progress), key, trigger.keyParameter(), replay.condition().sql());
		String sql = REPLAY.formatted(trigger.source(), key, matches, trigger.alias(), replay.rows().batchSize(),
				trigger.capture(), trigger.key("r"), trigger.keyAsTexts("e"));
		// The condition has been checked: what is missing now is what the trigger names
		return onCondition(trigger, replay.rows(), () -> onTable(trigger,
				() -> this.jdbc.sql(sql).params(values).query((rs, row) -> after(progress, window, rs)).single()));
	}

	// Without the condition, so that a batch costs the same whatever meets it
	private List<String> window(Progress progress) {
		Replay replay = progress.replay();
		InstalledTrigger trigger = replay.trigger();
		int size = replay.rows().batchSize() * ((replay.rows().condition() != null) ? ROWS_LOOKED_AT_FOR_ONE : 1);
		return this.jdbc
			.sql(WINDOW.formatted(trigger.keyAsTexts(trigger.alias()), trigger.source(), range(progress),
					trigger.key(trigger.alias()), size - 1))
			.params(range(progress, replay.lastKey()))
			.query((rs, row) -> texts(rs, "key"))
			.optional()
			.orElse(replay.lastKey());
	}

	private static String range(Progress progress) {
		InstalledTrigger trigger = progress.replay().trigger();
		String key = trigger.key(trigger.alias());
		return ((progress.key() != null) ? "(%s) > (%s) and ".formatted(key, trigger.keyParameter()) : "")
				+ "(%s) <= (%s)".formatted(key, trigger.keyParameter());
	}

	private static List<String> range(Progress progress, List<String> last) {
		return Stream.of((progress.key() != null) ? progress.key() : List.<String>of(), last)
			.flatMap(List::stream)
			.toList();
	}

	private static Progress after(Progress before, List<String> window, ResultSet rs) throws SQLException {
		List<String> key = (rs.getArray("key") != null) ? texts(rs, "key") : window;
		return new Progress(before.replay(), key, before.enqueued() + rs.getInt("enqueued"),
				SqlArrays.set(rs, "targets", String[].class), key.equals(before.replay().lastKey()));
	}

	private static List<String> texts(ResultSet rs, String column) throws SQLException {
		return List.of((String[]) rs.getArray(column).getArray());
	}

	private InstalledTrigger trigger(String task, RowReplay rows) {
		List<InstalledTrigger> installed = this.jdbc.sql(this.schema.sql(INSTALLED))
			.param(task)
			.query((rs, row) -> new InstalledTrigger(rs.getString("name"),
					new InstalledTrigger.Table(rs.getString("table_schema"), rs.getString("table_name")),
					rs.getString("source"), rs.getString("capture"), texts(rs, "key_columns"), texts(rs, "key_types")))
			.list();
		return InstalledTrigger.select(installed, task, rows);
	}

	private static <T> T onTable(InstalledTrigger trigger, Supplier<T> statement) {
		try {
			return statement.get();
		}
		catch (DataAccessException ex) {
			if (SqlErrors.isMissingSchema(ex)) {
				throw new ConductorException(
						"The trigger " + trigger.name() + " does not fit " + trigger.table() + " any more ("
								+ SqlErrors.message(ex) + "): restart a node that declares it, which makes it anew",
						ex);
			}
			if (SqlErrors.isMissingPrivilege(ex)) {
				throw new ConductorException("The rows of " + trigger.table() + " cannot be replayed ("
						+ SqlErrors.message(ex) + "): it takes the privileges SELECT and UPDATE on the table, "
						+ "since its rows are locked until their executions are committed", ex);
			}
			throw ex;
		}
	}

	private static <T> T onCondition(InstalledTrigger trigger, RowReplay rows, Supplier<T> statement) {
		try {
			return statement.get();
		}
		catch (DataAccessException ex) {
			if (rows.condition() == null || !SqlErrors.isBadExpression(ex)) {
				throw ex;
			}
			throw new IllegalArgumentException("The condition '" + rows.condition() + "' cannot be used on the rows of "
					+ trigger.table() + ": " + SqlErrors.message(ex), ex);
		}
	}

}
