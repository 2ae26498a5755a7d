package io.pgconductor.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

import io.pgconductor.ConductorException;
import io.pgconductor.RowReplay;
import io.pgconductor.SchemaName;
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

	// Writes nothing: whatever PostgreSQL has to say is about the condition
	private static final String CHECK = """
			select from %s r where (%s
			) limit 0
			""";

	// Later ones have their own trigger, and could come for ever
	private static final String LAST_KEY = """
			select %s as key from %s r order by %s limit 1
			""";

	// Volatile functions of a select list are called after order and limit: once for each
	// row of the page, and in that order. Nothing is locked: rows are as they were when
	// the statement began.
	private static final String REPLAY = """
			with page as materialized (
			    select %s as target, %s as key, %s
			    from %s r
			    where (%s
			    ) and %s
			    order by %s
			    limit %d
			)
			select l.key, a.enqueued, a.targets
			from (select count(*) as enqueued, array_agg(distinct p.target) filter (where p.target is not null) as targets
			      from page p) a
			left join lateral (select p.key from page p order by %s limit 1) l on true
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
	 * @param key the key of the last row that was looked at; {@code null}: none was
	 * @param enqueued how many executions were enqueued
	 * @param targets who has something to do
	 * @param complete whether that was all
	 */
	public record Progress(Replay replay, @Nullable List<String> key, long enqueued, Set<String> targets,
			boolean complete) {

		/**
		 * Describe the key in a message.
		 * @return the columns and their values
		 */
		public String describeKey() {
			List<String> values = (this.key != null) ? this.key : List.of();
			return IntStream.range(0, values.size())
				.mapToObj((i) -> this.replay.trigger().keyColumns().get(i) + " = " + values.get(i))
				.collect(Collectors.joining(", "));
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
		onCondition(trigger, rows,
				() -> this.jdbc.sql(CHECK.formatted(trigger.source(), condition.sql()))
					.params(condition.values())
					.query((rs, row) -> row)
					.list());
		return new Progress(new Replay(rows, trigger, condition, lastKey), null, 0, Set.of(), lastKey.isEmpty());
	}

	private List<String> lastKey(InstalledTrigger trigger) {
		String descending = trigger.keys((i) -> "r." + trigger.keyColumns().get(i) + " desc");
		return this.jdbc.sql(LAST_KEY.formatted(trigger.keyAsTexts(), trigger.source(), descending))
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
		List<@Nullable Object> values = new ArrayList<>(replay.condition().values());
		values.addAll(replay.lastKey());
		// Of a range with two ends the planner would expect few rows, and sort them all
		String range = "((%s) > (%s)) is not true".formatted(trigger.key(), trigger.keyParameter());
		if (progress.key() != null) {
			values.addAll(progress.key());
			range += " and (%s) > (%s)".formatted(trigger.key(), trigger.keyParameter());
		}
		String sql = REPLAY.formatted(trigger.capture(), trigger.keyAsTexts(),
				trigger.keys((i) -> "r." + trigger.keyColumns().get(i) + " as key_" + i), trigger.source(),
				replay.condition().sql(), range, trigger.key(), replay.rows().batchSize(),
				trigger.keys((i) -> "p.key_" + i + " desc"));
		// The condition has been checked: what is missing now is what the trigger names
		return onCondition(trigger, replay.rows(), () -> onTable(trigger,
				() -> this.jdbc.sql(sql).params(values).query((rs, row) -> after(progress, rs)).single()));
	}

	private static Progress after(Progress before, ResultSet rs) throws SQLException {
		int enqueued = rs.getInt("enqueued");
		return new Progress(before.replay(), (enqueued > 0) ? texts(rs, "key") : before.key(),
				before.enqueued() + enqueued, SqlArrays.set(rs, "targets", String[].class),
				enqueued < before.replay().rows().batchSize());
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
