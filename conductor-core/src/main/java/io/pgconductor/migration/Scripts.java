package io.pgconductor.migration;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

/**
 * The scripts that together install the schema, in the order in which they run.
 *
 * @param all versioned scripts by version, then repeatable ones by name
 */
record Scripts(List<Script> all) {

	private static final String FOLDER = "/db/conductor/";

	// Listed, because a class path cannot be: not in a jar within a jar, not in a
	// native image
	private static final List<String> NAMES = List.of("V1__foundation.sql", "V2__durable_execution.sql",
			"V3__schedules_and_events.sql", "V4__row_changes.sql", "V5__flow_control.sql", "V6__queries.sql",
			"R__cancel.sql", "R__coalesce.sql", "R__emit.sql", "R__executions.sql", "R__finish.sql", "R__gates.sql",
			"R__invoke.sql", "R__invoke_keyed.sql", "R__now.sql", "R__pause.sql", "R__row_change.sql",
			"R__schedule.sql", "R__uuid_v7.sql", "R__wake.sql");

	Scripts {
		all = List.copyOf(all);
	}

	/**
	 * The scripts of this version of Conductor.
	 */
	static Scripts bundled() {
		return new Scripts(NAMES.stream().map(Scripts::load).toList());
	}

	private static Script load(String name) {
		try (InputStream stream = Scripts.class.getResourceAsStream(FOLDER + name)) {
			if (stream == null) {
				throw new IllegalStateException("The class path lacks " + FOLDER + name
						+ ": conductor-core must be packaged with its resources");
			}
			return new Script(name, new String(stream.readAllBytes(), StandardCharsets.UTF_8));
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/**
	 * The version of the schema that these scripts install.
	 */
	int version() {
		return this.all.stream().mapToInt(Script::version).max().orElse(0);
	}

	Stream<Script> repeatable() {
		return this.all.stream().filter(Script::isRepeatable);
	}

	/**
	 * The scripts that bring a schema of some version up to date.
	 */
	Stream<Script> after(int version) {
		return this.all.stream().filter((script) -> script.isRepeatable() || script.version() > version);
	}

}
