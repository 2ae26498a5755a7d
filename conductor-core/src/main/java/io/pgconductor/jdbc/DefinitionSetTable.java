package io.pgconductor.jdbc;

import java.time.Duration;
import java.util.Locale;
import java.util.Optional;

import io.pgconductor.SchemaName;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * The sets of schedules, subscriptions and row changes that applications have declared.
 * Of an application the newest one that a live node declares counts; what else was
 * declared is dropped when all its live nodes declare that.
 */
public final class DefinitionSetTable {

	// A node that starts brings back what is missing, even if its set was applied before
	private static final String DECLARE = """
			insert into ${schema}.definition_set (application, digest, first_seen_at, last_seen_at, state)
			values (:application, :digest, pg_catalog.clock_timestamp(), pg_catalog.now(), 'declared')
			on conflict (application, digest) do update set last_seen_at = excluded.last_seen_at, state = excluded.state
			""";

	private static final String LIVE = """
			with live as (
			    select s.digest, s.state, s.first_seen_at
			    from ${schema}.definition_set s
			    where s.application = :application and exists (
			        select from ${schema}.node n
			        where n.dead_at is null and n.application = s.application and n.definitions = s.digest)
			)
			""";

	private static final String TO_DO = LIVE + """
			select case when digest <> :digest or state = 'applied' then 'nothing'
			            when (select count(*) from live) = 1 then 'apply'
			            when state = 'declared' then 'add' else 'nothing' end
			from live order by first_seen_at desc, digest limit 1
			""";

	private static final String STANDING = LIVE + """
			select case when digest <> :digest then 'superseded'
			            when (select count(*) from live) = 1 then 'only' else 'newest' end
			from live order by first_seen_at desc, digest limit 1
			""";

	private static final String SET_STATE = """
			update ${schema}.definition_set
			set state = case when digest = :digest then :state else 'declared' end
			where application = :application
			""";

	private static final String REDO_OTHERS = """
			update ${schema}.definition_set set state = 'declared' where application <> :application and state <> 'declared'
			""";

	private static final String FORGET = """
			delete from ${schema}.definition_set s
			where s.last_seen_at < pg_catalog.now() - :age * interval '1 second' and not exists (
			    select from ${schema}.node n where n.application = s.application and n.definitions = s.digest)
			""";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	public DefinitionSetTable(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * What a node has to do about the set that it declares.
	 */
	public enum ToDo {

		/**
		 * Nothing: it was applied, or a newer one counts.
		 */
		NOTHING,

		/**
		 * Add and change what it says; other live nodes declare other things.
		 */
		ADD,

		/**
		 * Add and change what it says, and drop everything else.
		 */
		APPLY

	}

	/**
	 * How a set that a node declares stands to those of other live nodes of the
	 * application.
	 */
	public enum Standing {

		/**
		 * A newer one counts.
		 */
		SUPERSEDED,

		/**
		 * It counts; others declare other things.
		 */
		NEWEST,

		/**
		 * There is no other.
		 */
		ONLY

	}

	/**
	 * Note that a node declares a set.
	 * @param application the node's application
	 * @param digest the digest of the set
	 */
	public void declare(String application, String digest) {
		this.jdbc.sql(this.schema.sql(DECLARE)).param("application", application).param("digest", digest).update();
	}

	/**
	 * Tell what there is to do. Costs next to nothing.
	 * @param application the node's application
	 * @param digest the digest of the set that it declares
	 * @return what there is to do
	 */
	public ToDo toDo(String application, String digest) {
		return ofLive(TO_DO, application, digest).map(ToDo::valueOf).orElse(ToDo.NOTHING);
	}

	/**
	 * Tell how a set stands to others. Costs next to nothing.
	 * @param application the node's application
	 * @param digest the digest of the set that it declares
	 * @return how it stands
	 */
	public Standing standing(String application, String digest) {
		return ofLive(STANDING, application, digest).map(Standing::valueOf).orElse(Standing.SUPERSEDED);
	}

	private Optional<String> ofLive(String sql, String application, String digest) {
		return this.jdbc.sql(this.schema.sql(sql))
			.param("application", application)
			.param("digest", digest)
			.query(String.class)
			.optional()
			.map((word) -> word.toUpperCase(Locale.ROOT));
	}

	/**
	 * Note that something was done: the other sets of the application would have to be
	 * done anew.
	 * @param application the application
	 * @param digest the digest of the set
	 * @param done what was done
	 */
	public void done(String application, String digest, ToDo done) {
		this.jdbc.sql(this.schema.sql(SET_STATE))
			.param("application", application)
			.param("digest", digest)
			.param("state", (done == ToDo.APPLY) ? "applied" : "added")
			.update();
	}

	/**
	 * Have other applications declare their sets anew: something was dropped that they
	 * may declare, too.
	 * @param application the application that has dropped it
	 */
	public void redoOthers(String application) {
		this.jdbc.sql(this.schema.sql(REDO_OTHERS)).param("application", application).update();
	}

	/**
	 * Forget sets that no node has declared for some time.
	 * @param age the time
	 */
	public void forget(Duration age) {
		this.jdbc.sql(this.schema.sql(FORGET)).param("age", age.toSeconds()).update();
	}

}
