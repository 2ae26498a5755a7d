package io.pgconductor.rowchange;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import io.pgconductor.InvokeOptions;
import io.pgconductor.RowOperation;
import io.pgconductor.SchemaName;
import io.pgconductor.jdbc.TableDescription;
import io.pgconductor.jdbc.TableDescription.Column;
import io.pgconductor.task.SqlName;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.JsonNodeFactory;

/**
 * The SQL that installs one capture: a function, and a trigger for each operation that
 * calls it for the rows that matter.
 */
final class CaptureScript {

	/**
	 * Grows when other SQL is generated for the same declaration.
	 */
	static final int VERSION = 1;

	private static final int MAX_SLUG_LENGTH = 28;

	private static final int HASH_LENGTH = 12;

	private static final String EXISTING_ROW = "r";

	private final SchemaName schema;

	private final Capture capture;

	private final String name;

	/**
	 * Write the SQL for a capture.
	 * @param schema the conductor's schema
	 * @param capture what is captured
	 * @param ordinal which one it is of those with the same task and table
	 */
	CaptureScript(SchemaName schema, Capture capture, int ordinal) {
		this.schema = schema;
		this.capture = capture;
		String slug = capture.task().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9]+", "_");
		String identity = String.join("\0", schema.value(), capture.task(), capture.table().schema(),
				capture.table().name(), String.valueOf(ordinal));
		this.name = "conductor_" + slug.substring(0, Math.min(slug.length(), MAX_SLUG_LENGTH)) + "_"
				+ sha256(identity).substring(0, HASH_LENGTH);
	}

	Capture capture() {
		return this.capture;
	}

	/**
	 * Return the name of the function; those of the triggers begin with it.
	 * @return a name that no other capture has, short enough for an identifier
	 */
	String name() {
		return this.name;
	}

	/**
	 * Return the names of the triggers.
	 * @return one for each operation
	 */
	Set<String> triggerNames() {
		return operations().map(this::triggerName).collect(Collectors.toSet());
	}

	private Stream<RowOperation> operations() {
		return this.capture.trigger().operations().stream();
	}

	private String triggerName(RowOperation operation) {
		return this.name + "_" + operation.name().toLowerCase(Locale.ROOT);
	}

	/**
	 * Return a digest of all that is installed.
	 * @return the same for the same SQL
	 */
	String digest() {
		return sha256(Stream.of(Stream.of(createFunction()),
				operations().map((operation) -> createTrigger(operation, table().quoted(), this.name)), registered())
			.flatMap((part) -> part)
			.collect(Collectors.joining("\n")));
	}

	private TableDescription table() {
		return this.capture.table();
	}

	/**
	 * Return the statements that install everything, in a transaction.
	 * @param application that declares it, {@code null} if it has no name
	 * @param owner the role that the function is to belong to; {@code null}: this one
	 * @return the statements, in order
	 */
	List<String> install(@Nullable String application, @Nullable String owner) {
		List<String> statements = new ArrayList<>();
		// With its triggers, also on a table that had the name before. Who may create
		// triggers on a table may not drop them unless the table is theirs
		statements.add("drop function if exists %s() cascade".formatted(function()));
		statements.add(createFunction());
		statements.add("revoke all on function %s() from public".formatted(function()));
		statements.add("comment on function %s() is %s".formatted(function(),
				SqlName.literal("Has task '" + this.capture.task() + "' run for changes of " + table())));
		operations().map((operation) -> createTrigger(operation, table().quoted(), this.name)).forEach(statements::add);
		if (owner != null) {
			statements.add("alter function %s() owner to %s".formatted(function(), SqlName.quote(owner)));
		}
		statements.add(register(application));
		return statements;
	}

	/**
	 * Return the statement that creates the function.
	 * @return the statement
	 */
	String createFunction() {
		return createFunction(this.name);
	}

	/**
	 * Return the statement that creates the function under another name.
	 * @param name the name
	 * @return the statement
	 */
	String createFunction(String name) {
		// With an empty path, a writer's temporary types would be taken for json or text
		String body = body();
		String tag = "$conductor$";
		for (int i = 1; body.contains(tag); i++) {
			tag = "$conductor" + i + "$";
		}
		return """
				create or replace function %s() returns trigger
				language plpgsql volatile security definer
				set search_path = pg_catalog, pg_temp
				as %s
				%s%s""".formatted(function(name), tag, body, tag);
	}

	private String function() {
		return function(this.name);
	}

	private String function(String name) {
		return this.schema + "." + SqlName.quote(name);
	}

	private String body() {
		StringBuilder branches = new StringBuilder();
		StringBuilder fallbacks = new StringBuilder();
		for (RowOperation operation : this.capture.trigger().operations()) {
			RowJson newest = newest(operation);
			branches.append(branch(operation, payload(operation, false), newest.key()));
			fallbacks.append(branch(operation, payload(operation, true), newest.keyOfWhatIsThere()));
		}
		return """
				#variable_conflict use_column
				declare
				    payload json;
				    headers json;
				    coalesce_key text;
				begin
				    begin
				%s    exception when others then
				        -- The table has changed since: its writers must not suffer from that
				%s    end;
				    -- An assignment, since PERFORM would start an executor for each row
				    coalesce_key := %s;
				    return null;
				end
				""".formatted(branches, fallbacks, call("payload", "headers", "coalesce_key"));
	}

	private String branch(RowOperation operation, String payload, String key) {
		return """
				        if TG_OP = '%s' then
				            headers := %s;
				            payload := %s;
				            coalesce_key := %s;
				        end if;
				""".formatted(operation, headers(operation), payload, key);
	}

	private RowJson row(String row, RowOperation operation) {
		return new RowJson(this.schema, this.capture, row, SqlName.literal(operation.name()));
	}

	private RowJson newest(RowOperation operation) {
		return row((operation == RowOperation.DELETE) ? "OLD" : "NEW", operation);
	}

	private String payload(RowOperation operation, boolean ofWhatIsThere) {
		boolean meta = this.capture.trigger().content().includeMeta();
		List<String> members = new ArrayList<>();
		if (operation == RowOperation.UPDATE && this.capture.trigger().content().includeOld()) {
			RowJson old = row("OLD", operation);
			members.add("'old', " + (ofWhatIsThere ? old.jsonOfWhatIsThere(false) : old.json(false)));
		}
		RowJson newest = newest(operation);
		members.add(((operation == RowOperation.DELETE) ? "'old', " : "'new', ")
				+ (ofWhatIsThere ? newest.jsonOfWhatIsThere(meta) : newest.json(meta)));
		return "pg_catalog.json_build_object(" + String.join(", ", members) + ")";
	}

	private String headers(RowOperation operation) {
		return SqlName.literal(JsonNodeFactory.instance.objectNode()
			.put("conductor.row-operation", operation.name())
			.put("conductor.row-schema", table().schema())
			.put("conductor.row-table", table().name())
			.toString());
	}

	private String call(String payload, String headers, String key) {
		InvokeOptions options = this.capture.trigger().options();
		return "%s.row_changed(%s, %s, %s, %s, %s, %s, %s, %s)".formatted(this.schema,
				SqlName.literal(this.capture.task()), payload, headers, literalOrNull(options.queue()),
				options.priority(), options.maxAttempts(), interval(options.delay()), key);
	}

	private static String literalOrNull(@Nullable String text) {
		return (text != null) ? SqlName.literal(text) : "null";
	}

	private static String interval(@Nullable Duration delay) {
		return (delay != null) ? "interval '%d.%06d seconds'".formatted(delay.toSeconds(), delay.toNanosPart() / 1000)
				: "null";
	}

	/**
	 * Return the statement that creates a trigger.
	 * @param operation the operation that it is for
	 * @param table the table that gets it, quoted
	 * @param function the name of the function that it calls
	 * @return the statement
	 */
	String createTrigger(RowOperation operation, String table, String function) {
		List<String> conditions = new ArrayList<>();
		if (operation == RowOperation.UPDATE && !this.capture.watch().isEmpty()) {
			conditions.add(this.capture.watch()
				.stream()
				.map(CaptureScript::isChanged)
				.collect(Collectors.joining(" or ", "(", ")")));
		}
		if (this.capture.trigger().when() != null) {
			conditions.add("(" + this.capture.trigger().when() + ")");
		}
		String when = conditions.isEmpty() ? "" : " when (" + String.join(" and ", conditions) + ")";
		return "create trigger %s after %s on %s for each row%s execute function %s()"
			.formatted(SqlName.quote(triggerName(operation)), operation, table, when, function(function));
	}

	private static String isChanged(Column column) {
		String cast = column.isComparable() ? "" : "::text";
		return "OLD.%1$s%2$s is distinct from NEW.%1$s%2$s".formatted(column.quoted(), cast);
	}

	/**
	 * Return the statement that notes what is installed.
	 * @param application that declares it, {@code null} if it has no name
	 * @return the statement
	 */
	String register(@Nullable String application) {
		String values = Stream
			.of(Stream.of(this.name, this.capture.task(), table().schema(), table().name(), digest())
				.map(SqlName::literal), registered(), Stream.of(literalOrNull(application)))
			.flatMap((part) -> part)
			.collect(Collectors.joining(", "));
		return """
				insert into %1$s.row_change
				    (name, task, table_schema, table_name, digest, capture, key_columns, key_types, application)
				values (%2$s)
				on conflict (name) do update
				set digest = excluded.digest, capture = excluded.capture, key_columns = excluded.key_columns,
				    key_types = excluded.key_types, application = excluded.application""".formatted(this.schema,
				values);
	}

	/**
	 * Return the expression that captures a row that is there.
	 * @return a call, in terms of a table {@code r}
	 */
	String captureExisting() {
		RowJson existing = row(EXISTING_ROW, RowOperation.MANUAL);
		String payload = "pg_catalog.json_build_object('new', %s)"
			.formatted(existing.json(this.capture.trigger().content().includeMeta()));
		return call(payload, headers(RowOperation.MANUAL), existing.key());
	}

	private Stream<String> registered() {
		List<Column> key = table().primaryKey()
			.stream()
			.map((name) -> table().column(SqlName.quote(name)).orElseThrow())
			.toList();
		return Stream.of(SqlName.literal(captureExisting()), array(key.stream().map(Column::quoted)),
				array(key.stream().map(Column::type)));
	}

	private static String array(Stream<String> texts) {
		return "array[" + texts.map(SqlName::literal).collect(Collectors.joining(", ")) + "]::text[]";
	}

	/**
	 * Return all of it for somebody to read and to run.
	 * @param application that declares it, {@code null} if it has no name
	 * @param owner the role that the function is to belong to
	 * @return a script
	 */
	String text(@Nullable String application, String owner) {
		List<String> statements = new ArrayList<>(List.of("begin", "set local lock_timeout = '1s'"));
		statements.addAll(install(application, owner));
		statements.add("commit");
		return String.join(";\n", statements) + ";\n";
	}

	/**
	 * Return the statements that drop what was installed, with its table or without.
	 * @param schema the conductor's schema
	 * @param name the name of the function
	 * @return the statements, in order
	 */
	static List<String> drop(SchemaName schema, String name) {
		return List.of("drop function if exists %s.%s() cascade".formatted(schema, SqlName.quote(name)),
				"delete from %s.row_change where name = %s".formatted(schema, SqlName.literal(name)));
	}

	private static String sha256(String text) {
		try {
			return HexFormat.of()
				.formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
		}
		catch (NoSuchAlgorithmException ex) {
			throw new IllegalStateException(ex);
		}
	}

}
