package io.pgconductor.codegen;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * The source of an enum for an enum.
 */
final class EnumSource {

	private static final String JACKSON = "com.fasterxml.jackson.annotation";

	private final PgType type;

	private final JavaType javaType;

	private final Layout layout;

	/**
	 * Create it.
	 * @param type the enum
	 * @param layout knows the other types
	 */
	EnumSource(Layout.EnumType type, Layout layout) {
		this.type = type.type();
		this.javaType = type.javaType();
		this.layout = layout;
	}

	String text(String marker) {
		Imports imports = this.layout.imports(this.javaType.packageName());
		List<String> lines = new ArrayList<>(javadoc());
		lines.add("public enum " + this.javaType.name() + " {");
		lines.add("");
		Map<String, String> names = names();
		int last = this.type.labels().size() - 1;
		for (int i = 0; i <= last; i++) {
			String label = this.type.labels().get(i);
			String name = names.getOrDefault(label, "");
			if (!name.equals(label)) {
				lines.add("\t@" + annotation(label, imports) + "(" + JavaText.literal(label) + ")");
			}
			lines.add("\t" + name + ((i < last) ? "," : ""));
			lines.add("");
		}
		lines.add("}");
		return SourceFile.text(marker, this.javaType.packageName(), imports, lines);
	}

	private static String annotation(String label, Imports imports) {
		// A property without a name would have the name of the constant
		return imports.use(JACKSON, label.isEmpty() ? "JsonAlias" : "JsonProperty");
	}

	private List<String> javadoc() {
		List<List<String>> paragraphs = new ArrayList<>();
		if (this.type.comment() != null) {
			paragraphs.add(JavaText.javadoc(this.type.comment()));
		}
		String name = String.join(" ", JavaText.javadoc(this.type.schema() + "." + this.type.name()));
		paragraphs.add(List.of("A value of the enum <code>" + name + "</code>."));
		return SourceFile.javadoc(paragraphs, List.of());
	}

	private Map<String, String> names() {
		UniqueNames unique = new UniqueNames(UnaryOperator.identity(),
				this.type.labels().stream().map(JavaNames::constant).toList());
		Map<String, String> names = new HashMap<>();
		for (String label : this.type.labels()) {
			if (JavaNames.constant(label).equals(label)) {
				names.put(label, unique.take(label));
			}
		}
		for (String label : this.type.labels()) {
			if (!names.containsKey(label)) {
				names.put(label, unique.take(JavaNames.constant(label)));
			}
		}
		return names;
	}

}
