package io.pgconductor.jdbc;

import java.sql.SQLException;
import java.sql.Types;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

import io.pgconductor.SchemaName;
import io.pgconductor.task.EventTrigger;
import org.jspecify.annotations.Nullable;
import org.springframework.dao.DataAccessException;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * Which tasks are to run for which events, as applications declare it.
 */
public final class SubscriptionTable {

	// An upsert locks whatever it meets: it must not meet those that stay as they are
	private static final String DECLARE = """
			insert into ${schema}.subscription as s (task, event, prefix, filter, fields, application)
			select d.task, d.event, d.prefix, d.filter::jsonpath,
			       case when d.fields is not null then array (select json_array_elements_text(d.fields::json)) end, :application
			from unnest(:tasks::text[], :events::text[], :prefixes::bool[], :filters::text[], :fields::text[])
			    as d (task, event, prefix, filter, fields)
			left join ${schema}.subscription o on o.task = d.task and o.event = d.event and o.prefix = d.prefix
			where o.task is null
			   or (o.application is null or o.application = :application or not exists (
			        select from ${schema}.node n where n.dead_at is null and n.application = o.application))
			  and (o.filter::text, o.fields, o.application) is distinct from
			      (d.filter::jsonpath::text,
			       case when d.fields is not null then array (select json_array_elements_text(d.fields::json)) end,
			       :application)
			order by d.task, d.event, d.prefix
			on conflict (task, event, prefix) do update
			set filter = excluded.filter, fields = excluded.fields, application = excluded.application
			""";

	private static final String NOT_DECLARED = """
			select d.task, d.event, d.prefix
			from unnest(:tasks::text[], :events::text[], :prefixes::bool[]) as d (task, event, prefix)
			join ${schema}.subscription s on s.task = d.task and s.event = d.event and s.prefix = d.prefix
			where s.application is distinct from :application
			""";

	private static final String DROP_OTHERS = """
			delete from ${schema}.subscription s
			where s.application = :application and not exists (
			    select from unnest(:tasks::text[], :events::text[], :prefixes::bool[]) as d (task, event, prefix)
			    where d.task = s.task and d.event = s.event and d.prefix = s.prefix)
			returning s.task, s.event, s.prefix
			""";

	// Without its texts: what is left in quotes after a $ is the name of a variable. A
	// variable that is not given is an error for whoever emits, also in a silent match
	private static final String TRY_FILTER = """
			select case when strpos(regexp_replace(f.filter::text, '([$])?"(\\\\.|[^"\\\\])*"', '\\1#', 'g'), '$#') > 0
			                then true
			            when jsonb_path_match_tz('{}', f.filter) then false end as has_variable
			from (select ?::jsonpath as filter) f
			""";

	// Methods whose argument is only looked at when there is a value to read. What is in
	// quotes elsewhere is passed over
	private static final String METHODS = """
			select distinct '$' || m[1]
			from regexp_matches((?::jsonpath)::text,
			    '(\\.(?:datetime|decimal|time|time_tz|timestamp|timestamp_tz)\\((?:"(?:\\\\.|[^"\\\\])*"|[^")]+)\\))|"(?:\\\\.|[^"\\\\])*"',
			    'g') m
			where m[1] is not null
			""";

