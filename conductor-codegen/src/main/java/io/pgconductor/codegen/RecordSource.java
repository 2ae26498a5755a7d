package io.pgconductor.codegen;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * The source of a record for a table.
 */
final class RecordSource {

	// The JVM allows 255, of which constructors and Jackson's handles on them need two
	private static final int MAX_SLOTS = 253;

	private final PgTable table;

	private final JavaType type;

	private final Layout layout;

	private final JavaTypes types;

	/**
	 * Create it.
	 * @param table the table
	 * @param type the name of the record
	 * @param layout knows the other types
	 */
	RecordSource(PgTable table, JavaType type, Layout layout) {
		this.table = table;
		this.type = type;
		this.layout = layout;
		this.types = new JavaTypes((enumType) -> layout.enumOf(table, enumType));
	}

	/**
	 * Return whether there cannot be such a record.
	 * @return whether it has too many components
	 */
	boolean isTooWide() {
		return this.table.columns()
			.stream()
			.mapToInt((column) -> this.types.of(column.type()).slots(column.nullable()))
			.sum() > MAX_SLOTS;
	}

	String text(String marker) {
		Imports imports = this.layout.imports(this.type.packageName());
		Map<PgColumn, String> names = names();
		List<String> components = new ArrayList<>();
		for (PgColumn column : this.table.columns()) {
			components.add(annotation(column, names, imports)
					+ this.types.of(column.type()).source(imports, column.nullable()) + " " + names.get(column));
		}
		List<String> lines = new ArrayList<>(javadoc(names));
		lines.add("@" + imports.use("org.jspecify.annotations", "NullMarked"));
		String head = "public record " + this.type.name() + "(";
		if (components.isEmpty()) {
			lines.add(head + ") {");
		}
		else {
			lines.add(head);
			int last = components.size() - 1;
			components.subList(0, last).forEach((component) -> lines.add("\t\t" + component + ","));
			lines.add("\t\t" + components.get(last) + ") {");
		}
		lines.add("}");
		return SourceFile.text(marker, this.type.packageName(), imports, lines);
	}

	private List<String> javadoc(Map<PgColumn, String> names) {
		List<List<String>> paragraphs = new ArrayList<>();
		if (this.table.comment() != null) {
			paragraphs.add(JavaText.javadoc(this.table.comment()));
		}
		paragraphs.add(List.of("A row of the " + this.table.kind() + " <code>"
				+ String.join(" ", JavaText.javadoc(this.table.toString())) + "</code>."));
		List<String> tags = new ArrayList<>();
		for (PgColumn column : this.table.columns()) {
			if (column.comment() != null) {
				List<String> lines = new ArrayList<>(JavaText.javadoc(column.comment()));
				if (!lines.isEmpty()) {
					lines.set(0, "@param " + names.get(column) + " " + lines.get(0));
					tags.addAll(lines);
				}
			}
		}
		return SourceFile.javadoc(paragraphs, tags);
	}

	// A component is read from the column of exactly its name, before all others. So none
	// may have the name of another column
	private Map<PgColumn, String> names() {
		Map<PgColumn, String> wanted = new HashMap<>();
		Set<String> reserved = new HashSet<>();
		for (PgColumn column : this.table.columns()) {
			wanted.put(column, JavaNames.component(column.name()));
			reserved.add(column.name());
		}
		reserved.addAll(wanted.values());
		UniqueNames unique = new UniqueNames(UnaryOperator.identity(), reserved);
		Map<PgColumn, String> names = new HashMap<>();
		for (PgColumn column : this.table.columns()) {
			if (wanted.get(column).equals(column.name())) {
				names.put(column, unique.take(column.name()));
			}
		}
		Set<String> columns = new HashSet<>();
		this.table.columns().forEach((column) -> columns.add(column.name()));
		columns.stream().filter((name) -> !names.containsValue(name)).forEach(unique::take);
		for (PgColumn column : this.table.columns()) {
			if (!names.containsKey(column)) {
				names.put(column, unique.take(wanted.get(column)));
			}
		}
		return names;
	}

	private String annotation(PgColumn column, Map<PgColumn, String> names, Imports imports) {
		String name = names.get(column);
		boolean found = name.equals(column.name()) || JavaNames.column(name).equals(column.name());
		boolean alone = this.table.columns()
			.stream()
			.filter((other) -> JavaNames.component(other.name()).equals(JavaNames.component(column.name())))
			.count() == 1;
		return (found && alone) ? "" : "@" + imports.use("com.fasterxml.jackson.annotation", "JsonProperty") + "("
				+ JavaText.literal(column.name()) + ") ";
	}

}
