package io.pgconductor.codegen;

import java.nio.file.Path;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class ArgumentsTests {

	private static final String[] ALL = { "--url=jdbc:postgresql://localhost/x", "--schemas=b, a,b", "--package=a.b",
			"--output=out" };

	@Test
	void readsArguments() {
		assertThat(Arguments.parse(ALL).settings(Map.of("PGUSER", "me", "PGPASSWORD", "secret")))
			.satisfies((settings) -> {
				assertThat(settings.schemas()).containsExactly("a", "b");
				assertThat(settings.output()).isEqualTo(Path.of("out"));
				assertThat(settings.user()).isEqualTo("me");
				assertThat(settings.password()).isEqualTo("secret");
				assertThat(settings.tables()).isEmpty();
				assertThat(settings.toString()).doesNotContain("secret");
			});
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', quoteCharacter = '"',
			value = { "--tabels=x | There is no argument '--tabels'; --help lists all arguments",
					"url | There is no argument 'url'", "--check=yes | There is no argument '--check'",
					"--user | '--user' has no value: write it as in --user=shop",
					"--user= | '--user' has no value: write it as in --user=shop",
					"--package=c | '--package' is given twice: leave one out" })
	void namesWhatIsWrong(String argument, String message) {
		Run run = Run.of(ALL[0], ALL[1], ALL[2], ALL[3], argument);

		assertThat(run.exitCode()).isEqualTo(2);
		assertThat(run.err()).startsWith(message);
		assertThat(run.out()).isEmpty();
	}

	@ParameterizedTest
	@CsvSource({ "0, --url", "1, --schemas", "2, --package", "3, --output" })
	void namesWhatIsMissing(int index, String name) {
		String[] args = ALL.clone();
		args[index] = "--check";

		Run run = Run.of(args);

		assertThat(run.exitCode()).isEqualTo(2);
		assertThat(run.err()).startsWith("'" + name + "' is missing: add one such as " + name + "=")
			.contains("--help lists");
	}

	@ParameterizedTest
	@CsvSource({ "--url=jdbc:mysql://x, jdbc:postgresql:", "'--schemas=,', schema", "--package=a-b, a-b",
			"--package=a.class, a.class" })
	void refusesValuesThatMakeNoSense(String argument, String message) {
		String[] args = ALL.clone();
		String name = argument.substring(0, argument.indexOf('='));
		for (int i = 0; i < args.length; i++) {
			args[i] = args[i].startsWith(name) ? argument : args[i];
		}

		Run run = Run.of(args);

		assertThat(run.exitCode()).isEqualTo(2);
		assertThat(run.err()).contains(message);
	}

	@Test
	void helps() {
		Run run = Run.of("--help");

		assertThat(run.exitCode()).isZero();
		assertThat(run.out()).contains("--url", "--schemas", "--package", "--output", "--user", "--password",
				"--tables", "--check", "--help");
	}

	@Test
	void theBuilderSaysWhatIsMissing() {
		assertThatExceptionOfType(RowTypeGenerationException.class)
			.isThrownBy(() -> RowTypeGenerator.builder().url("jdbc:postgresql://localhost/x").schemas("a").build())
			.withMessage("'packageName' is missing: set it");
	}

}
