package io.pgconductor.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

import javax.sql.DataSource;

import io.pgconductor.SchemaName;
import io.pgconductor.task.SqlName;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * The triggers for row changes that are installed on users' tables, and what there is to
 * know about those tables.
 */
public final class RowChangeTable {

	private static final int MAX_NAMES = 30;

	private static final String COLUMNS = """
			select a.attname as name, pg_catalog.format_type(a.atttypid, -1) as type, b.name as base_type, b.is_array, b.is_ordinary,
			       case when pg_catalog.to_jsonb(a) ->> 'attgenerated' = 'v'
			            then (select pg_catalog.pg_get_expr(d.adbin, d.adrelid) from pg_catalog.pg_attrdef d
			                  where d.adrelid = a.attrelid and d.adnum = a.attnum) end as generated_on_read,
			       n.nspname as table_schema, c.relname as table_name, c.relkind in ('r', 'p', 'f') as holds_rows,
			       pg_catalog.has_table_privilege(c.oid, 'TRIGGER') as may_have_triggers,
			       array (select k.attname::text
			              from pg_catalog.pg_index i
			              cross join lateral pg_catalog.unnest(i.indkey::int2[]) with ordinality as p (attnum, position)
			              join pg_catalog.pg_attribute k on k.attrelid = i.indrelid and k.attnum = p.attnum
			              where i.indrelid = c.oid and i.indisprimary
			              order by p.position) as primary_key
			from pg_catalog.pg_class c
			join pg_catalog.pg_namespace n on n.oid = c.relnamespace
			join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
			cross join lateral (
			    with recursive base (oid, is_array) as (
			        select a.atttypid, false
			        union all
			        select case t.typtype when 'd' then t.typbasetype else t.typelem end,
			               b.is_array or t.typtype <> 'd'
			        from base b join pg_catalog.pg_type t on t.oid = b.oid
			        where t.typtype = 'd' or t.typcategory = 'A')
			    select case when t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace then t.typname::text
			                else t.oid::pg_catalog.regtype::text end as name,
			           b.is_array,
			           t.typtype = 'e' or (t.typtype <> 'c' and t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace) as is_ordinary
			    from base b join pg_catalog.pg_type t on t.oid = b.oid
			    where t.typtype <> 'd' and t.typcategory <> 'A') b
			where n.nspname = :schema and c.relname = :table
			order by a.attnum
			""";

	private static final String TABLE_NAMES = """
			select c.relname::text from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
			where n.nspname = any (:schemas) and c.relkind in ('r', 'p', 'f') and not c.relispartition
			order by 1 limit :limit
			""";

	// Triggers of partitions are clones. Those on a table that was renamed are not wanted
	private static final String INSTALLED = """
			select r.name, r.digest, r.application,
			       exists (select from ${schema}.node n where n.dead_at is null and n.application = r.application) as live,
			       array (select case when c.relname = r.table_name and s.nspname = r.table_schema then t.tgname::text
			                          else pg_catalog.concat_ws('.', s.nspname, c.relname, t.tgname) end
			              from pg_catalog.pg_proc p
			              join pg_catalog.pg_namespace n on n.oid = p.pronamespace and n.nspname = '${schema}'
			              join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
			                                         and d.refobjid = p.oid
			                                         and d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass
			              join pg_catalog.pg_trigger t on t.oid = d.objid and t.tgfoid = p.oid and t.tgparentid = 0
			              join pg_catalog.pg_class c on c.oid = t.tgrelid
			              join pg_catalog.pg_namespace s on s.oid = c.relnamespace
			              where p.proname = r.name) as triggers
			from ${schema}.row_change r
			where r.name = any (:names)
			""";

	private static final String OTHERS = """
			select name, table_schema, table_name, task from ${schema}.row_change
			where application = :application and name <> all (:names)
			order by name
			""";

	// Of the table that functions insert into: who owns the schema need not have a right
	// to it
	private static final String OWNER = """
			select pg_catalog.pg_get_userbyid(c.relowner)::text
			from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
			where n.nspname = '${schema}' and c.relname = 'execution'
			""";

	private static final String OTHER_OWNER = OWNER
			+ """
					  and pg_catalog.pg_get_userbyid(c.relowner) <> current_user and pg_catalog.pg_has_role(c.relowner, 'MEMBER')
					  and pg_catalog.has_schema_privilege(c.relowner, n.oid, 'CREATE')
					""";

	// An autovacuum of a large table takes hours. It gives way to who has waited for the
	// deadlock time-out
	private static final String BOUND_WAITS = """
			select pg_catalog.set_config('lock_timeout', case when v.only_vacuum
			           then (select setting::int + 200 from pg_catalog.pg_settings where name = 'deadlock_timeout')::text
			           else '100' end, true)
			from (select pg_catalog.bool_and(l.mode = 'ShareUpdateExclusiveLock') as only_vacuum
			      from pg_catalog.pg_locks l
			      join pg_catalog.pg_class c on c.oid = l.relation and c.relname = :table
			      join pg_catalog.pg_namespace n on n.oid = c.relnamespace and n.nspname = :schema
			      where l.locktype = 'relation' and l.granted and l.pid <> pg_catalog.pg_backend_pid()
			        and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())) v
			""";

