package io.pgconductor.jdbc;

import java.sql.Types;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;

import io.pgconductor.SchemaName;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

/**
 * What is exchanged about executions while they run: how far they are, and whether they
 * are to stop.
 */
public final class RunningExecutionTable {

	private static final String PROGRESS = """
			with told as (
			    select e.id, o.fraction, o.message
			    from ${schema}.execution e
			    join unnest(:ids::uuid[], :nodes::uuid[], :claimNos::int[], :fractions::float8[], :messages::text[])
			        as o (id, node, claim_no, fraction, message)
			        on e.id = o.id and e.claimed_by = o.node and e.claim_no = o.claim_no
			    for no key update of e skip locked
			)
			update ${schema}.execution e
			set progress = t.fraction, progress_message = t.message
			from told t
			where e.id = t.id
			returning e.id
			""";

	private static final String CANCELLED = """
			select id from ${schema}.execution where id = any (:ids::uuid[]) and cancel_requested_at is not null
			""";

	private static final String CANCEL = """
			with patience as materialized (select set_config('lock_timeout', '100ms', true))
			select ${schema}.cancel(:id, :reason) from patience
			""";

	private final JdbcClient jdbc;

	private final SchemaName schema;

	public RunningExecutionTable(JdbcClient jdbc, SchemaName schema) {
		this.jdbc = jdbc;
		this.schema = schema;
	}

	/**
	 * How far an execution is.
	 *
	 * @param execution the execution as it was claimed
	 * @param fraction from 0 to 1
	 * @param message what its handler says
	 */
	public record Progress(ClaimedExecution execution, double fraction, @Nullable String message) {
	}

	/**
	 * Write how far executions are.
	 * @param progress how far; what others have locked is left alone
	 * @return the executions it was written of
	 */
	public Set<UUID> write(List<Progress> progress) {
		return new HashSet<>(this.jdbc.sql(this.schema.sql(PROGRESS))
			.param("ids", SqlArrays.column("uuid", progress, (p) -> p.execution().id()))
			.param("nodes", SqlArrays.column("uuid", progress, (p) -> p.execution().node()))
			.param("claimNos", SqlArrays.ints(progress, (p) -> p.execution().claimNo()))
			.param("fractions", SqlArrays.column("float8", progress, Progress::fraction))
			.param("messages", SqlArrays.texts(progress, Progress::message))
			.query(UUID.class)
			.list());
	}

	/**
	 * Cancel an execution, whatever transaction its handler is in.
	 * @param id the execution's id
	 * @param reason kept with it
	 * @return whether this call did it
	 */
	public boolean cancel(UUID id, @Nullable String reason) {
		return this.jdbc.sql(this.schema.sql(CANCEL))
			.param("id", id)
			.param("reason", reason, Types.VARCHAR)
			.query(Boolean.class)
			.single();
	}

	/**
	 * Tell which executions are to be cancelled.
	 * @param ids some executions
	 * @return the ids of those whose cancellation was requested
	 */
	public Set<UUID> cancelled(Collection<UUID> ids) {
		return new HashSet<>(this.jdbc.sql(this.schema.sql(CANCELLED))
			.param("ids", SqlArrays.of("uuid", ids))
			.query(UUID.class)
			.list());
	}

}
