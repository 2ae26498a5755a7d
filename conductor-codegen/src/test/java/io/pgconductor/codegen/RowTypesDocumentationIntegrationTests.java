package io.pgconductor.codegen;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Generates what docs/row-types.md says.
 */
class RowTypesDocumentationIntegrationTests {

	@TempDir
	private Path output;

	@Test
	void generatesWhatThePageShows() throws IOException {
		String page = Files.readString(Path.of("../docs/row-types.md"));
		Matcher sql = Pattern.compile("```sql\n(.*?)```", Pattern.DOTALL).matcher(page);
		assertThat(sql.find()).isTrue();

		try (GeneratorDatabase database = new GeneratorDatabase(RowTypesDocumentationIntegrationTests.class)) {
			database.execute(sql.group(1).replace("shop.", "${s}."));
			database.generator(this.output).generate();

			assertThat(GeneratorDatabase.folder(this.output)).isDirectoryContaining("glob:**/OrderLines.java")
				.isDirectoryContaining("glob:**/Delivery.java");
			for (String type : new String[] { "OrderLines", "Delivery" }) {
				String source = GeneratorDatabase.source(this.output, type).replace(database.schema() + ".", "shop.");
				assertThat(page).contains("```java\n" + source + "```");
			}
		}
	}

	@Test
	void explainsAllArguments() throws IOException {
		String page = Files.readString(Path.of("../docs/row-types.md"));

		assertThat(Pattern.compile("(?m)^  (--[a-z]+)").matcher(Arguments.HELP).results()).isNotEmpty()
			.allSatisfy((match) -> assertThat(page).contains("`" + match.group(1) + "`"));
	}

}
