package io.pgconductor.codegen;

import java.io.PrintStream;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;
import org.postgresql.Driver;

/**
 * Writes a record for each table, view, materialized view and foreign table of some
 * schemas, to be the payload of tasks that row changes invoke. It is a program, with the
 * arguments that {@code --help} lists, and can be called from Java:
 *
 * <pre class="code">
 * RowTypeGenerator.builder()
 *     .url("jdbc:postgresql://localhost/shop?user=shop")
 *     .schemas("public")
 *     .packageName("com.example.rows")
 *     .output(Path.of("src/main/java"))
 *     .build()
 *     .generate();
 * </pre>
 *
 * The same tables make the same files. Files that it has not generated itself are never
 * changed or deleted.
 *
 * @since 0.1.0
 */
public final class RowTypeGenerator {

	private final Settings settings;

	private RowTypeGenerator(Settings settings) {
		this.settings = settings;
	}

	/**
	 * Run the program, and end the JVM with its exit code unless that is 0.
	 * @param args its arguments
	 */
	public static void main(String[] args) {
		int exitCode = run(args, System.out, System.err);
		if (exitCode != 0) {
			System.exit(exitCode);
		}
	}

	/**
	 * Run the program.
	 * @param args its arguments
	 * @param out where it says what it has done
	 * @param err where it says what is wrong
	 * @return its exit code: 0 if all is well; 1 if {@code --check} has found something,
	 * or files cannot be written; 2 if an argument is wrong; 3 if the database cannot be
	 * read
	 */
	public static int run(String[] args, PrintStream out, PrintStream err) {
		return run(args, System.getenv(), out, err);
	}

	static int run(String[] args, Map<String, String> environment, PrintStream out, PrintStream err) {
		try {
			Arguments arguments = Arguments.parse(args);
			if (arguments.help()) {
				out.print(Arguments.HELP);
				return 0;
			}
			RowTypeGenerator generator = new RowTypeGenerator(arguments.settings(environment));
			if (!arguments.check()) {
				List<String> changes = generator.generate();
				changes.forEach(out::println);
				if (changes.isEmpty()) {
					out.println("All row types are up to date");
				}
				return 0;
			}
			List<String> findings = generator.check();
			findings.forEach(err::println);
			if (!findings.isEmpty()) {
				err.println("Row types are not what the database has: run this again without --check");
				return 1;
			}
			out.println("All row types are up to date");
			return 0;
		}
		catch (RowTypeGenerationException ex) {
			err.println(ex.getMessage());
			return ex.exitCode();
		}
	}

	/**
	 * Return a builder.
	 * @return a builder, with nothing set
	 */
	public static Builder builder() {
		return new Builder();
	}

	/**
	 * Write the files that are missing or differ, and delete those that are left over.
	 * @return a line for each file that was created, changed or deleted, in the order of
	 * their paths
	 * @throws RowTypeGenerationException if the database cannot be read, or a file not be
	 * written; a table has more columns than a record can have; or there is none
	 */
	public List<String> generate() {
		return files().write().stream().map(FileDifference::change).toList();
	}

	/**
	 * Compare the files with those that {@link #generate()} would write, and leave them
	 * as they are.
	 * @return a line for each file that is missing, differs, is left over, or is in the
	 * way, in the order of their paths
	 * @throws RowTypeGenerationException as {@link #generate()} does
	 */
	public List<String> check() {
		return files().compare().stream().map(FileDifference::finding).toList();
	}

	private GeneratedFiles files() {
		List<PgTable> tables = new TablePatterns(this.settings.tables()).choose(readTables());
		if (tables.isEmpty()) {
			throw RowTypeGenerationException.ofArguments("There are no tables to generate types for in "
					+ this.settings.schemas() + " of " + this.settings.where()
					+ ": create them first, or choose other schemas and tables. No file was touched");
		}
		Layout layout = new Layout(this.settings.packageName(), this.settings.schemas(), tables);
		List<PgTable> tooWide = tables.stream().filter((table) -> source(layout, table).isTooWide()).toList();
		if (!tooWide.isEmpty()) {
			throw RowTypeGenerationException.ofFiles("More columns than a record can have: " + tooWide
					+ ". A record has up to 253 components, and long and double count twice. Leave the table out, as"
					+ " in --tables=-" + tooWide.get(0).name() + ", or have a view with fewer columns", null);
		}
		String marker = SourceFile.marker(this.settings.packageName());
		GeneratedFiles files = new GeneratedFiles(this.settings.output(), this.settings.packageName(), marker);
		layout.tables().forEach((table, type) -> files.add(type, source(layout, table).text(marker)));
		layout.enums().forEach((type) -> files.add(type.javaType(), new EnumSource(type, layout).text(marker)));
		return files;
	}

