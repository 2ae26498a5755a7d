package io.pgconductor.docs;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;

class ConfigurationDocumentationTests {

	private static final String METADATA = "META-INF/spring-configuration-metadata.json";

	@Test
	void explainsEveryProperty() throws IOException {
		String documentation = Files.readString(Path.of("../docs/configuration.md"));

		assertThat(properties()).isNotEmpty()
			.allSatisfy((property) -> assertThat(documentation).containsPattern("`" + property + "[.`]"));
	}

	private static Set<String> properties() throws IOException {
		Set<String> names = new TreeSet<>();
		ClassLoader classLoader = ConfigurationDocumentationTests.class.getClassLoader();
		for (URL url : Collections.list(classLoader.getResources(METADATA))) {
			try (InputStream content = url.openStream()) {
				for (JsonNode property : JsonMapper.shared().readTree(content).get("properties")) {
					names.add(property.get("name").stringValue());
				}
			}
		}
		names.removeIf((name) -> !name.startsWith("conductor."));
		return names;
	}

}
