package com.example.rowchanges;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class DocumentationTests {

	private static final Path SOURCES = Path.of("src/test/java/com/example/rowchanges");

	private static final Pattern JAVA = Pattern.compile("^```java\\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE);

	@Test
	void showsCodeThatRuns() throws IOException {
		List<String> sources = sources();

		List<String> examples = JAVA.matcher(Files.readString(Path.of("../docs/row-changes.md")))
			.results()
			.map((MatchResult block) -> block.group(1))
			.toList();

		assertThat(examples).isNotEmpty()
			.allSatisfy((example) -> assertThat(sources).as(example)
				.anyMatch((source) -> source.contains(example.replaceAll("(?m)^(?=.)", "\t"))
						|| source.contains(example.replaceAll("(?m)^(?=.)", "\t\t")) || source.contains(example)));
	}

	private static List<String> sources() throws IOException {
		try (Stream<Path> files = Files.list(SOURCES)) {
			return files.map(DocumentationTests::read).toList();
		}
	}

	private static String read(Path file) {
		try {
			return Files.readString(file);
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

}
