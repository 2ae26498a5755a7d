package io.pgconductor.codegen;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * The arguments of the program.
 *
 * @param help whether it is asked what they are
 * @param check whether files are compared rather than written
 * @param values all others, by their names
 */
record Arguments(boolean help, boolean check, Map<String, String> values) {

	static final String HELP = """
			Writes Java records for the tables of a PostgreSQL database.

			  --url=jdbc:postgresql://host/database   the database
			  --schemas=a,b                           its schemas
			  --package=com.example.rows              the package of the records; of several schemas,
			                                          each has a package below
			  --output=src/main/java                  the root of the sources
			  --user=name                             the role, unless the URL has it; else PGUSER
			  --password=secret                       its password, likewise; else PGPASSWORD
			  --tables=order*,-*_history              only some tables: * is any text, - in front
			                                          leaves tables out
			  --check                                 writes nothing, and fails if a file is not what it
			                                          would be
			  --help                                  prints this

			It ends with 0 if all is well, with 1 if --check has found something or files cannot be written,
			with 2 if an argument is wrong, and with 3 if the database cannot be read.
			""";

	private static final List<String> REQUIRED = List.of("url", "schemas", "package", "output");

	private static final Map<String, String> EXAMPLES = Map.of("url", "jdbc:postgresql://localhost/shop", "schemas",
			"public", "package", "com.example.rows", "output", "src/main/java", "user", "shop", "password", "secret",
			"tables", "order*");

	private static final String CHECK = "--check";

	private static final String HELP_FLAG = "--help";

	private static final String HINT = "; " + HELP_FLAG + " lists all arguments";

	/**
	 * Read arguments.
	 * @param args as the program has got them
	 * @return the arguments
	 * @throws RowTypeGenerationException if there are others than known ones
	 */
	static Arguments parse(String... args) {
		List<String> all = List.of(args);
		Map<String, String> values = new LinkedHashMap<>();
		for (String argument : all) {
			if (!argument.equals(CHECK) && !argument.equals(HELP_FLAG)) {
				parse(argument, values);
			}
		}
		return new Arguments(all.contains(HELP_FLAG), all.contains(CHECK), values);
	}

	private static void parse(String argument, Map<String, String> values) {
		int equals = argument.indexOf('=');
		String written = (equals >= 0) ? argument.substring(0, equals) : argument;
		String name = written.startsWith("--") ? written.substring(2) : "";
		String example = EXAMPLES.get(name);
		if (example == null) {
			throw RowTypeGenerationException.ofArguments("There is no argument '" + written + "'" + HINT);
		}
		if (equals < 0 || equals == argument.length() - 1) {
			throw RowTypeGenerationException
				.ofArguments("'" + written + "' has no value: write it as in " + written + "=" + example);
		}
		if (values.put(name, argument.substring(equals + 1)) != null) {
			throw RowTypeGenerationException.ofArguments("'" + written + "' is given twice: leave one out");
		}
	}

	/**
	 * Return what they say.
	 * @param environment stands in for what they don't say
	 * @return the settings
	 * @throws RowTypeGenerationException if something is missing or wrong
	 */
	Settings settings(Map<String, String> environment) {
		for (String name : REQUIRED) {
			if (!this.values.containsKey(name)) {
				throw RowTypeGenerationException.ofArguments(
						"'--" + name + "' is missing: add one such as --" + name + "=" + EXAMPLES.get(name) + HINT);
			}
		}
		return new Settings(value("url"), value("user", environment.get("PGUSER")),
				value("password", environment.get("PGPASSWORD")), list("schemas"), value("package"), output(),
				list("tables"));
	}

	private Path output() {
		try {
			return Path.of(value("output"));
		}
		catch (InvalidPathException ex) {
			throw RowTypeGenerationException.ofArguments("'--output' is no path: " + ex.getMessage());
		}
	}

	private String value(String name) {
		return this.values.getOrDefault(name, "");
	}

	private @Nullable String value(String name, @Nullable String other) {
		String value = this.values.get(name);
		return (value != null) ? value : other;
	}

	private List<String> list(String name) {
		return Arrays.stream(value(name).split(",")).map(String::strip).filter((part) -> !part.isEmpty()).toList();
	}

	@Override
	public String toString() {
		// Not the password
		return this.values.keySet().toString();
	}

}
