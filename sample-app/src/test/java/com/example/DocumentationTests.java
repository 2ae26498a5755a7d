package com.example;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Tests that the Java code of documentation is that of examples which are tested.
 */
class DocumentationTests {

	private static final Path SOURCES = Path.of("src/test/java/com/example");

	@ParameterizedTest
	@CsvSource({ "steps-and-retries, workflows", "long-running-tasks, workflows", "child-tasks, workflows",
			"cancellation, workflows", "time-windows, workflows", "cron, triggers", "events, triggers",
			"row-changes, rowchanges", "keys, flow", "priorities, flow", "concurrency, flow", "rate-limits, flow",
			"batches, flow", "pausing, flow", "retention, flow" })
	void showsCodeThatRuns(String page, String examplePackage) throws IOException {
		List<String> sources = sources(SOURCES.resolve(examplePackage));

		List<String> examples = DocumentationPage.blocks(page, "java");

		assertThat(examples).allSatisfy((example) -> assertThat(sources).as(example)
			.anyMatch((source) -> source.contains(example.replaceAll("(?m)^(?=.)", "\t"))
					|| source.contains(example.replaceAll("(?m)^(?=.)", "\t\t")) || source.contains(example)));
	}

	private static List<String> sources(Path folder) throws IOException {
		try (Stream<Path> files = Files.list(folder)) {
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