	// What fails although nothing is to fail would do so for whoever emits
	private static final String TRY_SILENTLY = """
			select count(jsonb_path_exists_tz(p.payload, ?::jsonpath, '{}', true))
			from (values ('{}'::jsonb), ('1'), ('"x"'), ('"2026-01-31"'), ('"12:00:00"')) p (payload)
			""";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	public SubscriptionTable(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * A subscription that is declared.
	 *
	 * @param task the task's name
	 * @param trigger the subscription
	 * @param fields of the payload that the task gets, as a JSON array
	 */
	public record Declaration(String task, EventTrigger trigger, @Nullable String fields) {
	}

	/**
	 * Which subscription.
	 *
	 * @param task the task's name
	 * @param event the events' name, or what their names begin with
	 * @param prefix whether it is what their names begin with
	 */
	public record Key(String task, String event, boolean prefix) {

		@Override
		public String toString() {
			return "'" + this.event + (this.prefix ? "*" : "") + "' of task '" + this.task + "'";
		}

	}

	/**
	 * Tell what is wrong with a filter.
	 * @param filter a JSONPath expression
	 * @return what is wrong with it, {@code null} if nothing is
	 */
	public @Nullable String problemWith(String filter) {
		try {
			if (this.jdbc.sql(TRY_FILTER).param(1, filter).query((rs, row) -> rs.getBoolean(1)).single()) {
				return "it has a variable ($ and a name), and there is nothing to give it a value: "
						+ "put a . between them for a field of the payload";
			}
		}
		catch (DataAccessException ex) {
			SQLException cause = SqlErrors.rootSqlException(ex);
			String state = (cause != null) ? cause.getSQLState() : null;
			if (cause != null && SqlErrors.isSyntaxError(state)) {
				return "it is not a JSONPath expression: " + cause.getMessage();
			}
			if (SqlErrors.isNoPredicate(state)) {
				return "it is not a predicate, which is true or false: compare with something, as in $.total > 100";
			}
			if (cause == null || !SqlErrors.isBadData(ex)) {
				throw ex;
			}
			// This payload doesn't suit it; others may
		}
		return Stream
			.concat(Stream.of(filter), this.jdbc.sql(METHODS).param(1, filter).query(String.class).list().stream())
			.map(this::refusal)
			.filter(Objects::nonNull)
			.findFirst()
			.orElse(null);
	}

	private @Nullable String refusal(String path) {
		try {
			this.jdbc.sql(TRY_SILENTLY).param(1, path).query(Long.class).single();
			return null;
		}
		catch (DataAccessException ex) {
			SQLException cause = SqlErrors.rootSqlException(ex);
			if (cause == null || !SqlErrors.isBadData(ex)) {
				throw ex;
			}
			return "the database fails at " + path + ", whatever the payload: " + cause.getMessage();
		}
	}

	/**
	 * Add and change what an application declares. To be called under
	 * {@link NodeTable#lockMembership()}.
	 * @param application the application, {@code null} if it has no name
	 * @param declarations all its subscriptions
	 * @return those that are not its own, since another live application declares them:
	 * they are left alone
	 */
	public Set<Key> declare(@Nullable String application, List<Declaration> declarations) {
		declared(DECLARE, application, declarations)
			.param("filters", SqlArrays.texts(declarations, (d) -> d.trigger().filter()))
			.param("fields", SqlArrays.texts(declarations, Declaration::fields))
			.update();
		return new HashSet<>(keys(declared(NOT_DECLARED, application, declarations)));
	}

	/**
	 * Drop what an application does not declare any more.
	 * @param application the application
	 * @param declarations all its subscriptions
	 * @return those that were dropped
	 */
	public Collection<Key> dropOthers(String application, List<Declaration> declarations) {
		return keys(declared(DROP_OTHERS, application, declarations));
	}

	private JdbcClient.StatementSpec declared(String sql, @Nullable String application,
			List<Declaration> declarations) {
		return this.jdbc.sql(this.schema.sql(sql))
			.param("application", application, Types.VARCHAR)
			.param("tasks", SqlArrays.texts(declarations, Declaration::task))
			.param("events", SqlArrays.texts(declarations, (d) -> d.trigger().event()))
			.param("prefixes", SqlArrays.column("bool", declarations, (d) -> d.trigger().prefix()));
	}

	private static List<Key> keys(JdbcClient.StatementSpec statement) {
		return statement
			.query((rs, row) -> new Key(rs.getString("task"), rs.getString("event"), rs.getBoolean("prefix")))
			.list();
	}

}