	private static RecordSource source(Layout layout, PgTable table) {
		return new RecordSource(table, layout.tables().get(table), layout);
	}

	private List<PgTable> readTables() {
		try (Connection connection = connect()) {
			connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
			connection.setReadOnly(true);
			connection.setAutoCommit(false);
			Catalog catalog = new Catalog(connection);
			checkSchemas(catalog.schemas());
			return catalog.tables(this.settings.schemas());
		}
		catch (SQLException ex) {
			throw RowTypeGenerationException.ofDatabase("The database " + this.settings.where() + " cannot be read: "
					+ withoutEnd(String.valueOf(ex.getMessage())) + ". Check the URL, the user and the password", ex);
		}
	}

	private static String withoutEnd(String sentence) {
		return sentence.endsWith(".") ? sentence.substring(0, sentence.length() - 1) : sentence;
	}

	private Connection connect() throws SQLException {
		Properties properties = new Properties();
		properties.setProperty("ApplicationName", "conductor-codegen");
		if (this.settings.user() != null) {
			properties.setProperty("user", this.settings.user());
		}
		if (this.settings.password() != null) {
			properties.setProperty("password", this.settings.password());
		}
		// Not by the DriverManager, which may be older than this class path: in Maven
		Connection connection = new Driver().connect(this.settings.url(), properties);
		if (connection == null) {
			throw new SQLException("The URL cannot be understood");
		}
		return connection;
	}

	private void checkSchemas(Set<String> known) {
		List<String> unknown = this.settings.schemas().stream().filter((schema) -> !known.contains(schema)).toList();
		if (!unknown.isEmpty()) {
			throw RowTypeGenerationException
				.ofArguments("There is no schema " + unknown + " in " + this.settings.where() + ": there are "
						+ known.stream()
							.filter((schema) -> !schema.startsWith("pg_") && !schema.equals("information_schema"))
							.collect(Collectors.joining(", ")));
		}
	}

	/**
	 * Builds a generator.
	 */
	public static final class Builder {

		private @Nullable String url;

		private @Nullable String user;

		private @Nullable String password;

		private List<String> schemas = List.of();

		private @Nullable String packageName;

		private @Nullable Path output;

		private List<String> tables = List.of();

		private Builder() {
		}

		/**
		 * Set the database. Required.
		 * @param url its JDBC URL, which may include the credentials
		 * @return this
		 */
		public Builder url(String url) {
			this.url = url;
			return this;
		}

		/**
		 * Set the role to connect as, unless the URL has it.
		 * @param user its name
		 * @return this
		 */
		public Builder user(@Nullable String user) {
			this.user = user;
			return this;
		}

		/**
		 * Set the password, unless the URL has it or none is needed.
		 * @param password the password
		 * @return this
		 */
		public Builder password(@Nullable String password) {
			this.password = password;
			return this;
		}

		/**
		 * Set the schemas. Required. If there are several, each has a package of its own
		 * below the given one.
		 * @param schemas their names, as PostgreSQL stores them
		 * @return this
		 */
		public Builder schemas(String... schemas) {
			this.schemas = List.of(schemas);
			return this;
		}

		/**
		 * Set the package of the types. Required. Generated files in it that are not
		 * generated this time are deleted.
		 * @param packageName its name
		 * @return this
		 */
		public Builder packageName(String packageName) {
			this.packageName = packageName;
			return this;
		}

		/**
		 * Set the root of the sources, such as {@code src/main/java}. Required.
		 * @param output a directory, which need not exist
		 * @return this
		 */
		public Builder output(Path output) {
			this.output = output;
			return this;
		}

		/**
		 * Take only some tables. By default all are taken.
		 * @param patterns names as PostgreSQL stores them, with {@code *} for any text; a
		 * {@code -} in front leaves tables out
		 * @return this
		 */
		public Builder tables(String... patterns) {
			this.tables = List.of(patterns);
			return this;
		}

		/**
		 * Build the generator.
		 * @return the generator
		 * @throws RowTypeGenerationException if something is missing or wrong
		 */
		public RowTypeGenerator build() {
			return new RowTypeGenerator(new Settings(required(this.url, "url"), this.user, this.password, this.schemas,
					required(this.packageName, "packageName"), required(this.output, "output"), this.tables));
		}

		private static <T> T required(@Nullable T value, String name) {
			if (value == null) {
				throw RowTypeGenerationException.ofArguments("'" + name + "' is missing: set it");
			}
			return value;
		}

	}

}
