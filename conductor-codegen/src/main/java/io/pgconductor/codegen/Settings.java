package io.pgconductor.codegen;

import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;

import org.jspecify.annotations.Nullable;

/**
 * What is generated from what.
 *
 * @param url the JDBC URL
 * @param user the role, {@code null} if the URL has it
 * @param password its password, {@code null} if the URL has it, or none is needed
 * @param schemas the schemas, in alphabetical order
 * @param packageName the package of the types
 * @param output the root of the sources
 * @param tables patterns of the tables that are wanted, empty: all
 */
record Settings(String url, @Nullable String user, @Nullable String password, List<String> schemas, String packageName,
		Path output, List<String> tables) {

	private static final String PREFIX = "jdbc:postgresql:";

	Settings {
		if (!url.startsWith(PREFIX)) {
			throw RowTypeGenerationException
				.ofArguments("The URL is none of PostgreSQL's: it has to begin with " + PREFIX + "//");
		}
		if (schemas.isEmpty()) {
			throw RowTypeGenerationException.ofArguments("There is no schema: name one, such as public");
		}
		if (!JavaNames.isPackage(packageName)) {
			throw RowTypeGenerationException.ofArguments(
					"'" + packageName + "' cannot be the name of a package: give one such as com.example.rows");
		}
		// The order in which they are named makes no difference
		schemas = List.copyOf(new TreeSet<>(schemas));
		tables = List.copyOf(tables);
	}

	/**
	 * Return the URL for messages.
	 * @return what says where the database is, and nothing secret
	 */
	String where() {
		int parameters = this.url.indexOf('?');
		return (parameters >= 0) ? this.url.substring(0, parameters) : this.url;
	}

	@Override
	public String toString() {
		return where() + " " + this.schemas + " -> " + this.packageName;
	}

}
