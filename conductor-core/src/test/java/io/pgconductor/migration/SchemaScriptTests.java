package io.pgconductor.migration;

import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import io.pgconductor.SchemaName;
import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

class SchemaScriptTests {

	@Test
	void containsAllScriptsForTheSchema() {
		String sql = SchemaScript.install(new SchemaName("jobs"));

		assertThat(sql).startsWith("-- Installs Conductor's schema \"jobs\"")
			.contains(Scripts.bundled().all().stream().map(Script::name).toList())
			.contains("create schema if not exists jobs;")
			.endsWith("commit;\n")
			.doesNotContain("${");
	}

	@Test
	void upgradesWithWhatIsNewerThanTheInstalledVersion() {
		String sql = SchemaScript.of(TestScripts.V3, new SchemaName("jobs"), 1);

		assertThat(sql).startsWith("-- Upgrades Conductor's schema \"jobs\" from version 1 to 3.")
			.doesNotContain("V1__")
			.containsSubsequence("V2__colour.sql", "V3__contraction.sql", "R__release.sql");
	}

	@Test
	void refusesVersionsThatItDoesNotKnow() {
		assertThatIllegalArgumentException().isThrownBy(() -> SchemaScript.of(TestScripts.V3, SchemaName.DEFAULT, 4))
			.withMessage("'4' is not an installed version: this jar knows the versions 1 to 3");
	}

	@Test
	void isPrintedByTheJarAlone() throws Exception {
		Program program = run("jobs");

		assertThat(program.error()).isEmpty();
		assertThat(program.output()).isEqualTo(SchemaScript.install(new SchemaName("jobs")));
		assertThat(program.exitCode()).isZero();
	}

	@Test
	void isPrintedForTheDefaultSchema() throws Exception {
		assertThat(run().output()).isEqualTo(SchemaScript.install(SchemaName.DEFAULT));
	}

	@Test
	void explainsItsUseWhenCalledWrongly() throws Exception {
		for (Program program : List.of(run("No Schema"), run("jobs", "one"), run("jobs", "99"), run("a", "1", "b"))) {
			assertThat(program.exitCode()).isEqualTo(2);
			assertThat(program.output()).isEmpty();
			assertThat(program.error()).contains("usage: java -cp conductor-core.jar "
					+ "io.pgconductor.migration.SchemaScript [schema [installed-version]]");
		}
	}

	private static Program run(String... arguments) throws IOException, InterruptedException, URISyntaxException {
		Path classes = Path.of(SchemaScript.class.getProtectionDomain().getCodeSource().getLocation().toURI());
		Stream<String> java = Stream.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
				classes.toString(), SchemaScript.class.getName());
		File error = File.createTempFile("schema-script", ".txt");
		try {
			ProcessBuilder builder = new ProcessBuilder(Stream.concat(java, Stream.of(arguments)).toList());
			builder.environment().remove("JAVA_TOOL_OPTIONS"); // The JVM would mention it
			Process process = builder.redirectError(error).start();
			String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
			int exitCode = process.waitFor();
			return new Program(exitCode, output, Files.readString(error.toPath()));
		}
		finally {
			error.delete();
		}
	}

	private record Program(int exitCode, String output, String error) {

	}

}
