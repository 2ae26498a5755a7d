package io.pgconductor.codegen;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What a source file imports. Tables may be named like anything, so a type is written
 * with its package where its name would mean another one.
 */
final class Imports {

	private static final String LANG = "java.lang";

	private static final Set<String> LANG_TYPES = Set.of("Boolean", "Double", "Float", "Integer", "Long", "Short",
			"String");

	private final String packageName;

	private final Set<String> neighbours;

	private final Map<String, String> packages = new TreeMap<>();

	/**
	 * Create it.
	 * @param packageName the package of the source file
	 * @param neighbours names of all types in that package, its own among them
	 */
	Imports(String packageName, Set<String> neighbours) {
		this.packageName = packageName;
		this.neighbours = Set.copyOf(neighbours);
	}

	/**
	 * Import a type.
	 * @param typePackage its package
	 * @param name its name
	 * @return how to write it
	 */
	String use(String typePackage, String name) {
		if (typePackage.equals(this.packageName)) {
			return name;
		}
		String qualified = typePackage + "." + name;
		if (this.neighbours.contains(name)) {
			return qualified;
		}
		if (typePackage.equals(LANG)) {
			return name;
		}
		if (LANG_TYPES.contains(name)) {
			return qualified;
		}
		return typePackage.equals(this.packages.computeIfAbsent(name, (key) -> typePackage)) ? name : qualified;
	}

	/**
	 * Return the lines.
	 * @return imports of the JDK, and behind an empty line the others
	 */
	List<String> lines() {
		List<String> all = this.packages.entrySet()
			.stream()
			.map((type) -> type.getValue() + "." + type.getKey())
			.sorted()
			.toList();
		List<String> lines = new ArrayList<>();
		for (boolean jdk : new boolean[] { true, false }) {
			List<String> group = all.stream().filter((type) -> type.startsWith("java.") == jdk).toList();
			if (!group.isEmpty()) {
				Stream.concat(group.stream().map((type) -> "import " + type + ";"), Stream.of("")).forEach(lines::add);
			}
		}
		return lines;
	}

}