	private final JdbcClient jdbc;

	private final JdbcTemplate plain;

	private final SchemaName schema;

	public RowChangeTable(DataSource dataSource, SchemaName schema) {
		this.jdbc = JdbcClient.create(dataSource);
		this.plain = new JdbcTemplate(dataSource);
		this.schema = schema;
	}

	/**
	 * Triggers that are installed for one declaration.
	 *
	 * @param name the name that those of the function and the triggers are made of
	 * @param digest of what was installed
	 * @param application that has declared it, {@code null} if it has no name
	 * @param live whether that application has a live node
	 * @param triggers the names of those that the table has; of another table, which had
	 * its name before, with that table's
	 */
	public record Installed(String name, String digest, @Nullable String application, boolean live,
			Set<String> triggers) {
	}

	/**
	 * What is installed, but not declared by those who ask.
	 *
	 * @param name the name that those of the function and the triggers are made of
	 * @param table the table that has, or had, the triggers
	 * @param task the task that runs
	 */
	public record Other(String name, String table, String task) {

		@Override
		public String toString() {
			return "of " + this.table + " for task '" + this.task + "'";
		}

	}

	/**
	 * Look at a table.
	 * @param schema its schema, as somebody has written it
	 * @param table its name, as somebody has written it
	 * @return the table, if there is one
	 */
	public Optional<TableDescription> describe(String schema, String table) {
		return SqlName.candidates(schema)
			.flatMap((schemaName) -> SqlName.candidates(table).map((name) -> describeExactly(schemaName, name)))
			.flatMap(Optional::stream)
			.findFirst();
	}

	private Optional<TableDescription> describeExactly(String schema, String table) {
		return this.jdbc.sql(COLUMNS).param("schema", schema).param("table", table).query((ResultSet rs) -> {
			List<TableDescription.Column> columns = new ArrayList<>();
			TableDescription description = null;
			while (rs.next()) {
				columns.add(new TableDescription.Column(rs.getString("name"), rs.getString("type"),
						rs.getString("base_type"), rs.getBoolean("is_array"), rs.getBoolean("is_ordinary"),
						rs.getString("generated_on_read")));
				description = new TableDescription(rs.getString("table_schema"), rs.getString("table_name"),
						rs.getBoolean("holds_rows"), rs.getBoolean("may_have_triggers"), columns,
						List.of((String[]) rs.getArray("primary_key").getArray()));
			}
			return Optional.ofNullable(description);
		});
	}

	/**
	 * Return what tables there are in a schema, for messages.
	 * @param schema the schema, as somebody has written it
	 * @return names of tables, not too many
	 */
	public List<String> tableNames(String schema) {
		return this.jdbc.sql(TABLE_NAMES)
			.param("schemas", SqlArrays.texts(SqlName.candidates(schema).toList()))
			.param("limit", MAX_NAMES)
			.query(String.class)
			.list();
	}

	/**
	 * Return what is installed.
	 * @param names the names that those of functions and triggers are made of
	 * @return what is installed of them, by name
	 */
	public Map<String, Installed> installed(Collection<String> names) {
		return this.jdbc.sql(this.schema.sql(INSTALLED))
			.param("names", SqlArrays.texts(names))
			.query((rs, row) -> installed(rs))
			.list()
			.stream()
			.collect(Collectors.toMap(Installed::name, Function.identity()));
	}

	private static Installed installed(ResultSet rs) throws SQLException {
		return new Installed(rs.getString("name"), rs.getString("digest"), rs.getString("application"),
				rs.getBoolean("live"), SqlArrays.set(rs, "triggers", String[].class));
	}

	/**
	 * Return what else an application has installed.
	 * @param application the application
	 * @param names what it still declares
	 * @return what it does not declare any more
	 */
	public List<Other> others(String application, Collection<String> names) {
		return this.jdbc.sql(this.schema.sql(OTHERS))
			.param("application", application)
			.param("names", SqlArrays.texts(names))
			.query((rs, row) -> new Other(rs.getString("name"),
					rs.getString("table_schema") + "." + rs.getString("table_name"), rs.getString("task")))
			.list();
	}

	/**
	 * Return the role that owns the conductor's tables.
	 * @return the role's name
	 */
	public String owner() {
		return this.jdbc.sql(this.schema.sql(OWNER)).query(String.class).single();
	}

	/**
	 * Return the role that functions should belong to, so that others can replace them.
	 * @return the owner of the conductor's tables, if that is another role that this one
	 * is a member of
	 */
	public Optional<String> otherOwner() {
		return this.jdbc.sql(this.schema.sql(OTHER_OWNER)).query(String.class).optional();
	}

	/**
	 * Have the current transaction wait for locks on a table as long as its writers can
	 * stand it.
	 * @param table the table
	 */
	public void boundWaits(TableDescription table) {
		this.jdbc.sql(BOUND_WAITS)
			.param("schema", table.schema())
			.param("table", table.name())
			.query(String.class)
			.single();
	}

	/**
	 * Execute a statement that installs or drops something.
	 * @param statement the statement; question marks are operators
	 */
	public void execute(String statement) {
		this.plain.execute(statement);
	}

}
