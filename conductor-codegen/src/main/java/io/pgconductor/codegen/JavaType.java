package io.pgconductor.codegen;

import org.jspecify.annotations.Nullable;

/**
 * The type of a component.
 *
 * @param packageName the package of the type, empty for an array of bytes
 * @param name its name
 * @param primitive what it is without nulls; {@code null} if it is no wrapper
 * @param element what a list is of; {@code null} if it is none
 */
record JavaType(String packageName, String name, @Nullable String primitive, @Nullable JavaType element) {

	static final JavaType BYTES = new JavaType("", "byte[]", null, null);

	static JavaType of(Class<?> type) {
		return new JavaType(type.getPackageName(), type.getSimpleName(), null, null);
	}

	static JavaType wrapper(Class<?> type, String primitive) {
		return new JavaType(type.getPackageName(), type.getSimpleName(), primitive, null);
	}

	static JavaType listOf(JavaType element) {
		return new JavaType("java.util", "List", null, element);
	}

	/**
	 * Return the source of the type.
	 * @param imports notes what it needs
	 * @param nullable whether it may be null
	 * @return how to write it
	 */
	String source(Imports imports, boolean nullable) {
		if (!nullable) {
			return (this.primitive != null) ? this.primitive : element(imports);
		}
		String annotation = "@" + imports.use("org.jspecify.annotations", "Nullable") + " ";
		if (this == BYTES) {
			return "byte " + annotation + "[]";
		}
		// An annotation of a type stands before its simple name
		String type = imports.use(this.packageName, this.name);
		int simple = type.lastIndexOf('.') + 1;
		return type.substring(0, simple) + annotation + type.substring(simple) + arguments(imports);
	}

	private String element(Imports imports) {
		return (this == BYTES) ? this.name : imports.use(this.packageName, this.name) + arguments(imports);
	}

	private String arguments(Imports imports) {
		return (this.element != null) ? "<" + this.element.element(imports) + ">" : "";
	}

	/**
	 * Return how much room a parameter takes.
	 * @param nullable whether it may be null
	 * @return 1 or 2
	 */
	int slots(boolean nullable) {
		return (!nullable && ("long".equals(this.primitive) || "double".equals(this.primitive))) ? 2 : 1;
	}

}
