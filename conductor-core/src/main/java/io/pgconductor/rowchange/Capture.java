package io.pgconductor.rowchange;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import io.pgconductor.jdbc.TableDescription;
import io.pgconductor.jdbc.TableDescription.Column;
import io.pgconductor.task.JsonMapping;
import io.pgconductor.task.RowChangeTrigger;
import io.pgconductor.task.RowProperty;
import io.pgconductor.task.TaskSpec;
import org.jspecify.annotations.Nullable;

/**
 * What is captured of which changes of which table: a declaration, put beside the table
 * as it is.
 *
 * @param task the name of the task that runs
 * @param trigger the declaration
 * @param table the table
 * @param members what the task gets of a row, by name; {@code null}: whatever columns the
 * table has
 * @param watch an update counts only if one of these has changed
 * @param key of executions with the same key the newest runs: texts and columns to be put
 * together; empty: all run
 */
record Capture(String task, RowChangeTrigger trigger, TableDescription table, @Nullable Map<String, Column> members,
		List<Column> watch, List<KeyPart> key) {

	/**
	 * What rows have beside their columns, if that is wanted.
	 */
	static final String META = "_meta";

	private static final int MAX_NAME_BYTES = 63;

	private static final Pattern KEY_COLUMN = Pattern.compile("\\{([^{}]*)}");

	/**
	 * A part of a key.
	 *
	 * @param text what it says; {@code null} if it is a column
	 * @param column the column; {@code null} if it is a text
	 */
	record KeyPart(@Nullable String text, @Nullable Column column) {
	}

	/**
	 * A type with fixed properties that rows are read as.
	 */
	private record RowType(String name, List<RowProperty> properties) {

		/**
		 * Find the columns that the properties need.
		 */
		Map<String, Column> columns(TableDescription table, boolean withMeta) {
			Map<String, Column> columns = new LinkedHashMap<>();
			for (RowProperty property : this.properties) {
				if (!withMeta || !property.columns().contains(META)) {
					Column column = column(property, table);
					columns.put(column.name(), column);
				}
			}
			return columns;
		}

		private Column column(RowProperty property, TableDescription table) {
			return property.columns()
				.stream()
				.flatMap((name) -> table.columns().stream().filter((candidate) -> candidate.name().equals(name)))
				.findFirst()
				.orElseThrow(() -> new IllegalArgumentException("column '"
						+ property.columns().get(property.columns().size() - 1) + "' does not exist in " + table + " ("
						+ table.columnNames() + "): property '" + property.name() + "' of " + this.name
						+ " needs one; rename it, or list the columns that are wanted (columns = …)"));
		}

		void verifyHas(String member, String attribute) {
			if (this.properties.stream().noneMatch((property) -> property.columns().contains(member))) {
				throw new IllegalArgumentException("'" + member + "' is among its " + attribute
						+ ", but has no property in " + this.name + ", which has "
						+ String.join(", ", this.properties.stream().map(RowProperty::name).toList())
						+ ": add one, or correct the " + attribute);
			}
		}

	}

	/**
	 * Put a declaration beside its table.
	 * @param task the task
	 * @param trigger the declaration
	 * @param table the table
	 * @param json knows the properties of types
	 * @return what is captured
	 * @throws IllegalArgumentException if they don't fit
	 */
	static Capture of(TaskSpec task, RowChangeTrigger trigger, TableDescription table, JsonMapping json) {
		if (!table.holdsRows()) {
			throw new IllegalArgumentException(table + " is not a table: name the table that its rows come from");
		}
		return new Capture(task.name(), trigger, table, members(task, trigger.content(), table, json),
				trigger.watch().stream().map((name) -> column(table, name, "watch")).toList(), key(trigger, table));
	}

	private static @Nullable Map<String, Column> members(TaskSpec task, RowChangeTrigger.Content content,
			TableDescription table, JsonMapping json) {
		List<RowProperty> properties = (task.payloadType() != null) ? json.rowProperties(task.payloadType()) : null;
		RowType type = (properties != null) ? new RowType(task.payloadType().getTypeName(), properties) : null;
		Map<String, Column> members = switch (content.form()) {
			case FIELDS -> (content.columns() != null) ? listed(content.columns(), table, type)
					: (type != null) ? type.columns(table, content.includeMeta()) : null;
			case ROW -> {
				if (type != null) {
					type.columns(table, content.includeMeta());
				}
				yield null;
			}
			case ROW_ID -> primaryKey(table);
			case CUSTOM -> custom(content.mapping(), table, type);
		};
		// A row as a whole has them as the session shows them, or not at all
		if (members == null && table.columns().stream().anyMatch(RowJson::isSpecial)) {
			members = new LinkedHashMap<>();
			for (Column column : table.columns()) {
				members.put(column.name(), column);
			}
		}
		return members;
	}

	private static Map<String, Column> listed(List<String> names, TableDescription table, @Nullable RowType type) {
		Map<String, Column> members = new LinkedHashMap<>();
		for (String name : names) {
			Column column = column(table, name, "columns");
			if (type != null) {
				type.verifyHas(column.name(), "columns");
			}
			members.put(column.name(), column);
		}
		return members;
	}

	private static Map<String, Column> primaryKey(TableDescription table) {
		if (table.primaryKey().isEmpty()) {
			throw new IllegalArgumentException("payload = ROW_ID needs a primary key, which " + table
					+ " has none of: say which columns identify a row (columns = …)");
		}
		Map<String, Column> members = new LinkedHashMap<>();
		for (Column column : table.columns()) {
			if (table.primaryKey().contains(column.name())) {
				members.put(column.name(), column);
			}
		}
		return members;
	}

	private static Map<String, Column> custom(Map<String, String> mapping, TableDescription table,
			@Nullable RowType type) {
		Map<String, Column> members = new LinkedHashMap<>();
		mapping.forEach((name, column) -> {
			if (name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME_BYTES) {
				throw new IllegalArgumentException("the name '" + name + "' of its mapping is longer than "
						+ MAX_NAME_BYTES + " bytes: choose a shorter one");
			}
			if (type != null) {
				type.verifyHas(name, "mapping");
			}
			members.put(name, column(table, column, "mapping"));
		});
		return members;
	}

	private static Column column(TableDescription table, String written, String attribute) {
		return table.column(written)
			.orElseThrow(() -> new IllegalArgumentException("column '" + written + "' does not exist in " + table + " ("
					+ table.columnNames() + "): correct its " + attribute));
	}

	private static List<KeyPart> key(RowChangeTrigger trigger, TableDescription table) {
		List<KeyPart> parts = new ArrayList<>();
		String template = trigger.dedupeKey();
		if (template != null) {
			Matcher matcher = KEY_COLUMN.matcher(template);
			int end = 0;
			while (matcher.find()) {
				addText(template.substring(end, matcher.start()), template, parts);
				parts.add(new KeyPart(null, column(table, matcher.group(1), "dedupeKey")));
				end = matcher.end();
			}
			addText(template.substring(end), template, parts);
		}
		return parts;
	}

	private static void addText(String text, String template, List<KeyPart> parts) {
		if (text.indexOf('{') >= 0 || text.indexOf('}') >= 0) {
			throw new IllegalArgumentException("the braces of its dedupeKey \"" + template
					+ "\" don't match: put each column in a pair of its own");
		}
		if (!text.isEmpty()) {
			parts.add(new KeyPart(text, null));
		}
	}

}
