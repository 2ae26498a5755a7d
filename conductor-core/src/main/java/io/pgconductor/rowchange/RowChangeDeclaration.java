package io.pgconductor.rowchange;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

import io.pgconductor.jdbc.TableDescription;
import io.pgconductor.task.InvalidTaskException;
import io.pgconductor.task.RowChangeTrigger;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;

/**
 * That a task runs for changes of a table.
 *
 * @param task the task
 * @param trigger which changes
 */
record RowChangeDeclaration(TaskSpec task, RowChangeTrigger trigger) {

	/**
	 * Describe what is declared.
	 * @param services of the node
	 * @param ordinal which one it is of those with the same task and table
	 * @return the same for all nodes that install the same for it
	 */
	String describe(RowChangeServices services, int ordinal) {
		RowChangeTrigger.Content content = this.trigger.content();
		Object properties = (this.task.payloadType() != null) ? services.json().rowProperties(this.task.payloadType())
				: null;
		return Objects.requireNonNull(services.json()
			.write(List.of("row change", CaptureScript.VERSION, ordinal, this.task.name(), this.trigger.schema(),
					this.trigger.table(), this.trigger.operations(), String.valueOf(this.trigger.when()),
					this.trigger.watch(), content.form(), String.valueOf(content.columns()), content.mapping(),
					content.includeOld(), content.includeMeta(), String.valueOf(this.trigger.dedupeKey()),
					String.valueOf(this.trigger.options().queue()), String.valueOf(this.trigger.options().priority()),
					String.valueOf(this.trigger.options().delay()),
					String.valueOf(this.trigger.options().maxAttempts()), String.valueOf(properties)), "row change"));
	}

	/**
	 * Put the declaration beside its table, and write the SQL that installs it.
	 * @param services of the node
	 * @param ordinals how many declarations there were so far, by task and table
	 * @return the SQL
	 * @throws IllegalArgumentException if the table doesn't fit
	 * @throws org.springframework.dao.DataAccessException if the table cannot be looked
	 * at, also since it is being changed
	 */
	CaptureScript script(RowChangeServices services, Map<String, Integer> ordinals) {
		TableDescription table = table(services).orElseThrow(
				() -> new IllegalArgumentException("there is no table '" + this.trigger.table() + "' in schema '"
						+ this.trigger.schema() + "', which has " + services.table().tableNames(this.trigger.schema())
						+ ": correct the name, or have a migration create the table before"));
		Capture capture = Capture.of(this.task, this.trigger, table, services.json());
		int ordinal = ordinals.merge(this.task.name() + "\0" + table.quoted(), 1, Integer::sum);
		return new CaptureScript(services.schema(), capture, ordinal);
	}

	private Optional<TableDescription> table(RowChangeServices services) {
		return Objects.requireNonNull(services.inTransaction((status) -> {
			// What is generated on read cannot be seen while the table is being changed
			services.table().execute("set local lock_timeout = '100ms'");
			// All nodes shall see the same names, and these are for other sessions, too
			services.table().execute("set local search_path = pg_catalog");
			return services.table().describe(this.trigger.schema(), this.trigger.table());
		}));
	}

	InvalidTaskException invalid(String problem, @Nullable Throwable cause) {
		return new InvalidTaskException(this.task + ": its row changes of " + this.trigger.schema() + "."
				+ this.trigger.table() + " cannot be captured: " + problem, this.task.source(), cause);
	}

}
