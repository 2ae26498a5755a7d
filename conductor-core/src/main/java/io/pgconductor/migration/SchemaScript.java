package io.pgconductor.migration;

import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.stream.Collectors;

import io.pgconductor.SchemaName;

/**
 * The SQL that installs or upgrades the schema, for a database administrator to run where
 * the application's role may not ({@code conductor.migrate=false}). As a program it needs
 * no other jar: <pre>
 * java -cp conductor-core.jar io.pgconductor.migration.SchemaScript [schema [installed-version]]
 * </pre> prints the SQL that installs the schema ({@code conductor} by default), or that
 * upgrades it from the version that is installed.
 *
 * @since 0.1.0
 */
public final class SchemaScript {

	private static final String LOCK = """
			select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('conductor:migrate:${schema}', 0))""";

	private static final String INSTALL = """
			-- Installs Conductor's schema "${schema}", version ${version}. Run it as the role that shall own the schema, with
			--   psql -v ON_ERROR_STOP=1 -f <this file>
			-- and let the application's role use it:
			--   grant usage on schema ${schema} to <role>;
			--   grant select, insert, update, delete on all tables in schema ${schema} to <role>;

			begin;

			"""
			+ LOCK + """
					;

					create schema if not exists ${schema};
					""";

	private static final String UPGRADE = """
			-- Upgrades Conductor's schema "${schema}" from version ${installed} to ${version}. Run it as the schema's owner, with
			--   psql -v ON_ERROR_STOP=1 -f <this file>
			-- and let the application's role use what is new:
			--   grant select, insert, update, delete on all tables in schema ${schema} to <role>;

			begin;

			"""
			+ LOCK + """
					;

					do $$
					begin
					    if (select version from ${schema}.schema_version) <> ${installed} then
					        raise exception 'schema "${schema}" is at version %, not ${installed}',
					            (select version from ${schema}.schema_version);
					    end if;
					end
					$$;
					""";

	private SchemaScript() {
	}

	/**
	 * Print the SQL.
	 * @param args the schema's name, and the version that is installed; both optional
	 */
	public static void main(String[] args) {
		if (args.length > 2) {
			fail("too many arguments");
			return;
		}
		try {
			SchemaName schema = (args.length > 0) ? new SchemaName(args[0]) : SchemaName.DEFAULT;
			String sql = (args.length > 1) ? upgrade(schema, Integer.parseInt(args[1])) : install(schema);
			PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
			out.print(sql);
			out.flush();
		}
		catch (IllegalArgumentException ex) {
			fail(String.valueOf(ex.getMessage()));
		}
	}

	private static void fail(String message) {
		System.err.println(message);
		System.err.println(
				"usage: java -cp conductor-core.jar " + SchemaScript.class.getName() + " [schema [installed-version]]");
		System.exit(2);
	}

	/**
	 * Give the SQL that installs the schema where it is not installed yet.
	 * @param schema the schema's name; it may exist, and hold tables of others
	 * @return one transaction
	 */
	public static String install(SchemaName schema) {
		return of(Scripts.bundled(), schema, 0);
	}

	/**
	 * Give the SQL that upgrades the schema.
	 * @param schema the schema's name
	 * @param installed the version that is installed: the {@code version} in the schema's
	 * table {@code schema_version}
	 * @return one transaction; it fails where another version is installed
	 * @throws IllegalArgumentException if there is no such version
	 */
	public static String upgrade(SchemaName schema, int installed) {
		return of(Scripts.bundled(), schema, installed);
	}

	static String of(Scripts scripts, SchemaName schema, int installed) {
		int version = scripts.version();
		if (installed < 0 || installed > version) {
			throw new IllegalArgumentException(
					"'" + installed + "' is not an installed version: this jar knows the versions 1 to " + version);
		}
		String header = (installed == 0) ? INSTALL : UPGRADE;
		String body = scripts.after(installed)
			.map((script) -> "-- " + script.name() + "\n\n" + script.text().strip() + "\n")
			.collect(Collectors.joining("\n"));
		return schema.sql(
				header.replace("${installed}", String.valueOf(installed)).replace("${version}", String.valueOf(version))
						+ "\n" + body + "\ncommit;\n");
	}

	/**
	 * The statement that lets one migration of a schema run at a time.
	 */
	static String lock(SchemaName schema) {
		return schema.sql(LOCK);
	}

}
