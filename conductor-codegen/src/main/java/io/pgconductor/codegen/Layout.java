package io.pgconductor.codegen;

import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;

/**
 * Which type is in which package, under which name. It depends on the names of schemas,
 * tables and enums, and on nothing else.
 */
final class Layout {

	// Files whose names differ only in case are one file on some systems
	private static final UnaryOperator<String> IGNORING_CASE = (name) -> name.toUpperCase(Locale.ROOT)
		.toLowerCase(Locale.ROOT);

	private final Map<String, String> packages = new LinkedHashMap<>();

	private final Map<PgTable, JavaType> tables = new LinkedHashMap<>();

	private final Map<EnumKey, EnumType> enums = new LinkedHashMap<>();

	private final Map<String, Set<String>> names = new HashMap<>();

	/**
	 * Create it.
	 * @param basePackage the package for all types, or the one above if there are several
	 * schemas
	 * @param schemas the schemas, in order
	 * @param tables the tables, in order
	 */
	Layout(String basePackage, Collection<String> schemas, List<PgTable> tables) {
		UniqueNames parts = new UniqueNames(IGNORING_CASE, schemas.stream().map(JavaNames::packagePart).toList());
		for (String schema : schemas) {
			this.packages.put(schema,
					(schemas.size() > 1) ? basePackage + "." + parts.take(JavaNames.packagePart(schema)) : basePackage);
		}
		Set<EnumKey> used = new TreeSet<>(EnumKey.ORDER);
		for (PgTable table : tables) {
			table.columns().forEach((column) -> collectEnums(table.schema(), column.type(), used));
		}
		Map<String, UniqueNames> unique = new HashMap<>();
		for (String name : this.packages.values()) {
			unique.put(name, new UniqueNames(IGNORING_CASE, wanted(name, tables, used)));
			this.names.put(name, new HashSet<>());
		}
		for (PgTable table : tables) {
			String packageName = packageOf(table);
			this.tables.put(table, take(packageName, table.name(), unique));
		}
		for (EnumKey key : used) {
			JavaType type = take(key.packageName(), key.type().name(), unique);
			this.enums.put(key, new EnumType(key.type(), type));
		}
	}

	private void collectEnums(String schema, PgType type, Set<EnumKey> used) {
		if (type.kind() == PgType.Kind.ENUM) {
			used.add(key(schema, type));
		}
		else if (type.inner() != null) {
			collectEnums(schema, type.inner(), used);
		}
	}

	// An enum is in the package of its own schema, or with those who use it
	private EnumKey key(String schema, PgType type) {
		String own = this.packages.get(type.schema());
		return new EnumKey((own != null) ? own : this.packages.getOrDefault(schema, ""), type);
	}

	private List<String> wanted(String packageName, List<PgTable> tables, Set<EnumKey> used) {
		return Stream.concat(tables.stream().filter((table) -> packageOf(table).equals(packageName)).map(PgTable::name),
				used.stream().filter((key) -> key.packageName().equals(packageName)).map((key) -> key.type().name()))
			.map(JavaNames::type)
			.toList();
	}

	private JavaType take(String packageName, String name, Map<String, UniqueNames> unique) {
		JavaType type = new JavaType(packageName, unique.get(packageName).take(JavaNames.type(name)), null, null);
		this.names.get(packageName).add(type.name());
		return type;
	}

	private String packageOf(PgTable table) {
		return this.packages.get(table.schema());
	}

	/**
	 * Return the tables.
	 * @return each with its type
	 */
	Map<PgTable, JavaType> tables() {
		return this.tables;
	}

	/**
	 * Return the enums that columns of the tables have.
	 * @return each with its type
	 */
	Collection<EnumType> enums() {
		return this.enums.values();
	}

	/**
	 * Return the type of an enum.
	 * @param table a table that has a column of it
	 * @param type the enum
	 * @return its type
	 */
	JavaType enumOf(PgTable table, PgType type) {
		EnumType found = this.enums.get(key(table.schema(), type));
		if (found == null) {
			throw new IllegalArgumentException("No column of " + table + " is a " + type.name());
		}
		return found.javaType();
	}

	/**
	 * Return what a file in a package begins with.
	 * @param packageName the package
	 * @return imports, none yet
	 */
	Imports imports(String packageName) {
		return new Imports(packageName, this.names.getOrDefault(packageName, Set.of()));
	}

	/**
	 * An enum.
	 *
	 * @param type what it is in PostgreSQL
	 * @param javaType what it is in Java
	 */
	record EnumType(PgType type, JavaType javaType) {

	}

	/**
	 * An enum in a package. Those of schemas that aren't asked for may be in several.
	 *
	 * @param packageName the package
	 * @param type the enum
	 */
	private record EnumKey(String packageName, PgType type) {

		private static final Comparator<EnumKey> ORDER = Comparator.comparing(EnumKey::packageName)
			.thenComparing((key) -> key.type().schema())
			.thenComparing((key) -> key.type().name());

	}

}
