package io.pgconductor.migration;

import java.io.Reader;
import java.io.StringReader;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import javax.sql.DataSource;

import io.pgconductor.SchemaName;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.ResourceProvider;
import org.flywaydb.core.api.resource.LoadableResource;
import org.jspecify.annotations.Nullable;

/**
 * One run of Flyway over the scripts. It is configured here alone: neither the
 * environment nor files of the user's own Flyway have a say.
 */
final class FlywayRun {

	private final Flyway flyway;

	FlywayRun(DataSource dataSource, SchemaName schema, Scripts scripts, int installedVersion) {
		this.flyway = Flyway.configure(FlywayRun.class.getClassLoader())
			.dataSource(dataSource)
			.schemas(schema.value())
			.table(InstalledSchema.HISTORY_TABLE)
			.locations(new String[0])
			.resourceProvider(new ScriptProvider(scripts.all().stream().map(ScriptResource::new).toList()))
			.javaMigrationClassProvider(List::of)
			.placeholders(Map.of("schema", schema.value()))
			// The schema may hold tables of others, and tables that were installed by
			// hand
			.baselineOnMigrate(true)
			.baselineVersion(String.valueOf(installedVersion))
			.baselineDescription("installed before")
			// All or nothing
			.group(true)
			.load();
	}

	/**
	 * Take what is installed for granted.
	 */
	void baseline() {
		this.flyway.baseline();
	}

	/**
	 * Run the scripts that have not run yet.
	 */
	void migrate() {
		this.flyway.migrate();
	}

	private record ScriptProvider(List<ScriptResource> scripts) implements ResourceProvider {

		@Override
		public @Nullable LoadableResource getResource(String name) {
			return this.scripts.stream().filter((script) -> script.getFilename().equals(name)).findFirst().orElse(null);
		}

		@Override
		public Collection<LoadableResource> getResources(String prefix, String[] suffixes) {
			return this.scripts.stream()
				.filter((script) -> script.getFilename().startsWith(prefix))
				.filter((script) -> Stream.of(suffixes).anyMatch(script.getFilename()::endsWith))
				.<LoadableResource>map((script) -> script)
				.toList();
		}

	}

	private static final class ScriptResource extends LoadableResource {

		private final Script script;

		private ScriptResource(Script script) {
			this.script = script;
		}

		@Override
		public Reader read() {
			return new StringReader(this.script.text());
		}

		@Override
		public String getAbsolutePath() {
			return this.script.name();
		}

		@Override
		public String getAbsolutePathOnDisk() {
			return this.script.name();
		}

		@Override
		public String getFilename() {
			return this.script.name();
		}

		@Override
		public String getRelativePath() {
			return this.script.name();
		}

	}

}
